/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "observe.h"

#include "exec.h"
#include "listing.h"
#include "look.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define LINKS_MAX 256

/* The first name of each inode with several. */
struct links {
	struct {
		uint64_t ino;
		char path[512];
	} rows[LINKS_MAX];
	size_t n;
};

static const char *first_name(struct links *links, uint64_t ino, const char *path)
{
	for (size_t i = 0; i < links->n; i++)
		if (links->rows[i].ino == ino)
			return links->rows[i].path;
	if (links->n < LINKS_MAX) {
		links->rows[links->n].ino = ino;
		snprintf(links->rows[links->n++].path, sizeof(links->rows[0].path), "%s", path);
	}
	return path;
}

static bool same_time(const struct statx_timestamp *a, const struct statx_timestamp *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* What must be the same number in the mount and in the base below it. */
static void compare_base(
	const char *base, const char *path, const struct statx *s, struct strbuf *out)
{
	char below[2 * PATH_MAX + 64];
	cleanup_strbuf struct strbuf here = STRBUF_INIT, there = STRBUF_INIT;
	struct statx b, fresh;

	snprintf(below, sizeof(below), "%s/%s", base, path);
	if (look_statx(below, false, &b) < 0) {
		strbuf_printf(out, " BASE: %s", errno_word(errno));
		return;
	}
	if (s->stx_ino != b.stx_ino)
		strbuf_printf(out, " BASE: other inode");
	/* Blocks come with writeback, unseen by whoever caches attributes: ask for them. */
	if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_STATX_FORCE_SYNC, STATX_BLOCKS,
		    &fresh) == 0 &&
		look_statx(below, false, &b) == 0 && fresh.stx_blocks != b.stx_blocks)
		strbuf_printf(out, " BASE: blocks %llu there %llu",
			(unsigned long long)fresh.stx_blocks, (unsigned long long)b.stx_blocks);
	if (!same_time(&s->stx_mtime, &b.stx_mtime))
		strbuf_puts(out, " BASE: other mtime");
	if (!same_time(&s->stx_ctime, &b.stx_ctime))
		strbuf_puts(out, " BASE: other ctime");
	look_file(path, s, false, &here);
	look_file(below, &b, false, &there);
	if (!str_equal(here.data, there.data))
		strbuf_printf(out, " BASE: here%s there%s", here.data, there.data);
}

static void walk(struct observer *o, const char *path, struct links *links, struct strbuf *out)
{
	cleanup_listing struct listing listing = {0};
	cleanup_dir DIR *dir = NULL;
	struct statx s;
	int r = look_statx(path, false, &s);

	strbuf_puts(out, "\n  ");
	out_name(out, path);
	strbuf_puts(out, ":");
	if (r < 0) {
		strbuf_printf(out, " %s", errno_word(-r));
		return;
	}
	look_file(path, &s, false, out);
	if (look_is_explicit_time(&s.stx_mtime))
		strbuf_printf(
			out, " m %lld.%09u", (long long)s.stx_mtime.tv_sec, s.stx_mtime.tv_nsec);
	if (!S_ISDIR(s.stx_mode) && s.stx_nlink > 1)
		strbuf_printf(out, " same as %s", first_name(links, s.stx_ino, path));
	compare_base(o->base, path, &s, out);

	dir = S_ISDIR(s.stx_mode) ? opendir(path) : NULL;
	if (!dir)
		return;
	listing_read(&listing, dir, SIZE_MAX);
	listing_sort(&listing);
	for (size_t i = 0; i < listing.n; i++) {
		char child[PATH_MAX];

		snprintf(child, sizeof(child), "%s/%s", path, listing.entries[i].name);
		walk(o, child, links, out);
	}
}

void observe_tree(struct observer *o, struct strbuf *out)
{
	static struct links links;

	links.n = 0;
	walk(o, ".", &links, out);
}
