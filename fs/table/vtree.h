/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_VTREE_H
#define ANKLUME_VTREE_H

/*
 * The virtual levels: root -> domains -> machines -> volumes, as the catalogue has them. Inode
 * ids of these levels are fixed, made of the kind and the catalogue's row id, which is never
 * reused: a daemon that starts again serves the same inodes.
 */

#include "errors.h"
#include "volume.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum vtree_kind {
	VTREE_ROOT = 0,
	VTREE_DOMAIN = 1,
	VTREE_MACHINE = 2,
	VTREE_VOLUME = 3,
};

#define VTREE_ROOT_ID UINT64_C(1) /* FUSE_ROOT_ID */

/* One name in a virtual directory. */
struct vtree_entry {
	const char *name; /* borrowed from the tree */
	uint64_t id;
};

/* One virtual directory. */
struct vtree_dir {
	uint64_t id;
	uint64_t parent;
	char *name;
	struct vtree_entry *entries; /* sorted by name */
	size_t n_entries;
};

struct vtree {
	struct vtree_dir *dirs; /* sorted by id; the root is first */
	size_t n_dirs;
	char **volume_names;
	size_t n_volume_names;
	int64_t built; /* seconds since the epoch: mtime of the virtual directories */
};

/* Build from a whole snapshot. -ENOMEM, -ERANGE (a row id that no inode id can hold). */
int vtree_build(const struct infra *infra, struct vtree **ret);
void vtree_free(struct vtree *tree);

/* NULL when ID is no virtual directory of the tree. */
const struct vtree_dir *vtree_dir(const struct vtree *tree, uint64_t id);

/* The child NAME of DIR; 0 when there is none. */
uint64_t vtree_child(const struct vtree_dir *dir, const char *name);

uint64_t vtree_make_id(enum vtree_kind kind, uint64_t row);
bool vtree_is_fixed_id(uint64_t id);
enum vtree_kind vtree_id_kind(uint64_t id);
uint64_t vtree_id_row(uint64_t id);

#endif
