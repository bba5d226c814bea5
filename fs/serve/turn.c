/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "turn.h"

#include "awake.h"
#include "follow.h"
#include "worker.h"

#include <stddef.h>
#include <time.h>

#define LOOK_MS 2 /* how often the deputy looks: so long one stuck request holds up the others */
#define QUIET_LOOKS 10 /* then it sleeps, until there is a request again */

/* Requests between two looks that are a stream, and that no longer are one. */
#define STREAM_MIN 6
#define STREAM_END 2

void turn_init(struct turn *t, struct awake *awake, struct follow *follow)
{
	pthread_condattr_t attr;

	*t = (struct turn){.awake = awake, .follow = follow};
	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&t->freed, NULL);
	pthread_cond_init(&t->alarm, &attr);
	pthread_condattr_destroy(&attr);
}

void turn_finish(struct turn *t)
{
	pthread_cond_destroy(&t->alarm);
	pthread_cond_destroy(&t->freed);
	pthread_mutex_destroy(&t->lock);
}

static bool has_turn(struct turn *t, const struct worker *w)
{
	return __atomic_load_n(&t->holder, __ATOMIC_SEQ_CST) == w;
}

/* The turn goes from one to another, NULL meaning nobody; false: it was not ONE's. */
static bool change_hands(struct turn *t, const struct worker *one, const struct worker *other)
{
	return __atomic_compare_exchange_n(
		&t->holder, &one, other, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static void sleep_until_alarm(struct turn *t)
{
	__atomic_store_n(&t->is_watched, 0, __ATOMIC_SEQ_CST);
	/* A holder that started before it could see this will not raise the alarm. */
	const struct worker *w = __atomic_load_n(&t->holder, __ATOMIC_SEQ_CST);

	if (w && !worker_is_serving(w, worker_progress(w)))
		pthread_cond_wait(&t->alarm, &t->lock);
	__atomic_store_n(&t->is_watched, 1, __ATOMIC_SEQ_CST);
	t->n_quiet = 0;
}

static void mind_stream(struct turn *t, const struct worker *w, uint64_t n_requests)
{
	if (n_requests >= STREAM_MIN) {
		awake_begin(t->awake);
		if (w)
			follow_look(t->follow, (pid_t)__atomic_load_n(&w->caller, __ATOMIC_RELAXED),
				__atomic_load_n(&w->tid, __ATOMIC_RELAXED));
	} else if (n_requests < STREAM_END) {
		awake_end(t->awake);
		follow_end(t->follow);
	}
	t->n_quiet = n_requests > 0 ? 0 : t->n_quiet + 1;
}

/* Wait a moment; a holder that is still at the same request after it loses the turn. */
static void look_after(struct turn *t)
{
	const struct worker *w = __atomic_load_n(&t->holder, __ATOMIC_SEQ_CST);
	uint64_t progress = w ? worker_progress(w) : 0;
	uint64_t n_begun = __atomic_load_n(&t->n_begun, __ATOMIC_RELAXED);
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += LOOK_MS * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	if (pthread_cond_timedwait(&t->alarm, &t->lock, &until) == 0)
		return;

	if (w && worker_is_serving(w, progress))
		change_hands(t, w, NULL);
	mind_stream(t, w, __atomic_load_n(&t->n_begun, __ATOMIC_RELAXED) - n_begun);
}

static void be_deputy(struct turn *t)
{
	t->has_deputy = true;
	if (t->n_quiet >= QUIET_LOOKS)
		sleep_until_alarm(t);
	else
		look_after(t);
	t->has_deputy = false;
}

bool turn_try(struct turn *t, const struct worker *w)
{
	return !__atomic_load_n(&t->is_over, __ATOMIC_SEQ_CST) &&
	       (has_turn(t, w) || change_hands(t, NULL, w));
}

bool turn_take(struct turn *t, const struct worker *w)
{
	if (turn_try(t, w))
		return true;

	pthread_mutex_lock(&t->lock);
	__atomic_add_fetch(&t->n_waiting, 1, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&t->is_over, __ATOMIC_SEQ_CST) && !change_hands(t, NULL, w)) {
		if (t->has_deputy)
			pthread_cond_wait(&t->freed, &t->lock);
		else
			be_deputy(t);
	}
	__atomic_sub_fetch(&t->n_waiting, 1, __ATOMIC_SEQ_CST);
	if (!t->has_deputy)
		pthread_cond_signal(&t->freed); /* somebody has to be the deputy */
	pthread_mutex_unlock(&t->lock);
	return !__atomic_load_n(&t->is_over, __ATOMIC_SEQ_CST);
}

void turn_pass(struct turn *t, const struct worker *w)
{
	/* Free first, look second: who waits counts itself first and looks at the turn second. */
	if (!change_hands(t, w, NULL) || __atomic_load_n(&t->n_waiting, __ATOMIC_SEQ_CST) == 0)
		return;

	pthread_mutex_lock(&t->lock);
	if (t->n_waiting > (t->has_deputy ? 1 : 0))
		pthread_cond_signal(&t->freed);
	else
		pthread_cond_signal(&t->alarm);
	pthread_mutex_unlock(&t->lock);
}

void turn_begin_request(struct turn *t)
{
	__atomic_add_fetch(&t->n_begun, 1, __ATOMIC_RELAXED);
	if (__atomic_load_n(&t->is_watched, __ATOMIC_SEQ_CST))
		return;

	pthread_mutex_lock(&t->lock);
	__atomic_store_n(&t->is_watched, 1, __ATOMIC_SEQ_CST);
	pthread_cond_signal(&t->alarm);
	pthread_mutex_unlock(&t->lock);
}

void turn_end(struct turn *t)
{
	pthread_mutex_lock(&t->lock);
	__atomic_store_n(&t->is_over, 1, __ATOMIC_SEQ_CST);
	pthread_cond_broadcast(&t->freed);
	pthread_cond_broadcast(&t->alarm);
	pthread_mutex_unlock(&t->lock);
}
