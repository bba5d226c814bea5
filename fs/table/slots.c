/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "slots.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* Below bit 30 together, so that slot ids never meet the fixed ids of vtree.h, which have bit 62. */
#define GENERATION_BITS 24
#define GENERATION_MASK ((UINT32_C(1) << GENERATION_BITS) - 1)

_Static_assert((SLOT_EPOCHS << GENERATION_BITS) <= UINT32_C(1) << 30, "ids reach bit 62");

static uint32_t *n_touched(struct slot_table *t)
{
	return &((struct slot *)slot_at(t, 0))->number;
}

size_t slots_bytes(size_t size, uint32_t n_max)
{
	return size * n_max;
}

static int set_up(struct slot_table *t, void *memory, size_t size, uint32_t n_max, uint32_t epoch)
{
	memset(t, 0, sizeof(*t));
	t->size = size;
	t->n_max = n_max;
	t->first_generation = (epoch << GENERATION_BITS) + 1;
	t->is_owned = !memory;
	t->elements = memory ? memory
			     : mmap(NULL, slots_bytes(size, n_max), PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (t->elements == MAP_FAILED)
		return -errno;
	pthread_mutex_init(&t->lock, NULL);
	return 0;
}

int slots_init(struct slot_table *t, void *memory, size_t size, uint32_t n_max, uint32_t epoch)
{
	int r = set_up(t, memory, size, n_max, epoch);

	if (r == 0)
		*n_touched(t) = 1;
	return r;
}

/* Step past the generation that SLOT has, or may have had; false when none is left. */
static bool renew(struct slot *slot)
{
	return (++slot->next_generation & GENERATION_MASK) != 0;
}

static void adopt_slot(struct slot_table *t, uint32_t number)
{
	struct slot *slot = slot_at(t, number);

	slot->number = number;
	if (slot->generation != 0) {
		t->n_used++;
		return;
	}
	/* Dead stays dead; else it is not known whether the last generation was given out. */
	if ((slot->next_generation & GENERATION_MASK) != 0 && renew(slot)) {
		slot->next_free = t->first_free;
		t->first_free = number;
	}
}

int slots_adopt(struct slot_table *t, void *memory, size_t size, uint32_t n_max, uint32_t epoch)
{
	int r = set_up(t, memory, size, n_max, epoch);

	if (r < 0)
		return r;
	if (*n_touched(t) == 0 || *n_touched(t) > n_max)
		return -EUCLEAN;
	for (uint32_t i = *n_touched(t) - 1; i > 0; i--)
		adopt_slot(t, i);
	return 0;
}

void slots_finish(struct slot_table *t)
{
	if (t->is_owned)
		munmap(t->elements, slots_bytes(t->size, t->n_max));
	pthread_mutex_destroy(&t->lock);
}

int slot_take(struct slot_table *t, void *ret)
{
	struct slot *slot = NULL;

	pthread_mutex_lock(&t->lock);
	if (t->first_free) {
		slot = slot_at(t, t->first_free);
		t->first_free = slot->next_free;
	} else if (*n_touched(t) < t->n_max) {
		slot = slot_at(t, *n_touched(t));
		slot->number = *n_touched(t);
		slot->next_generation = t->first_generation;
		__atomic_store_n(n_touched(t), slot->number + 1, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&t->lock);

	if (!slot)
		return -ENFILE;
	__atomic_add_fetch(&t->n_used, 1, __ATOMIC_RELAXED);
	*(struct slot **)ret = slot;
	return 0;
}

void slot_publish(struct slot *slot)
{
	__atomic_store_n(&slot->generation, slot->next_generation, __ATOMIC_RELEASE);
}

void slot_give(struct slot_table *t, struct slot *slot)
{
	__atomic_store_n(&slot->generation, 0, __ATOMIC_RELEASE);
	__atomic_sub_fetch(&t->n_used, 1, __ATOMIC_RELAXED);

	pthread_mutex_lock(&t->lock);
	if (renew(slot)) {
		slot->next_free = t->first_free;
		t->first_free = slot->number;
	}
	pthread_mutex_unlock(&t->lock);
}

static uint64_t make_id(const struct slot *slot, uint32_t generation)
{
	return (uint64_t)generation << 32 | slot->number;
}

uint64_t slot_id(const struct slot *slot)
{
	return make_id(slot, __atomic_load_n(&slot->generation, __ATOMIC_RELAXED));
}

uint64_t slot_future_id(const struct slot *slot)
{
	return make_id(slot, slot->next_generation);
}

void *slot_get(struct slot_table *t, uint64_t id)
{
	uint32_t number = (uint32_t)id;
	struct slot *slot;

	if (number == 0 || number >= t->n_max || id >> 32 == 0)
		return NULL;

	slot = slot_at(t, number);
	if (__atomic_load_n(&slot->generation, __ATOMIC_ACQUIRE) != id >> 32)
		return NULL;
	return slot;
}

void *slots_next(struct slot_table *t, uint32_t number)
{
	while (++number < *n_touched(t)) {
		struct slot *slot = slot_at(t, number);

		if (slot->generation != 0)
			return slot;
	}
	return NULL;
}
