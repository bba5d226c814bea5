/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "listers.h"

#include "clock.h"

#define SAMPLES_ENOUGH 4
/* A process that listed nothing for so long may be another one with its number. */
#define SEEN_FOR_S 2

static uint16_t now_s(void)
{
	return (uint16_t)(clock_ms(CLOCK_MONOTONIC_COARSE) / 1000);
}

static struct lister *slot_of(struct listers *l, pid_t process)
{
	return &l->slots[(uint32_t)process % LISTERS];
}

/* True when PROCESS is known; *RET is then what is known of it. */
static bool load(struct listers *l, pid_t process, struct lister *ret)
{
	__atomic_load(slot_of(l, process), ret, __ATOMIC_RELAXED);
	return ret->process == (uint32_t)process && (uint16_t)(now_s() - ret->seen) <= SEEN_FOR_S;
}

static void store(struct listers *l, pid_t process, struct lister *value)
{
	__atomic_store(slot_of(l, process), value, __ATOMIC_RELAXED);
}

enum listing listers_ask(struct listers *l, pid_t process)
{
	struct lister it;

	if (process == 0)
		return LISTING_ALL;
	if (!load(l, process, &it))
		it = (struct lister){.process = (uint32_t)process};
	it.seen = now_s();
	store(l, process, &it);

	if (it.looks)
		return LISTING_ALL;
	return it.n_samples < SAMPLES_ENOUGH ? LISTING_SAMPLED : LISTING_DIRECTORIES;
}

void listers_sampled(struct listers *l, pid_t process)
{
	struct lister it;

	if (!load(l, process, &it))
		return;
	it.n_samples++;
	store(l, process, &it);
}

void listers_looked(struct listers *l, pid_t process)
{
	struct lister it;

	if (process == 0 || !load(l, process, &it) || it.looks)
		return;
	it.looks = 1;
	store(l, process, &it);
}
