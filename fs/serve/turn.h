/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_TURN_H
#define ANKLUME_TURN_H

/*
 * Whose turn it is to wait for the next request. As long as requests come one after the other a
 * single worker keeps the turn and answers them all: nobody else is woken, and what it needs is
 * in the cache of its CPU. It passes the turn on when more requests wait or when one will take
 * long. Where it gets stuck in a request that should have been short, the deputy, one of those
 * who wait for their turn, takes it away. The deputy also sees how many requests come, and has the
 * CPUs kept awake while they stream, or the worker go where its caller is.
 *
 * The turn decides who waits, not who may read: two workers at the device at once are harmless.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct awake;
struct follow;
struct worker;

struct turn {
	const struct worker *holder; /* atomic; NULL = free */
	uint32_t n_waiting; /* atomic; changed under the lock */
	uint32_t is_over; /* atomic; nobody gets the turn any more */
	uint64_t n_begun; /* atomic; requests */
	uint32_t is_watched; /* atomic: the deputy looks after the holder, not only sleeps */
	bool has_deputy; /* lock */
	unsigned int n_quiet; /* lock; times that the deputy saw nothing happen */
	struct awake *awake;
	struct follow *follow;
	pthread_mutex_t lock;
	pthread_cond_t freed; /* for those who wait */
	pthread_cond_t alarm; /* for the deputy */
};

/* AWAKE and FOLLOW are borrowed. */
void turn_init(struct turn *t, struct awake *awake, struct follow *follow);
void turn_finish(struct turn *t);

/* True when W has the turn, or could take it without waiting. */
bool turn_try(struct turn *t, const struct worker *w);

/* Wait for the turn, unless W has it. False: it is over, stop. */
bool turn_take(struct turn *t, const struct worker *w);

/* Let somebody else wait. Does nothing when W has lost the turn already. */
void turn_pass(struct turn *t, const struct worker *w);

/* Who has the turn begins a request: count it, and have the deputy look after it. */
void turn_begin_request(struct turn *t);

/* Nobody waits for a turn any more, and nobody gets one. */
void turn_end(struct turn *t);

#endif
