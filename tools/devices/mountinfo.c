/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mountinfo.h"

#include "array.h"
#include "fdio.h"
#include "path.h"
#include "str.h"

#include <fcntl.h>
#include <string.h>

#define MOUNTINFO_MAX (64 * 1024 * 1024)

void mount_list_finish(struct mount_list *list)
{
	for (size_t i = 0; i < list->n_items; i++) {
		free(list->items[i].root);
		free(list->items[i].point);
	}
	free(list->items);
	*list = (struct mount_list){NULL, 0};
}

static bool is_octal(const char *s)
{
	return s[0] >= '0' && s[0] <= '3' && s[1] >= '0' && s[1] <= '7' && s[2] >= '0' &&
	       s[2] <= '7';
}

/* Blanks and backslashes come as \040 and so on. */
static char *unescape(const char *text)
{
	char *copy = strdup(text);
	char *to = copy;

	if (!copy)
		return NULL;
	for (const char *p = copy; *p; p++) {
		if (*p == '\\' && is_octal(p + 1)) {
			*to++ = (char)((p[1] - '0') * 64 + (p[2] - '0') * 8 + (p[3] - '0'));
			p += 3;
		} else {
			*to++ = *p;
		}
	}
	*to = '\0';
	return copy;
}

static bool has_option(const char *options, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = options; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL) {
		if (strncmp(p, word, n) == 0 && (p[n] == ',' || p[n] == '\0'))
			return true;
	}
	return false;
}

/* "36 35 98:0 /root /point rw,noatime ..." */
static int parse_line(char *line, struct mount_list *ret)
{
	enum { ID, PARENT, DEVICE, ROOT, POINT, OPTIONS, N_FIELDS };
	char *fields[N_FIELDS] = {NULL};
	struct mount *m;

	for (size_t i = 0; i < N_FIELDS; i++)
		fields[i] = strsep(&line, " ");
	if (!fields[OPTIONS])
		return -EBADMSG;
	m = array_append(&ret->items, &ret->n_items, sizeof(*m));
	if (!m)
		return -ENOMEM;
	if (sscanf(fields[DEVICE], "%u:%u", &m->major, &m->minor) != 2)
		return -EBADMSG;
	m->root = unescape(fields[ROOT]);
	m->point = unescape(fields[POINT]);
	m->is_readonly = has_option(fields[OPTIONS], "ro");
	return m->root && m->point ? 0 : -ENOMEM;
}

int mountinfo_parse(const char *text, struct mount_list *ret)
{
	cleanup_mount_list struct mount_list list = {NULL, 0};
	cleanup_free char *copy = strdup(text);
	char *rest = copy;
	char *line;
	int r = copy ? 0 : -ENOMEM;

	while (r == 0 && (line = strsep(&rest, "\n"))) {
		if (*line)
			r = parse_line(line, &list);
	}
	if (r < 0)
		return r;

	*ret = list;
	list = (struct mount_list){NULL, 0};
	return 0;
}

int mountinfo_load(pid_t pid, struct mount_list *ret)
{
	char path[64] = "/proc/self/mountinfo";
	cleanup_free char *text = NULL;
	size_t len;
	int r;

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/mountinfo", (int)pid);
	r = read_file(AT_FDCWD, path, MOUNTINFO_MAX, &text, &len);
	return r < 0 ? r : mountinfo_parse(text, ret);
}

const struct mount *mountinfo_at(const struct mount_list *list, const char *point)
{
	for (size_t i = list->n_items; i > 0; i--) {
		if (str_equal(list->items[i - 1].point, point))
			return &list->items[i - 1];
	}
	return NULL;
}

const struct mount *mountinfo_holding(const struct mount_list *list, const char *path)
{
	const struct mount *best = NULL;

	for (size_t i = 0; i < list->n_items; i++) {
		const struct mount *m = &list->items[i];
		bool is_above = str_equal(m->point, "/") || path_is_inside(path, m->point);

		if (is_above && (!best || strlen(m->point) >= strlen(best->point)))
			best = m;
	}
	return best;
}

bool mount_shows_same(const struct mount *a, const struct mount *b)
{
	return a->major == b->major && a->minor == b->minor && str_equal(a->root, b->root);
}
