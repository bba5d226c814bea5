/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "slots.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* Below bit 30, so that slot ids never meet the fixed ids of vtree.h, which have bit 62 set. */
#define GENERATION_MAX ((UINT32_C(1) << 30) - 1)

int slots_init(struct slot_table *t, size_t size, uint32_t n_max)
{
	memset(t, 0, sizeof(*t));
	t->size = size;
	t->n_max = n_max;
	t->n_touched = 1; /* slot 0 is "none" */
	t->elements = mmap(NULL, size * n_max, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (t->elements == MAP_FAILED)
		return -errno;
	pthread_mutex_init(&t->lock, NULL);
	return 0;
}

void slots_finish(struct slot_table *t)
{
	munmap(t->elements, t->size * t->n_max);
	pthread_mutex_destroy(&t->lock);
}

int slot_take(struct slot_table *t, void *ret)
{
	struct slot *slot = NULL;

	pthread_mutex_lock(&t->lock);
	if (t->first_free) {
		slot = slot_at(t, t->first_free);
		t->first_free = slot->next_free;
	} else if (t->n_touched < t->n_max) {
		slot = slot_at(t, t->n_touched);
		slot->number = t->n_touched++;
		slot->next_generation = 1;
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
	if (slot->next_generation++ < GENERATION_MAX) {
		slot->next_free = t->first_free;
		t->first_free = slot->number;
	}
	pthread_mutex_unlock(&t->lock);
}

uint64_t slot_id(const struct slot *slot)
{
	uint32_t generation = __atomic_load_n(&slot->generation, __ATOMIC_RELAXED);

	return (uint64_t)generation << 32 | slot->number;
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
