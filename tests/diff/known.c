/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "known.h"

#include "compare.h"
#include "exec.h"
#include "reclaim.h"
#include "round.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

typedef bool (*applies_fn)(const struct op *op, const char *native, const char *mount);

void past_add(struct past *past, const struct op *op)
{
	past->has_been_quiet |= op->quiet;
	past->has_been_advised |= op->code == OP_fadvise;
	past->has_stored_again |= past->has_been_advised && op->code == OP_mstore;
	past->has_been_capable |= op->code == OP_setcap;
	past->has_stormed |= op->code == OP_storm;
	past->has_been_flagged |=
		op->code == OP_chattr && (op->num[0] & (FS_IMMUTABLE_FL | FS_APPEND_FL));
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* A mode of six digits at P, "100644", or -1. */
static int mode_at(const char *p)
{
	int mode = 0;

	for (int i = 0; i < 6; i++) {
		if (!is_octal(p[i]))
			return -1;
		mode = 8 * mode + p[i] - '0';
	}
	return p[6] == ' ' ? mode : -1;
}

/* Equal, were it not for BITS of modes that are set in A and not in B. */
static bool equal_but_bits(const char *a, const char *b, int bits)
{
	while (*a && *b) {
		int in_a = mode_at(a), in_b = mode_at(b);

		if (in_a >= 0 && in_b >= 0 && (in_a & ~bits) == (in_b & ~bits) &&
			(in_a & in_b) == in_b) {
			a += 6;
			b += 6;
		} else if (text_is_wild(a) || text_is_wild(b)) {
			a += strcspn(a, " \n");
			b += strcspn(b, " \n");
		} else if (*a++ != *b++) {
			return false;
		}
	}
	return *a == *b;
}

/* The results differ, but neither side has changed what the other has not. */
static bool equal_files(const char *native, const char *mount)
{
	return texts_equal(native + strcspn(native, "\n"), mount + strcspn(mount, "\n"));
}

static bool lost_set_id(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	return equal_but_bits(native, mount, S_ISUID | S_ISGID);
}

/* Mode bits 02000 without 00010, which mean nothing since Linux 5.15. */
static bool kept_set_gid(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	return equal_but_bits(mount, native, S_ISGID);
}

static bool refused_mode(const struct op *op, const char *native, const char *mount)
{
	const int sent = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE;

	(void)native;
	return (op->num[1] & ~sent) && !fnmatch("= -1 EOPNOTSUPP*", mount, 0);
}

/* What a LINE of a fifo says without its times: mode, owner, links. NULL: it is of no fifo. */
static const char *fifo_words(const char *line, size_t len, size_t *ret_len)
{
	for (size_t i = 1; i + 7 < len; i++) {
		int mode = line[i - 1] == ' ' ? mode_at(line + i) : -1;
		const char *time;

		if (mode < 0 || !S_ISFIFO(mode))
			continue;
		time = memmem(line + i, len - i, " m ", 3);
		*ret_len = (size_t)((time ? time : line + len) - (line + i));
		return line + i;
	}
	return NULL;
}

static bool equal_but_fifo_times(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t name = strcspn(a, ":"), n_here, n_there;
	const char *here = fifo_words(a, a_len, &n_here), *there = fifo_words(b, b_len, &n_there);

	return here && there && name < a_len && name < b_len && !strncmp(a, b, name) &&
	       n_here == n_there && !strncmp(here, there, n_here);
}

/* Equal, line by line, were it not for the times of fifos. */
static bool fifo_times(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	while (*native && *mount) {
		size_t here = strcspn(native, "\n"), there = strcspn(mount, "\n");

		if ((here != there || strncmp(native, mount, here)) &&
			!equal_but_fifo_times(native, here, mount, there))
			return false;
		native += here + (native[here] == '\n');
		mount += there + (mount[there] == '\n');
	}
	return *native == *mount;
}

/* The times that it had before are not known on either side, so they look equal. */
static bool wrote_to_fifo(const struct op *op, const char *native, const char *mount)
{
	const char *line = strchr(native, '\n');
	size_t len;

	(void)op;
	(void)mount;
	return line && !fnmatch("= [1-9]*", native, 0) &&
	       fifo_words(line + 1, strcspn(line + 1, "\n"), &len);
}

/* Offsets that ext4 cannot hold. */
static bool beyond_base(const struct op *op, const char *native, const char *mount)
{
	bool is_far = false;

	for (int i = 0; i < OP_NUMS; i++)
		is_far |= op->num[i] >= 1LL << 43;
	return is_far && ((!fnmatch("= -1 E*", native, 0) && !fnmatch("= [0-9]*", mount, 0)) ||
				 !fnmatch("= -1 EOVERFLOW*", native, 0));
}

/* The first event at or after P that is not a close: "WATCH:MASK:NAME". NULL: there is none. */
static const char *skip_closes(const char *p)
{
	while ((p = strchr(p, ':'))) {
		unsigned long mask = strtoul(p + 1, NULL, 16);

		p++;
		if (!(mask & IN_CLOSE))
			return p;
		p = strchr(p, ':') + 1;
		p += strcspn(p, " ");
	}
	return NULL;
}

static bool same_event(const char *a, const char *b)
{
	size_t n = strcspn(a, " ");

	return strcspn(b, " ") == n && !strncmp(a, b, n);
}

/* The one after EVENT that is not a close, nor the same as LAST: inotify joins those. */
static const char *next_event(const char *event, const char *last)
{
	const char *next = event;

	do
		next = skip_closes(next + strcspn(next, " "));
	while (next && same_event(last, next));
	return next;
}

/* Equal but for when files are closed, and for events of MORE that only the mount has. */
static bool equal_but_events(const char *native, const char *mount, unsigned long more)
{
	const char *last = "";

	native = skip_closes(native);
	mount = skip_closes(mount);
	while (mount && (native || strtoul(mount, NULL, 16) & more)) {
		if (native && same_event(native, mount)) {
			last = native;
			native = next_event(native, last);
			mount = next_event(mount, last);
		} else if (strtoul(mount, NULL, 16) & more) {
			mount = next_event(mount, last);
		} else {
			return false;
		}
	}
	return !native && !mount;
}

static bool other_events(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	return equal_but_events(native, mount, IN_ATTRIB);
}

static bool more_reads(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	return equal_but_events(native, mount, IN_ACCESS);
}

#define HEX "0123456789abcdef"
#define CAPABILITY " security.capability="

/* The same errno, but only the mount has lost privileges, or moved the time. */
static bool failed_write(const struct op *op, const char *native, const char *mount)
{
	size_t n = strcspn(native, "\n");

	(void)op;
	return !strncmp(native, "= -1 ", 5) && !strncmp(native, mount, n + 1) &&
	       ((strstr(native, " c = ") && strstr(mount, " c > ")) ||
		       (strstr(native, CAPABILITY) && !strstr(mount, CAPABILITY)) ||
		       equal_but_bits(native, mount, S_ISUID | S_ISGID));
}

static bool has_no_ids(const struct op *op)
{
	const int64_t *ids = op->num + (op->code == OP_fchown);

	return ids[0] == -1 && ids[1] == -1;
}

/* A size of whole blocks at P; *RET_END is behind it. */
static bool is_block_size(const char *p, const char **ret_end)
{
	char *end;
	unsigned long long size = strtoull(p, &end, 10);

	*ret_end = end;
	return end > p && size % 4096 == 0;
}

/* Equal, were it not for the sizes of directories; their entries are compared. */
static bool directory_sizes(const struct op *op, const char *native, const char *mount)
{
	static const char size[] = " size ";
	bool is_directory = false;

	(void)op;
	while (*native && *native == *mount) {
		int mode = mode_at(native);

		if (mode >= 0)
			is_directory = S_ISDIR(mode);
		if (is_directory && !strncmp(native, size, strlen(size)) &&
			!strncmp(mount, size, strlen(size))) {
			if (!is_block_size(native + strlen(size), &native) ||
				!is_block_size(mount + strlen(size), &mount))
				return false;
		} else {
			native++;
			mount++;
		}
	}
	return *native == *mount;
}

static bool emptied_while_open(const struct op *op, const char *native, const char *mount)
{
	return op->num[0] == 0 && !fnmatch("= 0*", native, 0) && !fnmatch("= 0*", mount, 0) &&
	       strstr(native, " size 0") &&
	       ((strstr(native, " c = ") && strstr(mount, " c > ")) ||
		       (strstr(native, " c ? ") &&
			       equal_but_bits(native, mount, S_ISUID | S_ISGID)));
}

static bool is_last_page(const char *result)
{
	return !fnmatch("= 9223372036854771712*", result, 0);
}

static bool misses_last_page(const struct op *op, const char *native, const char *mount)
{
	bool has_missed = !fnmatch("= -1 ENXIO*", native, 0) || !fnmatch("= -1 ENXIO*", mount, 0);

	return op->num[2] == SEEK_DATA && has_missed &&
	       (is_last_page(native) || is_last_page(mount));
}

static bool other_hole(const struct op *op, const char *native, const char *mount)
{
	return (op->num[2] == SEEK_HOLE || op->num[2] == SEEK_DATA) &&
	       !fnmatch("= [0-9]*", native, 0) && !fnmatch("= [0-9]*", mount, 0);
}

/* Whether its times moved now or by something before, which was not looked at by this name. */
static bool emptied_unseen(const struct op *op, const char *native, const char *mount)
{
	(void)mount;
	return op->num[0] == 0 && !fnmatch("= 0*", native, 0) &&
	       (op->quiet || (strstr(native, " size 0") &&
				     (strstr(native, " ? ") || strstr(native, " c > "))));
}

static bool hides_more(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	return !fnmatch("= [0-9]*", native, 0) && !fnmatch("= [0-9]*", mount, 0) &&
	       atoi(mount + 2) < atoi(native + 2) && equal_files(native, mount);
}

static bool mapped_anyway(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	return !fnmatch("= -1 E*", native, 0) && !fnmatch("= [0-9]*", mount, 0);
}

static bool unknown_owner(const struct op *op, const char *native, const char *mount)
{
	return has_no_ids(op) &&
	       (!fnmatch("= 0*", mount, 0) ||
		       (!fnmatch("= 0*", native, 0) && !fnmatch("= -1 EPERM*", mount, 0)));
}

static bool like_a_write(const struct op *op, const char *native, const char *mount)
{
	return has_no_ids(op) && !fnmatch("= -1 EPERM*", native, 0) && !fnmatch("= 0*", mount, 0);
}

static bool like_one_who_keeps(const struct op *op, const char *native, const char *mount)
{
	return has_no_ids(op) && !fnmatch("= 0*", native, 0) &&
	       equal_but_bits(mount, native, S_ISUID | S_ISGID);
}

/* TEXT without file capabilities. */
static void drop_capabilities(char *text)
{
	static const char list[] = " xattrs";
	char *at;

	while ((at = strstr(text, CAPABILITY))) {
		size_t n = strcspn(at + 1, " \n") + 1;

		memmove(at, at + n, strlen(at + n) + 1);
		if (at - text >= (ptrdiff_t)strlen(list) && *at != ' ' &&
			!strncmp(at - strlen(list), list, strlen(list)))
			memmove(at - strlen(list), at, strlen(at) + 1);
	}
}

static bool lost_capabilities(const struct op *op, const char *native, const char *mount)
{
	cleanup_free char *here = strdup(native);
	cleanup_free char *there = strdup(mount);

	(void)op;
	if (!here || !there)
		return false;
	drop_capabilities(here);
	drop_capabilities(there);
	return strstr(native, CAPABILITY) && texts_equal(here, there);
}

/* A hole was asked for; the same, were it not for capabilities and set-id bits. */
static bool punched_nothing(const struct op *op, const char *native, const char *mount)
{
	cleanup_free char *here = strdup(native);
	cleanup_free char *there = strdup(mount);

	if (!here || !there || !(op->num[1] & FALLOC_FL_PUNCH_HOLE))
		return false;
	drop_capabilities(here);
	drop_capabilities(there);
	return !fnmatch("= 0\n*", native, 0) && equal_but_bits(here, there, S_ISUID | S_ISGID);
}

/* Equal, refusal and all, were it not for the contents of files. */
static bool torn_write(const struct op *op, const char *native, const char *mount)
{
	static const char content[] = " content ";

	(void)op;
	if (!strstr(native, TORN_WRITE))
		return false;
	while (*native && *native == *mount) {
		bool is_content = !strncmp(native, content, strlen(content)) &&
				  !strncmp(mount, content, strlen(content));

		native += is_content ? strlen(content) + strspn(native + strlen(content), HEX) : 1;
		mount += is_content ? strlen(content) + strspn(mount + strlen(content), HEX) : 1;
	}
	return *native == *mount;
}

/* What the file contains now is not looked at, so it looks equal. */
static bool torn_unseen(const struct op *op, const char *native, const char *mount)
{
	(void)mount;
	return op->quiet && strstr(native, TORN_WRITE);
}

static bool any_events(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	(void)native;
	(void)mount;
	return true;
}

static bool closed_early(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	return !fnmatch("= -1 EAGAIN*", native, 0) && !fnmatch("= 0*", mount, 0);
}

static bool lenient_copy(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	return strstr(native, DIRECT_COPY) && !fnmatch("= [0-9]*", mount, 0) &&
	       (!fnmatch("= -1 EINVAL*", native, 0) || atol(native + 2) < atol(mount + 2));
}

static bool modified_anyway(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	return strstr(native, " c = ") && strstr(mount, " c > ");
}

static bool no_ioctl(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	return strstr(native, SPECIAL_FILE) && !fnmatch("= -1 ENOTTY*", mount, 0);
}

static bool fixed_at_open(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	(void)mount;
	return strstr(native, ", fixed at open");
}

static bool other_refusal(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	return !fnmatch("= -1 E*", mount, 0) && !fnmatch("= -1 EPERM*", native, 0) &&
	       equal_files(native, mount);
}

static bool nothing_to_do(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	return !fnmatch("= 0*", mount, 0) && !fnmatch("= -1 EPERM*", native, 0) &&
	       equal_files(native, mount);
}

static bool other_refusals(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	return equal_files(native, mount);
}

static bool refused_now(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	return !fnmatch("= 0*", native, 0) && !fnmatch("= -1 EPERM*", mount, 0);
}

static bool keeps_capability(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	return !fnmatch("= [0-9]*", native, 0) && !fnmatch("= -1 EPERM*", mount, 0) &&
	       !strstr(native, CAPABILITY) && strstr(mount, CAPABILITY);
}

static bool no_clone(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	(void)native;
	return !fnmatch("= -1 EOPNOTSUPP*", mount, 0);
}

static bool is_time_word(const char *p)
{
	return (p[0] == '=' || p[0] == '>') && p[1] == ' ';
}

/* Equal, were it not for times that have moved on one side only: not on the mount's, if FEWER. */
static bool equal_but_moves(const char *native, const char *mount, bool fewer)
{
	const char *start = native;

	while (*native && *mount) {
		bool is_time = native - start > 3 && native[-1] == ' ' &&
			       (native[-2] == 'm' || native[-2] == 'c') && native[-3] == ' ';

		if (*native != *mount && !(is_time && is_time_word(native) && is_time_word(mount) &&
						 (!fewer || *mount == '=')))
			return false;
		native++;
		mount++;
	}
	return *native == *mount;
}

static bool unmoved_times(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	return equal_but_moves(native, mount, false);
}

static bool unmoved_again(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	return equal_but_moves(native, mount, true);
}

static bool no_attributes(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	return !fnmatch("= 0 attributes *", native, 0) &&
	       !fnmatch("= 0 attributes 0 of 0*", mount, 0);
}

/*
 * A row says why the mount may answer an operation differently. What a row matches is not
 * reported, and ends the round unless no file was changed: keep rows narrow.
 */
static const struct known {
	const char *ops; /* names, with a space before and after each; NULL: every one */
	applies_fn applies;
	bool is_harmless; /* changes no file: the round can go on */
	enum {
		AT_ONCE,
		OR_LATER, /* seen in the files, too */
		ONCE_FLAGGED, /* something is immutable or append-only */
		ONCE_CAPABLE,
		ONCE_RECLAIMED, /* on btrfs: others keep inodes that have changed in memory */
		ONCE_STORMED,
		ONCE_ADVISED,
		ONCE_STORED_AGAIN,
		ON_XFS,
		ON_BTRFS,
		IDMAPPED,
		NOT_YET, /* equal, but what comes will not be */
	} when;
	const char *reason;
} table[] = {
	{" write pwrite writev pwritev2 sendfile copyrange mstore truncate ftruncate fallocate open reopen "
	 "chown fchown ",
		lost_set_id, false, IDMAPPED,
		"fallocate, copy_file_range and chown by root of a user namespace clear set-id bits: whether "
		"the file is its own cannot be told (decision 006)"},
	{" write pwrite writev pwritev2 sendfile copyrange mstore truncate ftruncate fallocate open "
	 "reopen ",
		kept_set_gid, false, OR_LATER,
		"truncate by one who is not in the file's group leaves set-group-id where there is no "
		"group-execute: the kernel does not say who asks; the bit means nothing"},
	{" chown fchown ", kept_set_gid, false, IDMAPPED,
		"chown in a user namespace: the same, for who is in the group there cannot be told"},
	{" fallocate ", refused_mode, false, AT_ONCE,
		"collapse, insert and unshare: the kernel's FUSE refuses them without asking"},
	{" write writev sendfile read ", wrote_to_fifo, false, NOT_YET, "a fifo was written to"},
	{" write writev sendfile read ", fifo_times, false, OR_LATER,
		"times of a fifo: what goes through it never leaves the kernel, which keeps no times for "
		"FUSE"},
	{" copyrange ", lenient_copy, false, AT_ONCE,
		"O_DIRECT binds the caller's descriptor, to whole blocks and short copies; the daemon copies "
		"with its own"},
	{" fallocate ", modified_anyway, false, AT_ONCE,
		"a call that finds nothing to do (btrfs, holes beyond the end): FUSE takes away set-id bits "
		"and capabilities, and moves the times, before it asks"},
	{" fallocate ", punched_nothing, false, ON_BTRFS,
		"a hole beyond the end, or in a hole: FUSE takes away set-id bits and capabilities before "
		"it asks; that it moves the times does not show where they had moved already"},
	{" write pwrite writev pwritev2 sendfile ", torn_write, false, AT_ONCE,
		"O_DIRECT, a length that it does not take: ext4 writes extent by extent up to the "
		"unaligned end, then refuses the whole; what is an extent, its allocator decides each time"},
	{" write pwrite writev pwritev2 sendfile ", torn_unseen, false, NOT_YET,
		"the same, not looked at"},
	{" lsattr ", no_ioctl, true, AT_ONCE,
		"flags of fifos and the like: the kernel's FUSE knows them of files and directories only"},
	{" chattr ", no_ioctl, false, AT_ONCE, "flags of fifos and the like, changed"},
	{NULL, other_refusal, true, ONCE_FLAGGED,
		"immutable and append-only: the kernel does not know that of ours, and finds another "
		"reason to refuse before it asks"},
	{" setacl setxattr fsetxattr removexattr fremovexattr access write pwrite writev pwritev2 "
	 "copyrange sendfile ",
		nothing_to_do, true, ONCE_FLAGGED,
		"immutable and append-only: the kernel does not ask where there is nothing to do"},
	{" write pwrite writev pwritev2 sendfile copyrange fallocate ftruncate ", keeps_capability,
		false, ONCE_FLAGGED,
		"immutable and append-only: file capabilities go before a write, and to take them by name "
		"the base refuses, so the write is refused"},
	{" storm ", other_refusals, true, ONCE_FLAGGED,
		"immutable and append-only: so do some of the many calls of a storm"},
	{NULL, directory_sizes, true, ONCE_STORMED,
		"ext4: how many blocks a directory has depends on the order in which two fill it"},
	{" truncate ", emptied_while_open, false, AT_ONCE,
		"truncate to nothing of an empty file that is open: the kernel sends what it sends for "
		"open(O_TRUNC), which moves the times and takes set-id bits on xfs and btrfs too"},
	{" ftruncate ", refused_now, false, ONCE_FLAGGED,
		"ftruncate of a file made immutable while it is open: the daemon opens it again"},
	{" chown fchown ", like_a_write, false, AT_ONCE,
		"chown(-1, -1) of a set-id file that somebody has open for writing, by one who does not own "
		"it: the kernel sends what it sends before a write, which may take the bits away"},
	{" chown fchown ", like_one_who_keeps, false, ONCE_CAPABLE,
		"chown(-1, -1) of a set-id file that has capabilities and that somebody has open for writing, "
		"by one with CAP_FSETID: the kernel sends what it sends before a write, which keeps the bits"},
	{" chown fchown ", unknown_owner, false, IDMAPPED,
		"chown(-1, -1) of a set-id file through an idmapped mount: whose it is there cannot be told; in "
		"a user namespace nothing is taken away, in our own it is refused unless the ids are equal"},
	{" lseek ", other_hole, false, ON_XFS,
		"SEEK_HOLE and SEEK_DATA: xfs takes space that it has reserved ahead for data, and how much "
		"it reserves depends on who opens and closes the file meanwhile"},
	{" lseek ", misses_last_page, false, ON_XFS,
		"SEEK_DATA: xfs finds the last page of all (2^63 - 4096) only when it has been written out"},
	{" lseek ", other_hole, false, ONCE_ADVISED,
		"SEEK_HOLE and SEEK_DATA: allocated, never written space that was read is data as long as it "
		"is cached; posix_fadvise(DONTNEED) does not reach the base's cache, FUSE cannot say it"},
	{" events ", more_reads, true, ONCE_ADVISED,
		"the same: who looks for data finds some, and reads it"},
	{NULL, unmoved_again, true, ONCE_STORED_AGAIN,
		"a store to a mapped page moves the times when the page is clean; posix_fadvise(DONTNEED) "
		"writes it out on the base alone"},
	{" setfl ", fixed_at_open, false, NOT_YET,
		"O_DIRECT changed, O_APPEND taken away by fcntl(F_SETFL): passthrough goes to a file of "
		"the base that the kernel has opened with the flags of open(2)"},
	{" lseek sendfile copyrange ", beyond_base, false, AT_ONCE,
		"offsets beyond the limit of the base: FUSE has one limit for all, 2^63-1"},
	{" clone ", no_clone, false, AT_ONCE,
		"FICLONE: FUSE has no such operation; cp falls back to copy_file_range, which shares "
		"the blocks where the base can"},
	{" write pwrite writev pwritev2 sendfile copyrange fallocate truncate ftruncate ",
		failed_write, false, AT_ONCE,
		"a write that fails (EFBIG, EINVAL): the kernel takes set-id bits and capabilities away "
		"before it hands the write to the base"},
	{" write pwrite writev pwritev2 sendfile copyrange fallocate truncate ftruncate ",
		lost_capabilities, false, OR_LATER,
		"a write that fails: capabilities are gone, as seen later"},
	{"", lost_set_id, false, OR_LATER,
		"a write that fails: set-id bits are gone, as seen later"},
	{" listxattr ", hides_more, true, AT_ONCE,
		"btrfs shows the names of trusted attributes to everybody, the mount to none but root"},
	{" truncate ", emptied_unseen, false, NOT_YET,
		"truncate to nothing of an empty file that is open, its times unknown"},
	{" mmap setfl ", mapped_anyway, false, ONCE_FLAGGED,
		"append-only: the kernel does not know it of a file that is mapped, or loses O_APPEND"},
	{" events ", any_events, true, ONCE_FLAGGED,
		"immutable and append-only: opened, and then refused to be emptied"},
	{" events ", other_events, true, AT_ONCE,
		"IN_CLOSE of a file that is still mapped: the mapping is of the base's file, ours is closed "
		"at once; and IN_ATTRIB of a write that fails: privileges go before the base is asked"},
	{" lease ", closed_early, true, AT_ONCE,
		"a lease on a file that somebody has closed, but mapped: as with IN_CLOSE"},
	{NULL, unmoved_times, true, ONCE_RECLAIMED,
		"btrfs: the kernel has dropped an inode from memory, and with it that its time was looked at; "
		"the next change within a tick of the clock is not given a time of its own"},
	{" attributes ", no_attributes, true, AT_ONCE,
		"no statx attributes: the FUSE protocol does not carry them"},
};

#define TOLERATED_MAX 16

static struct tolerated {
	char op[64], native[128], mount[128];
} tolerated[TOLERATED_MAX];
static size_t n_tolerated;

bool known_tolerate(const char *spec)
{
	struct tolerated *t = &tolerated[n_tolerated];

	if (n_tolerated == TOLERATED_MAX ||
		sscanf(spec, "%63[^:]:%127[^:]:%127[^:]", t->op, t->native, t->mount) != 3)
		return false;
	n_tolerated++;
	return true;
}

static bool is_tolerated(const struct op *op, const char *native, const char *mount)
{
	cleanup_strbuf struct strbuf line = STRBUF_INIT;
	const char *words;

	if (n_tolerated == 0)
		return false;
	op_format(op, &line);
	words = strchr(line.data, ' ') + 1;
	for (size_t i = 0; i < n_tolerated; i++)
		if (!fnmatch(tolerated[i].op, words, 0) &&
			!fnmatch(tolerated[i].native, native, 0) &&
			!fnmatch(tolerated[i].mount, mount, 0))
			return true;
	return false;
}

bool known_ends_round(const struct op *op)
{
	return is_tolerated(op, "end", "end");
}

static bool names_op(const char *ops, const struct op *op)
{
	char word[32];

	snprintf(word, sizeof(word), " %s ", op_table[op->code].name);
	return strstr(ops, word);
}

static bool may_have_lost_inodes(const struct past *past)
{
	return past->fs_type == BTRFS_SUPER_MAGIC && past->reclaims != reclaim_count();
}

static bool concerns(const struct known *row, const struct op *op, const struct past *past)
{
	if ((row->when == ONCE_FLAGGED && !past->has_been_flagged) ||
		(row->when == ON_XFS && past->fs_type != XFS_SUPER_MAGIC) ||
		(row->when == ON_BTRFS && past->fs_type != BTRFS_SUPER_MAGIC) ||
		(row->when == ONCE_STORMED && !past->has_stormed) ||
		(row->when == ONCE_CAPABLE && !past->has_been_capable) ||
		(row->when == ONCE_RECLAIMED && !may_have_lost_inodes(past)) ||
		(row->when == ONCE_ADVISED && !past->has_been_advised) ||
		(row->when == ONCE_STORED_AGAIN && !past->has_stored_again) ||
		(row->when == IDMAPPED && !past->is_idmapped))
		return false;
	return !row->ops || (op && names_op(row->ops, op)) ||
	       (row->when == OR_LATER && past->has_been_quiet);
}

int known_find(const struct op *op, const struct past *past, const char *native, const char *mount)
{
	bool is_equal = texts_equal(native, mount);

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (is_equal == (table[i].when == NOT_YET) && concerns(&table[i], op, past) &&
			table[i].applies(op, native, mount))
			return (int)i;
	if (is_equal)
		return -1;
	if (op && is_tolerated(op, native, mount))
		return ARRAY_SIZE(table);
	return -1;
}

bool known_is_harmless(size_t i)
{
	return i < ARRAY_SIZE(table) && table[i].is_harmless;
}

const char *known_reason(size_t i)
{
	if (i == ARRAY_SIZE(table))
		return "tolerated";
	return i < ARRAY_SIZE(table) ? table[i].reason : NULL;
}

_Static_assert(ARRAY_SIZE(table) < KNOWN_MAX, "a counter for each row");
