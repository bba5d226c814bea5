/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

#include "caller.h"
#include "creds.h"
#include "entry.h"
#include "fdio.h"
#include "reply.h"

#include <fcntl.h>
#include <sys/stat.h>

/* One SETATTR: what is asked for, and the inode as it was. */
struct setattr {
	const struct stat *attr;
	int to_set; /* FUSE_SET_ATTR_* */
	bool is_open; /* asked through a descriptor: ftruncate(2), not truncate(2) */
	int fd; /* O_PATH */
	struct stat old;
};

/*
 * A set-group-id bit without group execution, which means nothing, outlives a chown(2) by those who
 * belong to the group before and to the one after, or have CAP_FSETID (Linux, fs/attr.c:
 * setattr_should_drop_sgid(), setattr_copy()). Of another user namespace it cannot be told: as one
 * who belongs to the group before.
 */
static void enter_for_chown(struct call *c, const struct setattr *ch)
{
	gid_t gid = ch->to_set & FUSE_SET_ATTR_GID ? ch->attr->st_gid : ch->old.st_gid;
	pid_t pid = fuse_req_ctx(c->req)->pid;
	struct caller_rights before, after;
	bool keep;

	if (S_ISDIR(ch->old.st_mode) || (ch->old.st_mode & (S_ISGID | S_IXGRP)) != S_ISGID ||
		caller_rights(pid, ch->old.st_gid, &before) < 0 ||
		caller_rights(pid, gid, &after) < 0)
		return creds_in_group(ch->old.st_gid, false);

	keep = before.has_fsetid || (before.is_member && after.is_member);
	if (keep || before.is_member)
		return creds_in_group(ch->old.st_gid, keep);
	/* Any other group: a file may even be CREDS_NOBODY's. */
	return creds_in_group(ch->old.st_gid == 0 ? CREDS_NOBODY : 0, false);
}

static int set_owner(struct call *c, const struct setattr *ch)
{
	uid_t uid = ch->to_set & FUSE_SET_ATTR_UID ? ch->attr->st_uid : (uid_t)-1;
	gid_t gid = ch->to_set & FUSE_SET_ATTR_GID ? ch->attr->st_gid : (gid_t)-1;

	enter_for_chown(c, ch);
	return fchownat(ch->fd, "", uid, gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

/* The kernel has just taken file capabilities away; true once. */
static bool has_lost_caps(struct node *node)
{
	uint32_t taken = NODE_CAPS_TAKEN;

	return __atomic_compare_exchange_n(&node->file_caps, &taken, NODE_CAPS_CHANGED, false,
		__ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

/*
 * A SETATTR of nothing: chown(2) to no ids at all, or a write to a set-id file. Both move the time
 * and take set-id bits away. A write is allowed to; whose file a chown is about the kernel has not
 * checked, for it asks for nothing by name. A write by one who may keep set-id bits comes here only
 * for file capabilities, which the kernel has taken away by name right before (Linux, fs/attr.c:
 * setattr_prepare(), ATTR_KILL_PRIV): nothing is left to do.
 */
static int set_nothing(struct call *c, struct node *node, const struct setattr *ch)
{
	mode_t mode = ch->old.st_mode;
	struct caller_rights rights = {.is_member = true};
	bool is_write = __atomic_load_n(&node->n_writers, __ATOMIC_SEQ_CST) > 0;
	bool lost_caps = has_lost_caps(node);
	bool is_known;

	if (S_ISDIR(mode) || !(mode & (S_ISUID | S_ISGID)))
		return set_owner(c, ch);

	is_known = caller_rights(fuse_req_ctx(c->req)->pid, ch->old.st_gid, &rights) == 0;
	if (is_write && lost_caps && rights.has_fsetid)
		return 0;
	rights.is_member |= rights.has_fsetid;
	/* Of another user namespace it cannot be told: nothing is taken away. */
	if (!is_write && !is_known)
		return 0;
	if (!is_write && (mode & (S_ISUID | S_IXGRP) || !rights.is_member) &&
		rights.fsuid != ch->old.st_uid && !rights.has_fowner)
		return -EPERM;
	return set_owner(c, ch);
}

static int set_mode(const struct setattr *ch)
{
	mode_t mode = ch->attr->st_mode & 07777;

	if (mode & S_ISGID)
		creds_in_group(ch->old.st_gid, true);
	return chmod(fd_path(ch->fd).text, mode) < 0 ? -errno : 0;
}

/*
 * truncate(2) and ftruncate(2) differ in what they do to the times of a file of that size. Of
 * open(2) with O_TRUNC the kernel says no more than of truncate(2) (Linux, fs/fuse/dir.c:
 * ATTR_OPEN), but then the file is open.
 */
static bool is_by_descriptor(const struct node *node, const struct setattr *ch)
{
	return ch->is_open || (ch->attr->st_size == 0 && ch->old.st_size == 0 &&
				      __atomic_load_n(&node->n_open, __ATOMIC_RELAXED) > 0);
}

static int truncate_base(struct call *c, const struct node *node, const struct setattr *ch)
{
	cleanup_fd int out = -1;

	if (!is_by_descriptor(node, ch))
		return truncate(fd_path(ch->fd).text, ch->attr->st_size) < 0 ? -errno : 0;
	out = fhandle_open(&c->fs->mounts, &node->handle, O_WRONLY | O_NONBLOCK | O_LARGEFILE);
	if (out < 0)
		return out;
	return ftruncate(out, ch->attr->st_size) < 0 ? -errno : 0;
}

static int set_size(struct call *c, const struct node *node, const struct setattr *ch)
{
	/* FATTR_KILL_SUIDGID, under libfuse's name: the caller may not keep set-id bits. */
	bool keep_setid = !(ch->to_set & FUSE_SET_ATTR_KILL_SUID);
	int r = 0;

	if (ch->attr->st_size < ch->old.st_size)
		r = call_allow(c, node, POLICY_SHRINK, NULL);
	if (r < 0)
		return r;
	creds_in_group(ch->old.st_gid, keep_setid);
	return truncate_base(c, node, ch);
}

static struct timespec pick_time(int to_set, int set, int now, struct timespec value)
{
	if (to_set & now)
		return (struct timespec){.tv_nsec = UTIME_NOW};
	if (to_set & set)
		return value;
	return (struct timespec){.tv_nsec = UTIME_OMIT};
}

static int set_times(int fd, const struct stat *attr, int to_set)
{
	const struct timespec times[2] = {
		pick_time(to_set, FUSE_SET_ATTR_ATIME, FUSE_SET_ATTR_ATIME_NOW, attr->st_atim),
		pick_time(to_set, FUSE_SET_ATTR_MTIME, FUSE_SET_ATTR_MTIME_NOW, attr->st_mtim),
	};

	return utimensat(fd, "", times, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

#define SET_OWNER (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)
#define SET_TIMES                                                              \
	(FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME | \
		FUSE_SET_ATTR_MTIME_NOW)

/* Nothing of it is chown(-1, -1), which moves the change time and clears set-id bits. */
#define SET_ANYTHING (SET_OWNER | SET_TIMES | FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_SIZE)

/* The owner before the mode: chown(2) clears set-id bits that chmod(2) then sets. */
static int make_change(struct call *c, struct node *node, const struct setattr *ch)
{
	int r = 0;

	if (!(ch->to_set & SET_ANYTHING))
		return set_nothing(c, node, ch);
	if (ch->to_set & SET_OWNER)
		r = set_owner(c, ch);
	if (r == 0 && (ch->to_set & FUSE_SET_ATTR_MODE))
		r = set_mode(ch);
	if (r == 0 && (ch->to_set & FUSE_SET_ATTR_SIZE))
		r = set_size(c, node, ch);
	if (r == 0 && (ch->to_set & SET_TIMES))
		r = set_times(ch->fd, ch->attr, ch->to_set);
	return r;
}

static int do_setattr(struct call *c, fuse_ino_t ino, struct setattr *ch, struct stat *ret)
{
	cleanup_fd int fd = -1;
	struct node *node;
	int r;

	r = call_change(c, ino, NULL, &node);
	if (r == 0)
		r = call_allow(c, node, POLICY_CHANGE, NULL);
	if (r < 0)
		return r;

	ch->fd = fd = call_open_path(c, node);
	if (fd < 0)
		return fd;
	if (fstat(fd, &ch->old) < 0)
		return -errno;

	r = make_change(c, node, ch);
	return r < 0 ? r : entry_stat(node, fd, ret);
}

void op_setattr(
	fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi)
{
	struct call c = call_begin(req, OP_SETATTR);
	struct setattr change = {.attr = attr, .to_set = to_set, .is_open = fi != NULL};
	struct stat st;
	int r = do_setattr(&c, ino, &change, &st);

	reply_attr(&c, r, call_node(&c, ino), &st);
}
