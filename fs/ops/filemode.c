/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "filemode.h"

#include "backing.h"
#include "creds.h"
#include "kcache.h"
#include "request.h"
#include "rlimits.h"
#include "writeback.h"

#include <fcntl.h>

/* Of the caller's flags, for a file that it had open already. */
#define REOPEN_MASK (O_ACCMODE | O_NOATIME)

int filemode_open(
	struct fhandle_mounts *mounts, const struct fhandle *handle, int flags, bool may_append)
{
	int fd = fhandle_open(mounts, handle, flags);

	if (fd == -EPERM && may_append)
		fd = fhandle_open(mounts, handle, flags | O_APPEND);
	return fd;
}

static bool is_passthrough_refused(struct call *c, const struct fhandle_mount *mount)
{
	return !c->fs->has_passthrough ||
	       __atomic_load_n(&mount->passthrough, __ATOMIC_RELAXED) < 0;
}

int filemode_check_room(struct call *c, const struct node *node)
{
	uint64_t n_files, n_pins;

	if (!is_passthrough_refused(c, &c->fs->mounts.items[node->handle.mount]))
		return 0;
	n_files = __atomic_load_n(&c->fs->files.n_fds, __ATOMIC_RELAXED);
	n_pins = pins_count(&c->fs->pins);
	/* One that loses its name while it is open has a pin as well. */
	return 2 * n_files + n_pins < rlimits_fds() / 4 * 3 ? 0 : -ENFILE;
}

/*
 * Give NODE a backing id unless it has one. 0: there is one now; -EOPNOTSUPP: the filesystem of
 * the base cannot, and never could; else -EIO. Under node_lock().
 */
static int take_backing(struct call *c, struct node *node, int fd)
{
	struct fhandle_mount *mount = &c->fs->mounts.items[node->handle.mount];
	int id;

	if (node->backing_id > 0)
		return 0;

	creds_as_passer(); /* the kernel keeps these credentials for every write */
	id = backing_open(c->fs, fd);
	if (id > 0) {
		__atomic_store_n(&mount->passthrough, 1, __ATOMIC_RELAXED);
		node->backing_id = id;
		return 0;
	}

	/* Decided by the first file of a filesystem; a later failure must not mix modes. */
	if (__atomic_load_n(&mount->passthrough, __ATOMIC_RELAXED) > 0)
		return -EIO;
	__atomic_store_n(&mount->passthrough, -1, __ATOMIC_RELAXED);
	log_warning("the base's filesystem (device %u:%u) refuses passthrough: data goes through "
		    "the daemon, slower",
		(unsigned int)(mount->dev >> 8), (unsigned int)(mount->dev & 0xff));
	return -EOPNOTSUPP;
}

static int attach_locked(struct call *c, struct node *node, int *fd, struct fuse_file_info *fi)
{
	struct fhandle_mount *mount = &c->fs->mounts.items[node->handle.mount];
	int kept_fd = -1;
	int r = -EOPNOTSUPP;

	if (!is_passthrough_refused(c, mount))
		r = take_backing(c, node, *fd);
	if (r < 0 && r != -EOPNOTSUPP)
		return r;

	if (r == 0) {
		fi->backing_id = node->backing_id;
	} else {
		request_expect_writes();
		kept_fd = steal_fd(fd);
		fi->keep_cache = 1; /* only this mount changes the file */
	}

	r = openfile_add(
		&c->fs->files, slot_id(&node->slot), kept_fd, fi->flags, node->wb_errors, &fi->fh);
	if (r < 0) {
		if (kept_fd >= 0)
			close(kept_fd);
		return r;
	}
	node->n_open++;
	if (fi->backing_id > 0 && openfile_is_writable(fi->flags))
		writeback_listen(node, steal_fd(fd));
	return 0;
}

int filemode_attach(struct call *c, struct node *node, int taken_fd, struct fuse_file_info *fi)
{
	cleanup_fd int fd = taken_fd;
	int r;

	node_lock(&c->fs->nodes, node);
	r = attach_locked(c, node, &fd, fi);
	if (r == 0 && openfile_is_writable(fi->flags)) {
		__atomic_add_fetch(&node->n_writers, 1, __ATOMIC_SEQ_CST);
		__atomic_add_fetch(&call_volume(c, node)->n_writers, 1, __ATOMIC_RELAXED);
	}
	node_unlock(&c->fs->nodes, node);

	/* It must not keep what it has: writes clear set-id bits, and stores to mappings move times. */
	if (r == 0 && openfile_is_writable(fi->flags))
		kcache_drop_attr(c->fs->session, node, slot_id(&node->slot));
	return r;
}

void filemode_detach(struct fs *fs, uint64_t fh)
{
	struct openfile *file = openfile_get(&fs->files, fh);
	struct node *node = file ? node_get(&fs->nodes, file->node) : NULL;
	struct livevol *volume = node ? livevol_get(&fs->volumes, node->volume) : NULL;
	bool is_mappable;

	if (!volume)
		return;
	is_mappable = openfile_is_mappable(file->flags);

	node_lock(&fs->nodes, node);
	if (openfile_is_writable(file->flags)) {
		if (is_mappable)
			__atomic_store_n(&node->maybe_mapped, 1, __ATOMIC_SEQ_CST);
		__atomic_sub_fetch(&node->n_writers, 1, __ATOMIC_RELAXED);
		__atomic_sub_fetch(&volume->n_writers, 1, __ATOMIC_RELAXED);
	}
	openfile_remove(&fs->files, file);
	if (--node->n_open == 0) {
		writeback_forget(node);
		if (node->backing_id > 0)
			backing_close(fs, node->backing_id);
		node->backing_id = 0;
	}
	node_unlock(&fs->nodes, node);

	/* Stores since it was last looked at, and what the base gives back at its close (xfs). */
	if (is_mappable)
		kcache_drop_attr(fs->session, node, slot_id(&node->slot));
}

int filemode_fd(struct fs *fs, uint64_t fh)
{
	struct openfile *file = openfile_get(&fs->files, fh);
	struct node *node = file ? node_get(&fs->nodes, file->node) : NULL;
	int fd;

	if (!node)
		return -ESTALE; /* lost with a damaged state */
	fd = __atomic_load_n(&file->fd, __ATOMIC_ACQUIRE);
	if (fd >= 0)
		return fd;

	node_lock(&fs->nodes, node);
	fd = file->fd;
	if (fd < 0)
		fd = filemode_open(&fs->mounts, &node->handle,
			(file->flags & REOPEN_MASK) | O_NONBLOCK | O_NOCTTY | O_LARGEFILE,
			openfile_is_writable(file->flags));
	if (fd >= 0)
		openfile_set_fd(&fs->files, file, fd);
	node_unlock(&fs->nodes, node);
	return fd;
}
