/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "livevol.h"

#include "sample.h"
#include "unit.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static struct fhandle_mounts mounts;
static struct livevol_table table;
static int base_fd;
static struct domain domain = {.name = (char *)"pro"};
static struct machine machine = {.name = (char *)"pro-dev"};
static struct volume volume = {.id = 7, .name = (char *)"db"};

static void setup(void)
{
	struct fhandle top;

	unit_dir_setup();
	fhandle_mounts_init(&mounts);
	ck_assert_int_eq(livevol_table_init(&table, NULL), 0);
	ck_assert_int_eq(mkdir(unit_path("pro"), 0755), 0);
	ck_assert_int_eq(mkdir(unit_path("pro/pro-dev"), 0755), 0);
	ck_assert_int_eq(mkdir(unit_path("pro/pro-dev/db"), 0755), 0);
	base_fd = open(unit_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(base_fd, 0);
	ck_assert_int_eq(fhandle_get(&mounts, base_fd, "", AT_EMPTY_PATH, &top), 0);
}

static void teardown(void)
{
	close(base_fd);
	livevol_table_finish(&table);
	fhandle_mounts_finish(&mounts);
	unit_dir_teardown();
}

static int update(void)
{
	return livevol_update(&table, base_fd, &mounts, &domain, &machine, &volume);
}

/* The same while this process may open nothing more. */
static int update_in_want(void)
{
	struct rlimit before, none;
	int r;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){0, before.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	r = update();
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	return r;
}

static bool is_present(void)
{
	return livevol_find(&table, 7)->is_present;
}

START_TEST(volume_without_a_directory_is_not_present)
{
	ck_assert_int_eq(rmdir(unit_path("pro/pro-dev/db")), 0);
	ck_assert_int_eq(update(), 0);
	ck_assert(!is_present());
	ck_assert_int_eq(mkdir(unit_path("pro/pro-dev/db"), 0755), 0);
	ck_assert_int_eq(update(), 0);
	ck_assert(is_present());
}
END_TEST

START_TEST(volume_goes_when_its_directory_is_gone)
{
	ck_assert_int_eq(update(), 0);
	ck_assert(is_present());
	ck_assert_int_eq(rmdir(unit_path("pro/pro-dev/db")), 0);
	ck_assert_int_eq(update(), 0);
	ck_assert(!is_present());
}
END_TEST

START_TEST(volume_goes_when_something_else_is_in_its_place)
{
	ck_assert_int_eq(update(), 0);
	ck_assert_int_eq(rmdir(unit_path("pro/pro-dev/db")), 0);
	unit_write("pro/pro-dev/db", "x");
	ck_assert_int_eq(update(), 0);
	ck_assert(!is_present());
}
END_TEST

/* Containers are in it: nothing may be said of a directory that cannot be looked at. */
START_TEST(volume_stays_when_descriptors_are_short)
{
	struct fhandle before;

	ck_assert_int_eq(update(), 0);
	before = livevol_find(&table, 7)->root.handle;
	ck_assert_int_eq(update_in_want(), -EAGAIN);
	ck_assert(is_present());
	ck_assert(fhandle_equal(&before, &livevol_find(&table, 7)->root.handle));
	ck_assert_int_eq(update(), 0);
}
END_TEST

START_TEST(new_volume_is_looked_for_again_when_descriptors_were_short)
{
	ck_assert_int_eq(update_in_want(), -EAGAIN);
	ck_assert(!is_present());
	ck_assert_int_eq(update(), 0);
	ck_assert(is_present());
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s;
	TCase *c;

	if (!sample_has_openat2())
		return unit_skip("openat2", "openat2(2) is not there");
	s = suite_create("livevol");
	c = tcase_create("update");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, volume_without_a_directory_is_not_present);
	tcase_add_test(c, volume_goes_when_its_directory_is_gone);
	tcase_add_test(c, volume_goes_when_something_else_is_in_its_place);
	tcase_add_test(c, volume_stays_when_descriptors_are_short);
	tcase_add_test(c, new_volume_is_looked_for_again_when_descriptors_were_short);
	suite_add_tcase(s, c);
	return s;
}
