/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fdstore.h"

#include "array.h"
#include "notify.h"

#include <fcntl.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#define NAME_MAX_BYTES 255 /* systemd, fdname_is_valid() */

static bool is_valid_name(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > NAME_MAX_BYTES)
		return false;
	for (const char *p = name; *p; p++)
		if (*p < ' ' || *p > '~' || *p == ':')
			return false;
	return true;
}

/* NAMES is what sd_listen_fds_with_names() allocated: its strings become ours. */
static int adopt(struct fdstore *s, char **names, size_t n)
{
	s->items = calloc(n, sizeof(*s->items));
	if (!s->items)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		s->items[i] = (struct fdstore_item){
			.name = steal_ptr(&names[i]), .fd = SD_LISTEN_FDS_START + (int)i};
	s->n_items = n;
	return 0;
}

static void free_names(char **names)
{
	for (size_t i = 0; names && names[i]; i++)
		free(names[i]);
	free(names);
}

int fdstore_take(struct fdstore *ret, struct error *err)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names);
	int r;

	*ret = (struct fdstore){0};
	if (n <= 0)
		return n < 0 ? error_errno(err, n, "the descriptors handed over") : 0;

	r = adopt(ret, names, (size_t)n);
	if (r < 0) {
		free_names(names);
		return error_errno(err, r, "the descriptors handed over");
	}
	free(names);
	return 0;
}

static struct fdstore_item *find(const struct fdstore *s, const char *name)
{
	for (size_t i = 0; i < s->n_items; i++) {
		if (s->items[i].fd >= 0 && strcmp(s->items[i].name, name) == 0)
			return &s->items[i];
	}
	return NULL;
}

bool fdstore_has(const struct fdstore *s, const char *name)
{
	return find(s, name) != NULL;
}

int fdstore_get(const struct fdstore *s, const char *name)
{
	const struct fdstore_item *item = find(s, name);

	return item ? item->fd : -ENOENT;
}

int fdstore_steal(struct fdstore *s, const char *name)
{
	struct fdstore_item *item = find(s, name);

	return item ? steal_fd(&item->fd) : -ENOENT;
}

static void finish_item(const struct fdstore *s, struct fdstore_item *item)
{
	free(item->name);
	if (!s->is_borrowed)
		cleanup_closep(&item->fd);
}

void fdstore_finish(struct fdstore *s)
{
	for (size_t i = 0; i < s->n_items; i++)
		finish_item(s, &s->items[i]);
	free(s->items);
	*s = (struct fdstore){0};
}

static __thread struct fdstore *collected;
static __thread int collect_result;

void fdstore_collect(struct fdstore *s)
{
	collected = s;
	collect_result = 0;
}

int fdstore_collect_end(void)
{
	collected = NULL;
	return collect_result;
}

bool fdstore_has_keeper(void)
{
	return collected || notify_has_manager();
}

static int collect(const char *name, int fd)
{
	cleanup_free char *copy = strdup(name);
	cleanup_fd int copy_fd = -1;
	struct fdstore_item *item;

	if (!collected->is_borrowed) {
		copy_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		if (copy_fd < 0)
			return collect_result = -errno;
		fd = copy_fd;
	}
	item = copy ? array_append(&collected->items, &collected->n_items, sizeof(*item)) : NULL;
	if (!item)
		return collect_result = -ENOMEM;
	*item = (struct fdstore_item){steal_ptr(&copy), fd};
	steal_fd(&copy_fd);
	return 1;
}

static int uncollect(const char *name)
{
	size_t kept = 0;

	for (size_t i = 0; i < collected->n_items; i++) {
		struct fdstore_item *item = &collected->items[i];

		if (strcmp(item->name, name) != 0) {
			collected->items[kept++] = *item;
			continue;
		}
		finish_item(collected, item);
	}
	collected->n_items = kept;
	return 1;
}

int fdstore_put(const char *name, int fd)
{
	char state[NAME_MAX_BYTES + 32];
	int r;

	if (!is_valid_name(name))
		return -EINVAL;
	if (fcntl(fd, F_GETFD) < 0)
		return -errno;
	if (collected)
		return collect(name, fd);

	snprintf(state, sizeof(state), "FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name);
	r = sd_pid_notify_with_fds(0, 0, state, &fd, 1);
	return r > 0 ? 1 : r;
}

int fdstore_drop(const char *name)
{
	char state[NAME_MAX_BYTES + 32];
	int r;

	if (!is_valid_name(name))
		return -EINVAL;

	if (collected)
		return uncollect(name);
	snprintf(state, sizeof(state), "FDSTOREREMOVE=1\nFDNAME=%s", name);
	r = sd_notify(0, state);
	return r > 0 ? 1 : r;
}
