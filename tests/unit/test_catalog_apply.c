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

/* DC-1 */
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

/* S0-25 */
START_TEST(second_apply_changes_nothing)
{
	cleanup_change_list struct change_list report = {0};
	size_t n_audit;

	say("pro/pro-dev/db pro/pro-web");
	apply(false, "created pro/pro-dev/db\n");
	n_audit = count_audit();
	apply(false, "unchanged pro/pro-dev/db\n");
	ck_assert_uint_eq(generation(), 1);
	ck_assert_uint_eq(count_audit(), n_audit);

	ck_assert_int_eq(catalog_apply(cat, &spec, &sample_actor, false, NULL, &report, NULL), 0);
	ck_assert(!report.is_changed);
}
END_TEST

START_TEST(new_machine_without_volumes_is_a_change)
{
	cleanup_change_list struct change_list report = {0};

	say("pro/pro-dev/db");
	apply(false, "created pro/pro-dev/db\n");
	say("pro/pro-dev/db pro/pro-web");
	ck_assert_int_eq(catalog_apply(cat, &spec, &sample_actor, false, NULL, &report, NULL), 0);
	ck_assert(report.is_changed);
	ck_assert_uint_eq(generation(), 2);
}
END_TEST

START_TEST(dry_run_reports_and_writes_nothing)
{
	cleanup_infra struct infra got = {0};

	say("pro/pro-dev/db");
	apply(true, "created pro/pro-dev/db\n");
	sample_load(cat, &got);
	ck_assert_uint_eq(got.n_domains, 0);
	ck_assert_uint_eq(generation(), 0);
	ck_assert_uint_eq(count_audit(), 0);

	apply(false, "created pro/pro-dev/db\n");
	say("pro/pro-dev/cache");
	apply(true, "created pro/pro-dev/cache\norphaned pro/pro-dev/db\n");
	ck_assert_uint_eq(generation(), 1);
}
END_TEST

START_TEST(dry_run_needs_no_right_to_write)
{
	cleanup_change_list struct change_list report = {0};
	cleanup_catalog struct catalog *reader = NULL;
	cleanup_error struct error err = {0};

	say("pro/pro-dev/db");
	ck_assert_ok(catalog_open(unit_path("catalog.db"), CATALOG_READ, &reader, &err), &err);
	ck_assert_ok(catalog_apply(reader, &spec, &sample_actor, true, NULL, &report, &err), &err);
	ck_assert_uint_eq(report.n_items, 1);
}
END_TEST

START_TEST(dry_run_without_a_catalogue_compares_with_nothing)
{
	cleanup_catalog struct catalog *empty = NULL;
	cleanup_change_list struct change_list report = {0};

	say("pro/pro-dev/db");
	ck_assert_int_eq(catalog_open_empty(&empty, NULL), 0);
	ck_assert_int_eq(catalog_apply(empty, &spec, &sample_actor, true, NULL, &report, NULL), 0);
	ck_assert_uint_eq(report.n_items, 1);
	ck_assert_int_eq(report.items[0].kind, CHANGE_CREATED);
}
END_TEST

static int64_t id_of(const char *volume)
{
	cleanup_infra struct infra got = {0};

	sample_load(cat, &got);
	return sample_volume(&got, volume)->id;
}

static unsigned int flags_of(const char *volume)
{
	cleanup_infra struct infra got = {0};

	sample_load(cat, &got);
	return sample_volume(&got, volume)->flags;
}

static void hold(const char *volume, const char *tag)
{
	cleanup_error struct error err = {0};

	ck_assert_ok(
		catalog_hold(cat, id_of(volume), tag, "audit", 0, &sample_actor, NULL, &err), &err);
}

static void set_readonly(const char *volume, enum flag_override value)
{
	cleanup_error struct error err = {0};

	ck_assert_ok(
		catalog_set_readonly(cat, id_of(volume), value, &sample_actor, NULL, NULL, &err),
		&err);
}

static void set_protected(const char *volume, enum flag_override value)
{
	cleanup_error struct error err = {0};

	ck_assert_ok(
		catalog_set_protected(cat, id_of(volume), value, &sample_actor, NULL, NULL, &err),
		&err);
}

/* S3-25 */
START_TEST(volume_that_left_the_spec_is_an_orphan_with_its_flags)
{
	cleanup_infra struct infra got = {0};
	const struct volume *v;

	say("pro/pro-dev/db pro/pro-dev/cache");
	apply(false, "created pro/pro-dev/cache\ncreated pro/pro-dev/db\n");
	set_readonly("pro/pro-dev/db", FLAG_ON);
	hold("pro/pro-dev/db", "audit-2026");

	say("pro/pro-dev/cache");
	apply(false, "unchanged pro/pro-dev/cache\norphaned pro/pro-dev/db\n");
	sample_load(cat, &got);
	v = sample_volume(&got, "pro/pro-dev/db");
	ck_assert_uint_eq(
		v->flags, VOLUME_ORPHAN | VOLUME_PROTECTED | VOLUME_READONLY | VOLUME_HELD);
	ck_assert_int_gt(v->orphan_since, 0);
	ck_assert_str_eq(v->path, "/db");

	apply(false, "unchanged pro/pro-dev/cache\n");
}
END_TEST

START_TEST(orphan_that_is_declared_again_is_the_same_volume)
{
	int64_t id;

	say("pro/pro-dev/db");
	apply(false, "created pro/pro-dev/db\n");
	id = id_of("pro/pro-dev/db");
	hold("pro/pro-dev/db", "keep");

	say("perso/laptop/docs");
	apply(false, "created perso/laptop/docs\norphaned pro/pro-dev/db\n");
	say("perso/laptop/docs pro/pro-dev/db");
	apply(false, "unchanged perso/laptop/docs\nadopted pro/pro-dev/db\n");
	ck_assert_int_eq(id_of("pro/pro-dev/db"), id);
	ck_assert_uint_eq(flags_of("pro/pro-dev/db"), VOLUME_PROTECTED | VOLUME_HELD);
}
END_TEST

START_TEST(adopted_volume_takes_what_the_spec_says_now)
{
	say("pro/pro-dev/db");
	apply(false, "created pro/pro-dev/db\n");
	say("pro");
	apply(false, "orphaned pro/pro-dev/db\n");
	say("pro/pro-dev/db");
	free(sample_volume(&spec, "pro/pro-dev/db")->path);
	sample_volume(&spec, "pro/pro-dev/db")->path = strdup("/var/lib/db");
	apply(false, "adopted pro/pro-dev/db: path /db -> /var/lib/db\n");
}
END_TEST

START_TEST(machine_in_another_domain_is_another_directory)
{
	int64_t id;

	say("pro/dev/db");
	apply(false, "created pro/dev/db\n");
	id = id_of("pro/dev/db");

	say("perso/dev/db pro");
	apply(false, "created perso/dev/db\norphaned pro/dev/db\n");
	ck_assert_int_eq(id_of("pro/dev/db"), id);
	ck_assert_int_ne(id_of("perso/dev/db"), id);
}
END_TEST

START_TEST(what_left_the_spec_without_data_is_not_shown)
{
	cleanup_infra struct infra got = {0};
	cleanup_infra struct infra back = {0};
	int64_t id;

	say("pro/pro-dev/db pro/pro-web old/box");
	apply(false, "created pro/pro-dev/db\n");
	sample_load(cat, &got);
	id = sample_machine(&got, "pro/pro-web")->id;

	say("pro/pro-dev/db");
	apply(false, "unchanged pro/pro-dev/db\n");
	infra_finish(&got);
	sample_load(cat, &got);
	ck_assert_uint_eq(got.n_domains, 1);
	ck_assert_uint_eq(got.domains[0].n_machines, 1);

	say("pro/pro-dev/db pro/pro-web");
	apply(false, "unchanged pro/pro-dev/db\n");
	sample_load(cat, &back);
	ck_assert_int_eq(sample_machine(&back, "pro/pro-web")->id, id);
}
END_TEST

START_TEST(disabled_domain_stays_recorded)
{
	cleanup_infra struct infra got = {0};

	say("pro/pro-dev/db");
	apply(false, "created pro/pro-dev/db\n");
	infra_find_domain(&spec, "pro")->is_enabled = false;
	apply(false, "updated pro/pro-dev/db: domain disabled\n");
	sample_load(cat, &got);
	ck_assert(!infra_find_domain(&got, "pro")->is_enabled);
	ck_assert_uint_eq(sample_volume(&got, "pro/pro-dev/db")->flags, VOLUME_PROTECTED);
	apply(false, "unchanged pro/pro-dev/db\n");
}
END_TEST

static void set_text(char **field, const char *text)
{
	free(*field);
	*field = text ? strdup(text) : NULL;
}

START_TEST(report_says_what_the_spec_changed)
{
	struct volume *v;

	say("pro/pro-dev/db");
	apply(false, "created pro/pro-dev/db\n");
	v = sample_volume(&spec, "pro/pro-dev/db");
	set_text(&v->path, "/srv/db");
	set_text(&v->class, "database");
	set_text(&v->description, "the shop's orders");
	v->size_bytes = 1 << 30;
	v->uid = 5;
	v->mode = 02770;
	v->spec_flags = VOLUME_READONLY;
	apply(false, "updated pro/pro-dev/db: path /db -> /srv/db, class none -> database, "
		     "description, size 0 -> 1073741824, owner 999:999 -> 5:999, "
		     "mode 0750 -> 2770, readonly off -> on, protected on -> off\n");
	ck_assert_uint_eq(flags_of("pro/pro-dev/db"), VOLUME_READONLY);
	apply(false, "unchanged pro/pro-dev/db\n");
}
END_TEST

START_TEST(change_of_the_machine_reaches_all_its_volumes)
{
	struct machine *m;

	say("pro/pro-dev/a pro/pro-dev/b pro/pro-web/c");
	apply(false, "created pro/pro-dev/a\ncreated pro/pro-dev/b\ncreated pro/pro-web/c\n");
	m = sample_machine(&spec, "pro/pro-dev");
	set_text(&m->instance, "001-pro-dev");
	m->is_ephemeral = true;
	m->is_vm = true;
	apply(false, "updated pro/pro-dev/a: instance pro/pro-dev -> pro/001-pro-dev, type vm, "
		     "machine ephemeral\n"
		     "updated pro/pro-dev/b: instance pro/pro-dev -> pro/001-pro-dev, type vm, "
		     "machine ephemeral\n"
		     "unchanged pro/pro-web/c\n");
}
END_TEST

START_TEST(override_outlives_what_the_spec_says)
{
	say("pro/pro-dev/db");
	apply(false, "created pro/pro-dev/db\n");
	set_protected("pro/pro-dev/db", FLAG_OFF);
	ck_assert_uint_eq(flags_of("pro/pro-dev/db"), 0);
	apply(false, "unchanged pro/pro-dev/db\n");

	/* The spec comes to agree, then changes its mind: the administrator's word still counts. */
	sample_volume(&spec, "pro/pro-dev/db")->spec_flags = 0;
	apply(false, "updated pro/pro-dev/db: protected: spec off, override off kept\n");
	sample_volume(&spec, "pro/pro-dev/db")->spec_flags = VOLUME_PROTECTED;
	apply(false, "updated pro/pro-dev/db: protected: spec on, override off kept\n");
	ck_assert_uint_eq(flags_of("pro/pro-dev/db"), 0);

	set_protected("pro/pro-dev/db", FLAG_INHERIT);
	ck_assert_uint_eq(flags_of("pro/pro-dev/db"), VOLUME_PROTECTED);
}
END_TEST

START_TEST(owners_that_were_set_outlive_an_apply)
{
	cleanup_infra struct infra got = {0};
	struct machine *m;

	say("pro/pro-dev/db");
	apply(false, "created pro/pro-dev/db\n");
	sample_load(cat, &got);
	ck_assert_int_eq(catalog_set_owner_instance(cat, sample_machine(&got, "pro/pro-dev")->id,
				 "blue", "box", &sample_actor, NULL, NULL, NULL),
		0);
	ck_assert_int_eq(catalog_set_owner_ids(cat, id_of("pro/pro-dev/db"), 70, 71, &sample_actor,
				 NULL, NULL, NULL),
		0);

	set_text(&sample_machine(&spec, "pro/pro-dev")->instance, "001-pro-dev");
	sample_volume(&spec, "pro/pro-dev/db")->uid = 1;
	apply(false, "updated pro/pro-dev/db: "
		     "instance pro/pro-dev -> pro/001-pro-dev in the spec, override kept, "
		     "owner 999:999 -> 1:999 in the spec, override kept\n");

	infra_finish(&got);
	sample_load(cat, &got);
	m = sample_machine(&got, "pro/pro-dev");
	ck_assert_str_eq(m->project, "blue");
	ck_assert_str_eq(m->instance, "box");
	ck_assert(m->has_owner_override);
	ck_assert_uint_eq(m->volumes[0].uid, 70);
	ck_assert_uint_eq(m->volumes[0].gid, 71);
	apply(false, "unchanged pro/pro-dev/db\n");
}
END_TEST

START_TEST(each_changed_object_has_one_audit_row)
{
	static const char *const want[] = {
		"1 domain.create pro -",
		"1 machine.create pro/pro-dev -",
		"1 volume.create pro/pro-dev/cache /cache",
		"1 volume.create pro/pro-dev/db /db",
		"2 volume.orphan pro/pro-dev/cache -",
		"2 volume.update pro/pro-dev/db mode 0750 -> 0700",
		"3 machine.orphan pro/pro-dev -",
		"3 volume.orphan pro/pro-dev/db -",
		"4 machine.adopt pro/pro-dev -",
		"4 volume.adopt pro/pro-dev/db -",
	};
	cleanup_audit_list struct audit_list list = {0};

	say("pro/pro-dev/cache pro/pro-dev/db");
	apply(false, "created pro/pro-dev/cache\ncreated pro/pro-dev/db\n");
	say("pro/pro-dev/db");
	sample_volume(&spec, "pro/pro-dev/db")->mode = 0700;
	apply(false, "orphaned pro/pro-dev/cache\n"
		     "updated pro/pro-dev/db: mode 0750 -> 0700\n");
	say("pro");
	apply(false, "orphaned pro/pro-dev/db\n");
	say("pro/pro-dev/db");
	sample_volume(&spec, "pro/pro-dev/db")->mode = 0700;
	apply(false, "adopted pro/pro-dev/db\n");

	ck_assert_int_eq(catalog_list_audit(cat, NULL, 0, &list, NULL), 0);
	ck_assert_uint_eq(list.n_items, ARRAY_SIZE(want));
	for (size_t i = 0; i < list.n_items; i++) {
		const struct audit_entry *e = &list.items[i];
		cleanup_free char *got = NULL;

		ck_assert_int_gt(asprintf(&got, "%d %s %s %s", (int)e->generation, e->action,
					 e->object, e->detail ? e->detail : "-"),
			0);
		ck_assert_str_eq(got, want[i]);
		ck_assert_str_eq(e->actor, "alice (root)");
		ck_assert_str_eq(e->command, "anklume-fsctl test");
	}
}
END_TEST

/* Names that sort differently as paths ('-' is below '/') still report in the order of the tree. */
START_TEST(report_follows_the_tree)
{
	say("b/m/z b-c/m/y a/m-1/x a/m/v");
	apply(false, "created a/m/v\ncreated a/m-1/x\ncreated b/m/z\ncreated b-c/m/y\n");
}
END_TEST

/* What the spec's own rules let through by mistake, the records still refuse. */
static const struct {
	const char *text;
	int r;
	const char *error;
} refused[] = {
	{"pro/dev/Db", -EINVAL, "domain 'pro': machine 'dev': 'Db' is no valid name for a volume"},
	{"pro/d_v/db", -EINVAL, "domain 'pro': 'd_v' is no valid name for a machine"},
	{"../dev/db", -EINVAL, "'..' is no valid name for a domain"},
	{"pro/dev/db pro/dev/db", -EINVAL, "domain 'pro': machine 'dev': volume 'db' stands twice"},
};

START_TEST(spec_that_cannot_be_recorded_is_refused_whole)
{
	cleanup_change_list struct change_list report = {0};
	cleanup_error struct error err = {0};

	say("a/fine/too");
	sample_add(&spec, refused[_i].text);
	ck_assert_int_eq(catalog_apply(cat, &spec, &sample_actor, false, NULL, &report, &err),
		refused[_i].r);
	ck_assert_str_eq(error_text(&err, 0), refused[_i].error);
	ck_assert_uint_eq(generation(), 0);
	ck_assert_uint_eq(report.n_items, 0);
}
END_TEST

START_TEST(text_that_no_mark_has_room_for_is_refused)
{
	cleanup_change_list struct change_list report = {0};
	cleanup_error struct error err = {0};
	char path[VOLUME_PATH_MAX + 2];

	say("pro/dev/db");
	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	set_text(&sample_volume(&spec, "pro/dev/db")->path, path);
	ck_assert_int_eq(
		catalog_apply(cat, &spec, &sample_actor, false, NULL, &report, &err), -E2BIG);
	ck_assert_str_eq(error_text(&err, 0), "domain 'pro': machine 'dev': volume 'db': path is "
					      "longer than 400 bytes");

	path[sizeof(path) - 2] = '\0';
	set_text(&sample_volume(&spec, "pro/dev/db")->path, path);
	apply(false, "created pro/dev/db\n");
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("catalog_apply");
	TCase *tc = tcase_create("apply");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, first_apply_records_everything);
	tcase_add_test(tc, second_apply_changes_nothing);
	tcase_add_test(tc, new_machine_without_volumes_is_a_change);
	tcase_add_test(tc, dry_run_reports_and_writes_nothing);
	tcase_add_test(tc, dry_run_needs_no_right_to_write);
	tcase_add_test(tc, dry_run_without_a_catalogue_compares_with_nothing);
	tcase_add_test(tc, volume_that_left_the_spec_is_an_orphan_with_its_flags);
	tcase_add_test(tc, orphan_that_is_declared_again_is_the_same_volume);
	tcase_add_test(tc, adopted_volume_takes_what_the_spec_says_now);
	tcase_add_test(tc, machine_in_another_domain_is_another_directory);
	tcase_add_test(tc, what_left_the_spec_without_data_is_not_shown);
	tcase_add_test(tc, disabled_domain_stays_recorded);
	tcase_add_test(tc, report_says_what_the_spec_changed);
	tcase_add_test(tc, change_of_the_machine_reaches_all_its_volumes);
	tcase_add_test(tc, override_outlives_what_the_spec_says);
	tcase_add_test(tc, owners_that_were_set_outlive_an_apply);
	tcase_add_test(tc, each_changed_object_has_one_audit_row);
	tcase_add_test(tc, report_follows_the_tree);
	tcase_add_loop_test(
		tc, spec_that_cannot_be_recorded_is_refused_whole, 0, ARRAY_SIZE(refused));
	tcase_add_test(tc, text_that_no_mark_has_room_for_is_refused);
	suite_add_tcase(s, tc);
	return s;
}
