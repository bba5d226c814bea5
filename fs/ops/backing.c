/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backing.h"

#include "fuseproto.h"

#include <fuse_lowlevel.h>
#include <string.h>

/* Ids are given out in a circle (idr_alloc_cyclic), so a new one is a little above the newest. */
#define IS_NEWER(a, b) ((uint32_t)((a) - (b)) < UINT32_C(1) << 30)

static void remember(struct fs *fs, int32_t id)
{
	int32_t *last = &fs->state.header->last_backing_id;
	int32_t seen = __atomic_load_n(last, __ATOMIC_RELAXED);

	while (IS_NEWER(id, seen) && !__atomic_compare_exchange_n(last, &seen, id, false,
					     __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
}

int backing_open(struct fs *fs, int fd)
{
	struct fuseproto_backing_map map = {.fd = fd};
	int id = ioctl(fuse_session_fd(fs->session), FUSEPROTO_BACKING_OPEN, &map);

	if (id <= 0)
		return id < 0 ? -errno : -EIO;
	remember(fs, id);
	return id;
}

void backing_close(struct fs *fs, int id)
{
	uint32_t closing = (uint32_t)id;

	if (ioctl(fuse_session_fd(fs->session), FUSEPROTO_BACKING_CLOSE, &closing) < 0 &&
		errno != ENOENT)
		log_warning("cannot close passthrough id %d: %s", id, error_text(NULL, -errno));
}

/* As many ids as requests can have been under way, on both sides of the newest that is known. */
#define REACH JOURNAL_ENTRIES

/* Nodes that nobody has open need no id; those that are in use in the window are marked. */
static void close_unused(struct fs *fs, int32_t from, bool in_use[2 * REACH])
{
	struct node *node = NULL;

	while ((node = slots_next(&fs->nodes.slots, node ? node->slot.number : 0))) {
		int32_t id = node->backing_id;

		if (id <= 0)
			continue;
		if (node->n_open == 0) {
			backing_close(fs, id);
			node->backing_id = 0;
		} else if (id >= from && id < from + 2 * REACH) {
			in_use[id - from] = true;
		}
	}
}

void backing_sweep(struct fs *fs)
{
	int32_t from = fs->state.header->last_backing_id - REACH + 1;
	bool in_use[2 * REACH] = {false};

	close_unused(fs, from, in_use);
	for (int32_t i = 0; fs->has_passthrough && i < 2 * REACH; i++) {
		if (!in_use[i] && from + i > 0)
			backing_close(fs, from + i);
	}
}
