/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_REFILL_H
#define ANKLUME_REFILL_H

/*
 * A whole tree in the place of an empty volume, as seeding and adopting want it.
 *
 * The order, and what a crash leaves: the tree is made beside the volume (partial.h), where nobody
 * sees it, is on the disk whole and says where it came from; killed until then, the next run begins
 * anew. Then one transaction: the record gets a new number (lifecycle.h), the two directories
 * change places, the mark is written, commit. Killed in between, the volume has its data and a mark
 * that disagrees: the next run sees where it came from and calls refill_mend(). The old, empty
 * directory is removed last; 'trash empty' finds it, too.
 */

#include "volop.h"

struct refill {
	struct volop *op;
	const struct domain *domain;
	const struct machine *machine;
	const struct volume *volume;
	const char *action; /* of the audit row: "volume.seed" */
	const char *source; /* its detail */
};

/* The volume's directory, as it is now. */
int refill_open(const struct refill *refill, int *ret_fd, struct error *err);

/* An unnamed file in the base, for what Incus exports. The caller closes it. */
int refill_open_archive(const struct volop *op, int *ret_fd, struct error *err);

/* 1, 0 or -errno. */
int refill_is_empty(int fd);

/*
 * The tree in .part-<volume>, complete and synced, changes places with the empty volume. Whatever
 * comes of it, what is left beside the volume is removed. -ENOTEMPTY: somebody wrote to the volume
 * meanwhile, and it is as he left it.
 */
int refill_exchange(const struct refill *refill, struct error *err);

/* FD, the volume, was exchanged: when a run was killed before its commit, end it. */
int refill_mend(const struct refill *refill, int fd, struct error *err);

#endif
