/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_NODE_H
#define ANKLUME_NODE_H

/*
 * The inodes below the volumes that the kernel knows: node id -> handle, and handle -> node. No
 * descriptor is kept per inode, and no pointer goes to the kernel.
 *
 * Lifetime: the kernel keeps every node it was told of until it has sent FORGET for each lookup,
 * and sends no request for it afterwards. A pointer from node_get() is therefore valid for the
 * request that it was got for, without a reference count.
 */

#include "fhandle.h"
#include "slots.h"

struct node {
	struct slot slot;
	uint64_t nlookup; /* stripe lock */
	uint64_t ino; /* st_ino to report, unique over the mount */
	struct fhandle handle;
	uint32_t volume; /* its number, see livevol.h */
	uint32_t type; /* S_IFMT bits */
	uint32_t next; /* hash chain, slot number; stripe lock */

	/* Open files, under node_lock(). */
	uint32_t n_open;
	uint32_t n_writers; /* also read alone, atomically: no attribute caching while > 0 */
	int32_t backing_id; /* passthrough id shared by every open of this inode, 0 = none */
	uint32_t wb_errors; /* write-back errors seen by fsync, told once to each open file */
	int32_t wb_errno; /* the last of them, negative */
	uint32_t maybe_mapped; /* atomic: was open for writing, a mapping of it may live on */
	uint32_t file_caps; /* atomic: NODE_CAPS_*, what is known of security.capability */
	uint32_t attr_granted; /* atomic: the kernel caches attributes it may have to drop */
	uint32_t is_pinned; /* node lock: pins.h keeps a descriptor of it */
	uint32_t check; /* of what never changes while the slot is in use */
	int32_t listener; /* node lock: a descriptor of this process, see writeback.h; -1 = none */
};

/* The kernel asks for security.capability before the first write after each look at a file. */
#define NODE_CAPS_UNKNOWN 0
#define NODE_CAPS_NONE 1
#define NODE_CAPS_CHANGED 2 /* set or removed once: ask the base from now on */
#define NODE_CAPS_TAKEN 3 /* the same, and the last request about them took them away */

#define NODES_MAX (UINT32_C(1) << 26) /* 64 Mi inodes: 9 GiB of address space, not of memory */
#define NODE_STRIPES 64

struct node_table {
	struct slot_table slots;
	uint32_t *buckets; /* slot number of each chain's head, 0 = empty; stripe lock */
	uint32_t n_buckets; /* a power of two; changed under all stripe locks */
	pthread_mutex_t stripes[NODE_STRIPES]; /* by hash % NODE_STRIPES; several: in order */
	pthread_mutex_t locks[NODE_STRIPES]; /* node_lock(): by slot number */
};

/* An empty table; MEMORY and EPOCH as for slots_init(). */
int node_table_init(struct node_table *t, void *memory, uint32_t epoch);

/*
 * Take over the nodes that a dead process left in MEMORY. Damaged ones are dropped and counted.
 * node_get() works at once, so that counts under way can be settled; node_table_link() then lets
 * go of what nobody looks up any more and makes the rest findable by handle.
 */
int node_table_adopt(struct node_table *t, void *memory, uint32_t epoch, uint32_t *ret_damaged);
int node_table_link(struct node_table *t);

void node_table_finish(struct node_table *t);

/* The node of ID, NULL when there is none (the caller answers -ESTALE). */
struct node *node_get(struct node_table *t, uint64_t id);

/* The node in the slot NUMBER, NULL when there is none. */
struct node *node_at(struct node_table *t, uint32_t number);

/*
 * Find or add the node of HANDLE in a volume and count one lookup. An inode that the base has in
 * two volumes (a hard link made behind our back) is a node in each: the flags that count are those
 * of the volume it was reached by. ST gives ino and type, VOLUME the number
 * of the volume it was found in. -ENFILE: the table is full.
 */
int node_lookup(struct node_table *t, const struct fhandle *handle, const struct stat *st,
	uint32_t volume, struct node **ret);

/* Take N lookups back; at zero the node is gone. True when it was pinned: the pin goes too. */
bool node_forget(struct node_table *t, uint64_t id, uint64_t n);

/*
 * Find the node of HANDLE in VOLUME without counting; the caller knows that the kernel holds it for the
 * length of the request. NULL when there is none.
 */
struct node *node_find(struct node_table *t, const struct fhandle *handle, uint32_t volume);

/* Serialise changes of a node's open-file fields. No other lock is taken inside. */
void node_lock(struct node_table *t, const struct node *node);
void node_unlock(struct node_table *t, const struct node *node);

/*
 * The st_ino that the mount reports: the base's own number on the base's first mount, mixed with
 * the mount's index and the btrfs subvolume's id elsewhere: the mount has one st_dev for all.
 */
uint64_t node_make_ino(const struct fhandle *handle, const struct stat *st);

#endif
