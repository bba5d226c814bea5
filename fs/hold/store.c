/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store.h"

#include "array.h"
#include "checksum.h"
#include "cleanup.h"

#include <linux/kcmp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>

/* The same open file, not merely the same inode: kcmp(2). Unknown counts as another. */
static bool is_same_open_file(int a, int b)
{
	pid_t self = getpid();

	return syscall(SYS_kcmp, self, self, KCMP_FILE, (unsigned long)a, (unsigned long)b) == 0;
}

/* With many thousands of names each message looks through all of them. */
static uint32_t hash_of(const char *name)
{
	return checksum_add(CHECKSUM_SEED, name, strlen(name));
}

static bool is_named(const struct store_item *item, const char *name, uint32_t hash)
{
	return item->hash == hash && strcmp(item->name, name) == 0;
}

int store_add(struct store *s, const char *name, int fd)
{
	cleanup_free char *copy = NULL;
	struct store_item *item;
	uint32_t hash = hash_of(name);

	for (size_t i = 0; i < s->n_items; i++) {
		if (is_named(&s->items[i], name, hash) && is_same_open_file(s->items[i].fd, fd)) {
			close(fd);
			return 0;
		}
	}

	copy = strdup(name);
	item = copy ? array_append(&s->items, &s->n_items, sizeof(*item)) : NULL;
	if (!item)
		return -ENOMEM;
	*item = (struct store_item){.name = steal_ptr(&copy), .fd = fd, .hash = hash};
	return 1;
}

size_t store_remove(struct store *s, const char *name)
{
	uint32_t hash = hash_of(name);
	size_t kept = 0;
	size_t n;

	for (size_t i = 0; i < s->n_items; i++) {
		if (!is_named(&s->items[i], name, hash)) {
			s->items[kept++] = s->items[i];
			continue;
		}
		free(s->items[i].name);
		close(s->items[i].fd);
	}
	n = s->n_items - kept;
	s->n_items = kept;
	return n;
}

int store_find(const struct store *s, const char *name)
{
	uint32_t hash = hash_of(name);

	for (size_t i = s->n_items; i > 0; i--)
		if (is_named(&s->items[i - 1], name, hash))
			return s->items[i - 1].fd;
	return -1;
}

void store_finish(struct store *s)
{
	for (size_t i = 0; i < s->n_items; i++) {
		free(s->items[i].name);
		close(s->items[i].fd);
	}
	free(s->items);
	*s = (struct store){0};
}
