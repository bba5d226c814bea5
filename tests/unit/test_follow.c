/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "follow.h"

#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static struct follow follow;
static cpu_set_t allowed;
static uint32_t is_over;
static pthread_t hogs[CPU_SETSIZE];
static int n_hogs;

/* A caller on a CPU of its choice, which tells its thread id and then waits for its end. */
struct caller {
	pthread_t thread;
	int cpu;
	pid_t tid; /* atomic */
	int pipe[2];
};

static struct caller callers[2];
static int n_callers;

static void *never_sleep(void *arg)
{
	while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED)) {
	}
	return arg;
}

static void setup(void)
{
	follow_init(&follow);
	ck_assert_int_eq(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
	is_over = 0;
	n_hogs = 0;
}

/* So many threads that never sleep, beside the test's own. */
static void start_hogs(int n)
{
	for (; n_hogs < n; n_hogs++)
		ck_assert_int_eq(pthread_create(&hogs[n_hogs], NULL, never_sleep, NULL), 0);
}

static void end_callers(void)
{
	while (n_callers > 0) {
		struct caller *c = &callers[--n_callers];

		close(c->pipe[1]);
		pthread_join(c->thread, NULL);
		close(c->pipe[0]);
	}
}

static void teardown(void)
{
	end_callers();
	__atomic_store_n(&is_over, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < n_hogs; i++)
		pthread_join(hogs[i], NULL);
	sched_setaffinity(0, sizeof(allowed), &allowed);
	follow_finish(&follow);
}

/* What the kernel says there can run, in its stead. */
static void say_runnable(int n)
{
	close(follow.loadavg_fd);
	follow.loadavg_fd = memfd_create("loadavg", MFD_CLOEXEC);
	ck_assert_int_gt(dprintf(follow.loadavg_fd, "0.20 0.18 0.12 %d/%d 11206\n", n, n + 80), 0);
}

static int allowed_cpu(int number)
{
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &allowed) && number-- == 0)
			return cpu;
	}
	return -1;
}

static void run_on(int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
}

static void *be_caller(void *arg)
{
	struct caller *c = arg;
	char byte;

	run_on(c->cpu);
	__atomic_store_n(&c->tid, gettid(), __ATOMIC_RELEASE);
	return read(c->pipe[0], &byte, 1) == 0 ? arg : NULL;
}

static const struct caller *start_caller(int cpu)
{
	struct caller *c = &callers[n_callers++];

	*c = (struct caller){.cpu = cpu};
	ck_assert_int_eq(pipe(c->pipe), 0);
	ck_assert_int_eq(pthread_create(&c->thread, NULL, be_caller, c), 0);
	while (!__atomic_load_n(&c->tid, __ATOMIC_ACQUIRE))
		sched_yield();
	return c;
}

/* The worker on the first CPU, its caller on number THERE, and N_RUNNABLE more than there are CPUs. */
static pid_t meet(int there, int n_runnable)
{
	say_runnable(follow.n_cpus + n_runnable);
	run_on(allowed_cpu(0));
	return start_caller(allowed_cpu(there))->tid;
}

/* Looks at CALLER's stream; false: none of them wanted the worker elsewhere. */
static bool look(pid_t caller, int n)
{
	bool is_wanted = false;

	for (int i = 0; i < n; i++)
		is_wanted = follow_look(&follow, caller, gettid()) || is_wanted;
	return is_wanted;
}

/* From another CPU to that of the caller TID; true: it was there afterwards, and free to go on. */
static bool goes_there(pid_t tid, int cpu)
{
	cpu_set_t after;

	do {
		run_on(allowed_cpu(0));
		ck_assert_int_eq(sched_setaffinity(0, sizeof(allowed), &allowed), 0);
	} while (!look(tid, 3)); /* the kernel may move it, too */
	follow_go(&follow, gettid());
	ck_assert_uint_eq(follow.wanted, 0);
	ck_assert_int_eq(sched_getaffinity(0, sizeof(after), &after), 0);
	ck_assert(CPU_EQUAL(&after, &allowed));
	return sched_getcpu() == cpu;
}

START_TEST(goes_to_its_caller_when_no_cpu_is_idle)
{
	/* There this one waits for its turn after the call, and wakes up anywhere. */
	const int least = unit_is_valgrind() ? 0 : 1;
	const struct caller *c;
	int n = 0;

	start_hogs(2 * follow.n_cpus + 1);
	c = start_caller(allowed_cpu(1));
	for (int i = 0; i < 20; i++)
		n += goes_there(c->tid, c->cpu);
	ck_assert_int_ge(n, least); /* the kernel may move it on at once, not each time */
}
END_TEST

START_TEST(goes_nowhere_it_may_not_run)
{
	pid_t caller = meet(1, 2);

	ck_assert(look(caller, 3));
	follow_go(&follow, gettid());
	ck_assert_int_eq(sched_getcpu(), allowed_cpu(0));
}
END_TEST

START_TEST(another_worker_goes_nowhere)
{
	pid_t caller = meet(1, 2);

	ck_assert(look(caller, 3));
	follow_go(&follow, caller);
	ck_assert_uint_ne(follow.wanted, 0);
	follow_end(&follow);
	ck_assert_uint_eq(follow.wanted, 0);
}
END_TEST

START_TEST(requests_of_the_kernel_itself_tell_nothing)
{
	pid_t caller = meet(1, 2);

	ck_assert(!look(caller, 2));
	ck_assert(!look(0, 3));
	ck_assert(look(caller, 1));
}
END_TEST

START_TEST(stays_with_a_caller_that_is_here)
{
	pid_t caller = meet(0, 2);

	ck_assert(!look(caller, 10));
}
END_TEST

START_TEST(stays_while_a_cpu_is_idle)
{
	pid_t caller = meet(1, 1);

	ck_assert(!look(caller, 10));
	say_runnable(follow.n_cpus + 2);
	ck_assert(look(caller, 1));
}
END_TEST

START_TEST(stays_when_callers_take_turns)
{
	pid_t one = meet(1, 2), other = meet(1, 2);

	for (int i = 0; i < 10; i++)
		ck_assert(!look(i % 2 ? one : other, 1));
}
END_TEST

START_TEST(caller_that_has_gone_is_nowhere)
{
	pid_t caller = meet(1, 2);

	end_callers();
	ck_assert(!look(caller, 10));
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("follow");
	TCase *tc = tcase_create("follow");

	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0 || CPU_COUNT(&allowed) < 2)
		return unit_skip("cpus", "one CPU: there is no other to go to");
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, goes_to_its_caller_when_no_cpu_is_idle);
	tcase_add_test(tc, goes_nowhere_it_may_not_run);
	tcase_add_test(tc, another_worker_goes_nowhere);
	tcase_add_test(tc, requests_of_the_kernel_itself_tell_nothing);
	tcase_add_test(tc, stays_with_a_caller_that_is_here);
	tcase_add_test(tc, stays_while_a_cpu_is_idle);
	tcase_add_test(tc, stays_when_callers_take_turns);
	tcase_add_test(tc, caller_that_has_gone_is_nowhere);
	suite_add_tcase(s, tc);
	return s;
}
