/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

#include "dircache.h"
#include "direntries.h"
#include "entry.h"
#include "journal.h"
#include "kcache.h"
#include "listers.h"
#include "reply.h"

#include <fcntl.h>
#include <string.h>

static int lookup_virtual(
	struct call *c, fuse_ino_t parent, const char *name, struct fuse_entry_param *ret)
{
	const struct vtree_dir *dir;
	uint64_t id;

	pthread_rwlock_rdlock(&c->fs->tree_lock);
	dir = vtree_dir(c->fs->tree, parent);
	id = dir ? vtree_child(dir, name) : 0;
	pthread_rwlock_unlock(&c->fs->tree_lock);

	return id ? entry_of_fixed(c, id, ret) : -ENOENT;
}

static int do_lookup(
	struct call *c, fuse_ino_t parent, const char *name, struct fuse_entry_param *ret)
{
	struct node *dir = call_node(c, parent);
	int fd;
	int r;

	if (call_is_virtual(c, parent))
		return lookup_virtual(c, parent, name, ret);
	if (!dir)
		return -ESTALE;

	fd = dircache_open(&c->fs->mounts, &dir->handle);
	if (fd < 0)
		return fd;

	r = entry_lookup(c, dir, fd, name, ret, NULL);
	if (r != -ENOENT)
		return r;

	/* An entry without an inode: the kernel remembers that the name is absent. */
	memset(ret, 0, sizeof(*ret));
	ret->entry_timeout = KCACHE_FOREVER_S;
	return 0;
}

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct call c = call_begin(req, OP_LOOKUP);
	struct fuse_entry_param entry;
	int r = do_lookup(&c, parent, name, &entry);

	if (r == 0 && entry.ino && !S_ISDIR(entry.attr.st_mode))
		listers_looked(&c.fs->listers, fuse_req_ctx(req)->pid);

	reply_entry(&c, r, &entry);
}

void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
	struct call c = call_begin(req, OP_FORGET);

	entry_forget(c.fs, ino, nlookup);
	fuse_reply_none(req);
}

void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	struct call c = call_begin(req, OP_FORGET);

	for (size_t i = 0; i < count; i++) {
		journal_forgetting((uint32_t)i);
		entry_forget(c.fs, forgets[i].ino, forgets[i].nlookup);
	}
	fuse_reply_none(req);
}

static void reply_listing(struct call *c, struct direntries *list)
{
	call_answering(c);
	if (fuse_reply_buf(c->req, list->data, list->used) == -ENOENT)
		direntries_forget(list);
}

/*
 * What the process does with what it lists is learnt at the start of directories only: further on
 * the kernel asks for attributes when they were of use.
 */
static int list_base(struct direntries *list, const struct node *dir, off_t off)
{
	struct listers *listers = &list->call->fs->listers;
	pid_t process = fuse_req_ctx(list->call->req)->pid;
	int r;

	if (list->is_plus && off == 0)
		list->which = listers_ask(listers, process);
	r = direntries_read(list, dir, off);
	if (list->n_files > LISTER_BEFORE_SAMPLE)
		listers_sampled(listers, process);
	return r;
}

/* Both kinds of listing; R and the buffer decide the one reply. */
static void list(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, enum op op)
{
	struct call c = call_begin(req, op);
	struct direntries list = {
		.call = &c, .data = malloc(size), .size = size, .is_plus = op == OP_READDIRPLUS};
	struct node *dir = call_node(&c, ino);
	int r;

	if (!list.data)
		r = -ENOMEM;
	else if (call_is_virtual(&c, ino))
		r = direntries_read_virtual(&list, ino, off);
	else if (!dir)
		r = -ESTALE;
	else
		r = list_base(&list, dir, off);

	/* An error after the first entries is met again by the next request. */
	if (r < 0 && list.used == 0)
		reply_err(&c, r);
	else
		reply_listing(&c, &list);
	free(list.data);
}

void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	(void)fi;
	list(req, ino, size, off, OP_READDIR);
}

void op_readdirplus(
	fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	(void)fi;
	list(req, ino, size, off, OP_READDIRPLUS);
}

static int do_fsyncdir(struct call *c, fuse_ino_t ino, int datasync)
{
	struct node *dir = call_node(c, ino);
	cleanup_fd int fd = -1;

	if (call_is_virtual(c, ino))
		return 0;
	if (!dir)
		return -ESTALE;

	fd = call_open_dir(c, dir);
	if (fd < 0)
		return fd;
	return (datasync ? fdatasync(fd) : fsync(fd)) < 0 ? -errno : 0;
}

void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	struct call c = call_begin(req, OP_FSYNCDIR);

	(void)fi;
	reply_err(&c, do_fsyncdir(&c, ino, datasync));
}
