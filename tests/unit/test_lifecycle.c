/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lifecycle.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "sample_base.h"
#include "trash.h"
#include "unit.h"

/* A step that counts, and fails when told to. */
struct trial {
	int n_runs, n_undos;
	int result;
};

static int trial_run(void *context, struct error *err)
{
	struct trial *t = context;

	t->n_runs++;
	return t->result < 0 ? error_set(err, t->result, "no luck") : 0;
}

static void trial_undo(void *context)
{
	((struct trial *)context)->n_undos++;
}

static int64_t id_of(const char *name)
{
	cleanup_infra struct infra infra = {0};

	sample_load(sample_cat, &infra);
	return sample_volume(&infra, name)->id;
}

static bool is_recorded(const char *domain, const char *machine, const char *volume)
{
	cleanup_infra struct infra infra = {0};
	const struct domain *d;
	const struct machine *m;

	sample_load(sample_cat, &infra);
	d = infra_find_domain(&infra, domain);
	m = d ? domain_find_machine(d, machine) : NULL;
	return m && machine_find_volume(m, volume);
}

static int remove_volume(const char *name, const struct catalog_step *step, struct error *err)
{
	return catalog_remove_volume(
		sample_cat, id_of(name), "test", &sample_actor, &sample_marks, step, err);
}

START_TEST(a_volume_is_removed_only_when_nothing_forbids_it)
{
	cleanup_error struct error err = {0};
	struct trial t = {0};
	const struct catalog_step step = {trial_run, trial_undo, &t};
	int64_t id;

	sample_base_apply("pro/dev/a");
	id = id_of("pro/dev/a");
	ck_assert_int_eq(remove_volume("pro/dev/a", &step, &err), -EPERM);
	ck_assert_str_eq(err.text, "volume 'pro/dev/a' is protected\n"
				   "  see 'anklume-fsctl unprotect pro/dev/a'");
	ck_assert_int_eq(catalog_set_protected(sample_cat, id, FLAG_OFF, &sample_actor,
				 &sample_marks, NULL, NULL),
		0);
	ck_assert_int_eq(
		catalog_hold(sample_cat, id, "audit", "why", 0, &sample_actor, &sample_marks, NULL),
		0);
	ck_assert_int_eq(remove_volume("pro/dev/a", &step, &err), -EPERM);
	ck_assert_int_eq(
		catalog_release(sample_cat, id, "audit", &sample_actor, &sample_marks, NULL), 0);
	ck_assert_int_eq(t.n_runs, 0);
	ck_assert_ok(remove_volume("pro/dev/a", &step, &err), &err);
	ck_assert_int_eq(t.n_runs, 1);
	ck_assert_int_eq(t.n_undos, 0);
	ck_assert(!is_recorded("pro", "dev", "a"));
}
END_TEST

START_TEST(a_step_that_fails_undoes_the_record)
{
	cleanup_error struct error err = {0};
	struct trial t = {.result = -ENOSPC};
	const struct catalog_step step = {trial_run, trial_undo, &t};
	uint64_t before, after;

	sample_base_apply("pro/dev/a");
	ck_assert_int_eq(catalog_set_protected(sample_cat, id_of("pro/dev/a"), FLAG_OFF,
				 &sample_actor, &sample_marks, NULL, NULL),
		0);
	ck_assert_int_eq(catalog_get_generation(sample_cat, &before, NULL), 0);
	ck_assert_int_eq(remove_volume("pro/dev/a", &step, &err), -ENOSPC);
	ck_assert_str_eq(err.text, "no luck");
	ck_assert_int_eq(t.n_undos, 0);
	ck_assert(is_recorded("pro", "dev", "a"));
	ck_assert_int_eq(catalog_get_generation(sample_cat, &after, NULL), 0);
	ck_assert_uint_eq(before, after);
	sample_base_expect_marks();
}
END_TEST

/* The mark cannot be written behind the step: what the step did is undone. */
START_TEST(a_commit_that_does_not_happen_undoes_the_step)
{
	cleanup_error struct error err = {0};
	struct trial t = {0};
	const struct catalog_step step = {trial_run, trial_undo, &t};

	sample_base_apply("pro/dev/a");
	/* The new name is taken by something that no mark can be written to. */
	ck_assert_int_eq(mkdir(unit_path("base/pro/dev"), 0755), -1);
	ck_assert_int_eq(symlink("/", unit_path("base/pro/dev/b")), 0);
	ck_assert_int_eq(catalog_rename_volume(sample_cat, id_of("pro/dev/a"), "pro", "dev", "b",
				 &sample_actor, &sample_marks, &step, &err),
		-ELOOP);
	ck_assert_int_eq(t.n_runs, 1);
	ck_assert_int_eq(t.n_undos, 1);
	ck_assert(is_recorded("pro", "dev", "a"));
	ck_assert(!is_recorded("pro", "dev", "b"));
	sample_base_expect_marks();
}
END_TEST

START_TEST(another_number_keeps_flags_and_holds)
{
	cleanup_infra struct infra infra = {0};
	cleanup_error struct error err = {0};
	const struct volume *v;
	int64_t id;

	sample_base_apply("pro/dev/a pro/dev/b");
	id = id_of("pro/dev/a");
	ck_assert_int_eq(
		catalog_hold(sample_cat, id, "audit", "why", 0, &sample_actor, &sample_marks, NULL),
		0);
	ck_assert_ok(catalog_renumber_volume(sample_cat, id, "volume.seed", NULL, &sample_actor,
			     &sample_marks, NULL, &err),
		&err);
	sample_load(sample_cat, &infra);
	v = sample_volume(&infra, "pro/dev/a");
	ck_assert_int_gt(v->id, id);
	ck_assert_int_ne(v->id, sample_volume(&infra, "pro/dev/b")->id);
	ck_assert_uint_eq(v->n_holds, 1);
	ck_assert_str_eq(v->holds[0].tag, "audit");
	ck_assert_uint_eq(v->flags, VOLUME_PROTECTED | VOLUME_HELD);
	ck_assert_int_eq(catalog_check_integrity(sample_cat, NULL), 0);
	sample_base_expect_marks();

	/* The next one is not the one that was taken. */
	sample_base_apply("pro/dev/a pro/dev/b pro/dev/c");
	ck_assert_int_gt(id_of("pro/dev/c"), v->id);
}
END_TEST

START_TEST(a_volume_is_created_where_its_machine_is_known)
{
	cleanup_error struct error err = {0};
	char name[] = "new", path[] = "/new";
	struct volume v = {.name = name, .path = path, .mode = 0755};

	sample_base_apply("pro/dev/a");
	ck_assert_int_eq(catalog_create_volume(sample_cat, "pro", "none", &v, &sample_actor,
				 &sample_marks, NULL, &err),
		-ENOENT);
	ck_assert_ok(catalog_create_volume(sample_cat, "pro", "dev", &v, &sample_actor,
			     &sample_marks, NULL, &err),
		&err);
	ck_assert_int_eq(catalog_create_volume(sample_cat, "pro", "dev", &v, &sample_actor,
				 &sample_marks, NULL, &err),
		-EEXIST);
	name[0] = 'B';
	ck_assert_int_eq(catalog_create_volume(sample_cat, "pro", "dev", &v, &sample_actor,
				 &sample_marks, NULL, &err),
		-EINVAL);
}
END_TEST

/* Move VOLUME, which nothing protects, to the trash. */
static void trash(const char *volume, int64_t now)
{
	cleanup_error struct error err = {0};
	struct trash_move move = {
		.base_fd = sample_base_fd,
		.domain = "pro",
		.machine = "dev",
		.volume = volume,
		.now = now,
		.until = now + 100,
	};

	ck_assert_ok(trash_put(&move, &err), &err);
}

START_TEST(the_trash_lists_what_was_put_there_and_nothing_else)
{
	cleanup_trash_list struct trash_list list = {0};
	cleanup_error struct error err = {0};
	char id[TRASH_ID_MAX];

	sample_base_apply("pro/dev/a pro/dev/b");
	trash("b", 86400);
	trash("a", 0);
	ck_assert_int_eq(mkdir(unit_path("base/pro/dev/.trash/a.19700101T000000Z"), 0700), 0);
	ck_assert_int_eq(
		mkdir(unit_path("base/pro/dev/.trash/A.19700101T000000Z.19700101T000000Z"), 0700),
		0);
	ck_assert_int_eq(mkdir(unit_path("base/pro/dev/.trash/.going-c.19700101T000000Z."
					 "19700101T000000Z"),
				 0700),
		0);
	ck_assert_ok(trash_list_load(sample_base_fd, &list, NULL, NULL, &err), &err);
	ck_assert_uint_eq(list.n_items, 3);
	ck_assert_str_eq(trash_id(&list.items[0], id), "pro/dev/a@19700101T000000Z");
	ck_assert_str_eq(trash_id(&list.items[1], id), "pro/dev/b@19700102T000000Z");
	ck_assert_int_eq(list.items[1].until, 86500);
	ck_assert(list.items[2].is_going);
}
END_TEST

/* Two of one name in one second are two. */
START_TEST(the_trash_takes_a_name_twice_in_a_second)
{
	cleanup_trash_list struct trash_list list = {0};

	sample_base_apply("pro/dev/a");
	trash("a", 0);
	ck_assert_int_eq(mkdir(unit_path("base/pro/dev/a"), 0755), 0);
	trash("a", 0);
	ck_assert_int_eq(trash_list_load(sample_base_fd, &list, NULL, NULL, NULL), 0);
	ck_assert_uint_eq(list.n_items, 2);
	ck_assert_int_eq(list.items[0].deleted, 0);
	ck_assert_int_eq(list.items[1].deleted, 1);
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

	s = suite_create("lifecycle");
	tc = tcase_create("lifecycle");
	tcase_add_checked_fixture(tc, sample_base_setup, sample_base_teardown);
	tcase_add_test(tc, a_volume_is_removed_only_when_nothing_forbids_it);
	tcase_add_test(tc, a_step_that_fails_undoes_the_record);
	tcase_add_test(tc, a_commit_that_does_not_happen_undoes_the_step);
	tcase_add_test(tc, another_number_keeps_flags_and_holds);
	tcase_add_test(tc, a_volume_is_created_where_its_machine_is_known);
	tcase_add_test(tc, the_trash_lists_what_was_put_there_and_nothing_else);
	tcase_add_test(tc, the_trash_takes_a_name_twice_in_a_second);
	suite_add_tcase(s, tc);
	return s;
}
