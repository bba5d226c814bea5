/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_SLOTS_H
#define ANKLUME_SLOTS_H

/*
 * A table of equal elements that never move, named by ids that are never reused: slot number in
 * the low 32 bits, generation above. Memory is a sparse mapping: a slot costs nothing until used.
 * In shared memory the table outlives the process: slots_adopt() goes on with what it finds.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Every element starts with this. Number 0 is no slot: its `number` is how many slots were ever
 * used, so that the table can be taken over.
 */
struct slot {
	uint32_t generation; /* atomic; 0 = free */
	uint32_t number; /* constant once used */
	uint32_t next_free; /* table lock */
	uint32_t next_generation; /* table lock */
};

/*
 * Generations come in epochs. A table that starts empty under a kernel that still knows ids of a
 * lost one starts in another epoch, so that no old id leads to a new element.
 */
#define SLOT_EPOCHS 64

struct slot_table {
	char *elements;
	size_t size; /* bytes of one element */
	uint32_t n_max;
	uint32_t first_free; /* lock */
	uint32_t first_generation;
	uint32_t n_used; /* atomic */
	bool is_owned; /* the memory is ours to unmap */
	pthread_mutex_t lock; /* innermost */
};

/* Bytes that a table of N_MAX elements of SIZE needs. */
size_t slots_bytes(size_t size, uint32_t n_max);

/*
 * An empty table in MEMORY (zeroed, borrowed), or in memory of its own when that is NULL. EPOCH is
 * below SLOT_EPOCHS. Returns 0 or -ENOMEM.
 */
int slots_init(struct slot_table *t, void *memory, size_t size, uint32_t n_max, uint32_t epoch);

/*
 * The same over MEMORY that another process left in the middle of anything: what was published is
 * there, everything else is free again.
 */
int slots_adopt(struct slot_table *t, void *memory, size_t size, uint32_t n_max, uint32_t epoch);

void slots_finish(struct slot_table *t);

/*
 * A free slot in *RET, not yet visible: fill it, then slot_publish() it. -ENFILE when the table
 * is full.
 */
int slot_take(struct slot_table *t, void *ret);
void slot_publish(struct slot *slot);

/* Take the slot out of sight and put it back. A slot whose generations are used up stays dead. */
void slot_give(struct slot_table *t, struct slot *slot);

/* The id of a published slot; of one that is not yet, the id it will have. */
uint64_t slot_id(const struct slot *slot);
uint64_t slot_future_id(const struct slot *slot);

/* The published element of ID, NULL when there is none. */
void *slot_get(struct slot_table *t, uint64_t id);

/* The published element after NUMBER (0: the first), NULL at the end. Not while others change it. */
void *slots_next(struct slot_table *t, uint32_t number);

static inline void *slot_at(struct slot_table *t, uint32_t number)
{
	return t->elements + t->size * number;
}

#endif
