/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "datadir.h"

#include "dirents.h"
#include "fdio.h"
#include "path.h"
#include "str.h"

#include <fcntl.h>
#include <string.h>

#define LEVELS 3 /* domain, machine, volume */

struct walk {
	int (*fn)(
		void *context, const char *domain, const char *machine, const char *volume, int fd);
	int (*odd)(void *context, const char *path);
	void *context;
	const char *names[LEVELS]; /* on the way down */
};

/* The names in a directory, sorted. */
struct name_list {
	char **items;
	size_t n_items;
};

static void name_list_finish(struct name_list *list)
{
	int saved_errno = errno;

	for (size_t i = 0; i < list->n_items; i++)
		free(list->items[i]);
	free(list->items);
	errno = saved_errno;
}

#define cleanup_name_list cleanup_(name_list_finish)

static int add_name(struct name_list *list, const char *name)
{
	char **items = list->items;

	if ((list->n_items & (list->n_items - 1)) == 0) {
		items = reallocarray(items, list->n_items ? list->n_items * 2 : 1, sizeof(*items));
		if (!items)
			return -ENOMEM;
		list->items = items;
	}
	items[list->n_items] = strdup(name);
	if (!items[list->n_items])
		return -ENOMEM;
	list->n_items++;
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_name(void *context, int fd, const char *name)
{
	(void)fd;
	return add_name(context, name);
}

static int list_names(int fd, struct name_list *list)
{
	int r = dirents_each(fd, list_name, list);

	if (list->n_items)
		qsort(list->items, list->n_items, sizeof(*list->items), compare_names);
	return r;
}

static int report_odd(const struct walk *w, size_t level, const char *name)
{
	cleanup_strbuf struct strbuf path = STRBUF_INIT;

	if (!w->odd)
		return 0;
	for (size_t i = 0; i < level; i++)
		strbuf_printf(&path, "%s/", w->names[i]);
	strbuf_puts(&path, name);
	return path.failed ? -ENOMEM : w->odd(w->context, path.data);
}

static bool is_passed_over(size_t level, const char *name)
{
	if (level == 0)
		return strcmp(name, "lost+found") == 0;
	return level == LEVELS - 1 && (str_has_prefix(name, DATADIR_UNFINISHED_PREFIX) ||
					      str_has_prefix(name, DATADIR_PARTIAL_PREFIX) ||
					      strcmp(name, DATADIR_TRASH) == 0);
}

static int walk_level(struct walk *w, int fd, size_t level);

static int walk_entry(struct walk *w, int parent_fd, size_t level, const char *name)
{
	cleanup_fd int fd = -1;

	if (is_passed_over(level, name))
		return 0;
	if (!name_is_valid(name))
		return report_odd(w, level, name);

	fd = open_beneath(parent_fd, name, O_RDONLY | O_DIRECTORY, 0);
	if (fd == -ENOENT)
		return 0;
	if (fd == -ENOTDIR || fd == -ELOOP)
		return report_odd(w, level, name);
	if (fd < 0)
		return fd;

	w->names[level] = name;
	if (level + 1 < LEVELS)
		return walk_level(w, fd, level + 1);
	return w->fn(w->context, w->names[0], w->names[1], w->names[2], fd);
}

static int walk_level(struct walk *w, int fd, size_t level)
{
	cleanup_name_list struct name_list list = {0};
	int r = list_names(fd, &list);

	for (size_t i = 0; r >= 0 && i < list.n_items; i++)
		r = walk_entry(w, fd, level, list.items[i]);
	return r < 0 ? r : 0;
}

int datadir_walk(int base_fd,
	int (*fn)(
		void *context, const char *domain, const char *machine, const char *volume, int fd),
	int (*odd)(void *context, const char *path), void *context, struct error *err)
{
	struct walk w = {.fn = fn, .odd = odd, .context = context};
	int r = walk_level(&w, base_fd, 0);

	if (r < 0 && err && !err->text)
		return error_errno(err, r, "cannot read the data base");
	return r;
}
