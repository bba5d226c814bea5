/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mountinfo.h"

#include "unit.h"

#include <errno.h>

static const char text[] =
	"21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
	"30 21 0:40 / /srv/data rw,relatime - fuse.anklume-fs anklume-fs rw\n"
	"31 21 0:41 /pro/dev/my\\040db /data/my\\040db ro,relatime,idmapped - fuse.x x rw\n"
	"32 21 0:42 / /srv/data rw - fuse.anklume-fs anklume-fs ro\n"
	"33 21 0:43 / /srv/database rw - tmpfs x rw\n";

static struct mount_list list;

static void setup(void)
{
	ck_assert_int_eq(mountinfo_parse(text, &list), 0);
	ck_assert_uint_eq(list.n_items, 5);
}

static void teardown(void)
{
	mount_list_finish(&list);
}

START_TEST(the_last_mount_hides_the_earlier_ones)
{
	ck_assert_uint_eq(mountinfo_at(&list, "/srv/data")->minor, 42);
	ck_assert_ptr_null(mountinfo_at(&list, "/srv/data/pro"));
	ck_assert_ptr_null(mountinfo_at(&list, "/srv"));
}
END_TEST

START_TEST(a_path_lies_on_the_nearest_mount_above_it)
{
	ck_assert_uint_eq(mountinfo_holding(&list, "/srv/data/pro/dev")->minor, 42);
	ck_assert_uint_eq(mountinfo_holding(&list, "/srv/data")->minor, 42);
	ck_assert_uint_eq(mountinfo_holding(&list, "/srv/database/x")->minor, 43);
	ck_assert_uint_eq(mountinfo_holding(&list, "/srv/dat")->minor, 1);
}
END_TEST

START_TEST(blanks_come_back_and_the_mode_is_the_mounts_own)
{
	const struct mount *m = mountinfo_at(&list, "/data/my db");

	ck_assert_ptr_nonnull(m);
	ck_assert_str_eq(m->root, "/pro/dev/my db");
	ck_assert(m->is_readonly);
	ck_assert(!mountinfo_at(&list, "/srv/data")->is_readonly);
}
END_TEST

START_TEST(the_same_is_the_same_filesystem_and_directory)
{
	struct mount a = {.major = 0, .minor = 40, .root = (char *)"/x"};
	struct mount b = a;

	ck_assert(mount_shows_same(&a, &b));
	b.minor = 41;
	ck_assert(!mount_shows_same(&a, &b));
	b = a;
	b.root = (char *)"/y";
	ck_assert(!mount_shows_same(&a, &b));
}
END_TEST

static const char *const bad[] = {"21 1 8:1 / /", "21 1 8 / / rw", "x", "21 1 :1 / / rw"};

START_TEST(what_is_no_mountinfo_is_refused)
{
	struct mount_list got = {NULL, 0};

	ck_assert_int_eq(mountinfo_parse(bad[_i], &got), -EBADMSG);
	ck_assert_uint_eq(got.n_items, 0);
}
END_TEST

START_TEST(our_own_mounts_are_read)
{
	struct mount_list got = {NULL, 0};

	ck_assert_int_eq(mountinfo_load(0, &got), 0);
	ck_assert_ptr_nonnull(mountinfo_holding(&got, "/"));
	mount_list_finish(&got);
	ck_assert_int_eq(mountinfo_load(999999999, &got), -ENOENT);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("mountinfo");
	TCase *tc = tcase_create("mountinfo");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, the_last_mount_hides_the_earlier_ones);
	tcase_add_test(tc, a_path_lies_on_the_nearest_mount_above_it);
	tcase_add_test(tc, blanks_come_back_and_the_mode_is_the_mounts_own);
	tcase_add_test(tc, the_same_is_the_same_filesystem_and_directory);
	tcase_add_loop_test(tc, what_is_no_mountinfo_is_refused, 0, ARRAY_SIZE(bad));
	tcase_add_test(tc, our_own_mounts_are_read);
	suite_add_tcase(s, tc);
	return s;
}
