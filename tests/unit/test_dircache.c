/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dircache.h"

#include "unit.h"

#include <fcntl.h>
#include <pthread.h>

#define N_DIRS (DIRCACHE_SIZE + 4)

static struct fhandle_mounts mounts;
static struct fhandle dirs[N_DIRS];
static int top_fd;

static void make_dirs(void)
{
	for (int i = 0; i < N_DIRS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "d%d", i);
		ck_assert_int_eq(mkdirat(top_fd, name, 0755), 0);
		ck_assert_int_eq(fhandle_get(&mounts, top_fd, name, 0, &dirs[i]), 0);
	}
}

static void setup(void)
{
	struct fhandle top;

	unit_dir_setup();
	fhandle_mounts_init(&mounts);
	top_fd = open(unit_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(top_fd, 0);
	ck_assert_int_eq(fhandle_get(&mounts, top_fd, "", AT_EMPTY_PATH, &top), 0);
	make_dirs();
}

static void teardown(void)
{
	dircache_clear();
	fhandle_mounts_finish(&mounts);
	close(top_fd);
	unit_dir_teardown();
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static int open_dir(int i)
{
	int fd = dircache_open(&mounts, &dirs[i]);

	ck_assert_int_ge(fd, 0);
	return fd;
}

START_TEST(directory_is_opened_once)
{
	int fd = open_dir(0);

	ck_assert_int_ne(open_dir(1), fd);
	ck_assert_int_eq(open_dir(0), fd);
}
END_TEST

START_TEST(directory_that_was_not_used_for_longest_makes_room)
{
	int first = open_dir(0);
	int second = open_dir(1);

	for (int i = 2; i < DIRCACHE_SIZE; i++)
		open_dir(i);
	ck_assert_int_eq(open_dir(0), first);
	open_dir(DIRCACHE_SIZE);
	ck_assert(!is_open(second));
	ck_assert_int_eq(open_dir(0), first);
}
END_TEST

START_TEST(removed_directory_is_let_go)
{
	int fd = open_dir(0);
	int other = open_dir(1);

	ck_assert_int_eq(unlinkat(top_fd, "d0", AT_REMOVEDIR), 0);
	dircache_forget(&dirs[0]);
	ck_assert(!is_open(fd));
	ck_assert(is_open(other));
	ck_assert_int_eq(dircache_open(&mounts, &dirs[0]), -ESTALE);
	ck_assert_int_eq(open_dir(1), other);
}
END_TEST

static void *forget_first(void *arg)
{
	dircache_forget(&dirs[0]);
	return arg;
}

static void remove_first_elsewhere(void)
{
	pthread_t thread;

	ck_assert_int_eq(unlinkat(top_fd, "d0", AT_REMOVEDIR), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, forget_first, NULL), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

START_TEST(other_thread_lets_go_at_its_next_request)
{
	int fd = open_dir(0);

	remove_first_elsewhere();
	ck_assert(is_open(fd));
	dircache_begin();
	ck_assert(!is_open(fd));
	ck_assert_int_eq(dircache_open(&mounts, &dirs[0]), -ESTALE);
}
END_TEST

/* A rename has two directories open. */
START_TEST(what_a_request_has_open_stays)
{
	struct stat before, after;
	int from = open_dir(1);

	ck_assert_int_eq(fstat(from, &before), 0);
	remove_first_elsewhere();
	ck_assert_int_ne(open_dir(2), from);
	ck_assert_int_eq(fstat(from, &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
}
END_TEST

START_TEST(cleared_is_closed)
{
	int fd = open_dir(0);

	dircache_clear();
	ck_assert(!is_open(fd));
	dircache_clear();
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("dircache");
	TCase *tc = tcase_create("dircache");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, directory_is_opened_once);
	tcase_add_test(tc, directory_that_was_not_used_for_longest_makes_room);
	tcase_add_test(tc, removed_directory_is_let_go);
	tcase_add_test(tc, other_thread_lets_go_at_its_next_request);
	tcase_add_test(tc, what_a_request_has_open_stays);
	tcase_add_test(tc, cleared_is_closed);
	suite_add_tcase(s, tc);
	return s;
}
