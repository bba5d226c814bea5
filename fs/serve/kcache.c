/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kcache.h"

#include "array.h"
#include "cleanup.h"
#include "fuseproto.h"
#include "log.h"
#include "node.h"
#include "str.h"
#include "vtree.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

bool kcache_grant_attr(struct node *node)
{
	/* Ordered with the stat that follows, as kcache_drop_attr() is with the change before it. */
	return __atomic_exchange_n(&node->attr_granted, 1, __ATOMIC_SEQ_CST);
}

void kcache_drop_attr(struct fuse_session *session, struct node *node, uint64_t ino)
{
	if (__atomic_exchange_n(&node->attr_granted, 0, __ATOMIC_SEQ_CST) && session)
		kcache_forget_attr(session, ino);
}

void kcache_forget_attr(struct fuse_session *session, uint64_t ino)
{
	fuse_lowlevel_notify_inval_inode(session, ino, -1, 0);
}

void kcache_drop_content(struct fuse_session *session, uint64_t ino)
{
	fuse_lowlevel_notify_inval_inode(session, ino, 0, 0);
}

/* Expired, not dropped: what is mounted on it stays (Linux 6.2; before, it is dropped). */
static void expire_name(int fuse_fd, const struct kcache_name *n)
{
	size_t len = strlen(n->name);
	struct fuse_notify_inval_entry_out entry = {
		.parent = n->dir, .namelen = (uint32_t)len, .flags = FUSE_EXPIRE_ONLY};
	struct fuse_out_header header = {.error = FUSE_NOTIFY_INVAL_ENTRY};
	struct iovec parts[] = {
		{&header, sizeof(header)}, {&entry, sizeof(entry)}, {(char *)n->name, len + 1}};

	header.len = (uint32_t)(sizeof(header) + sizeof(entry) + len + 1);
	/* -ENOENT: the kernel does not have it. */
	if (writev(fuse_fd, parts, ARRAY_SIZE(parts)) < 0)
		return;
}

/* In the child, where other threads of ours do not exist and may have held any lock. */
static _Noreturn void expire_all(int fuse_fd, const struct kcache_name *names, size_t n_names)
{
	if (dup2(fuse_fd, 0) < 0 || syscall(SYS_close_range, 1, ~0U, 0) < 0)
		_exit(1);
	for (size_t i = 0; i < n_names; i++)
		expire_name(0, &names[i]);
	_exit(0);
}

int kcache_expire_names(
	struct fuse_session *session, const struct kcache_name *names, size_t n_names)
{
	pid_t pid;
	int status;

	if (n_names == 0)
		return 0;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		expire_all(fuse_session_fd(session), names, n_names);
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

static bool same_entries(const struct vtree_dir *a, const struct vtree_dir *b)
{
	if (!b || a->n_entries != b->n_entries)
		return false;
	for (size_t i = 0; i < a->n_entries; i++) {
		if (a->entries[i].id != b->entries[i].id ||
			!str_equal(a->entries[i].name, b->entries[i].name))
			return false;
	}
	return true;
}

/*
 * Names that went, or now mean something else: a second is long enough to write into a volume that
 * was removed. They are made to time out, so that the next path walk asks again.
 */
static int add_changed_names(const struct vtree_dir *before, const struct vtree_dir *after,
	struct kcache_name **names, size_t *n_names)
{
	for (size_t i = 0; i < before->n_entries; i++) {
		const char *name = before->entries[i].name;
		struct kcache_name *n;

		if (after && vtree_child(after, name) == before->entries[i].id)
			continue;
		n = array_append(names, n_names, sizeof(*n));
		if (!n)
			return -ENOMEM;
		*n = (struct kcache_name){before->id, name};
	}
	return 0;
}

void kcache_drop_changed_dirs(
	struct fuse_session *session, const struct vtree *before, const struct vtree *after)
{
	cleanup_free struct kcache_name *names = NULL;
	size_t n_names = 0;
	int r = 0;

	if (!session)
		return;

	for (size_t i = 0; r == 0 && i < before->n_dirs; i++) {
		const struct vtree_dir *dir = &before->dirs[i];
		const struct vtree_dir *now = vtree_dir(after, dir->id);

		if (!same_entries(dir, now))
			r = add_changed_names(dir, now, &names, &n_names);
	}
	if (r == 0)
		r = kcache_expire_names(session, names, n_names);
	if (r < 0)
		log_warning("names that went may be found for a second: %s", strerror(-r));

	/* -ENOENT only says that the kernel has no such inode: nothing to drop. */
	for (size_t i = 0; i < before->n_dirs; i++) {
		if (!same_entries(&before->dirs[i], vtree_dir(after, before->dirs[i].id)))
			kcache_drop_content(session, before->dirs[i].id);
	}
}
