/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "listing.h"

#include "exec.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

static struct listing_entry *add(struct listing *l)
{
	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 32;
		l->entries = realloc(l->entries, l->room * sizeof(*l->entries));
		if (!l->entries)
			err(2, "a directory listing");
	}
	return &l->entries[l->n++];
}

void listing_read(struct listing *l, DIR *dir, size_t max)
{
	struct dirent *d;

	for (size_t i = 0; i < max && (d = readdir(dir)); i++) {
		struct listing_entry *entry;

		if (str_equal(d->d_name, ".") || str_equal(d->d_name, ".."))
			continue;
		entry = add(l);
		strcpy(entry->name, d->d_name);
		entry->type = d->d_type;
	}
}

struct listing listing_copy(const struct listing *l)
{
	struct listing copy = {0};

	for (size_t i = 0; i < l->n; i++)
		*add(&copy) = l->entries[i];
	return copy;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(
		((const struct listing_entry *)a)->name, ((const struct listing_entry *)b)->name);
}

void listing_sort(struct listing *l)
{
	if (l->n)
		qsort(l->entries, l->n, sizeof(*l->entries), by_name);
}

bool listing_has_twice(const struct listing *l)
{
	for (size_t i = 1; i < l->n; i++)
		if (str_equal(l->entries[i - 1].name, l->entries[i].name))
			return true;
	return false;
}

bool listing_equal(const struct listing *a, const struct listing *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!str_equal(a->entries[i].name, b->entries[i].name) ||
			a->entries[i].type != b->entries[i].type)
			return false;
	return true;
}

size_t listing_count_prefix(const struct listing *l, const char *prefix)
{
	size_t count = 0;

	for (size_t i = 0; i < l->n; i++)
		count += str_has_prefix(l->entries[i].name, prefix);
	return count;
}

void listing_print(const struct listing *l, struct strbuf *out)
{
	for (size_t i = 0; i < l->n; i++) {
		strbuf_puts(out, " ");
		out_name(out, l->entries[i].name);
		strbuf_printf(out, ":%d", l->entries[i].type);
	}
}

void listing_finish(struct listing *l)
{
	free(l->entries);
	*l = (struct listing){0};
}
