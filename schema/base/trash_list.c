/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "trash.h"

#include "dirents.h"
#include "fdio.h"
#include "path.h"
#include "str.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>

void trash_list_finish(struct trash_list *list)
{
	for (size_t i = 0; i < list->n_items; i++) {
		free(list->items[i].domain);
		free(list->items[i].machine);
		free(list->items[i].volume);
		free(list->items[i].name);
	}
	free(list->items);
	*list = (struct trash_list){0};
}

struct search {
	struct trash_list *list;
	int (*odd)(void *context, const char *path);
	void *context;
	const char *domain, *machine;
};

/* ".<stamp>" at TEXT; *RET_END is behind it. */
static bool parse_stamp(const char *text, int64_t *ret, const char **ret_end)
{
	struct tm tm = {0};
	const char *end = *text == '.' ? strptime(text + 1, "%Y%m%dT%H%M%SZ", &tm) : NULL;

	if (!end)
		return false;
	*ret = timegm(&tm);
	*ret_end = end;
	return true;
}

/* False when NAME is none that we give. */
static bool parse_name(const char *name, struct trash_entry *ret)
{
	const char *volume = name;
	const char *end;

	ret->is_going = str_has_prefix(name, TRASH_GOING_PREFIX);
	if (ret->is_going)
		volume += strlen(TRASH_GOING_PREFIX);
	end = strchr(volume, '.');
	if (!end)
		return false;
	ret->volume = strndup(volume, (size_t)(end - volume));
	return ret->volume && name_is_valid(ret->volume) && parse_stamp(end, &ret->deleted, &end) &&
	       parse_stamp(end, &ret->until, &end) && *end == '\0';
}

static int add_entry(struct search *s, const char *name)
{
	struct trash_list *list = s->list;
	struct trash_entry *items = list->items;
	struct trash_entry entry = {0};

	if (!parse_name(name, &entry)) {
		cleanup_free char *path = NULL;

		free(entry.volume);
		if (!s->odd)
			return 0;
		if (asprintf(&path, "%s/%s/" DATADIR_TRASH "/%s", s->domain, s->machine, name) <
			0) {
			path = NULL;
			return -ENOMEM;
		}
		return s->odd(s->context, path);
	}

	if ((list->n_items & (list->n_items - 1)) == 0) {
		items = reallocarray(items, list->n_items ? list->n_items * 2 : 1, sizeof(*items));
		if (!items) {
			free(entry.volume);
			return -ENOMEM;
		}
		list->items = items;
	}
	entry.domain = strdup(s->domain);
	entry.machine = strdup(s->machine);
	entry.name = strdup(name);
	items[list->n_items++] = entry;
	return entry.domain && entry.machine && entry.name ? 0 : -ENOMEM;
}

static int search_trash(void *context, int fd, const char *name)
{
	(void)fd;
	return add_entry(context, name);
}

/* Into a directory; symlinks and files are the walk's business, see datawalk.c. */
static int enter(
	void *context, int fd, const char *name, int (*fn)(void *context, int fd, const char *name))
{
	cleanup_fd int child = open_beneath(fd, name, O_RDONLY | O_DIRECTORY, 0);

	if (child == -ENOENT || child == -ENOTDIR || child == -ELOOP)
		return 0;
	return child < 0 ? child : dirents_each(child, fn, context);
}

static int search_machine(void *context, int fd, const char *name)
{
	cleanup_free char *path = NULL;

	if (!name_is_valid(name))
		return 0;
	if (asprintf(&path, "%s/" DATADIR_TRASH, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	((struct search *)context)->machine = name;
	return enter(context, fd, path, search_trash);
}

static int search_domain(void *context, int fd, const char *name)
{
	if (!name_is_valid(name))
		return 0;
	((struct search *)context)->domain = name;
	return enter(context, fd, name, search_machine);
}

static int compare(const void *a, const void *b)
{
	const struct trash_entry *x = a;
	const struct trash_entry *y = b;
	int r = strcmp(x->domain, y->domain);

	if (r == 0)
		r = strcmp(x->machine, y->machine);
	if (r == 0)
		r = strcmp(x->volume, y->volume);
	if (r == 0)
		r = (x->deleted > y->deleted) - (x->deleted < y->deleted);
	return r;
}

int trash_list_load(int base_fd, struct trash_list *ret,
	int (*odd)(void *context, const char *path), void *context, struct error *err)
{
	struct search s = {.list = ret, .odd = odd, .context = context};
	int r = dirents_each(base_fd, search_domain, &s);

	if (r < 0 && err && !err->text)
		return error_errno(err, r, "cannot read the trash");
	if (ret->n_items)
		qsort(ret->items, ret->n_items, sizeof(*ret->items), compare);
	return r;
}
