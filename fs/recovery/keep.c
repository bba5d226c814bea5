/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keep.h"

#include "takeover.h"

#include <fcntl.h>
#include <fuse_lowlevel.h>

#define MOUNT_NAME_MAX 32

static const char *mount_name(unsigned int index, char buf[static MOUNT_NAME_MAX])
{
	snprintf(buf, MOUNT_NAME_MAX, "mount-%u", index);
	return buf;
}

static void keep_mount(unsigned int index, int fd)
{
	char name[MOUNT_NAME_MAX];

	fdstore_put(mount_name(index, name), fd);
}

static void keep(struct fs *fs, int (*keep_pins)(struct pins *p))
{
	if (!fs->has_resend || !fdstore_has_keeper())
		return;
	if (fs->init_fd < 0 && initlog_write(&fs->init, &fs->init_fd) < 0) {
		log_warning("cannot keep the kernel's greeting: a crash will end the mount");
		return;
	}
	fdstore_put("base", fs->base_fd);
	for (unsigned int i = 0; i < fs->mounts.n; i++)
		keep_mount(i, fs->mounts.items[i].fd);
	fs->mounts.on_add = keep_mount;
	/* One file for the life of the mount: at no moment may the holder be without it. */
	fdstore_put("init", fs->init_fd);
	fdstore_put("state", fs->state.fd);
	if (keep_pins(&fs->pins) < 0)
		log_warning("no socket for an escrow: what loses its last name just before a crash "
			    "may be lost to who is in it");
	/* The last one: who finds it finds all the others. */
	fdstore_put("fuse", fuse_session_fd(fs->session));
}

void keep_all(struct fs *fs)
{
	keep(fs, pins_store_all);
}

void keep_rest(struct fs *fs)
{
	keep(fs, pins_store_rest);
}

void keep_copies(struct fs *fs)
{
	keep(fs, pins_copy_all);
}

void keep_nothing(struct fs *fs)
{
	char name[MOUNT_NAME_MAX];

	fdstore_drop("fuse");
	pins_unstore_all(&fs->pins);
	fdstore_drop("state");
	fdstore_drop("init");
	for (unsigned int i = 0; i < fs->mounts.n; i++)
		fdstore_drop(mount_name(i, name));
	fdstore_drop("base");
}

/* The base and the mounts in it, under the numbers that handles have. */
static int restore_base(struct fs *fs, struct fdstore *kept, struct error *err)
{
	int r = 0;

	fs->base_fd = fdstore_steal(kept, "base");
	if (fs->base_fd < 0)
		return error_set(err, -ENOENT, "the holder does not have the base");
	for (unsigned int i = 0; r == 0 && i < FHANDLE_MOUNTS; i++) {
		char name[MOUNT_NAME_MAX];
		int fd = fdstore_steal(kept, mount_name(i, name));

		if (fd < 0)
			break;
		r = fhandle_mounts_restore(&fs->mounts, i, fd);
	}
	return r < 0 ? error_errno(err, r, "a mount of the base") : 0;
}

_Static_assert(NODES_MAX <= 1 << PIN_SLOT_BITS, "each node's pin has a name");

/* The node that NAME names; NULL: there is none any more. */
static struct node *node_of_pin(struct fs *fs, const char *name, enum pin_form *ret_form)
{
	uint32_t slot = 0;
	struct node *node;

	*ret_form = pinname_parse(name, &slot);
	node = *ret_form == PIN_NONE ? NULL : node_at(&fs->nodes, slot);
	return node && pinname_is_of(name, slot_id(&node->slot)) ? node : NULL;
}

static bool is_inode_of(struct fs *fs, const struct node *node, int fd)
{
	struct fhandle handle;

	return fhandle_get(&fs->mounts, fd, "", AT_EMPTY_PATH, &handle) == 0 &&
	       fhandle_equal(&handle, &node->handle);
}

/* Several of one name may be there, and what is dropped is all of them: the right ones first. */
static void drop_wrong_pins(struct fs *fs, const struct fdstore *kept)
{
	for (size_t i = 0; i < kept->n_items; i++) {
		const struct fdstore_item *item = &kept->items[i];
		enum pin_form form;
		const struct node *node = node_of_pin(fs, item->name, &form);

		if (form == PIN_NONE || item->fd < 0)
			continue;
		if (node)
			log_warning("'%s' was kept for another inode: it is let go", item->name);
		if (!node || !node->is_pinned)
			fdstore_drop(item->name);
	}
}

static void restore_pins(struct fs *fs, struct fdstore *kept)
{
	for (size_t i = 0; i < kept->n_items; i++) {
		struct fdstore_item *item = &kept->items[i];
		enum pin_form form;
		struct node *node = node_of_pin(fs, item->name, &form);

		if (node && item->fd >= 0 && is_inode_of(fs, node, item->fd) &&
			pins_restore(&fs->pins, slot_id(&node->slot), form, steal_fd(&item->fd)))
			node->is_pinned = 1;
	}
	drop_wrong_pins(fs, kept);
}

/* What the dead process was taking the last name from. */
static bool is_lost(void *data, uint64_t id, int fd)
{
	struct fs *fs = data;
	struct node *node = node_get(&fs->nodes, id);

	if (!node || !pins_is_nameless(fd))
		return false;
	node->is_pinned = 1;
	return true;
}

static void restore_escrow(struct fs *fs, struct fdstore *kept)
{
	cleanup_fd int tx = fdstore_steal(kept, PINS_TX);
	cleanup_fd int rx = fdstore_steal(kept, PINS_RX);

	/* It is the daemon's that lives, who goes on with it. */
	if (!fs->options.is_checking)
		pins_restore_escrow(&fs->pins, steal_fd(&tx), steal_fd(&rx), is_lost, fs);
}

int keep_resume(struct fs *fs, struct fdstore *kept, struct error *err)
{
	int r;

	fs->init_fd = fdstore_steal(kept, "init");
	r = restore_base(fs, kept, err);
	if (r < 0)
		return r;
	r = fs->init_fd < 0 ? -ENOENT : initlog_read(fs->init_fd, &fs->init);
	if (r < 0)
		return error_errno(err, r, "the kernel's greeting (INIT)");
	r = takeover_tables(fs, fdstore_steal(kept, "state"), err);
	if (r < 0)
		return r;
	restore_pins(fs, kept);
	restore_escrow(fs, kept);
	return 0;
}
