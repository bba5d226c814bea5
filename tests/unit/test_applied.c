/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "applied.h"

#include "sample.h"
#include "unit.h"

#include <string.h>

static struct catalog *cat;
static struct device_list devices; /* pd-a, pd-b */

static struct device *add_device(const char *name, const char *path)
{
	struct device *d = device_list_add(&devices, name, DEVICE_PERSISTENT);

	ck_assert_ptr_nonnull(d);
	ck_assert_int_eq(device_set(d, "path", path), 0);
	ck_assert_int_eq(device_set(d, "type", "disk"), 0);
	return d;
}

static void setup(void)
{
	cleanup_error struct error err = {NULL};

	unit_dir_setup();
	ck_assert_ok(catalog_open(unit_path("catalog.db"), CATALOG_WRITE, &cat, &err), &err);
	device_list_init(&devices);
	add_device("pd-a", "/a");
	add_device("pd-b", "/line\nand = more");
}

static void teardown(void)
{
	device_list_finish(&devices);
	catalog_close(cat);
	unit_dir_teardown();
}

static void record(const char *instance, const char *name, const struct device *d)
{
	cleanup_error struct error err = {NULL};
	const struct applied_change change = {name, d, d ? "device.add" : "device.remove", NULL};

	ck_assert_ok(catalog_record_devices(cat, "pro", instance, &change, 1, &sample_actor, &err),
		&err);
}

/* "instance:device=path ..." of everything applied. */
static char *describe(void)
{
	cleanup_applied_list struct applied_list list = {NULL, 0};
	char *text = strdup("");

	ck_assert_int_eq(catalog_list_applied(cat, NULL, NULL, &list, NULL), 0);
	for (size_t i = 0; i < list.n_items; i++) {
		for (size_t j = 0; j < list.items[i].devices.n_items; j++) {
			const struct device *d = &list.items[i].devices.items[j];
			cleanup_free char *old = text;

			ck_assert_int_gt(
				asprintf(&text, "%s%s/%s:%s=%s;", old, list.items[i].project,
					list.items[i].instance, d->name, device_get(d, "path")),
				0);
			ck_assert_uint_eq(d->n_properties, 2);
		}
	}
	return text;
}

static void expect(const char *want)
{
	cleanup_free char *got = describe();

	ck_assert_str_eq(got, want);
}

START_TEST(what_was_applied_is_remembered_word_for_word)
{
	record("dev", "pd-b", &devices.items[1]);
	record("dev", "pd-a", &devices.items[0]);
	record("web", "pd-a", &devices.items[0]);
	expect("pro/dev:pd-a=/a;pro/dev:pd-b=/line\nand = more;pro/web:pd-a=/a;");
}
END_TEST

START_TEST(a_device_is_replaced_as_a_whole_and_removed)
{
	record("dev", "pd-a", &devices.items[1]);
	record("dev", "pd-a", &devices.items[0]);
	expect("pro/dev:pd-a=/a;");
	record("dev", "pd-a", NULL);
	record("dev", "pd-a", NULL);
	expect("");
}
END_TEST

START_TEST(what_is_applied_makes_no_generation_but_an_audit_row)
{
	cleanup_audit_list struct audit_list list = {NULL, 0};
	uint64_t before, after;

	ck_assert_int_eq(catalog_get_generation(cat, &before, NULL), 0);
	record("dev", "pd-a", &devices.items[0]);
	ck_assert_int_eq(catalog_get_generation(cat, &after, NULL), 0);
	ck_assert_uint_eq(before, after);
	ck_assert_int_eq(catalog_list_audit(cat, "pro/dev", 0, &list, NULL), 0);
	ck_assert_uint_eq(list.n_items, 1);
	ck_assert_str_eq(list.items[0].action, "device.add");
}
END_TEST

START_TEST(what_is_applied_follows_a_rename)
{
	record("dev", "pd-a", &devices.items[0]);
	record("new", "pd-a", &devices.items[1]);
	ck_assert_int_eq(catalog_rename_applied(cat, "pro", "dev", "new", &sample_actor, NULL), 0);
	expect("pro/new:pd-a=/a;");
}
END_TEST

START_TEST(a_deleted_instance_is_gone_once_and_comes_back)
{
	cleanup_gone_list struct gone_list list = {NULL, 0};
	bool changed = false;

	record("dev", "pd-a", &devices.items[0]);
	ck_assert_int_eq(
		catalog_set_gone(cat, "pro", "dev", true, &sample_actor, &changed, NULL), 0);
	ck_assert(changed);
	expect("");
	ck_assert_int_eq(catalog_list_gone(cat, &list, NULL), 0);
	ck_assert_ptr_nonnull(gone_find(&list, "pro", "dev"));
	ck_assert_int_gt(gone_find(&list, "pro", "dev")->since, 0);
	ck_assert_ptr_null(gone_find(&list, "other", "dev"));

	ck_assert_int_eq(
		catalog_set_gone(cat, "pro", "dev", true, &sample_actor, &changed, NULL), 0);
	ck_assert(!changed);
	ck_assert_int_eq(
		catalog_set_gone(cat, "pro", "dev", false, &sample_actor, &changed, NULL), 0);
	ck_assert(changed);
	ck_assert_int_eq(
		catalog_set_gone(cat, "pro", "dev", false, &sample_actor, &changed, NULL), 0);
	ck_assert(!changed);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("applied");
	TCase *tc = tcase_create("applied");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_was_applied_is_remembered_word_for_word);
	tcase_add_test(tc, a_device_is_replaced_as_a_whole_and_removed);
	tcase_add_test(tc, what_is_applied_makes_no_generation_but_an_audit_row);
	tcase_add_test(tc, what_is_applied_follows_a_rename);
	tcase_add_test(tc, a_deleted_instance_is_gone_once_and_comes_back);
	suite_add_tcase(s, tc);
	return s;
}
