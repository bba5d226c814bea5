/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "volmark.h"

#include "datadir.h"
#include "sample_base.h"
#include "str.h"
#include "unit.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#define VOLUME "pro/pro-dev/db"

static int64_t id_of(const char *volume)
{
	cleanup_infra struct infra got = {0};

	sample_load(sample_cat, &got);
	return sample_volume(&got, volume)->id;
}

static unsigned int flags_of(const char *volume)
{
	cleanup_infra struct infra got = {0};

	sample_load(sample_cat, &got);
	return sample_volume(&got, volume)->flags;
}

static char *describe(void)
{
	cleanup_infra struct infra got = {0};

	sample_load(sample_cat, &got);
	return sample_describe(&got);
}

/* DC-2 */
START_TEST(every_change_is_in_the_mark_when_it_is_acknowledged)
{
	const struct mark_store *marks = &sample_marks;
	cleanup_infra struct infra got = {0};
	int64_t volume;
	int64_t machine;

	sample_base_apply(VOLUME " pro/pro-dev/cache");
	sample_base_expect_marks();
	sample_load(sample_cat, &got);
	volume = sample_volume(&got, VOLUME)->id;
	machine = sample_machine(&got, VOLUME)->id;

	ck_assert_int_eq(
		catalog_set_readonly(sample_cat, volume, FLAG_ON, &sample_actor, marks, NULL, NULL),
		0);
	sample_base_expect_marks();
	ck_assert_int_eq(catalog_set_protected(
				 sample_cat, volume, FLAG_OFF, &sample_actor, marks, NULL, NULL),
		0);
	sample_base_expect_marks();
	ck_assert_int_eq(
		catalog_set_owner_ids(sample_cat, volume, 1, 2, &sample_actor, marks, NULL, NULL),
		0);
	sample_base_expect_marks();
	ck_assert_int_eq(catalog_set_owner_instance(
				 sample_cat, machine, "p", "i", &sample_actor, marks, NULL, NULL),
		0);
	sample_base_expect_marks();
	ck_assert_int_eq(
		catalog_hold(sample_cat, volume, "t", "r", 0, &sample_actor, marks, NULL), 0);
	sample_base_expect_marks();
	ck_assert_int_eq(catalog_release(sample_cat, volume, "t", &sample_actor, marks, NULL), 0);
	sample_base_expect_marks();
	sample_base_apply("pro/pro-dev/cache");
	sample_base_expect_marks();
}
END_TEST

START_TEST(unchanged_mark_is_not_written)
{
	struct stat before;
	struct stat after;

	sample_base_apply(VOLUME);
	ck_assert_int_eq(stat(unit_path("base/" VOLUME), &before), 0);
	sample_base_apply(VOLUME);
	ck_assert_int_eq(stat(unit_path("base/" VOLUME), &after), 0);
	ck_assert_int_eq(before.st_ctim.tv_sec, after.st_ctim.tv_sec);
	ck_assert_int_eq(before.st_ctim.tv_nsec, after.st_ctim.tv_nsec);
}
END_TEST

static const char *const harms[] = {
	NULL, /* removed */
	"anklume-volume 1 00000000 {}",
	"rubbish",
	"",
};

START_TEST(apply_repairs_marks)
{
	size_t n_written;

	sample_base_apply(VOLUME " pro/pro-dev/cache");
	sample_base_set_mark(VOLUME, harms[_i]);
	sample_base_apply(VOLUME " pro/pro-dev/cache");
	sample_base_expect_marks();

	sample_base_set_mark(VOLUME, harms[_i]);
	ck_assert_int_eq(catalog_write_marks(sample_cat, &sample_marks, &n_written, NULL), 0);
	ck_assert_uint_eq(n_written, 1);
	sample_base_expect_marks();
}
END_TEST

START_TEST(volume_without_directory_gets_its_mark_later)
{
	sample_add(&sample_spec, VOLUME);
	sample_apply(sample_cat, &sample_spec, &sample_marks);
	ck_assert_int_eq(catalog_set_readonly(sample_cat, id_of(VOLUME), FLAG_ON, &sample_actor,
				 &sample_marks, NULL, NULL),
		0);
	sample_base_apply(VOLUME);
	sample_base_expect_marks();
}
END_TEST

/* Many marks at once are made durable together. */
START_TEST(apply_of_many_volumes_marks_them_all)
{
	struct strbuf b = STRBUF_INIT;
	cleanup_free char *text = NULL;

	for (int i = 0; i < 100; i++)
		strbuf_printf(&b, "%sd%d/m/v", i ? " " : "", i);
	text = strbuf_steal(&b);
	sample_base_apply(text);
	sample_base_expect_marks();
}
END_TEST

/* A store that fails at its N-th write, or at its sync. */
static int n_writes_left;
static bool sync_fails;

static int failing_write(void *context, const struct domain *domain, const struct machine *machine,
	const struct volume *volume, bool durable, struct error *err)
{
	if (n_writes_left-- == 0)
		return error_set(err, -EIO, "the disk is on fire");
	return sample_marks.write(context, domain, machine, volume, durable, err);
}

static int failing_sync(void *context, struct error *err)
{
	(void)context;
	return sync_fails ? error_set(err, -EIO, "the disk is on fire") : 0;
}

static struct mark_store failing_store(void)
{
	struct mark_store store = sample_marks;

	store.write = failing_write;
	store.sync = failing_sync;
	return store;
}

START_TEST(mark_that_cannot_be_written_undoes_the_change)
{
	struct mark_store store = failing_store();
	cleanup_error struct error err = {0};
	cleanup_free char *before = NULL;
	cleanup_free char *after = NULL;

	sample_base_apply(VOLUME);
	before = describe();
	n_writes_left = 0;
	ck_assert_int_eq(catalog_set_protected(sample_cat, id_of(VOLUME), FLAG_OFF, &sample_actor,
				 &store, NULL, &err),
		-EIO);
	ck_assert_str_eq(error_text(&err, 0), "the disk is on fire");
	after = describe();
	ck_assert_str_eq(after, before);
	sample_base_expect_marks();
}
END_TEST

/* The first marks were written already when a later one fails: they are put back. */
START_TEST(marks_of_an_undone_apply_are_put_back)
{
	struct mark_store store = failing_store();
	cleanup_change_list struct change_list report = {0};
	cleanup_free char *before = NULL;
	cleanup_free char *after = NULL;

	sample_base_apply("a/m/v1 a/m/v2 a/m/v3 b/m/v4");
	before = describe();
	for (int i = 0; i < 4; i++) {
		free(sample_machine(&sample_spec, "a/m")->instance);
		sample_machine(&sample_spec, "a/m")->instance = strdup("other");
		sample_volume(&sample_spec, "b/m/v4")->mode = 0700;
		n_writes_left = i;
		ck_assert_int_eq(catalog_apply(sample_cat, &sample_spec, &sample_actor, false,
					 &store, &report, NULL),
			-EIO);
		/* The store works again when the marks are put back. */
		free(steal_ptr(&after));
		after = describe();
		ck_assert_str_eq(after, before);
		sample_base_expect_marks();
	}
}
END_TEST

START_TEST(sync_that_fails_undoes_the_apply)
{
	struct mark_store store = failing_store();
	cleanup_change_list struct change_list report = {0};
	struct strbuf b = STRBUF_INIT;
	cleanup_free char *text = NULL;
	cleanup_infra struct infra got = {0};

	for (int i = 0; i < 100; i++)
		strbuf_printf(&b, "%sd%d/m/v", i ? " " : "", i);
	text = strbuf_steal(&b);
	sample_base_apply(text);
	for (int i = 0; i < 100; i++)
		sample_spec.domains[i].machines[0].volumes[0].mode = 0700;

	n_writes_left = -1;
	sync_fails = true;
	ck_assert_int_eq(catalog_apply(sample_cat, &sample_spec, &sample_actor, false, &store,
				 &report, NULL),
		-EIO);
	sample_load(sample_cat, &got);
	ck_assert_uint_eq(got.domains[0].machines[0].volumes[0].mode, 0750);
	sample_base_expect_marks();
}
END_TEST

/* The catalogue is gone, nobody noticed, the next apply makes a new one. */
static void lose_catalogue(void)
{
	cleanup_error struct error err = {0};

	catalog_close(steal_ptr(&sample_cat));
	catalog_remove(unit_path("catalog.db"));
	ck_assert_ok(catalog_open(unit_path("catalog.db"), CATALOG_WRITE, &sample_cat, &err), &err);
}

static void apply_and_report(bool dry_run, const char *want)
{
	cleanup_change_list struct change_list report = {0};
	cleanup_error struct error err = {0};
	struct strbuf b = STRBUF_INIT;
	cleanup_free char *got = NULL;

	ck_assert_ok(catalog_apply(sample_cat, &sample_spec, &sample_actor, dry_run, &sample_marks,
			     &report, &err),
		&err);
	for (size_t i = 0; i < report.n_items; i++)
		strbuf_printf(&b, "%d %s %s\n", report.items[i].kind, report.items[i].volume,
			report.items[i].detail ? report.items[i].detail : "-");
	got = strbuf_steal(&b);
	ck_assert_str_eq(got, want);
}

/* DC-2 */
START_TEST(apply_after_a_lost_catalogue_keeps_flags_holds_and_ids)
{
	cleanup_infra struct infra got = {0};
	const struct volume *v;
	uint64_t generation;
	int64_t id;

	sample_base_apply("other/m/v " VOLUME);
	id = id_of(VOLUME);
	ck_assert_int_eq(catalog_set_protected(sample_cat, id, FLAG_OFF, &sample_actor,
				 &sample_marks, NULL, NULL),
		0);
	ck_assert_int_eq(
		catalog_hold(sample_cat, id, "keep", "me", 0, &sample_actor, &sample_marks, NULL),
		0);
	ck_assert_int_eq(catalog_get_generation(sample_cat, &generation, NULL), 0);
	lose_catalogue();

	infra_finish(&sample_spec);
	sample_add(&sample_spec, VOLUME " pro/pro-dev/new");
	for (int dry_run = 1; dry_run >= 0; dry_run--)
		apply_and_report(dry_run, "4 pro/pro-dev/db record restored from its mark\n"
					  "0 pro/pro-dev/new -\n");

	sample_load(sample_cat, &got);
	v = sample_volume(&got, VOLUME);
	ck_assert_uint_eq(v->flags, VOLUME_HELD);
	ck_assert_str_eq(v->holds[0].reason, "me");
	ck_assert_int_eq(v->id, id);
	ck_assert_uint_gt(v->generation, generation);
	ck_assert_uint_eq(sample_volume(&got, "pro/pro-dev/new")->flags, VOLUME_PROTECTED);
}
END_TEST

START_TEST(damaged_mark_of_a_new_volume_is_told)
{
	sample_base_apply(VOLUME);
	lose_catalogue();
	sample_base_set_mark(VOLUME, "anklume-volume 1 00000000 {}");
	apply_and_report(
		false, "0 pro/pro-dev/db its mark was damaged, flags start from the spec\n");
	sample_base_expect_marks();
}
END_TEST

START_TEST(mark_of_a_newer_version_stops_an_apply)
{
	cleanup_change_list struct change_list report = {0};
	cleanup_error struct error err = {0};

	sample_base_apply(VOLUME);
	lose_catalogue();
	sample_base_set_mark(VOLUME, "anklume-volume 2 of the future");
	ck_assert_int_eq(catalog_apply(sample_cat, &sample_spec, &sample_actor, false,
				 &sample_marks, &report, &err),
		-ENOTSUP);
	ck_assert_ptr_nonnull(strstr(error_text(&err, 0), "use the newer anklume-fs"));
}
END_TEST

/* cp -a takes the mark along; the copy is another volume. */
START_TEST(mark_of_another_volume_is_not_taken_over)
{
	char mark[VOLMARK_SIZE_MAX + 1] = "";
	cleanup_fd int fd = -1;

	sample_base_apply(VOLUME);
	ck_assert_int_eq(catalog_set_protected(sample_cat, id_of(VOLUME), FLAG_OFF, &sample_actor,
				 &sample_marks, NULL, NULL),
		0);
	fd = sample_base_open(VOLUME);
	ck_assert_int_gt(fgetxattr(fd, VOLMARK_XATTR, mark, VOLMARK_SIZE_MAX), 0);
	ck_assert_int_eq(mkdir(unit_path("base/pro/pro-dev/copy"), 0755), 0);
	sample_base_set_mark("pro/pro-dev/copy", mark);

	sample_base_apply(VOLUME " pro/pro-dev/copy");
	ck_assert_uint_eq(flags_of("pro/pro-dev/copy"), VOLUME_PROTECTED);
	ck_assert_uint_eq(flags_of(VOLUME), 0);
	sample_base_expect_marks();
}
END_TEST

START_TEST(symlink_in_the_place_of_a_volume_is_not_marked)
{
	cleanup_error struct error err = {0};

	sample_base_apply(VOLUME " pro/pro-dev/cache");
	ck_assert_int_eq(rmdir(unit_path("base/" VOLUME)), 0);
	ck_assert_int_eq(symlink("/tmp", unit_path("base/" VOLUME)), 0);
	ck_assert_int_eq(catalog_set_readonly(sample_cat, id_of(VOLUME), FLAG_ON, &sample_actor,
				 &sample_marks, NULL, &err),
		-ELOOP);
	ck_assert_uint_eq(flags_of(VOLUME), VOLUME_PROTECTED);

	/* It does not stand in the way of the others. */
	sample_spec.domains[0].machines[0].volumes[1].mode = 0700;
	sample_apply(sample_cat, &sample_spec, &sample_marks);
	ck_assert_int_eq(unlink(unit_path("base/" VOLUME)), 0);
}
END_TEST

/* A child that flips a flag of one of 3 volumes, marks and all, until it is killed. */
static void flip_for_ever(void)
{
	for (unsigned int i = 0;; i++) {
		int r = catalog_set_readonly(sample_cat, 1 + random() % 3,
			random() % 2 ? FLAG_ON : FLAG_OFF, &sample_actor, &sample_marks, NULL,
			NULL);

		if (r < 0)
			_exit(1);
	}
}

/* DC-2: what a kill between mark and commit leaves is one mark ahead of its record, never behind. */
START_TEST(killed_writer_leaves_at_most_one_mark_ahead)
{
	unsigned int seed = (unsigned int)getpid();
	size_t n_ahead = 0;

	printf("# seed %u\n", seed);
	srandom(seed);
	sample_base_apply("a/m/v1 a/m/v2 b/m/v3");
	for (int i = 0; i < 50; i++) {
		size_t n_written;
		int status;
		pid_t pid;

		catalog_close(steal_ptr(&sample_cat));
		pid = fork();
		ck_assert_int_ge(pid, 0);
		ck_assert_int_eq(
			catalog_open(unit_path("catalog.db"), CATALOG_WRITE, &sample_cat, NULL), 0);
		if (pid == 0)
			flip_for_ever();

		/* Not to wait for anything: to hit another place each time. */
		usleep(random() % 20000);
		ck_assert_int_eq(kill(pid, SIGKILL), 0);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_msg(WIFSIGNALED(status), "the writer gave up: %x", status);

		ck_assert_int_eq(
			catalog_write_marks(sample_cat, &sample_marks, &n_written, NULL), 0);
		ck_assert_uint_le(n_written, 1);
		n_ahead += n_written;
		sample_base_expect_marks();
		(void)random();
	}
	printf("# %zu of 50 kills hit between mark and commit\n", n_ahead);
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

	s = suite_create("marks");
	tc = tcase_create("marks");
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, sample_base_setup, sample_base_teardown);
	tcase_add_test(tc, every_change_is_in_the_mark_when_it_is_acknowledged);
	tcase_add_test(tc, unchanged_mark_is_not_written);
	tcase_add_loop_test(tc, apply_repairs_marks, 0, ARRAY_SIZE(harms));
	tcase_add_test(tc, volume_without_directory_gets_its_mark_later);
	tcase_add_test(tc, apply_of_many_volumes_marks_them_all);
	tcase_add_test(tc, mark_that_cannot_be_written_undoes_the_change);
	tcase_add_test(tc, marks_of_an_undone_apply_are_put_back);
	tcase_add_test(tc, sync_that_fails_undoes_the_apply);
	tcase_add_test(tc, apply_after_a_lost_catalogue_keeps_flags_holds_and_ids);
	tcase_add_test(tc, damaged_mark_of_a_new_volume_is_told);
	tcase_add_test(tc, mark_of_a_newer_version_stops_an_apply);
	tcase_add_test(tc, mark_of_another_volume_is_not_taken_over);
	tcase_add_test(tc, killed_writer_leaves_at_most_one_mark_ahead);
	tcase_add_test(tc, symlink_in_the_place_of_a_volume_is_not_marked);
	suite_add_tcase(s, tc);
	return s;
}
