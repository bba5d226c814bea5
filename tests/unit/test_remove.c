/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "remove.h"

#include <string.h>

#include "unit.h"
#include "worlds.h"

static const struct {
	const char *what;
	const char *known;
	const char *world;
	const char *domain;
	enum remove_scope scope;
	bool is_forced;
	const char *want;
} rows[] = {
	/* S0-8 */
	{"ephemeral: the ephemeral machines of that domain, no others",
		"lab/s1~ lab/s2~ lab/srv pro/x~", "[lab] s1 s2 srv guest [pro] x", "lab",
		REMOVE_EPHEMERAL, false,
		"not-ephemeral instance lab/guest\n"
		"delete instance lab/s1\n"
		"delete instance lab/s2\n"
		"not-ephemeral instance lab/srv"},
	{"ephemeral: what Incus protects all the same is spared", "lab/s1~ lab/s2~", "[lab] s1! s2",
		"lab", REMOVE_EPHEMERAL, false,
		"protected instance lab/s1\n"
		"delete instance lab/s2"},
	{"ephemeral: unreadable is protected", "lab/s1~", "[lab] s1?", "lab", REMOVE_EPHEMERAL,
		false, "protected instance lab/s1"},
	{"ephemeral, forced: the protection is cleared, the others still stay", "lab/s1~ lab/srv",
		"[lab] s1! srv!", "lab", REMOVE_EPHEMERAL, true,
		"unprotect instance lab/s1\n"
		"not-ephemeral instance lab/srv"},
	/* S0-9 */
	{"all: the whole domain, what is not declared in its project too", "lab/s1~ lab/srv pro/x",
		"[lab] s1 srv! guest [pro] x", "lab", REMOVE_ALL, false,
		"delete instance lab/guest\n"
		"delete instance lab/s1\n"
		"unprotect instance lab/srv"},
	{"all: in the order of a shutdown", "lab/a lab/b lab/c", "[lab] a@0/10 b@0/0 c@5/0", "lab",
		REMOVE_ALL, false,
		"delete instance lab/c\n"
		"delete instance lab/b\n"
		"delete instance lab/a"},
	{"all: a machine with an owner elsewhere is removed there, its neighbours stay",
		"pro/web=default/www", "[default] www mail [pro] web", "pro", REMOVE_ALL, false,
		"delete instance default/www\n"
		"delete instance pro/web"},
	{"a machine that another domain owns is not in this one", "pro/web=lab/www lab/s1",
		"[lab] www s1", "lab", REMOVE_ALL, false, "delete instance lab/s1"},
	{"nothing there", "lab/s1", "[default]", "lab", REMOVE_ALL, false, ""},
};

START_TEST(the_plan_of_a_domain)
{
	cleanup_world struct world world = {0};
	cleanup_known struct known known = {0};
	cleanup_plan struct plan plan = {0};
	cleanup_free char *got = NULL;

	worlds_make(rows[_i].world, &world);
	worlds_know(rows[_i].known, "", &known);
	ck_assert_int_eq(plan_remove_domain(&world, &known, rows[_i].domain, rows[_i].scope,
				 rows[_i].is_forced, &plan, NULL),
		0);
	got = worlds_describe(&plan);
	ck_assert_msg(strcmp(got, rows[_i].want) == 0, "%s:\n%s\nexpected:\n%s", rows[_i].what, got,
		rows[_i].want);
}
END_TEST

START_TEST(an_unknown_domain_is_enoent)
{
	cleanup_world struct world world = {0};
	cleanup_known struct known known = {0};
	cleanup_plan struct plan plan = {0};

	worlds_make("[lab] s1", &world);
	ck_assert_int_eq(
		plan_remove_domain(&world, &known, "lab", REMOVE_ALL, true, &plan, NULL), -ENOENT);
}
END_TEST

static const struct {
	const char *project;
	const char *name;
	int r;
	const char *want; /* the plan, or words of the error */
} names[] = {
	{NULL, "dev", 0, "delete instance pro/dev"},
	{NULL, "srv", 0, "unprotect instance lab/srv"},
	{"lab", "web", 0, "delete instance lab/web"},
	/* S0-10 */
	{NULL, "web", -ENOTUNIQ, "lab/web\n  pro/web"},
	{NULL, "none", -ENOENT, "no instance 'none' in any project"},
	{"pro", "srv", -ENOENT, "no instance 'srv' in project 'pro'"},
	{NULL, "", -ENOENT, "no instance ''"},
};

START_TEST(the_plan_of_an_instance)
{
	cleanup_world struct world world = {0};
	cleanup_error struct error err = {0};
	cleanup_plan struct plan plan = {0};
	cleanup_free char *got = NULL;

	worlds_make("[default] [lab] web srv! [pro] dev web", &world);
	ck_assert_int_eq(
		plan_remove_instance(&world, names[_i].project, names[_i].name, &plan, &err),
		names[_i].r);
	got = worlds_describe(&plan);
	if (names[_i].r == 0)
		ck_assert_str_eq(got, names[_i].want);
	else
		ck_assert_msg(strstr(err.text, names[_i].want), "%s", err.text);
	ck_assert_uint_eq(plan.n_items, names[_i].r == 0);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("remove");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, the_plan_of_a_domain, 0, ARRAY_SIZE(rows));
	tcase_add_loop_test(tc, the_plan_of_an_instance, 0, ARRAY_SIZE(names));
	tcase_add_test(tc, an_unknown_domain_is_enoent);
	suite_add_tcase(s, tc);
	return s;
}
