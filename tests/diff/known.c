/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "known.h"

#include "compare.h"
#include "matchers.h"
#include "reclaim.h"
#include "round.h"
#include "tolerated.h"

#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>

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
		ON_OVERLAY,
		IDMAPPED,
		NOT_YET, /* equal, but what comes will not be */
	} when;
	const char *reason;
} table[] = {
	{" write pwrite writev pwritev2 sendfile copyrange mstore truncate ftruncate fallocate open reopen "
	 "chown fchown ",
		match_lost_set_id, false, IDMAPPED,
		"fallocate, copy_file_range and chown by root of a user namespace clear set-id bits: whether "
		"the file is its own cannot be told (decision 006)"},
	{" write pwrite writev pwritev2 sendfile copyrange mstore truncate ftruncate fallocate open "
	 "reopen ",
		match_kept_set_gid, false, OR_LATER,
		"truncate by one who is not in the file's group leaves set-group-id where there is no "
		"group-execute: the kernel does not say who asks; the bit means nothing"},
	{" chown fchown ", match_kept_set_gid, false, IDMAPPED,
		"chown in a user namespace: the same, for who is in the group there cannot be told"},
	{" fallocate ", match_refused_mode, false, AT_ONCE,
		"collapse, insert and unshare: the kernel's FUSE refuses them without asking"},
	{" write writev sendfile read ", match_wrote_to_fifo, false, NOT_YET,
		"a fifo was written to"},
	{" write writev sendfile read ", match_fifo_times, false, OR_LATER,
		"times of a fifo: what goes through it never leaves the kernel, which keeps no times for "
		"FUSE"},
	{" copyrange ", match_lenient_copy, false, AT_ONCE,
		"O_DIRECT binds the caller's descriptor, to whole blocks and short copies; the daemon copies "
		"with its own"},
	{" fallocate ", match_modified_anyway, false, AT_ONCE,
		"a call that finds nothing to do (btrfs, holes beyond the end): FUSE takes away set-id bits "
		"and capabilities, and moves the times, before it asks"},
	{" fallocate ", match_punched_nothing, false, ON_BTRFS,
		"a hole beyond the end, or in a hole: FUSE takes away set-id bits and capabilities before "
		"it asks; that it moves the times does not show where they had moved already"},
	{" write pwrite writev pwritev2 sendfile ", match_torn_write, false, AT_ONCE,
		"O_DIRECT, a length that it does not take: ext4 writes extent by extent up to the "
		"unaligned end, then refuses the whole; what is an extent, its allocator decides each time"},
	{" write pwrite writev pwritev2 sendfile ", match_torn_unseen, false, NOT_YET,
		"the same, not looked at"},
	{" lsattr ", match_no_ioctl, true, AT_ONCE,
		"flags of fifos and the like: the kernel's FUSE knows them of files and directories only"},
	{" chattr ", match_no_ioctl, false, AT_ONCE, "flags of fifos and the like, changed"},
	{NULL, match_other_refusal, true, ONCE_FLAGGED,
		"immutable and append-only: the kernel does not know that of ours, and finds another "
		"reason to refuse before it asks"},
	{" setacl setxattr fsetxattr removexattr fremovexattr access write pwrite writev pwritev2 "
	 "copyrange sendfile ",
		match_nothing_to_do, true, ONCE_FLAGGED,
		"immutable and append-only: the kernel does not ask where there is nothing to do"},
	{" write pwrite writev pwritev2 sendfile copyrange fallocate ftruncate ",
		match_keeps_capability, false, ONCE_FLAGGED,
		"immutable and append-only: file capabilities go before a write, and to take them by name "
		"the base refuses, so the write is refused"},
	{" storm ", match_other_refusals, true, ONCE_FLAGGED,
		"immutable and append-only: so do some of the many calls of a storm"},
	{NULL, match_directory_sizes, true, ONCE_STORMED,
		"ext4: how many blocks a directory has depends on the order in which two fill it"},
	{" truncate ", match_emptied_while_open, false, AT_ONCE,
		"truncate to nothing of an empty file that is open: the kernel sends what it sends for "
		"open(O_TRUNC), which moves the times and takes set-id bits on xfs and btrfs too"},
	{" ftruncate ", match_refused_now, false, ONCE_FLAGGED,
		"ftruncate of a file made immutable while it is open: the daemon opens it again"},
	{" chown fchown ", match_like_a_write, false, AT_ONCE,
		"chown(-1, -1) of a set-id file that somebody has open for writing, by one who does not own "
		"it: the kernel sends what it sends before a write, which may take the bits away"},
	{" chown fchown ", match_capless_refusal, false, ONCE_CAPABLE,
		"chown(-1, -1) of a set-id file that has capabilities, by one who does not own it: it is "
		"refused, but the kernel has taken the capabilities away before it asks"},
	{" chown fchown ", match_like_one_who_keeps, false, ONCE_CAPABLE,
		"chown(-1, -1) of a set-id file that has capabilities and that somebody has open for writing, "
		"by one with CAP_FSETID: the kernel sends what it sends before a write, which keeps the bits"},
	{" chown fchown ", match_unknown_owner, false, IDMAPPED,
		"chown(-1, -1) of a set-id file through an idmapped mount: whose it is there cannot be told; in "
		"a user namespace nothing is taken away, in our own it is refused unless the ids are equal"},
	{" chown fchown ", match_unknown_owner_unseen, false, NOT_YET,
		"chown(-1, -1), not looked at: one of these"},
	{" lseek ", match_other_hole, false, ON_XFS,
		"SEEK_HOLE and SEEK_DATA: xfs takes space that it has reserved ahead for data, and how much "
		"it reserves depends on who opens and closes the file meanwhile"},
	{" lseek ", match_misses_last_page, false, ON_XFS,
		"SEEK_DATA: xfs finds the last page of all (2^63 - 4096) only when it has been written out"},
	{" lseek ", match_other_hole, false, ONCE_ADVISED,
		"SEEK_HOLE and SEEK_DATA: allocated, never written space that was read is data as long as it "
		"is cached; posix_fadvise(DONTNEED) does not reach the base's cache, FUSE cannot say it"},
	{" lseek ", match_data_before_start, false, ONCE_ADVISED,
		"SEEK_DATA from a negative offset, on btrfs: the beginning, until the data is written out"},
	{" events ", match_more_reads, true, ONCE_ADVISED,
		"the same: who looks for data finds some, and reads it"},
	{" events ", match_more_reads, true, ON_OVERLAY,
		"without passthrough a file that is open for writing has no holes: who looks for data reads it"},
	{NULL, match_unmoved_again, true, ONCE_STORED_AGAIN,
		"a store to a mapped page moves the times when the page is clean; posix_fadvise(DONTNEED) "
		"writes it out on the base alone"},
	{" setfl ", match_fixed_at_open, false, NOT_YET,
		"O_DIRECT changed, O_APPEND taken away by fcntl(F_SETFL): passthrough goes to a file of "
		"the base that the kernel has opened with the flags of open(2)"},
	{" lseek sendfile copyrange ", match_beyond_base, false, AT_ONCE,
		"offsets beyond the limit of the base: FUSE has one limit for all, 2^63-1"},
	{" clone ", match_no_clone, false, AT_ONCE,
		"FICLONE: FUSE has no such operation; cp falls back to copy_file_range, which shares "
		"the blocks where the base can"},
	{" write pwrite writev pwritev2 sendfile copyrange fallocate truncate ftruncate ",
		match_failed_write, false, AT_ONCE,
		"a write that fails (EFBIG, EINVAL): the kernel takes set-id bits and capabilities away "
		"before it hands the write to the base"},
	{" write pwrite writev pwritev2 sendfile copyrange fallocate truncate ftruncate ",
		match_lost_capabilities, false, OR_LATER,
		"a write that fails: capabilities are gone, as seen later"},
	{"", match_lost_set_id, false, OR_LATER,
		"a write that fails: set-id bits are gone, as seen later"},
	{" listxattr ", match_hides_more, true, ON_BTRFS,
		"btrfs shows the names of trusted attributes to everybody, the mount to none but root"},
	{" truncate ", match_emptied_unseen, false, NOT_YET,
		"truncate to nothing of an empty file that is open, its times unknown"},
	{" mmap setfl ", match_mapped_anyway, false, ONCE_FLAGGED,
		"append-only: the kernel does not know it of a file that is mapped, or loses O_APPEND"},
	{" events ", match_any_events, true, ONCE_FLAGGED,
		"immutable and append-only: opened, and then refused to be emptied"},
	{" events ", match_other_events, true, AT_ONCE,
		"IN_CLOSE of a file that is still mapped: the mapping is of the base's file, ours is closed "
		"at once; and IN_ATTRIB of a write that fails: privileges go before the base is asked"},
	{" lease ", match_closed_early, true, AT_ONCE,
		"a lease on a file that somebody has closed, but mapped: as with IN_CLOSE"},
	{" lease ", match_closed_late, true, ON_OVERLAY,
		"a lease on a file that is mapped: on overlayfs the mapping is of the layer's file"},
	{NULL, match_unmoved_times, true, ONCE_RECLAIMED,
		"btrfs: the kernel has dropped an inode from memory, and with it that its time was looked at; "
		"the next change within a tick of the clock is not given a time of its own"},
	{" attributes ", match_no_attributes, true, AT_ONCE,
		"no statx attributes: the FUSE protocol does not carry them"},
};

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
		(row->when == ON_OVERLAY && past->fs_type != OVERLAYFS_SUPER_MAGIC) ||
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
