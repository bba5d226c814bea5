/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fhandle.h"

#include "unit.h"

#include <fcntl.h>
#include <string.h>

static struct fhandle_mounts mounts;
static int dir_fd;

/* As the daemon does: the first handle of a mount is its top's, which stands for the mount. */
static void setup(void)
{
	struct fhandle top;

	unit_dir_setup();
	fhandle_mounts_init(&mounts);
	dir_fd = open(unit_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(dir_fd, 0);
	ck_assert_int_eq(fhandle_get(&mounts, dir_fd, "", AT_EMPTY_PATH, &top), 0);
}

static void teardown(void)
{
	close(dir_fd);
	fhandle_mounts_finish(&mounts);
	unit_dir_teardown();
}

START_TEST(handle_is_the_same_by_name_and_by_descriptor)
{
	struct fhandle by_name, by_fd;
	cleanup_fd int fd = -1;

	unit_write("file", "x");
	fd = open(unit_path("file"), O_PATH | O_CLOEXEC);
	ck_assert_int_eq(fhandle_get(&mounts, dir_fd, "file", 0, &by_name), 0);
	ck_assert_int_eq(fhandle_get(&mounts, fd, "", AT_EMPTY_PATH, &by_fd), 0);
	ck_assert(fhandle_equal(&by_name, &by_fd));
	ck_assert_uint_eq(fhandle_hash(&by_name), fhandle_hash(&by_fd));
	ck_assert_uint_eq(mounts.n, 1);
}
END_TEST

START_TEST(handle_survives_a_rename)
{
	struct fhandle h;
	char text[2] = "";
	cleanup_fd int fd = -1;

	unit_write("file", "x");
	ck_assert_int_eq(fhandle_get(&mounts, dir_fd, "file", 0, &h), 0);
	ck_assert_int_eq(renameat(dir_fd, "file", dir_fd, "other"), 0);
	fd = fhandle_open(&mounts, &h, O_RDONLY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(read(fd, text, 1), 1);
	ck_assert_str_eq(text, "x");
}
END_TEST

START_TEST(handle_of_a_removed_file_is_stale_also_when_its_number_is_reused)
{
	struct fhandle h, next;

	unit_write("file", "x");
	ck_assert_int_eq(fhandle_get(&mounts, dir_fd, "file", 0, &h), 0);
	ck_assert_int_eq(unlinkat(dir_fd, "file", 0), 0);
	unit_write("file", "y");
	ck_assert_int_eq(fhandle_get(&mounts, dir_fd, "file", 0, &next), 0);
	ck_assert(!fhandle_equal(&h, &next));
	ck_assert_int_eq(fhandle_open(&mounts, &h, O_PATH), -ESTALE);
}
END_TEST

START_TEST(symlink_is_not_followed)
{
	struct fhandle file, link;

	unit_write("file", "x");
	ck_assert_int_eq(symlinkat("file", dir_fd, "link"), 0);
	ck_assert_int_eq(fhandle_get(&mounts, dir_fd, "file", 0, &file), 0);
	ck_assert_int_eq(fhandle_get(&mounts, dir_fd, "link", 0, &link), 0);
	ck_assert(!fhandle_equal(&file, &link));
}
END_TEST

START_TEST(what_has_no_handle_says_so)
{
	cleanup_fd int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct fhandle h;

	ck_assert_int_eq(fhandle_get(&mounts, dir_fd, "nothing", 0, &h), -ENOENT);
	ck_assert_int_eq(fhandle_get(&mounts, proc, "self", 0, &h), -EOPNOTSUPP);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("fhandle");
	TCase *tc = tcase_create("fhandle");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, handle_is_the_same_by_name_and_by_descriptor);
	tcase_add_test(tc, handle_survives_a_rename);
	tcase_add_test(tc, handle_of_a_removed_file_is_stale_also_when_its_number_is_reused);
	tcase_add_test(tc, symlink_is_not_followed);
	tcase_add_test(tc, what_has_no_handle_says_so);
	suite_add_tcase(s, tc);
	return s;
}
