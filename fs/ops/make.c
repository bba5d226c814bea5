/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What makes a name: mknod, mkdir, symlink, link. */

#include "ops.h"

#include "creds.h"
#include "dircache.h"
#include "entry.h"
#include "kcache.h"
#include "once.h"
#include "path.h"
#include "reply.h"

#include <fcntl.h>

struct make {
	struct call *c;
	struct node *dir;
	int dir_fd; /* of dircache.h */
	const char *name;
	mode_t mode; /* with the type */
	dev_t rdev;
	const char *target; /* of a symlink */
	int source_fd; /* of a link */
};

static void close_make(struct make *m)
{
	if (m->source_fd >= 0)
		close(m->source_fd);
}

#define cleanup_make cleanup_(close_make)

/* What is common to all: may the name be, and where. */
static int begin(struct make *m, fuse_ino_t parent)
{
	int r;

	r = call_change(m->c, parent, m->name, &m->dir);
	if (r == 0)
		r = call_allow(m->c, m->dir, POLICY_CHANGE, m->name);
	if (r < 0)
		return r;

	m->dir_fd = dircache_open(&m->c->fs->mounts, &m->dir->handle);
	return m->dir_fd < 0 ? m->dir_fd : 0;
}

static int act_make(void *arg)
{
	const struct make *m = arg;
	const struct fuse_ctx *ctx = fuse_req_ctx(m->c->req);
	mode_t asked = S_ISLNK(m->mode) ? 0 : m->mode;
	int r = creds_as_creator(ctx->uid, ctx->gid, ctx->umask, asked);

	if (r < 0)
		return r;
	if (S_ISLNK(m->mode))
		r = symlinkat(m->target, m->dir_fd, m->name);
	else if (S_ISDIR(m->mode))
		r = mkdirat(m->dir_fd, m->name, m->mode & ~S_IFMT);
	else
		r = mknodat(m->dir_fd, m->name, m->mode, m->rdev);
	return r < 0 ? -errno : 0;
}

static bool was_made(const struct intent *before, void *arg)
{
	const struct make *m = arg;

	return once_name_is_new(before, m->dir_fd, m->name, m->mode & S_IFMT);
}

static int do_make(struct make *m, fuse_ino_t parent, struct fuse_entry_param *ret)
{
	const struct once once = {.c = m->c, .act = act_make, .was_made = was_made, .arg = m};
	int r;

	r = begin(m, parent);
	if (r == 0)
		r = once_run(&once);
	if (r < 0)
		return r;
	kcache_drop_attr(m->c->fs->session, m->dir, parent);
	return entry_lookup(m->c, m->dir, m->dir_fd, m->name, ret, NULL);
}

static void make_and_reply(struct make *m, fuse_ino_t parent)
{
	struct fuse_entry_param entry;
	int r = do_make(m, parent, &entry);

	reply_entry(m->c, r, &entry);
}

void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	struct call c = call_begin(req, OP_MKNOD);
	cleanup_make struct make m = {
		.c = &c, .source_fd = -1, .name = name, .mode = mode, .rdev = rdev};

	if ((mode & S_IFMT) == 0)
		m.mode |= S_IFREG; /* mknod(2): zero means a regular file */
	make_and_reply(&m, parent);
}

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct call c = call_begin(req, OP_MKDIR);
	cleanup_make struct make m = {
		.c = &c, .source_fd = -1, .name = name, .mode = (mode & ~(mode_t)S_IFMT) | S_IFDIR};

	/* Nothing is made at the virtual levels, but a name that could never be is told apart. */
	if (call_is_virtual(&c, parent) && !name_is_valid(name))
		reply_err(&c, -EINVAL);
	else
		make_and_reply(&m, parent);
}

void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	struct call c = call_begin(req, OP_SYMLINK);
	cleanup_make struct make m = {
		.c = &c, .source_fd = -1, .name = name, .mode = S_IFLNK, .target = target};

	make_and_reply(&m, parent);
}

static int act_link(void *arg)
{
	const struct make *m = arg;

	return linkat(m->source_fd, "", m->dir_fd, m->name, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

static bool was_linked(const struct intent *before, void *arg)
{
	const struct make *m = arg;
	bool is_absent;

	return once_name_is(m->c, m->dir_fd, m->name, &before->source, &is_absent);
}

static int do_link(struct make *m, fuse_ino_t ino, fuse_ino_t parent, struct fuse_entry_param *ret)
{
	struct node *node = call_node(m->c, ino);
	struct once once = {.c = m->c, .act = act_link, .was_made = was_linked, .arg = m};
	int r;

	if (!node)
		return -ESTALE;
	r = begin(m, parent);
	if (r < 0)
		return r;
	if (node->volume != m->dir->volume)
		return -EXDEV;

	m->source_fd = call_open_path(m->c, node);
	if (m->source_fd < 0)
		return m->source_fd;
	once.source = &node->handle;
	r = once_run(&once);
	if (r < 0)
		return r;
	fs_unpin(m->c->fs, node);
	kcache_drop_attr(m->c->fs->session, m->dir, parent);
	return entry_lookup(m->c, m->dir, m->dir_fd, m->name, ret, NULL);
}

void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent, const char *new_name)
{
	struct call c = call_begin(req, OP_LINK);
	cleanup_make struct make m = {.c = &c, .source_fd = -1, .name = new_name};
	struct fuse_entry_param entry;
	int r = do_link(&m, ino, new_parent, &entry);

	reply_entry(&c, r, &entry);
}
