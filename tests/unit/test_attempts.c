/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Attempts are counted in memory that outlives who counts. */

#include "attempts.h"
#include "cleanup.h"
#include "restarts.h"
#include "unit.h"

#include <sys/mman.h>
#include <unistd.h>

#define SHORT_MS 100

static struct attempts *make(int *ret_fd)
{
	struct attempts *a = NULL;

	ck_assert_int_eq(attempts_make(ret_fd, &a), 0);
	return a;
}

START_TEST(failures_add_up_until_one_is_ready)
{
	cleanup_fd int fd = -1;
	struct attempts *a = make(&fd);
	int64_t now = 1000;

	for (unsigned int i = 0; i < 10; i++)
		ck_assert_uint_eq(attempts_begin(a, now += SHORT_MS), i);
	attempts_ready(a);
	ck_assert_uint_eq(attempts_begin(a, now), 0);
	munmap(a, sizeof(*a));
}
END_TEST

START_TEST(one_that_hung_has_used_up_all_tries_of_its_executable)
{
	const int64_t hang_ms = ATTEMPTS_PATIENCE_MS + 1;
	cleanup_fd int fd = -1;
	struct attempts *a = make(&fd);
	int64_t now = 1000;

	attempts_begin(a, now);
	ck_assert_uint_eq(attempts_begin(a, now += hang_ms), RESTARTS_TRIES);
	ck_assert_uint_eq(attempts_begin(a, now += SHORT_MS), RESTARTS_TRIES + 1);
	ck_assert_uint_eq(attempts_begin(a, now += hang_ms), 2 * RESTARTS_TRIES);
	/* The time in which it served is no hang. */
	attempts_ready(a);
	ck_assert_uint_eq(attempts_begin(a, now + 100 * hang_ms), 0);
	munmap(a, sizeof(*a));
}
END_TEST

START_TEST(another_process_finds_the_count)
{
	cleanup_fd int fd = -1;
	struct attempts *a = make(&fd);
	struct attempts *again;

	attempts_begin(a, 1000);
	munmap(a, sizeof(*a));
	ck_assert_int_eq(attempts_map(fd, &again), 0);
	ck_assert_uint_eq(attempts_begin(again, 1000), 1);
	munmap(again, sizeof(*again));
}
END_TEST

START_TEST(what_is_no_count_is_refused)
{
	cleanup_fd int fd = memfd_create("x", MFD_CLOEXEC);
	struct attempts *a;

	ck_assert_int_eq(attempts_map(fd, &a), -EUCLEAN);
	ck_assert_int_eq(ftruncate(fd, sizeof(*a)), 0);
	ck_assert_int_eq(attempts_map(fd, &a), -EUCLEAN);
	ck_assert_int_eq(attempts_map(-1, &a), -EBADF);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("attempts");
	TCase *t = tcase_create("attempts");

	tcase_add_test(t, failures_add_up_until_one_is_ready);
	tcase_add_test(t, one_that_hung_has_used_up_all_tries_of_its_executable);
	tcase_add_test(t, another_process_finds_the_count);
	tcase_add_test(t, what_is_no_count_is_refused);
	suite_add_tcase(s, t);
	return s;
}
