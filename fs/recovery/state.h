/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_STATE_H
#define ANKLUME_STATE_H

/*
 * The memory that outlives the process: one memfd, kept by the holder, mapped whole. Behind a
 * header of constants lie the tables, each at a fixed place and sparse. What a table may hold
 * after its writer was killed in the middle of anything is said where it is adopted.
 */

#include "errors.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * VERSION grows with every change of the layout; COMPAT is the oldest version of this program
 * that still reads it right (fields are added in spare room, with zero meaning "as before").
 */
#ifndef STATE_VERSION /* tests build later ones */
#define STATE_VERSION 1
#define STATE_COMPAT 1
#endif

enum state_region {
	STATE_NODES,
	STATE_FILES,
	STATE_VOLUMES,
	STATE_JOURNAL,
	STATE_REGIONS,
};

struct state_header {
	char magic[8];
	uint32_t version;
	uint32_t compat;
	uint32_t element_sizes[STATE_REGIONS];
	uint64_t base_dev, base_ino; /* whose inodes these are */
	uint32_t is_plain;
	uint32_t epoch; /* of node ids, see slots.h */
	uint32_t check; /* of everything above */

	uint32_t n_takeovers;
	int32_t owner; /* pid of the process that uses it; 0: nobody yet */
	int32_t last_backing_id; /* atomic: the newest passthrough id that the kernel gave */
	uint64_t mount_device; /* st_dev of the mount; 0: unknown */
};

struct state {
	struct state_header *header;
	int fd;
};

/* What the state belongs to. */
struct state_identity {
	uint64_t base_dev, base_ino;
	bool is_plain;
};

/* A new, empty state. EPOCH as for slots_init(). Returns 0 or -errno. */
int state_create(
	struct state *s, const struct state_identity *who, uint32_t epoch, struct error *err);

/*
 * Map the state behind FD (taken); IS_PRIVATE: what is changed in it is changed for this process
 * alone. -EUCLEAN: damaged or not there (FD < 0), and *RET_EPOCH is one that surely differs;
 * -EPROTO: made by a program that this one does not understand; -EXDEV: of another base.
 */
int state_adopt(struct state *s, int fd, bool is_private, const struct state_identity *who,
	uint32_t *ret_epoch, struct error *err);

void state_finish(struct state *s);

/* The memory of one table. */
void *state_region(const struct state *s, enum state_region region);

#endif
