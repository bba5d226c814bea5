/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "turn.h"

#include "awake.h"
#include "cleanup.h"
#include "follow.h"
#include "unit.h"
#include "worker.h"

#include <sched.h>

static struct awake awake;
static struct follow follow;
static struct turn turn;
static struct worker workers[4];

static void setup(void)
{
	awake_init(&awake, false);
	follow_init(&follow);
	turn_init(&turn, &awake, &follow);
	for (size_t i = 0; i < ARRAY_SIZE(workers); i++)
		workers[i] = (struct worker){.number = i};
}

static void teardown(void)
{
	turn_finish(&turn);
	follow_finish(&follow);
	awake_finish(&awake);
}

static const struct worker *holder(void)
{
	return __atomic_load_n(&turn.holder, __ATOMIC_SEQ_CST);
}

static void begin(struct worker *w)
{
	__atomic_add_fetch(&w->n_steps, 1, __ATOMIC_SEQ_CST);
	turn_begin_request(&turn);
}

static void end(struct worker *w)
{
	__atomic_add_fetch(&w->n_steps, 1, __ATOMIC_SEQ_CST);
}

/* Take one turn. What it returns tells whether there was one. */
static void *take_one(void *arg)
{
	return turn_take(&turn, arg) ? arg : NULL;
}

static pthread_t start(struct worker *w)
{
	pthread_t id;

	ck_assert_int_eq(pthread_create(&id, NULL, take_one, w), 0);
	return id;
}

static void *result(pthread_t id)
{
	void *ret;

	ck_assert_int_eq(pthread_join(id, &ret), 0);
	return ret;
}

START_TEST(who_has_the_turn_keeps_it)
{
	ck_assert(turn_take(&turn, &workers[0]));
	ck_assert(turn_take(&turn, &workers[0]));
	turn_pass(&turn, &workers[1]); /* not hers to pass */
	ck_assert_ptr_eq(holder(), &workers[0]);
	turn_pass(&turn, &workers[0]);
	ck_assert_ptr_null(holder());
}
END_TEST

START_TEST(passed_turn_goes_to_one_who_waits)
{
	pthread_t id;

	ck_assert(turn_take(&turn, &workers[0]));
	id = start(&workers[1]);
	turn_pass(&turn, &workers[0]);
	ck_assert_ptr_eq(result(id), &workers[1]);
	ck_assert_ptr_eq(holder(), &workers[1]);
}
END_TEST

START_TEST(holder_that_is_stuck_loses_the_turn)
{
	pthread_t id;

	ck_assert(turn_take(&turn, &workers[0]));
	begin(&workers[0]);
	id = start(&workers[1]);
	ck_assert_ptr_eq(result(id), &workers[1]);
	ck_assert_ptr_eq(holder(), &workers[1]);
	end(&workers[0]);
}
END_TEST

static void *wait_until_deputy_sleeps(void *arg)
{
	while (__atomic_load_n(&turn.is_watched, __ATOMIC_SEQ_CST))
		sched_yield();
	return arg;
}

START_TEST(stuck_after_a_long_silence_is_seen_too)
{
	pthread_t id;

	ck_assert(turn_take(&turn, &workers[0]));
	id = start(&workers[1]);
	for (int i = 0; i < 3; i++) {
		begin(&workers[0]);
		end(&workers[0]);
		while (!__atomic_load_n(&turn.is_watched, __ATOMIC_SEQ_CST))
			sched_yield();
		wait_until_deputy_sleeps(NULL);
	}
	begin(&workers[0]);
	ck_assert_ptr_eq(result(id), &workers[1]);
	end(&workers[0]);
}
END_TEST

START_TEST(holder_that_only_waits_keeps_the_turn)
{
	pthread_t id;

	ck_assert(turn_take(&turn, &workers[0]));
	id = start(&workers[1]);
	wait_until_deputy_sleeps(NULL);
	ck_assert_ptr_eq(holder(), &workers[0]);
	turn_pass(&turn, &workers[0]);
	ck_assert_ptr_eq(result(id), &workers[1]);
}
END_TEST

START_TEST(at_the_end_nobody_waits_or_gets_a_turn)
{
	pthread_t ids[3];

	ck_assert(turn_take(&turn, &workers[0]));
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		ids[i] = start(&workers[i + 1]);
	turn_end(&turn);
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		ck_assert_ptr_null(result(ids[i]));
	ck_assert(!turn_take(&turn, &workers[0]));
}
END_TEST

#define ROUNDS 5000

/* As a worker does, now passing the turn before its request is done, now keeping it. */
static void *work(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < ROUNDS; i++) {
		if (!turn_take(&turn, w))
			return NULL;
		begin(w);
		if ((i + w->number) % 3 == 0)
			turn_pass(&turn, w);
		end(w);
	}
	turn_pass(&turn, w);
	return w;
}

START_TEST(everybody_gets_a_turn)
{
	pthread_t ids[ARRAY_SIZE(workers)];

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		ck_assert_int_eq(pthread_create(&ids[i], NULL, work, &workers[i]), 0);
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		ck_assert_ptr_eq(result(ids[i]), &workers[i]);
	ck_assert_uint_eq(turn.n_begun, ARRAY_SIZE(ids) * ROUNDS);
	ck_assert_uint_eq(turn.n_waiting, 0);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("turn");
	TCase *tc = tcase_create("turn");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, who_has_the_turn_keeps_it);
	tcase_add_test(tc, passed_turn_goes_to_one_who_waits);
	tcase_add_test(tc, holder_that_is_stuck_loses_the_turn);
	tcase_add_test(tc, stuck_after_a_long_silence_is_seen_too);
	tcase_add_test(tc, holder_that_only_waits_keeps_the_turn);
	tcase_add_test(tc, at_the_end_nobody_waits_or_gets_a_turn);
	tcase_add_test(tc, everybody_gets_a_turn);
	suite_add_tcase(s, tc);
	return s;
}
