/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "once.h"

#include "failpoint.h"

#include <fcntl.h>

#define NS_PER_S INT64_C(1000000000)

const struct intent *once_before(void)
{
	const struct journal_entry *e = journal_current();

	return e && e->intent.state != INTENT_NONE ? &e->intent : NULL;
}

bool once_is_repeated(void)
{
	return once_before() != NULL;
}

bool once_covers(enum op op)
{
	switch (op) {
	case OP_CREATE:
	case OP_MKNOD:
	case OP_MKDIR:
	case OP_SYMLINK:
	case OP_LINK:
	case OP_UNLINK:
	case OP_RMDIR:
	case OP_RENAME:
	case OP_SETXATTR:
	case OP_REMOVEXATTR:
		return true;
	default:
		return false;
	}
}

int once_run(const struct once *once)
{
	const struct intent *before = once_before();
	int r;

	if (before && before->state == INTENT_DONE)
		return before->result;
	if (before && once->was_made(before, once->arg)) {
		journal_finish(0);
		return 0;
	}

	/* What an earlier process saw before its change counts, not what is there after it. */
	if (!before)
		journal_start(once->source, once->target);
	failpoint_hit(FAILPOINT_STARTED, once->c->op);
	r = once->act(once->arg);
	failpoint_hit(FAILPOINT_SYSCALL, once->c->op);
	journal_finish(r);
	failpoint_hit(FAILPOINT_DONE, once->c->op);
	return r;
}

bool once_name_is(struct call *c, int dir_fd, const char *name, const struct fhandle *handle,
	bool *ret_absent)
{
	struct fhandle now;
	int r = fhandle_get(&c->fs->mounts, dir_fd, name, 0, &now);

	*ret_absent = r == -ENOENT;
	return r == 0 && fhandle_equal(&now, handle);
}

bool once_name_is_new(const struct intent *before, int dir_fd, const char *name, mode_t type)
{
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || (st.st_mode & S_IFMT) != type)
		return false;
	if (st.st_ctim.tv_nsec == 0) /* a file system that keeps whole seconds */
		return st.st_ctim.tv_sec >= before->started_ns / NS_PER_S;
	return st.st_ctim.tv_sec * NS_PER_S + st.st_ctim.tv_nsec >= before->started_ns;
}
