/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "args.h"

#include "cleanup.h"
#include "op.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/xattr.h>

#ifndef RWF_APPEND
#define RWF_APPEND 0x10
#endif

#define WORD(x)       \
	{             \
#x, x \
	}

static const struct arg_word open_words[] = {
	/* Compound flags before their parts. */
	WORD(O_TMPFILE), WORD(O_SYNC), WORD(O_DSYNC), WORD(O_WRONLY), WORD(O_RDWR), WORD(O_CREAT),
	WORD(O_EXCL), WORD(O_TRUNC), WORD(O_APPEND), WORD(O_DIRECT), WORD(O_NOFOLLOW),
	WORD(O_DIRECTORY), WORD(O_PATH), WORD(O_NOATIME), WORD(O_NONBLOCK), WORD(O_RDONLY),
	{NULL, 0}};
static const struct arg_word whence_words[] = {WORD(SEEK_SET), WORD(SEEK_CUR), WORD(SEEK_END),
	WORD(SEEK_DATA), WORD(SEEK_HOLE), {NULL, 0}};
static const struct arg_word falloc_words[] = {WORD(FALLOC_FL_KEEP_SIZE),
	WORD(FALLOC_FL_PUNCH_HOLE), WORD(FALLOC_FL_ZERO_RANGE), WORD(FALLOC_FL_COLLAPSE_RANGE),
	WORD(FALLOC_FL_INSERT_RANGE), WORD(FALLOC_FL_UNSHARE_RANGE), {NULL, 0}};
static const struct arg_word rename_words[] = {
	WORD(RENAME_NOREPLACE), WORD(RENAME_EXCHANGE), WORD(RENAME_WHITEOUT), {NULL, 0}};
static const struct arg_word rwf_words[] = {WORD(RWF_APPEND), WORD(RWF_DSYNC), {NULL, 0}};
static const struct arg_word xflag_words[] = {WORD(XATTR_CREATE), WORD(XATTR_REPLACE), {NULL, 0}};
static const struct arg_word follow_words[] = {
	{"follow", 0}, {"nofollow", AT_SYMLINK_NOFOLLOW}, {NULL, 0}};
static const struct arg_word node_words[] = {{"fifo", S_IFIFO}, {"socket", S_IFSOCK},
	{"file", S_IFREG}, {"char", S_IFCHR}, {"block", S_IFBLK}, {"dir", S_IFDIR}, {NULL, 0}};
static const struct arg_word lock_kind_words[] = {
	{"posix", LOCK_POSIX}, {"ofd", LOCK_OFD}, {"flock", LOCK_FLOCK}, {NULL, 0}};
static const struct arg_word lock_type_words[] = {
	WORD(F_RDLCK), WORD(F_WRLCK), WORD(F_UNLCK), {NULL, 0}};
static const struct arg_word acl_words[] = {
	{"access", ACL_ACCESS}, {"default", ACL_DEFAULT}, {NULL, 0}};
static const struct arg_word time_words[] = {{"now", TIME_NOW}, {"omit", TIME_OMIT},
	{"zero", TIME_ZERO}, {"past", TIME_PAST}, {"before-1970", TIME_BEFORE_1970},
	{"far", TIME_FAR}, {"bad", TIME_BAD}, {NULL, 0}};
static const struct arg_word map_words[] = {{"read-shared", MAP_READ_SHARED},
	{"write-shared", MAP_WRITE_SHARED}, {"write-private", MAP_WRITE_PRIVATE}, {NULL, 0}};
static const struct arg_word status_words[] = {
	WORD(O_APPEND), WORD(O_DIRECT), WORD(O_NOATIME), {NULL, 0}};
static const struct arg_word chattr_words[] = {{"sync", FS_SYNC_FL}, {"immutable", FS_IMMUTABLE_FL},
	{"append", FS_APPEND_FL}, {"nodump", FS_NODUMP_FL}, {"noatime", FS_NOATIME_FL}, {NULL, 0}};
static const struct arg_word xattr_words[] = {{"user.a", 0}, {"user.b", 1}, {"user.long", 2},
	{"user.256", 3}, {"trusted.t", 4}, {"security.s", 5}, {"system.s", 6}, {"bogus.b", 7},
	{"user.", 8}, {"system.posix_acl_access", 9}, {"system.posix_acl_default", 10},
	{"security.capability", 11}, {"@empty", 12}, {NULL, 0}};

const char *arg_xattr_name(int64_t i)
{
	static char longest[256], too_long[257];

	switch (i) {
	case 2:
	case 3:
		memset(longest, 'x', 255);
		memset(too_long, 'x', 256);
		memcpy(longest, "user.", 5);
		memcpy(too_long, "user.", 5);
		return i == 2 ? longest : too_long;
	case 12:
		return "";
	default:
		return xattr_words[i % 12].name;
	}
}

static int64_t one_of(struct rng *rng, const int64_t *values, size_t n)
{
	return values[rng_below(rng, n)];
}
#define ONE_OF(rng, ...)                            \
	one_of(rng, (const int64_t[]){__VA_ARGS__}, \
		sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

/* --- names ------------------------------------------------------------------------------------ */

static const char *const file_names[] = {"a", "b", "c", "d", "e"};
static const char *const dir_names[] = {"p", "q", "s"};
static const char *const link_names[] = {"l", "m"};
#define PICK(rng, list) (list)[rng_below(rng, ARRAY_SIZE(list))]

static const char *pick_dir(struct rng *rng)
{
	return rng_percent(rng, 90) ? PICK(rng, dir_names) : PICK(rng, link_names);
}

static const char *pick_name(struct rng *rng)
{
	uint64_t n = rng_below(rng, 100);

	return n < 72   ? PICK(rng, file_names)
	       : n < 86 ? PICK(rng, dir_names)
			: PICK(rng, link_names);
}

static void make_any_path(char *path, struct rng *rng)
{
	static const char *const special[] = {"p/..", "a/", "p/", "l/", "p/.", ".", "@255",
		"p/@255", "@256", "p/@256", "@odd", "p/@odd", "@pm4095", "@pm4096", "@empty", "./a",
		"p//a", "l/l/a", "a/b"};
	uint64_t n = rng_below(rng, 100);

	if (n < 45)
		snprintf(path, OP_PATH_LEN, "%s", pick_name(rng));
	else if (n < 88)
		snprintf(path, OP_PATH_LEN, "%s/%s", pick_dir(rng), pick_name(rng));
	else if (n < 93)
		snprintf(path, OP_PATH_LEN, "%s/%s/%s", pick_dir(rng), pick_dir(rng),
			pick_name(rng));
	else
		snprintf(path, OP_PATH_LEN, "%s", PICK(rng, special));
}

static void make_dir_path(char *path, struct rng *rng)
{
	uint64_t n = rng_below(rng, 100);

	if (n < 70)
		snprintf(path, OP_PATH_LEN, "%s", PICK(rng, dir_names));
	else if (n < 90)
		snprintf(path, OP_PATH_LEN, "%s/%s", pick_dir(rng), PICK(rng, dir_names));
	else if (n < 94)
		snprintf(path, OP_PATH_LEN, ".");
	else
		make_any_path(path, rng);
}

static size_t expand_component(const char *name, size_t len, char *out)
{
	if (len != 4 || name[0] != '@') {
		memcpy(out, name, len);
		return len;
	}
	if (!strncmp(name, "@odd", 4)) {
		memcpy(out, "\n \xff*", 4);
		return 4;
	}
	len = strncmp(name, "@256", 4) ? 255 : 256;
	memset(out, 'n', len);
	return len;
}

const char *arg_expand_path(const char *text, char buf[ARG_PATH_MAX])
{
	size_t n = 0;

	if (str_equal(text, "@empty"))
		return "";
	if (str_has_prefix(text, "@pm")) {
		size_t len = (size_t)atoi(text + 3) % ARG_PATH_MAX;

		for (n = 0; n < len; n++)
			buf[n] = n % 2 ? '/' : '.';
		if (len % 2 == 0)
			buf[len - 2] = '/';
		memcpy(buf + len - 1, "a", 2);
		return buf;
	}
	while (*text) {
		size_t len = strcspn(text, "/");

		n += expand_component(text, len, buf + n);
		text += len;
		if (*text == '/')
			buf[n++] = *text++;
	}
	buf[n] = '\0';
	return buf;
}

/* --- numbers ---------------------------------------------------------------------------------- */

static int64_t make_slot(struct rng *rng)
{
	return (int64_t)rng_below(rng, SLOTS);
}

static int64_t make_map(struct rng *rng)
{
	return (int64_t)rng_below(rng, MAPS);
}

static int64_t make_count(struct rng *rng)
{
	return (int64_t)rng_below(rng, 8);
}

static int64_t make_seed(struct rng *rng)
{
	return (int64_t)rng_below(rng, 10000);
}

/* O_NONBLOCK always: opening a fifo must not wait for the other end. */
static int64_t make_open_flags(struct rng *rng)
{
	static const struct {
		int flag;
		unsigned percent;
	} extras[] = {{O_CREAT, 50}, {O_EXCL, 12}, {O_TRUNC, 10}, {O_APPEND, 12}, {O_DIRECT, 10},
		{O_NOFOLLOW, 10}, {O_DIRECTORY, 5}, {O_PATH, 5}, {O_SYNC, 3}, {O_NOATIME, 3}};
	int64_t flags = ONE_OF(rng, O_RDONLY, O_WRONLY, O_RDWR, O_RDWR, O_RDWR) | O_NONBLOCK;

	for (size_t i = 0; i < ARRAY_SIZE(extras); i++)
		if (rng_percent(rng, extras[i].percent))
			flags |= extras[i].flag;
	return flags;
}

static int64_t make_mode(struct rng *rng)
{
	return rng_percent(rng, 70) ? ONE_OF(rng, 0644, 0755, 0777, 0700, 0600, 0666, 02775, 01777,
					      04755, 06711, 02666, 0, 027, 022)
				    : (int64_t)rng_below(rng, 010000);
}

static int64_t make_offset(struct rng *rng)
{
	uint64_t n = rng_below(rng, 100);

	if (n < 30)
		return (int64_t)rng_below(rng, 20000);
	if (n < 60)
		return (int64_t)rng_below(rng, 48) * 4096;
	if (n < 80)
		return (int64_t)rng_below(rng, 300000);
	if (n < 86)
		return 0;
	if (n < 96)
		return (1LL << 32) + (int64_t)rng_below(rng, 16) * 4096 - 8192 +
		       (rng_percent(rng, 50) ? (int64_t)rng_below(rng, 512) : 0);
	return ONE_OF(
		rng, -1, INT32_MAX, 1LL << 31, 1LL << 62, INT64_MAX, INT64_MAX - 4095, 1LL << 44);
}

static int64_t make_length(struct rng *rng)
{
	uint64_t n = rng_below(rng, 100);

	if (n < 45)
		return (int64_t)rng_below(rng, 10000);
	if (n < 85)
		return (int64_t)rng_below(rng, 24) * 4096;
	if (n < 97)
		return (int64_t)rng_below(rng, 200000);
	return ONE_OF(rng, 0, 1, 511, 512, 1 << 20);
}

static int64_t make_whence(struct rng *rng)
{
	return ONE_OF(
		rng, SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE, SEEK_DATA, SEEK_HOLE);
}

/* Few of those that FUSE cannot send: they end the round. */
static int64_t make_falloc(struct rng *rng)
{
	if (rng_percent(rng, 95))
		return ONE_OF(rng, 0, FALLOC_FL_KEEP_SIZE,
			FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE,
			FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE, 0x1000);
	return ONE_OF(
		rng, FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_INSERT_RANGE, FALLOC_FL_UNSHARE_RANGE);
}

static int64_t make_rename(struct rng *rng)
{
	return ONE_OF(rng, 0, 0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_EXCHANGE,
		RENAME_WHITEOUT, RENAME_NOREPLACE | RENAME_WHITEOUT,
		RENAME_NOREPLACE | RENAME_EXCHANGE, 8);
}

/* Users and groups: those of the identities, some that no identity has, and "leave it". */
static int64_t make_id(struct rng *rng)
{
	return ONE_OF(rng, -1, -1, 0, 0, 1000, 1000, 1001, 2000, 65534, 101000, 170000, 4294967294);
}

static int64_t make_time(struct rng *rng)
{
	return ONE_OF(rng, TIME_NOW, TIME_NOW, TIME_OMIT, TIME_ZERO, TIME_PAST, TIME_PAST,
		TIME_BEFORE_1970, TIME_FAR, TIME_BAD);
}

static int64_t make_xattr(struct rng *rng)
{
	return rng_percent(rng, 60) ? (int64_t)rng_below(rng, 2) : (int64_t)rng_below(rng, 13);
}

static int64_t make_xattr_size(struct rng *rng)
{
	return ONE_OF(rng, 0, 1, 5, 5, 20, 100, 2000, 4096, 65536, 65537);
}

static int64_t make_xflags(struct rng *rng)
{
	return ONE_OF(rng, 0, 0, 0, XATTR_CREATE, XATTR_REPLACE, XATTR_CREATE | XATTR_REPLACE);
}

static int64_t make_follow(struct rng *rng)
{
	return ONE_OF(rng, 0, 0, AT_SYMLINK_NOFOLLOW);
}

static int64_t make_node(struct rng *rng)
{
	return ONE_OF(rng, S_IFIFO, S_IFIFO, S_IFSOCK, S_IFREG, S_IFCHR, S_IFBLK, S_IFDIR);
}

static int64_t make_three(struct rng *rng)
{
	return (int64_t)rng_below(rng, 3);
}

static int64_t make_two(struct rng *rng)
{
	return (int64_t)rng_below(rng, 2);
}

static int64_t make_lock_type(struct rng *rng)
{
	return ONE_OF(rng, F_RDLCK, F_RDLCK, F_WRLCK, F_WRLCK, F_UNLCK);
}

static int64_t make_rwf(struct rng *rng)
{
	return ONE_OF(rng, 0, RWF_APPEND, RWF_APPEND, RWF_DSYNC);
}

static int64_t make_status(struct rng *rng)
{
	return ONE_OF(rng, 0, O_APPEND, O_APPEND, O_DIRECT, O_NOATIME);
}

static int64_t make_chattr(struct rng *rng)
{
	return ONE_OF(rng, 0, 0, FS_NODUMP_FL, FS_APPEND_FL, FS_IMMUTABLE_FL, FS_SYNC_FL);
}

static int64_t make_ident(struct rng *rng)
{
	return rng_percent(rng, 4) ? 0 : ONE_OF(rng, 1, 1, 1, 2, 2, 2, 3, 4, 5);
}

static const struct arg_kind kinds[] = {
	{'p', .make_path = make_any_path},
	{'d', .make_path = make_dir_path},
	{'h', .make = make_slot},
	{'M', .make = make_map},
	{'o', .words = open_words, .is_flags = true, .make = make_open_flags},
	{'m', .is_octal = true, .make = make_mode},
	{'b', .make = make_offset},
	{'l', .make = make_length},
	{'s', .make = make_seed},
	{'c', .make = make_count},
	{'w', .words = whence_words, .make = make_whence},
	{'k', .words = falloc_words, .is_flags = true, .make = make_falloc},
	{'r', .words = rename_words, .is_flags = true, .make = make_rename},
	{'R', .words = rwf_words, .is_flags = true, .make = make_rwf},
	{'u', .make = make_id},
	{'t', .words = time_words, .make = make_time},
	{'x', .words = xattr_words, .make = make_xattr},
	{'y', .make = make_xattr_size},
	{'X', .words = xflag_words, .is_flags = true, .make = make_xflags},
	{'q', .words = acl_words, .make = make_two},
	{'a', .make = make_count},
	{'A', .words = follow_words, .make = make_follow},
	{'K', .words = node_words, .make = make_node},
	{'e', .words = map_words, .make = make_three},
	{'Q', .words = lock_kind_words, .make = make_three},
	{'T', .words = lock_type_words, .make = make_lock_type},
	{'S', .words = status_words, .is_flags = true, .make = make_status},
	{'g', .words = chattr_words, .is_flags = true, .make = make_chattr},
	{'i', .make = make_ident},
};

const struct arg_kind *arg_kind(char letter)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].letter == letter)
			return &kinds[i];
	abort();
}
