/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devshare.h"

#include "unit.h"

#define N 4

static struct device_list lists[N];
static struct devshare_instance instances[N];

static void add(size_t instance, const char *name, const char *source)
{
	struct device *d = device_list_add(&lists[instance], name, DEVICE_PERSISTENT);

	ck_assert_ptr_nonnull(d);
	ck_assert_int_eq(device_set(d, "source", source), 0);
}

static void setup(void)
{
	for (size_t i = 0; i < N; i++) {
		device_list_init(&lists[i]);
		instances[i] = (struct devshare_instance){"pro", "x", &lists[i], false};
	}
}

static void teardown(void)
{
	for (size_t i = 0; i < N; i++)
		device_list_finish(&lists[i]);
}

START_TEST(a_copy_has_the_source_of_the_first)
{
	cleanup_devshare_list struct devshare_list got = {NULL, 0};

	add(0, "pd-a", "/srv/data/a");
	add(0, "pd-b", "/srv/data/b");
	add(2, "pd-b", "/srv/data//b/");
	add(3, "pd-other", "/srv/data/b");
	ck_assert_int_eq(devshare_find(instances, N, "/srv/data", &got), 0);
	ck_assert_uint_eq(got.n_items, 1);
	ck_assert_str_eq(got.items[0].source, "/srv/data/b");
	ck_assert_uint_eq(got.items[0].n_instances, 3);
	ck_assert_uint_eq(got.items[0].instances[0], 0);
	ck_assert_uint_eq(got.items[0].instances[1], 2);
	ck_assert_uint_eq(got.items[0].instances[2], 3);
}
END_TEST

START_TEST(what_is_meant_to_be_shared_is_no_finding)
{
	cleanup_devshare_list struct devshare_list got = {NULL, 0};

	add(0, "sv-docs", "/srv/data/docs");
	add(1, "sv-docs", "/srv/data/docs");
	add(0, "pd-a", "/elsewhere");
	add(1, "pd-a", "/elsewhere");
	add(0, "pd-twice", "/srv/data/twice");
	add(0, "pd-again", "/srv/data/twice");
	add(2, "pd-b", "/srv/database/b");
	add(3, "pd-b", "/srv/database/b");
	ck_assert_int_eq(devshare_find(instances, N, "/srv/data", &got), 0);
	ck_assert_uint_eq(got.n_items, 0);
}
END_TEST

START_TEST(nothing_has_no_shares)
{
	cleanup_devshare_list struct devshare_list got = {NULL, 0};

	ck_assert_int_eq(devshare_find(instances, N, "/srv/data", &got), 0);
	ck_assert_int_eq(devshare_find(NULL, 0, "/srv/data", &got), 0);
	ck_assert_uint_eq(got.n_items, 0);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("devshare");
	TCase *tc = tcase_create("devshare");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_copy_has_the_source_of_the_first);
	tcase_add_test(tc, what_is_meant_to_be_shared_is_no_finding);
	tcase_add_test(tc, nothing_has_no_shares);
	suite_add_tcase(s, tc);
	return s;
}
