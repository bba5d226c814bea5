/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "catalog.h"

#include "sample.h"
#include "str.h"
#include "unit.h"

#include <string.h>

static struct catalog *cat;
static struct infra spec;

static void setup(void)
{
	cleanup_error struct error err = {0};

	unit_dir_setup();
	infra_init(&spec);
	ck_assert_ok(catalog_open(unit_path("catalog.db"), CATALOG_WRITE, &cat, &err), &err);
}

static void teardown(void)
{
	catalog_close(cat);
	infra_finish(&spec);
	unit_dir_teardown();
}

/* The spec is now TEXT and nothing else. */
static void say(const char *text)
{
	infra_finish(&spec);
	sample_add(&spec, text);
}

static const char *const kind_words[] = {
	[CHANGE_CREATED] = "created",
	[CHANGE_UPDATED] = "updated",
	[CHANGE_UNCHANGED] = "unchanged",
	[CHANGE_ORPHANED] = "orphaned",
	[CHANGE_ADOPTED] = "adopted",
};

/* Apply the spec; the report must read WANT, a line each: "created pro/pro-dev/db: detail". */
static void apply(bool dry_run, const char *want)
{
	cleanup_change_list struct change_list report = {0};
	cleanup_error struct error err = {0};
	struct strbuf b = STRBUF_INIT;
	cleanup_free char *got = NULL;

	ck_assert_ok(catalog_apply(cat, &spec, &sample_actor, dry_run, NULL, &report, &err), &err);
	for (size_t i = 0; i < report.n_items; i++) {
		const struct change *c = &report.items[i];

		strbuf_printf(&b, "%s %s%s%s\n", kind_words[c->kind], c->volume,
			c->detail ? ": " : "", c->detail ? c->detail : "");
	}
	got = strbuf_steal(&b);
	ck_assert_str_eq(got, want);
}

static uint64_t generation(void)
{
	uint64_t n;

	ck_assert_int_eq(catalog_get_generation(cat, &n, NULL), 0);
	return n;
}

static size_t count_audit(void)
{
	cleanup_audit_list struct audit_list list = {0};

	ck_assert_int_eq(catalog_list_audit(cat, NULL, 0, &list, NULL), 0);
	return list.n_items;
}

START_TEST(first_apply_records_everything)
{
	cleanup_infra struct infra got = {0};

	say("pro/pro-dev/db pro/pro-dev/cache perso/laptop");
	apply(false, "created pro/pro-dev/cache\ncreated pro/pro-dev/db\n");
	ck_assert_uint_eq(generation(), 1);

	sample_load(cat, &got);
	ck_assert_uint_eq(got.n_domains, 2);
	ck_assert_str_eq(sample_machine(&got, "perso/laptop")->instance, "laptop");
	ck_assert_str_eq(sample_volume(&got, "pro/pro-dev/db")->path, "/db");
	ck_assert_uint_eq(sample_volume(&got, "pro/pro-dev/db")->flags, VOLUME_PROTECTED);
	ck_assert_uint_eq(sample_volume(&got, "pro/pro-dev/db")->mode, 0750);
}
END_TEST

START_TEST(second_apply_changes_nothing)
{
	size_t n_audit;

	say("pro/pro-dev/db pro/pro-web");
	apply(false, "created pro/pro-dev/db\n");
	n_audit = count_audit();
	apply(false, "unchanged pro/pro-dev/db\n");
	ck_assert_uint_eq(generation(), 1);
	ck_assert_uint_eq(count_audit(), n_audit);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("catalog_apply");
	TCase *tc = tcase_create("apply");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, first_apply_records_everything);
	tcase_add_test(tc, second_apply_changes_nothing);
	suite_add_tcase(s, tc);
	return s;
}
