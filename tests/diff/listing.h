/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DIFF_LISTING_H
#define DIFF_LISTING_H

/* What readdir said: names and types. */

#include "str.h"

#include <dirent.h>

struct listing {
	struct listing_entry {
		char name[256];
		unsigned char type;
	} * entries;
	size_t n, room;
};

/* Adds up to MAX further entries of DIR, "." and ".." excepted. */
void listing_read(struct listing *l, DIR *dir, size_t max);

struct listing listing_copy(const struct listing *l);
void listing_sort(struct listing *l);

/* Of sorted listings. */
bool listing_has_twice(const struct listing *l);
bool listing_equal(const struct listing *a, const struct listing *b);

size_t listing_count_prefix(const struct listing *l, const char *prefix);

/* " name/type" for each entry. */
void listing_print(const struct listing *l, struct strbuf *out);

void listing_finish(struct listing *l);

static inline void listing_finishp(struct listing *l)
{
	listing_finish(l);
}
#define cleanup_listing cleanup_(listing_finishp)

#endif
