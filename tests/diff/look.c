/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "look.h"

#include "exec.h"
#include "listing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <time.h>

#define PAGE 4096
#define READ_BLINDLY_MAX (64 << 20)

/* Adds the pages of BUF that are not all zeros, with their place. */
static uint64_t hash_pages(uint64_t hash, const char *buf, size_t len, off_t offset)
{
	static const char zeros[PAGE];

	for (size_t at = 0; at < len; at += PAGE) {
		size_t part = len - at < PAGE ? len - at : PAGE;
		off_t place = offset + (off_t)at;

		if (!memcmp(buf + at, zeros, part))
			continue;
		/* The end of the last page is zeros, as in a longer file. */
		hash = hash_bytes(hash, &place, sizeof(place));
		hash = hash_bytes(hash, buf + at, part);
		hash = hash_bytes(hash, zeros, PAGE - part);
	}
	return hash;
}

static uint64_t hash_records(const char *buf, size_t len)
{
	uint64_t sum = 0;

	for (size_t at = 0; at < len; at += STORM_RECORD)
		sum += hash_bytes(
			HASH_START, buf + at, len - at < STORM_RECORD ? len - at : STORM_RECORD);
	return sum;
}

/* The last page that a file can have. Reading past it is refused (rw_verify_area()). */
#define LAST_PAGE (INT64_MAX - PAGE + 1)

static size_t length_at(off_t at)
{
	return at < LAST_PAGE - 16 * PAGE ? 16 * PAGE : (size_t)(INT64_MAX - at);
}

/* Adds what is at AT; the number of bytes, 0 at the end, or -errno. */
static ssize_t add_content(int fd, off_t at, bool is_records, uint64_t *hash)
{
	char *buf = io_buffer();
	ssize_t n = pread(fd, buf, length_at(at), at);

	if (n < 0)
		return -errno;
	*hash = is_records ? *hash + hash_records(buf, (size_t)n)
			   : hash_pages(*hash, buf, (size_t)n, at);
	return n;
}

int look_content(int fd, bool is_records, uint64_t *ret_hash)
{
	off_t at = 0;
	ssize_t n = 1;

	*ret_hash = HASH_START;
	while (n > 0) {
		off_t data = lseek(fd, at, SEEK_DATA);

		if (data < 0 && errno == ENXIO)
			break;
		if (data < 0 && at > READ_BLINDLY_MAX)
			return -errno;
		if (data > at)
			at = data - data % PAGE;
		n = add_content(fd, at, is_records, ret_hash);
		at += n;
	}
	/* xfs finds no data there until it is on the disk. */
	if (n > 0 && at <= LAST_PAGE)
		n = add_content(fd, LAST_PAGE, is_records, ret_hash);
	return n < 0 ? (int)n : 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void look_xattr(const char *path, bool follow, const char *name, struct strbuf *out)
{
	static char value[65536];
	ssize_t size = follow ? getxattr(path, name, value, sizeof(value))
			      : lgetxattr(path, name, value, sizeof(value));

	strbuf_puts(out, " ");
	out_name(out, name);
	if (size < 0)
		strbuf_printf(out, "=%s", errno_word(errno));
	else
		strbuf_printf(out, "=%zd:%08x", size,
			(unsigned)hash_bytes(HASH_START, value, (size_t)size));
}

void look_xattrs(const char *path, bool follow, struct strbuf *out)
{
	static char list[65536];
	char *names[256] = {NULL};
	size_t n = 0;
	ssize_t len =
		follow ? listxattr(path, list, sizeof(list)) : llistxattr(path, list, sizeof(list));

	if (len < 0) {
		strbuf_printf(out, " xattrs %s", errno_word(errno));
		return;
	}
	for (char *p = list; p < list + len && n < ARRAY_SIZE(names); p += strlen(p) + 1)
		names[n++] = p;
	if (n)
		strbuf_puts(out, " xattrs");
	qsort(names, n, sizeof(*names), by_text);
	for (size_t i = 0; i < n; i++)
		look_xattr(path, follow, names[i], out);
}

static void look_regular(const char *path, bool follow, struct strbuf *out)
{
	int flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW);
	cleanup_fd int fd = open(path, flags);
	uint64_t hash = 0;
	int r;

	if (fd < 0) {
		strbuf_printf(out, " open %s", errno_word(errno));
		return;
	}
	r = look_content(fd, str_has_suffix(path, STORM_LOG), &hash);
	if (r < 0)
		strbuf_printf(out, " content %s", errno_word(-r));
	else
		strbuf_printf(out, " content %016llx", (unsigned long long)hash);
}

static void look_directory(const char *path, struct strbuf *out)
{
	cleanup_dir DIR *dir = opendir(path);
	cleanup_listing struct listing listing = {0};

	if (!dir) {
		strbuf_printf(out, " opendir %s", errno_word(errno));
		return;
	}
	listing_read(&listing, dir, SIZE_MAX);
	listing_sort(&listing);
	strbuf_puts(out, " entries");
	if (listing_has_twice(&listing))
		strbuf_puts(out, " TWICE");
	listing_print(&listing, out);
}

static void look_link(const char *path, struct strbuf *out)
{
	char target[PATH_MAX + 1];
	ssize_t n = readlink(path, target, PATH_MAX);

	if (n < 0) {
		strbuf_printf(out, " readlink %s", errno_word(errno));
		return;
	}
	target[n] = '\0';
	strbuf_puts(out, " -> ");
	out_name(out, target);
}

void look_file(const char *path, const struct statx *s, bool follow, struct strbuf *out)
{
	strbuf_printf(
		out, " %06o %u:%u links %u", s->stx_mode, s->stx_uid, s->stx_gid, s->stx_nlink);
	strbuf_printf(out, " size %llu", (unsigned long long)s->stx_size);
	if (s->stx_rdev_major || s->stx_rdev_minor)
		strbuf_printf(out, " device %u:%u", s->stx_rdev_major, s->stx_rdev_minor);
	if (S_ISREG(s->stx_mode))
		look_regular(path, follow, out);
	else if (S_ISDIR(s->stx_mode))
		look_directory(path, out);
	else if (S_ISLNK(s->stx_mode) && !follow)
		look_link(path, out);
	look_xattrs(path, follow, out);
}

bool look_is_explicit_time(const struct statx_timestamp *t)
{
	static time_t now;

	if (!now)
		now = time(NULL);
	return t->tv_sec < now - 86400 || t->tv_sec > now + 86400;
}

int look_statx(const char *path, bool follow, struct statx *ret)
{
	int flags = follow ? 0 : AT_SYMLINK_NOFOLLOW;

	return statx(AT_FDCWD, path, flags, STATX_BASIC_STATS | STATX_BTIME, ret) < 0 ? -errno : 0;
}
