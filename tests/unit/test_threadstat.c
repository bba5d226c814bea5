/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "threadstat.h"

#include "cleanup.h"
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
	const char *name_and_state;
	long number; /* of the system call; -2: the text is empty, -3: "running" */
	enum thread_place place;
} rows[] = {
	{"(anklume-fs) S", SYS_futex, THREAD_IN_DAEMON},
	{"(anklume-fs) S", SYS_ppoll, THREAD_IN_DAEMON},
	{"(anklume-fs) S", SYS_mkdirat, THREAD_IN_KERNEL},
	{"(anklume-fs) S", -2, THREAD_IN_KERNEL},
	{"(anklume-fs) D", SYS_mkdirat, THREAD_IN_KERNEL},
	{"(anklume-fs) D", SYS_futex, THREAD_IN_KERNEL}, /* a page of it is read from disk */
	{"(anklume-fs) T", SYS_futex, THREAD_IN_KERNEL},
	{"(anklume-fs) R", -3, THREAD_RUNNING},
	{"(a) S 1 (b) R", -3, THREAD_RUNNING},
	{"(anklume-fs) Z", -2, THREAD_GONE},
	{"anklume-fs R", -3, THREAD_GONE},
};

START_TEST(the_place_is_told_by_state_and_call)
{
	char stat[256], call[64] = "";
	struct threadstat t;

	snprintf(stat, sizeof(stat), "77 %s 1 77 77 0 -1 64 100 0 0 0 12 34 0 0 20 0 9\n",
		rows[_i].name_and_state);
	if (rows[_i].number == -3)
		snprintf(call, sizeof(call), "running\n");
	else if (rows[_i].number != -2)
		snprintf(call, sizeof(call), "%ld 0x5 0x7ffd 0x1ff 0x0\n", rows[_i].number);
	t = threadstat_parse(stat, call);
	ck_assert_int_eq(t.place, rows[_i].place);
	if (t.place == THREAD_GONE)
		return;
	ck_assert_uint_eq(t.user, 12);
	ck_assert_uint_eq(t.kernel, 34);
}
END_TEST

START_TEST(what_is_no_status_is_gone)
{
	ck_assert_int_eq(threadstat_parse("", "").place, THREAD_GONE);
	ck_assert_int_eq(threadstat_parse("77 (x) S 1", "").place, THREAD_GONE);
	ck_assert_int_eq(threadstat_read(0x7fffffff).place, THREAD_GONE);
}
END_TEST

static pid_t tid; /* atomic */

static void *wait_for_nothing(void *arg)
{
	__atomic_store_n(&tid, gettid(), __ATOMIC_RELEASE);
	return pause() < 0 ? NULL : arg;
}

static void *loop(void *arg)
{
	__atomic_store_n(&tid, gettid(), __ATOMIC_RELEASE);
	for (;;)
		pthread_testcancel();
	return arg;
}

/* Until the thread is where it belongs; the test's own timeout ends a wait in vain. */
static void wait_until(enum thread_place place)
{
	while (threadstat_read(__atomic_load_n(&tid, __ATOMIC_ACQUIRE)).place != place)
		sched_yield();
}

START_TEST(threads_of_ours_are_seen)
{
	pthread_t thread;
	uint64_t before;

	tid = 0;
	pthread_create(&thread, NULL, wait_for_nothing, NULL);
	wait_until(THREAD_IN_DAEMON);
	pthread_cancel(thread);
	pthread_join(thread, NULL);

	tid = 0;
	pthread_create(&thread, NULL, loop, NULL);
	wait_until(THREAD_RUNNING);
	before = threadstat_read(tid).user;
	while (threadstat_read(tid).user <= before + 1)
		sched_yield();
	pthread_cancel(thread);
	pthread_join(thread, NULL);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("threadstat");
	TCase *tc = tcase_create("threadstat");

	tcase_add_loop_test(tc, the_place_is_told_by_state_and_call, 0, ARRAY_SIZE(rows));
	tcase_add_test(tc, what_is_no_status_is_gone);
	tcase_add_test(tc, threads_of_ours_are_seen);
	suite_add_tcase(s, tc);
	return s;
}
