/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rebuild.h"

#include "sample_base.h"
#include "str.h"
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define VOLUMES "perso/laptop/docs pro/pro-dev/cache pro/pro-dev/db pro/pro-web/www"

static const struct rebuild_options plain;
static const struct rebuild_options forced = {.is_forced = true};
static const struct rebuild_options dry = {.is_dry_run = true};

static char *describe(void)
{
	cleanup_infra struct infra got = {0};

	sample_load(sample_cat, &got);
	return sample_describe(&got);
}

/* Take " gen 42" away. */
static void strip_generations(char *text)
{
	while ((text = strstr(text, " gen "))) {
		size_t n = strcspn(text, "\n");

		memmove(text, text + n, strlen(text + n) + 1);
	}
}

/* A catalogue with every kind of thing that only marks can give back. */
static void make_records(void)
{
	const struct mark_store *marks = &sample_marks;
	cleanup_infra struct infra got = {0};
	struct catalog *cat = sample_cat;
	int64_t db;

	sample_base_apply(VOLUMES " old/box/data");
	sample_load(cat, &got);
	db = sample_volume(&got, "pro/pro-dev/db")->id;
	ck_assert_int_eq(
		catalog_set_protected(cat, db, FLAG_OFF, &sample_actor, marks, NULL, NULL), 0);
	ck_assert_int_eq(catalog_set_readonly(cat, sample_volume(&got, "pro/pro-web/www")->id,
				 FLAG_ON, &sample_actor, marks, NULL, NULL),
		0);
	ck_assert_int_eq(
		catalog_set_owner_ids(cat, db, 70, 71, &sample_actor, marks, NULL, NULL), 0);
	ck_assert_int_eq(catalog_set_owner_instance(cat, sample_machine(&got, "pro/pro-dev")->id,
				 "blue", "box", &sample_actor, marks, NULL, NULL),
		0);
	ck_assert_int_eq(
		catalog_hold(cat, db, "audit", "for \"them\"", 0, &sample_actor, marks, NULL), 0);
	ck_assert_int_eq(catalog_hold(cat, sample_volume(&got, "old/box/data")->id, "tax",
				 "until 2099", 4070908800, &sample_actor, marks, NULL),
		0);
	sample_base_apply(VOLUMES); /* old/box/data is an orphan now */
}

static void reopen(void)
{
	cleanup_error struct error err = {0};

	catalog_close(steal_ptr(&sample_cat));
	ck_assert_ok(catalog_open(unit_path("catalog.db"), CATALOG_WRITE, &sample_cat, &err), &err);
}

static void spoil(void)
{
	catalog_close(steal_ptr(&sample_cat));
	unit_write("catalog.db", "this was a catalogue once");
}

static int rebuild(
	const struct rebuild_options *options, struct rebuild_report *ret, struct error *err)
{
	return rebuild_catalog(
		unit_path("catalog.db"), sample_base_fd, &sample_actor, options, ret, err);
}

/* DC-2 */
START_TEST(rebuild_gives_back_every_record)
{
	cleanup_rebuild_report struct rebuild_report report = {0};
	cleanup_error struct error err = {0};
	cleanup_free char *before = NULL;
	cleanup_free char *after = NULL;
	uint64_t generation;
	uint64_t rebuilt;

	make_records();
	before = describe();
	ck_assert_int_eq(catalog_get_generation(sample_cat, &generation, NULL), 0);
	spoil();
	ck_assert_ok(rebuild(&plain, &report, &err), &err);
	reopen();
	after = describe();
	ck_assert_str_eq(after, before);
	ck_assert_int_eq(catalog_check_integrity(sample_cat, NULL), 0);
	ck_assert_int_eq(catalog_get_generation(sample_cat, &rebuilt, NULL), 0);
	ck_assert_uint_gt(rebuilt, generation);

	ck_assert_uint_eq(report.n_volumes, 5);
	ck_assert_uint_eq(report.n_overrides, 4);
	ck_assert_uint_eq(report.n_holds, 2);
	ck_assert_uint_eq(report.problems.n_items, 0);
	sample_base_expect_marks();

	/* The next apply has to note what the spec says below the overrides, and nothing else. */
	sample_base_apply(VOLUMES);
	free(steal_ptr(&after));
	after = describe();
	strip_generations(before);
	strip_generations(after);
	ck_assert_str_eq(after, before);
}
END_TEST

static void expect_file(const char *path, const char *text)
{
	char buf[64] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	ck_assert_msg(fd >= 0, "no '%s'", path);
	ck_assert_int_ge(read(fd, buf, sizeof(buf) - 1), 0);
	close(fd);
	ck_assert_str_eq(buf, text);
}

START_TEST(damaged_file_is_kept_aside)
{
	cleanup_rebuild_report struct rebuild_report first = {0};
	cleanup_rebuild_report struct rebuild_report second = {0};
	cleanup_free char *log = NULL;
	struct stat st;

	make_records();
	spoil();
	unit_write("catalog.db-wal", "its log");
	ck_assert_int_eq(rebuild(&plain, &first, NULL), 0);
	ck_assert_ptr_nonnull(strstr(first.aside, "/catalog.db.damaged-2"));
	expect_file(first.aside, "this was a catalogue once");
	ck_assert_int_eq(stat(unit_path("catalog.db-wal"), &st), -1);
	ck_assert_int_gt(asprintf(&log, "%s-wal", first.aside), 0);
	expect_file(log, "its log");

	/* Twice in one second: both are kept. */
	unit_write("catalog.db", "again");
	ck_assert_int_eq(rebuild(&plain, &second, NULL), 0);
	ck_assert_str_ne(first.aside, second.aside);
	expect_file(second.aside, "again");
	expect_file(first.aside, "this was a catalogue once");
}
END_TEST

START_TEST(missing_catalogue_is_rebuilt_too)
{
	cleanup_rebuild_report struct rebuild_report report = {0};
	cleanup_free char *before = NULL;
	cleanup_free char *after = NULL;

	make_records();
	before = describe();
	catalog_close(steal_ptr(&sample_cat));
	catalog_remove(unit_path("catalog.db"));
	ck_assert_int_eq(rebuild(&plain, &report, NULL), 0);
	ck_assert_ptr_null(report.aside);
	reopen();
	after = describe();
	ck_assert_str_eq(after, before);
}
END_TEST

START_TEST(sound_catalogue_is_replaced_only_by_force)
{
	cleanup_rebuild_report struct rebuild_report report = {0};
	cleanup_error struct error err = {0};
	cleanup_free char *before = NULL;
	cleanup_free char *after = NULL;

	make_records();
	before = describe();
	ck_assert_int_eq(rebuild(&plain, &report, &err), -EEXIST);
	ck_assert_ptr_nonnull(strstr(error_text(&err, 0), "is sound"));
	ck_assert_int_eq(rebuild(&forced, &report, &err), 0);
	reopen();
	after = describe();
	ck_assert_str_eq(after, before);
}
END_TEST

START_TEST(base_without_marks_rebuilds_nothing_unless_forced)
{
	cleanup_rebuild_report struct rebuild_report report = {0};
	cleanup_error struct error err = {0};

	spoil();
	ck_assert_int_eq(mkdir(unit_path("base/a"), 0755), 0);
	ck_assert_int_eq(rebuild(&plain, &report, &err), -ENODATA);
	expect_file(unit_path("catalog.db"), "this was a catalogue once");
	ck_assert_int_eq(rebuild(&forced, &report, &err), 0);
	reopen();
}
END_TEST

START_TEST(volumes_without_a_mark_are_not_dropped_unasked)
{
	const struct rebuild_options dropping = {.is_forced = true, .is_dropping = true};
	cleanup_rebuild_report struct rebuild_report report = {0};
	cleanup_error struct error err = {0};
	cleanup_free char *before = NULL;
	cleanup_free char *after = NULL;

	make_records();
	before = describe();
	ck_assert_int_eq(rmdir(unit_path("base/pro/pro-web/www")), 0);
	ck_assert_int_eq(rmdir(unit_path("base/old/box/data")), 0);
	ck_assert_int_eq(rebuild(&forced, &report, &err), -ENODEV);
	ck_assert_ptr_nonnull(strstr(error_text(&err, 0), "'pro/pro-web/www'"));
	ck_assert_ptr_nonnull(strstr(error_text(&err, 0), "'old/box/data'"));
	ck_assert_ptr_null(strstr(error_text(&err, 0), "'pro/pro-dev/db'"));
	after = describe();
	ck_assert_str_eq(after, before);

	ck_assert_ok(rebuild(&dropping, &report, &err), &err);
	ck_assert_uint_eq(report.n_volumes, 3);
	reopen();
}
END_TEST

START_TEST(dry_run_replaces_nothing)
{
	cleanup_rebuild_report struct rebuild_report report = {0};

	make_records();
	spoil();
	ck_assert_int_eq(rebuild(&dry, &report, NULL), 0);
	ck_assert_uint_eq(report.n_volumes, 5);
	ck_assert_ptr_null(report.aside);
	expect_file(unit_path("catalog.db"), "this was a catalogue once");
}
END_TEST

START_TEST(newer_catalogue_or_mark_stops_a_rebuild)
{
	cleanup_rebuild_report struct rebuild_report report = {0};
	cleanup_error struct error err = {0};

	make_records();
	spoil();
	sample_base_set_mark("pro/pro-dev/db", "anklume-volume 7 x");
	ck_assert_int_eq(rebuild(&plain, &report, &err), -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(error_text(&err, 0), "mark of volume 'pro/pro-dev/db'"));
	expect_file(unit_path("catalog.db"), "this was a catalogue once");
}
END_TEST

static const char *const kind_words[DRIFT_KINDS] = {
	[DRIFT_NO_DIRECTORY] = "no-directory",
	[DRIFT_NO_MARK] = "no-mark",
	[DRIFT_MARK_DIFFERS] = "differs",
	[DRIFT_MARK_DAMAGED] = "damaged",
	[DRIFT_UNDECLARED] = "undeclared",
	[DRIFT_UNRECORDED] = "unrecorded",
	[DRIFT_ODD] = "odd",
};

static void expect_drift(const struct drift_list *list, const char *want)
{
	struct strbuf b = STRBUF_INIT;
	cleanup_free char *got = NULL;

	for (size_t i = 0; i < list->n_items; i++)
		strbuf_printf(&b, "%s %s%s%s\n", kind_words[list->items[i].kind],
			list->items[i].path, list->items[i].detail ? ": " : "",
			list->items[i].detail ? list->items[i].detail : "");
	got = strbuf_steal(&b);
	ck_assert_str_eq(got, want);
}

START_TEST(rebuild_reports_what_it_could_not_use)
{
	cleanup_rebuild_report struct rebuild_report report = {0};
	cleanup_infra struct infra got = {0};

	make_records();
	spoil();
	sample_base_set_mark("pro/pro-dev/cache", NULL);
	sample_base_set_mark("pro/pro-dev/db", "rubbish");
	unit_write("base/pro/file", "x");
	ck_assert_int_eq(rebuild(&plain, &report, NULL), 0);
	expect_drift(&report.problems, "odd pro/file\n"
				       "no-mark pro/pro-dev/cache\n"
				       "damaged pro/pro-dev/db: mark of volume 'pro/pro-dev/db': "
				       "not a mark of ours\n");
	reopen();
	sample_load(sample_cat, &got);
	ck_assert_uint_eq(infra_count_volumes(&got), 3);
}
END_TEST

static const char *const away[] = {"base/d/m/a", "base/d/m/b"};

/* A directory that was away when its machine changed owner has an old mark: the newest one counts. */
START_TEST(newest_mark_is_right_about_the_machine)
{
	cleanup_rebuild_report struct rebuild_report report = {0};
	cleanup_infra struct infra got = {0};

	sample_base_apply("d/m/a d/m/b");
	ck_assert_int_eq(rename(unit_path(away[_i]), unit_path("away")), 0);
	ck_assert_int_eq(catalog_set_owner_instance(sample_cat, 1, "blue", "box", &sample_actor,
				 &sample_marks, NULL, NULL),
		0);
	ck_assert_int_eq(rename(unit_path("away"), unit_path(away[_i])), 0);
	spoil();
	ck_assert_int_eq(rebuild(&plain, &report, NULL), 0);
	reopen();
	sample_load(sample_cat, &got);
	ck_assert_str_eq(sample_machine(&got, "d/m")->instance, "box");
	ck_assert(sample_machine(&got, "d/m")->has_owner_override);
	sample_base_expect_marks();
}
END_TEST

static void find_drift(struct drift_list *records, struct drift_list *base)
{
	cleanup_infra struct infra got = {0};
	cleanup_error struct error err = {0};

	sample_load(sample_cat, &got);
	ck_assert_ok(drift_find_in_records(&got, sample_base_fd, records, &err), &err);
	ck_assert_ok(drift_find_in_base(&got, sample_base_fd, base, &err), &err);
}

START_TEST(sound_base_has_no_drift)
{
	cleanup_drift_list struct drift_list records = {0};
	cleanup_drift_list struct drift_list base = {0};

	make_records();
	find_drift(&records, &base);
	expect_drift(&records, "");
	expect_drift(&base, "");
}
END_TEST

/* S3-25 DC-1 */
START_TEST(drift_of_every_kind_is_found)
{
	cleanup_drift_list struct drift_list records = {0};
	cleanup_drift_list struct drift_list base = {0};
	cleanup_infra struct infra got = {0};
	int64_t docs;

	make_records();
	/* Another catalogue knew one more; its directory stays with its mark. */
	sample_base_apply(VOLUMES " lost/m/v");
	catalog_close(steal_ptr(&sample_cat));
	catalog_remove(unit_path("catalog.db"));
	ck_assert_int_eq(
		catalog_open(unit_path("catalog.db"), CATALOG_WRITE, &sample_cat, NULL), 0);
	sample_base_apply(VOLUMES " pro/pro-web/gone pro/pro-web/link");

	sample_load(sample_cat, &got);
	docs = sample_volume(&got, "perso/laptop/docs")->id;
	ck_assert_int_eq(
		catalog_set_readonly(sample_cat, docs, FLAG_ON, &sample_actor, NULL, NULL, NULL),
		0);
	sample_base_set_mark("pro/pro-dev/cache", NULL);
	sample_base_set_mark("pro/pro-dev/db", "rubbish");
	ck_assert_int_eq(rmdir(unit_path("base/pro/pro-web/gone")), 0);
	ck_assert_int_eq(rmdir(unit_path("base/pro/pro-web/link")), 0);
	ck_assert_int_eq(symlink("/", unit_path("base/pro/pro-web/link")), 0);
	ck_assert_int_eq(mkdir(unit_path("base/perso/laptop/mine"), 0755), 0);

	find_drift(&records, &base);
	expect_drift(&records, "differs perso/laptop/docs: generation, volume.readonly_override\n"
			       "no-mark pro/pro-dev/cache\n"
			       "damaged pro/pro-dev/db: mark of volume 'pro/pro-dev/db': not a "
			       "mark of ours\n"
			       "no-directory pro/pro-web/gone\n"
			       "no-directory pro/pro-web/link\n");
	expect_drift(&base, "unrecorded lost/m/v\n"
			    "unrecorded old/box/data\n"
			    "undeclared perso/laptop/mine\n"
			    "odd pro/pro-web/link\n");
}
END_TEST

/* DC-2: a rebuild that is killed at any moment loses nothing; the next one finishes the job. */
START_TEST(killed_rebuild_loses_nothing)
{
	unsigned int seed = (unsigned int)getpid();
	cleanup_free char *before = NULL;

	printf("# seed %u\n", seed);
	srandom(seed);
	make_records();
	before = describe();
	catalog_close(steal_ptr(&sample_cat));

	for (int i = 0; i < 30; i++) {
		cleanup_rebuild_report struct rebuild_report report = {0};
		cleanup_free char *after = NULL;
		cleanup_error struct error err = {0};
		pid_t pid = fork();

		ck_assert_int_ge(pid, 0);
		if (pid == 0) {
			for (;;)
				rebuild(&forced, &report, NULL);
		}
		/* Not to wait for anything: to hit another place each time. */
		usleep(random() % 20000);
		ck_assert_int_eq(kill(pid, SIGKILL), 0);
		ck_assert_int_eq(waitpid(pid, NULL, 0), pid);

		ck_assert_ok(rebuild(&forced, &report, &err), &err);
		reopen();
		after = describe();
		ck_assert_str_eq(after, before);
		ck_assert_int_eq(catalog_check_integrity(sample_cat, NULL), 0);
		catalog_close(steal_ptr(&sample_cat));
	}
	reopen();
}
END_TEST

Suite *unit_suite(void)
{
	const char *need;
	const char *obstacle = sample_base_obstacle(&need);
	Suite *s;
	TCase *tc;

	if (obstacle)
		return unit_skip(need, obstacle);

	s = suite_create("rebuild");
	tc = tcase_create("rebuild");
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, sample_base_setup, sample_base_teardown);
	tcase_add_test(tc, rebuild_gives_back_every_record);
	tcase_add_test(tc, damaged_file_is_kept_aside);
	tcase_add_test(tc, missing_catalogue_is_rebuilt_too);
	tcase_add_test(tc, sound_catalogue_is_replaced_only_by_force);
	tcase_add_test(tc, base_without_marks_rebuilds_nothing_unless_forced);
	tcase_add_test(tc, volumes_without_a_mark_are_not_dropped_unasked);
	tcase_add_test(tc, dry_run_replaces_nothing);
	tcase_add_test(tc, newer_catalogue_or_mark_stops_a_rebuild);
	tcase_add_test(tc, rebuild_reports_what_it_could_not_use);
	tcase_add_loop_test(tc, newest_mark_is_right_about_the_machine, 0, ARRAY_SIZE(away));
	tcase_add_test(tc, sound_base_has_no_drift);
	tcase_add_test(tc, drift_of_every_kind_is_found);
	tcase_add_test(tc, killed_rebuild_loses_nothing);
	suite_add_tcase(s, tc);
	return s;
}
