/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_SLOTS_H
#define ANKLUME_SLOTS_H

/*
 * A table of equal elements that never move, named by ids that are never reused: slot number in
 * the low 32 bits, generation above. Memory is a sparse mapping: a slot costs nothing until used.
 */

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

/* Every element starts with this. */
struct slot {
	uint32_t generation; /* atomic; 0 = free */
	uint32_t number; /* constant once used; 0 is no slot */
	uint32_t next_free; /* table lock */
	uint32_t next_generation; /* table lock */
};

struct slot_table {
	char *elements;
	size_t size; /* bytes of one element */
	uint32_t n_max;
	uint32_t n_touched; /* slots ever used, lock */
	uint32_t first_free; /* lock */
	uint32_t n_used; /* atomic */
	pthread_mutex_t lock; /* innermost */
};

int slots_init(struct slot_table *t, size_t size, uint32_t n_max);
void slots_finish(struct slot_table *t);

/*
 * A free slot in *RET, not yet visible: fill it, then slot_publish() it. -ENFILE when the table
 * is full.
 */
int slot_take(struct slot_table *t, void *ret);
void slot_publish(struct slot *slot);

/* Take the slot out of sight and put it back. A slot whose generations are used up stays dead. */
void slot_give(struct slot_table *t, struct slot *slot);

uint64_t slot_id(const struct slot *slot);

/* The published element of ID, NULL when there is none. */
void *slot_get(struct slot_table *t, uint64_t id);

static inline void *slot_at(struct slot_table *t, uint32_t number)
{
	return t->elements + t->size * number;
}

#endif
