/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "catalog.h"

#include "sample.h"
#include "unit.h"

#include <string.h>
#include <time.h>

#define VOLUME "pro/pro-dev/db"

static struct catalog *cat;
static struct infra spec;
static int64_t volume; /* of VOLUME; its spec says protected, not readonly, 999:999 */
static int64_t machine;

static void setup(void)
{
	cleanup_error struct error err = {0};
	cleanup_infra struct infra got = {0};

	unit_dir_setup();
	infra_init(&spec);
	ck_assert_ok(catalog_open(unit_path("catalog.db"), CATALOG_WRITE, &cat, &err), &err);
	sample_add(&spec, VOLUME " pro/pro-dev/cache pro/pro-web/www");
	sample_apply(cat, &spec, NULL);
	sample_load(cat, &got);
	volume = sample_volume(&got, VOLUME)->id;
	machine = sample_machine(&got, VOLUME)->id;
}

static void teardown(void)
{
	catalog_close(cat);
	infra_finish(&spec);
	unit_dir_teardown();
}

static uint64_t generation(void)
{
	uint64_t n;

	ck_assert_int_eq(catalog_get_generation(cat, &n, NULL), 0);
	return n;
}

/* The newest audit row reads "ACTION OBJECT DETAIL". */
static void expect_audit(const char *want)
{
	cleanup_audit_list struct audit_list list = {0};
	cleanup_free char *got = NULL;

	ck_assert_int_eq(catalog_list_audit(cat, NULL, 1, &list, NULL), 0);
	ck_assert_uint_eq(list.n_items, 1);
	ck_assert_int_gt(asprintf(&got, "%s %s %s", list.items[0].action, list.items[0].object,
				 list.items[0].detail),
		0);
	ck_assert_str_eq(got, want);
	ck_assert_uint_eq(list.items[0].generation, generation());
}

typedef int (*set_flag_fn)(struct catalog *, int64_t, enum flag_override, const struct actor *,
	const struct mark_store *, bool *, struct error *);

/* A walk over one flag, step by step: each row goes on from where the row above left off. */
static const struct {
	set_flag_fn set;
	enum flag_override value;
	bool is_changed;
	enum flag_override readonly, protected; /* recorded afterwards */
	unsigned int flags;
	const char *audit;
} steps[] = {
	/* protected: the spec says on */
	{catalog_set_protected, FLAG_ON, false, 0, 0, VOLUME_PROTECTED, NULL},
	{catalog_set_protected, FLAG_OFF, true, 0, FLAG_OFF, 0,
		"flag.protected " VOLUME " on (spec) -> off"},
	{catalog_set_protected, FLAG_OFF, false, 0, FLAG_OFF, 0, NULL},
	{catalog_set_protected, FLAG_ON, true, 0, 0, VOLUME_PROTECTED,
		"flag.protected " VOLUME " off -> on (spec)"},
	{catalog_set_protected, FLAG_INHERIT, false, 0, 0, VOLUME_PROTECTED, NULL},
	/* readonly: the spec says off */
	{catalog_set_readonly, FLAG_OFF, false, 0, 0, VOLUME_PROTECTED, NULL},
	{catalog_set_readonly, FLAG_ON, true, FLAG_ON, 0, VOLUME_PROTECTED | VOLUME_READONLY,
		"flag.readonly " VOLUME " off (spec) -> on"},
	{catalog_set_readonly, FLAG_INHERIT, true, 0, 0, VOLUME_PROTECTED,
		"flag.readonly " VOLUME " on -> off (spec)"},
};

START_TEST(flag_is_an_override_only_where_it_differs_from_the_spec)
{
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		cleanup_infra struct infra got = {0};
		cleanup_error struct error err = {0};
		uint64_t before = generation();
		const struct volume *v;
		bool is_changed;

		ck_assert_ok(steps[i].set(cat, volume, steps[i].value, &sample_actor, NULL,
				     &is_changed, &err),
			&err);
		sample_load(cat, &got);
		v = sample_volume(&got, VOLUME);
		ck_assert_msg(is_changed == steps[i].is_changed, "step %zu", i);
		ck_assert_msg(generation() == before + is_changed, "step %zu", i);
		ck_assert_msg(v->readonly_override == steps[i].readonly, "step %zu", i);
		ck_assert_msg(v->protected_override == steps[i].protected, "step %zu", i);
		ck_assert_msg(v->flags == steps[i].flags, "step %zu: %x", i, v->flags);
		if (steps[i].audit)
			expect_audit(steps[i].audit);
		ck_assert_uint_eq(
			sample_volume(&got, "pro/pro-dev/cache")->flags, VOLUME_PROTECTED);
	}
}
END_TEST

START_TEST(volume_that_does_not_exist_is_enoent)
{
	cleanup_error struct error err = {0};

	ck_assert_int_eq(
		catalog_set_readonly(cat, 4711, FLAG_ON, &sample_actor, NULL, NULL, &err), -ENOENT);
	ck_assert_int_eq(
		catalog_set_owner_ids(cat, 4711, 1, 1, &sample_actor, NULL, NULL, &err), -ENOENT);
	ck_assert_int_eq(
		catalog_set_owner_instance(cat, 4711, "p", "i", &sample_actor, NULL, NULL, &err),
		-ENOENT);
	ck_assert_int_eq(catalog_hold(cat, 4711, "t", "r", 0, &sample_actor, NULL, &err), -ENOENT);
	ck_assert_int_eq(catalog_release(cat, 4711, "t", &sample_actor, NULL, &err), -ENOENT);
	ck_assert_uint_eq(generation(), 1);
}
END_TEST

START_TEST(owner_ids_follow_the_spec_until_they_are_set)
{
	cleanup_infra struct infra got = {0};
	bool is_changed;

	ck_assert_int_eq(catalog_set_owner_ids(
				 cat, volume, 999, 999, &sample_actor, NULL, &is_changed, NULL),
		0);
	ck_assert(!is_changed);
	ck_assert_int_eq(
		catalog_set_owner_ids(cat, volume, 0, 70, &sample_actor, NULL, &is_changed, NULL),
		0);
	ck_assert(is_changed);
	expect_audit("owner.ids " VOLUME " 999:999 (spec) -> 0:70");
	sample_load(cat, &got);
	ck_assert_uint_eq(sample_volume(&got, VOLUME)->uid, 0);
	ck_assert_uint_eq(sample_volume(&got, VOLUME)->gid, 70);
	ck_assert(sample_volume(&got, VOLUME)->has_ids_override);

	ck_assert_int_eq(
		catalog_set_owner_ids(cat, volume, -1, -1, &sample_actor, NULL, &is_changed, NULL),
		0);
	ck_assert(is_changed);
	expect_audit("owner.ids " VOLUME " 0:70 -> 999:999 (spec)");
	infra_finish(&got);
	sample_load(cat, &got);
	ck_assert(!sample_volume(&got, VOLUME)->has_ids_override);

	ck_assert_int_eq(catalog_set_owner_ids(cat, volume, 1, -1, &sample_actor, NULL, NULL, NULL),
		-EINVAL);
}
END_TEST

START_TEST(owner_instance_belongs_to_every_volume_of_the_machine)
{
	cleanup_infra struct infra got = {0};
	bool is_changed;

	ck_assert_int_eq(catalog_set_owner_instance(cat, machine, "pro", "pro-dev", &sample_actor,
				 NULL, &is_changed, NULL),
		0);
	ck_assert(!is_changed);
	ck_assert_int_eq(catalog_set_owner_instance(cat, machine, "blue", "db", &sample_actor, NULL,
				 &is_changed, NULL),
		0);
	ck_assert(is_changed);
	expect_audit("owner.instance pro/pro-dev pro/pro-dev (spec) -> blue/db");

	sample_load(cat, &got);
	ck_assert_str_eq(sample_machine(&got, VOLUME)->instance, "db");
	ck_assert_uint_eq(sample_volume(&got, VOLUME)->generation, generation());
	ck_assert_uint_eq(sample_volume(&got, "pro/pro-dev/cache")->generation, generation());
	ck_assert_uint_eq(sample_volume(&got, "pro/pro-web/www")->generation, 1);

	ck_assert_int_eq(catalog_set_owner_instance(
				 cat, machine, NULL, NULL, &sample_actor, NULL, &is_changed, NULL),
		0);
	ck_assert(is_changed);
	expect_audit("owner.instance pro/pro-dev blue/db -> pro/pro-dev (spec)");
}
END_TEST

START_TEST(owner_instance_is_checked)
{
	char text[CATALOG_OWNER_MAX + 2];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ck_assert_int_eq(catalog_set_owner_instance(
				 cat, machine, "p", text, &sample_actor, NULL, NULL, NULL),
		-E2BIG);
	ck_assert_int_eq(
		catalog_set_owner_instance(cat, machine, "p", "", &sample_actor, NULL, NULL, NULL),
		-EINVAL);
	ck_assert_int_eq(catalog_set_owner_instance(
				 cat, machine, "p", NULL, &sample_actor, NULL, NULL, NULL),
		-EINVAL);
	ck_assert_int_eq(catalog_set_owner_instance(
				 cat, machine, "p", "\xff", &sample_actor, NULL, NULL, NULL),
		-EINVAL);
}
END_TEST

START_TEST(holds_coexist_until_each_is_released)
{
	cleanup_error struct error err = {0};
	cleanup_infra struct infra got = {0};
	int64_t until = time(NULL) + 3600;
	const struct volume *v;

	ck_assert_ok(catalog_hold(cat, volume, "tax", "for the tax office", until, &sample_actor,
			     NULL, &err),
		&err);
	expect_audit("hold.add " VOLUME " tax: for the tax office");
	ck_assert_ok(catalog_hold(cat, volume, "audit", "by \"us\"", 0, &sample_actor, NULL, &err),
		&err);

	sample_load(cat, &got);
	v = sample_volume(&got, VOLUME);
	ck_assert_uint_eq(v->n_holds, 2);
	ck_assert_str_eq(v->holds[0].tag, "audit");
	ck_assert_str_eq(v->holds[1].reason, "for the tax office");
	ck_assert_str_eq(v->holds[1].actor, "alice (root)");
	ck_assert_int_eq(v->holds[1].until, until);
	ck_assert_uint_eq(v->flags, VOLUME_PROTECTED | VOLUME_HELD);

	ck_assert_int_eq(catalog_release(cat, volume, "audit", &sample_actor, NULL, NULL), 0);
	infra_finish(&got);
	sample_load(cat, &got);
	ck_assert_uint_eq(sample_volume(&got, VOLUME)->flags, VOLUME_PROTECTED | VOLUME_HELD);
	ck_assert_int_eq(catalog_release(cat, volume, "tax", &sample_actor, NULL, NULL), 0);
	expect_audit("hold.release " VOLUME " tax");
	infra_finish(&got);
	sample_load(cat, &got);
	ck_assert_uint_eq(sample_volume(&got, VOLUME)->flags, VOLUME_PROTECTED);
	ck_assert_int_eq(catalog_release(cat, volume, "tax", &sample_actor, NULL, NULL), -ENOENT);
}
END_TEST

START_TEST(second_hold_of_a_tag_is_eexist)
{
	cleanup_error struct error err = {0};

	ck_assert_int_eq(catalog_hold(cat, volume, "t", "one", 0, &sample_actor, NULL, NULL), 0);
	ck_assert_int_eq(
		catalog_hold(cat, volume, "t", "two", 0, &sample_actor, NULL, &err), -EEXIST);
	ck_assert_ptr_nonnull(strstr(error_text(&err, 0), "has a hold 't' already"));
	ck_assert_uint_eq(generation(), 2);
}
END_TEST

static const struct {
	const char *tag;
	const char *reason;
	int64_t until;
	int r;
} bad_holds[] = {
	{"Tag", "r", 0, -EINVAL},
	{"", "r", 0, -EINVAL},
	{"t", "two\nlines", 0, -EINVAL},
	{"t", "\xff", 0, -EINVAL},
	{"t", "r", 1, -EINVAL},
	{"t", "r", -1, -EINVAL},
};

START_TEST(hold_is_checked)
{
	ck_assert_int_eq(catalog_hold(cat, volume, bad_holds[_i].tag, bad_holds[_i].reason,
				 bad_holds[_i].until, &sample_actor, NULL, NULL),
		bad_holds[_i].r);
	ck_assert_uint_eq(generation(), 1);
}
END_TEST

START_TEST(long_reason_is_e2big)
{
	char reason[CATALOG_REASON_MAX + 2];

	memset(reason, 'r', sizeof(reason) - 1);
	reason[sizeof(reason) - 1] = '\0';
	ck_assert_int_eq(
		catalog_hold(cat, volume, "t", reason, 0, &sample_actor, NULL, NULL), -E2BIG);
	reason[CATALOG_REASON_MAX] = '\0';
	ck_assert_int_eq(catalog_hold(cat, volume, "t", reason, 0, &sample_actor, NULL, NULL), 0);
}
END_TEST

START_TEST(more_holds_than_a_mark_has_room_for_are_e2big)
{
	cleanup_error struct error err = {0};
	int n = 0;
	int r;

	do {
		char tag[16];

		snprintf(tag, sizeof(tag), "tag-%d", n);
		r = catalog_hold(cat, volume, tag,
			"a reason of a length that people write, about sixty bytes", 0,
			&sample_actor, NULL, &err);
		n += r == 0;
	} while (r == 0 && n < 1000);
	ck_assert_int_eq(r, -E2BIG);
	ck_assert_int_ge(n, 10);
	ck_assert_uint_eq(generation(), 1 + n);
	ck_assert_int_eq(catalog_release(cat, volume, "tag-0", &sample_actor, NULL, NULL), 0);
}
END_TEST

/* An expired hold, as an import brings it. */
static void import_expired(void)
{
	cleanup_infra struct infra infra = {0};
	struct hold *h;

	catalog_close(cat);
	cat = NULL;
	ck_assert_int_eq(catalog_open(unit_path("other.db"), CATALOG_WRITE, &cat, NULL), 0);
	sample_add(&infra, VOLUME);
	h = volume_add_hold(sample_volume(&infra, VOLUME), "old");
	h->reason = strdup("was");
	h->actor = strdup("bob");
	h->since = 1000;
	h->until = 2000;
	ck_assert_int_eq(catalog_import(cat, &infra, &sample_actor, NULL), 0);
}

START_TEST(expired_hold_no_longer_counts_and_makes_way)
{
	cleanup_infra struct infra got = {0};
	int64_t id;

	import_expired();
	sample_load(cat, &got);
	ck_assert_uint_eq(sample_volume(&got, VOLUME)->n_holds, 1);
	ck_assert_uint_eq(sample_volume(&got, VOLUME)->flags, VOLUME_PROTECTED);
	id = sample_volume(&got, VOLUME)->id;

	ck_assert_int_eq(catalog_hold(cat, id, "old", "is", 0, &sample_actor, NULL, NULL), 0);
	infra_finish(&got);
	sample_load(cat, &got);
	ck_assert_uint_eq(sample_volume(&got, VOLUME)->n_holds, 1);
	ck_assert_str_eq(sample_volume(&got, VOLUME)->holds[0].reason, "is");
	ck_assert_uint_eq(sample_volume(&got, VOLUME)->flags, VOLUME_PROTECTED | VOLUME_HELD);
}
END_TEST

START_TEST(long_name_of_an_actor_is_cut_in_the_hold_only)
{
	static const struct actor long_actor = {
		"a-user-with-a-name-that-no-directory-service-should-ever-hand-out-to-anyone (root)",
		"cmd"};
	cleanup_audit_list struct audit_list list = {0};
	cleanup_infra struct infra got = {0};

	ck_assert_int_eq(catalog_hold(cat, volume, "t", "r", 0, &long_actor, NULL, NULL), 0);
	sample_load(cat, &got);
	ck_assert_uint_eq(strlen(sample_volume(&got, VOLUME)->holds[0].actor), 64);
	ck_assert_int_eq(catalog_list_audit(cat, NULL, 1, &list, NULL), 0);
	ck_assert_str_eq(list.items[0].actor, long_actor.user);
}
END_TEST

/* The daemon is not behind after it: no record changed. */
START_TEST(a_note_is_in_the_trail_and_makes_no_generation)
{
	const struct audit_note notes[] = {
		{"instance.unprotect", "pro/pro-dev", NULL},
		{"instance.delete", "pro/pro-dev", "forced"},
	};
	uint64_t before = generation();

	ck_assert_int_eq(catalog_note(cat, notes, ARRAY_SIZE(notes), &sample_actor, NULL), 0);
	ck_assert_uint_eq(generation(), before);
	expect_audit("instance.delete pro/pro-dev forced");
}
END_TEST

START_TEST(audit_is_filtered_by_object_and_limited)
{
	cleanup_audit_list struct audit_list all = {0};
	cleanup_audit_list struct audit_list of = {0};
	cleanup_audit_list struct audit_list last = {0};
	cleanup_audit_list struct audit_list none = {0};

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(catalog_set_readonly(cat, volume, i % 2 ? FLAG_OFF : FLAG_ON,
					 &sample_actor, NULL, NULL, NULL),
			0);
	ck_assert_int_eq(catalog_list_audit(cat, NULL, 0, &all, NULL), 0);
	ck_assert_uint_eq(all.n_items, 6 + 3);
	ck_assert_int_eq(catalog_list_audit(cat, VOLUME, 0, &of, NULL), 0);
	ck_assert_uint_eq(of.n_items, 1 + 3);
	ck_assert_int_eq(catalog_list_audit(cat, VOLUME, 2, &last, NULL), 0);
	ck_assert_uint_eq(last.n_items, 2);
	ck_assert_int_eq(last.items[0].id, of.items[2].id);
	ck_assert_int_lt(last.items[0].id, last.items[1].id);
	ck_assert_int_eq(catalog_list_audit(cat, "pro", 0, &none, NULL), 0);
	ck_assert_uint_eq(none.n_items, 1);
}
END_TEST

START_TEST(actor_that_is_not_utf8_is_recorded_readably)
{
	static const struct actor odd = {"al\xff"
					 "ice",
		"anklume-fsctl hold \xe9"};
	cleanup_audit_list struct audit_list list = {0};

	ck_assert_int_eq(catalog_set_readonly(cat, volume, FLAG_ON, &odd, NULL, NULL, NULL), 0);
	ck_assert_int_eq(catalog_list_audit(cat, NULL, 1, &list, NULL), 0);
	ck_assert_str_eq(list.items[0].actor, "al?ice");
	ck_assert_str_eq(list.items[0].command, "anklume-fsctl hold ?");
}
END_TEST

START_TEST(import_keeps_ids_and_leaves_a_distance)
{
	cleanup_infra struct infra infra = {0};
	cleanup_infra struct infra got = {0};
	cleanup_catalog struct catalog *other = NULL;
	struct volume *v;

	sample_add(&infra, "a/b/c a/b/d a/b/x");
	infra.domains[0].id = 7;
	infra.domains[0].machines[0].id = 8;
	v = sample_volume(&infra, "a/b/c");
	v->id = 9;
	v->generation = 41;
	v->protected_override = FLAG_OFF;
	sample_volume(&infra, "a/b/d")->id = 9; /* two marks that claim one id */
	sample_volume(&infra, "a/b/x")->id = INT64_MAX; /* after which there is none */
	ck_assert_int_eq(catalog_open(unit_path("other.db"), CATALOG_WRITE, &other, NULL), 0);
	ck_assert_int_eq(catalog_import(other, &infra, &sample_actor, NULL), 0);

	infra_finish(&infra);
	sample_add(&infra, "a/b/c a/b/d a/b/e a/b/x");
	sample_apply(other, &infra, NULL);
	sample_load(other, &got);
	ck_assert_int_eq(got.domains[0].id, 7);
	ck_assert_int_eq(got.domains[0].machines[0].id, 8);
	ck_assert_int_eq(sample_volume(&got, "a/b/c")->id, 9);
	ck_assert_uint_eq(sample_volume(&got, "a/b/c")->generation, 41);
	ck_assert_int_eq(sample_volume(&got, "a/b/c")->protected_override, FLAG_OFF);
	ck_assert_int_eq(sample_volume(&got, "a/b/d")->id, 10);
	ck_assert_int_eq(sample_volume(&got, "a/b/x")->id, 11);
	ck_assert_int_eq(sample_volume(&got, "a/b/e")->id, (1 << 20) + 1);
	ck_assert_uint_eq(sample_volume(&got, "a/b/e")->generation, 43);

	ck_assert_int_eq(catalog_import(other, &infra, &sample_actor, NULL), -ENOTEMPTY);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("catalog_set");
	TCase *tc = tcase_create("set");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, flag_is_an_override_only_where_it_differs_from_the_spec);
	tcase_add_test(tc, volume_that_does_not_exist_is_enoent);
	tcase_add_test(tc, owner_ids_follow_the_spec_until_they_are_set);
	tcase_add_test(tc, owner_instance_belongs_to_every_volume_of_the_machine);
	tcase_add_test(tc, owner_instance_is_checked);
	tcase_add_test(tc, holds_coexist_until_each_is_released);
	tcase_add_test(tc, second_hold_of_a_tag_is_eexist);
	tcase_add_loop_test(tc, hold_is_checked, 0, ARRAY_SIZE(bad_holds));
	tcase_add_test(tc, long_reason_is_e2big);
	tcase_add_test(tc, more_holds_than_a_mark_has_room_for_are_e2big);
	tcase_add_test(tc, expired_hold_no_longer_counts_and_makes_way);
	tcase_add_test(tc, long_name_of_an_actor_is_cut_in_the_hold_only);
	tcase_add_test(tc, a_note_is_in_the_trail_and_makes_no_generation);
	tcase_add_test(tc, audit_is_filtered_by_object_and_limited);
	tcase_add_test(tc, actor_that_is_not_utf8_is_recorded_readably);
	tcase_add_test(tc, import_keeps_ids_and_leaves_a_distance);
	suite_add_tcase(s, tc);
	return s;
}
