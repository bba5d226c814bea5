/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_LIVEVOL_H
#define ANKLUME_LIVEVOL_H

/*
 * The volumes as the daemon serves them. An entry never moves and is never freed while the daemon
 * runs, so requests reach it by its number without a lock: what they need of it is atomic. Its
 * words for people (name, owner) change with the catalogue, under the table's lock.
 */

#include "node.h"
#include "volume.h"

#define LIVEVOLS_MAX (UINT32_C(1) << 22)
#define LIVEVOL_CGROUP_MAX 256

struct livevol {
	uint64_t row; /* of the catalogue; constant */
	uint32_t number; /* in the table, from 1; constant */
	uint32_t flags; /* atomic: enum volume_flag */
	uint32_t is_present; /* atomic: the root directory was found in the base */
	uint32_t n_writers; /* atomic: files open for writing */
	uint64_t n_denials; /* atomic */
	struct node root; /* its slot is unused: the id is fixed, see vtree.h */
	uint32_t check; /* of row, number and root */
	char name[VOLUME_PATH_MAX]; /* "domain/machine/volume"; table lock */
	char owner_cgroup[LIVEVOL_CGROUP_MAX]; /* of the owner instance, "" = none; table lock */
};

struct livevol_table {
	struct livevol *items; /* sparse mapping, indexed by number; 0 is none */
	uint32_t *n; /* numbers 1..n are in use: the number of item 0; atomic */
	bool is_owned; /* the memory is ours to unmap */
	void *by_row; /* tsearch(3) tree of items; lock */
	pthread_rwlock_t lock; /* no lock is taken inside */
};

/* An empty table in MEMORY (zeroed, borrowed), or in memory of its own when that is NULL. */
int livevol_table_init(struct livevol_table *t, void *memory);

/*
 * Take over the volumes that a dead process left in MEMORY: the numbers stay, and so do the flags
 * until the catalogue says otherwise. -EUCLEAN: damaged.
 */
int livevol_table_adopt(struct livevol_table *t, void *memory);

void livevol_table_finish(struct livevol_table *t);

/* How many volumes there are; they have the numbers from 1. */
uint32_t livevol_count(const struct livevol_table *t);

/* NULL when there is no volume of that number. */
struct livevol *livevol_get(struct livevol_table *t, uint32_t number);

/* The volume of a catalogue row, NULL when there is none. */
struct livevol *livevol_find(struct livevol_table *t, uint64_t row);

/*
 * Take over the record of one volume: name, owner, flags, and find its directory below BASE_FD.
 * A missing directory is not an error: the volume is then not present. -EAGAIN: for want of memory or
 * descriptors it could not be looked for, and what was served before still is; -ENOMEM, -ENFILE.
 */
int livevol_update(struct livevol_table *t, int base_fd, struct fhandle_mounts *mounts,
	const struct domain *domain, const struct machine *machine, const struct volume *volume);

/* Serve DIR_FD itself as volume 1, named NAME, with FLAGS (single-volume mode). */
int livevol_serve_directory(struct livevol_table *t, int dir_fd, struct fhandle_mounts *mounts,
	const char *name, unsigned int flags);

static inline unsigned int livevol_flags(const struct livevol *v)
{
	return __atomic_load_n(&v->flags, __ATOMIC_ACQUIRE);
}

#endif
