/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "flush.h"

#include <string.h>

#include "unit.h"
#include "worlds.h"

#define FORCE .is_forced = true
#define ALL .is_everywhere = true

static const struct {
	const char *what;
	const char *known;
	const char *prefix;
	const char *world;
	struct flush_options options;
	const char *want;
} rows[] = {
	{"an empty server: nothing to flush", "pro/dev", "", "[default] prof=default", {0}, ""},
	/* FP-002 */
	{"what is not protected goes, with its project", "pro/dev", "", "[default] [pro] dev", {0},
		"delete instance pro/dev\n"
		"delete project pro"},
	/* FP-001 FP-2-001 S0-5 */
	{"a protected instance stays, and so does its project", "pro/dev", "",
		"[default] [pro] dev!", {0},
		"protected instance pro/dev\n"
		"instances-remain project pro"},
	/* S0-2 */
	{"beside a protected instance the others go", "pro/a pro/b pro/c", "",
		"[default] [pro] a! b c!", {0},
		"protected instance pro/a\n"
		"delete instance pro/b\n"
		"protected instance pro/c\n"
		"instances-remain project pro"},
	/* S0-2: fail closed */
	{"who cannot be read is protected", "pro/dev", "", "[default] [pro] dev?", {0},
		"protected instance pro/dev\n"
		"instances-remain project pro"},
	/* FP-003 S0-4 */
	{"force clears the protection first", "pro/dev", "", "[default] [pro] dev! web", {FORCE},
		"unprotect instance pro/dev\n"
		"delete instance pro/web\n"
		"delete project pro"},
	{"force clears what cannot be read, too", "pro/dev", "", "[default] [pro] dev?", {FORCE},
		"unprotect instance pro/dev\n"
		"delete project pro"},
	/* Upstream stripped profiles and networks of the instances that it spared. */
	{"what a spared instance needs is spared", "pro/dev lab/s1", "",
		"[default] img=cached prof=default net=net-pro<pro/dev,@pro/default "
		"net=net-lab<lab/s1,@lab/default net=incusbr0 "
		"[pro] dev! img=111 prof=default prof=nesting<pro/dev "
		"[lab] s1 img=222 prof=default prof=gpu<lab/s1",
		{0},
		"delete instance lab/s1\n"
		"protected instance pro/dev\n"
		"delete image lab/222\n"
		"delete profile lab/gpu\n"
		"delete project lab\n"
		"instances-remain project pro\n"
		"delete network default/net-lab"},
	{"kinds go in order: instances, images, profiles, projects, networks", "a/x b/y", "",
		"[default] net=net-a net=net-b [b] y img=2 prof=q [a] x img=1 prof=p", {0},
		"delete instance a/x\n"
		"delete instance b/y\n"
		"delete image a/1\n"
		"delete image b/2\n"
		"delete profile a/p\n"
		"delete profile b/q\n"
		"delete project a\n"
		"delete project b\n"
		"delete network default/net-a\n"
		"delete network default/net-b"},
	{"projects that nothing knows are left alone", "pro/dev", "",
		"[default] box net=net-other [other] mail img=1 prof=x [pro] dev", {0},
		"delete instance pro/dev\n"
		"delete project pro"},
	{"everywhere means every project, but the default one and its images stay", "pro/dev", "",
		"[default] box img=9 prof=default prof=nesting net=net-other net=incusbr0 "
		"[other] mail [pro] dev",
		{ALL},
		"delete instance default/box\n"
		"delete instance other/mail\n"
		"delete instance pro/dev\n"
		"delete profile default/nesting\n"
		"delete project other\n"
		"delete project pro\n"
		"delete network default/net-other"},
	{"a profile of the default project stays while a spared instance uses it", "", "",
		"[default] prof=a<pro/dev prof=b<lab/s1 [pro] dev! [lab] s1", {ALL},
		"delete instance lab/s1\n"
		"protected instance pro/dev\n"
		"in-use profile default/a\n"
		"delete profile default/b\n"
		"delete project lab\n"
		"instances-remain project pro"},
	{"a bridge that somebody else's instance uses stays", "pro/dev", "",
		"[default] net=net-pro<pro/dev,other/mail [other] mail [pro] dev", {0},
		"delete instance pro/dev\n"
		"delete project pro\n"
		"in-use network default/net-pro"},
	{"a bridge in the default project's default profile stays", "pro/dev", "",
		"[default] net=net-pro<@default/default [pro] dev", {0},
		"delete instance pro/dev\n"
		"delete project pro\n"
		"in-use network default/net-pro"},
	{"a bridge that something unknown uses stays", "pro/dev", "",
		"[default] net=net-pro<*pro/forward [pro] dev", {0},
		"delete instance pro/dev\n"
		"delete project pro\n"
		"in-use network default/net-pro"},
	{"a bridge whose project is gone goes", "pro/dev", "", "[default] net=net-pro", {0},
		"delete network default/net-pro"},
	{"an interface of the host is no network of ours", "pro/dev", "",
		"[default] nic=net-pro [pro]", {0}, "delete project pro"},
	/* S0-33 */
	{"pool volumes are data: their project stays, and what it needs", "pro/dev lab/s1", "",
		"[default] net=net-pro vol=default/of-default "
		"[pro] dev img=1 prof=p vol=default/pgdata",
		{FORCE},
		"delete instance pro/dev\n"
		"pool-volumes project pro"},
	{"networks of a project go before it", "pro/dev", "",
		"[default] [pro] dev net=ovn1<pro/dev nic=eth0", {0},
		"delete instance pro/dev\n"
		"delete network pro/ovn1\n"
		"delete project pro"},
	/* PD-3-001 */
	{"with a nesting prefix both names of a project are known", "pro/dev", "001-",
		"[default] net=001-net-pro<001-pro/001-dev net=net-pro net=002-net-pro "
		"[001-pro] 001-dev [002-pro] x [pro] old!",
		{0},
		"delete instance 001-pro/001-dev\n"
		"protected instance pro/old\n"
		"delete project 001-pro\n"
		"instances-remain project pro\n"
		"delete network default/001-net-pro"},
	{"a domain called default is not Incus' default project", "default/box", "",
		"[default] box prof=x", {0}, ""},
	{"an owner that an administrator set makes no project known", "pro/dev=other/mail", "",
		"[default] [other] mail www [pro] dev", {0},
		"delete instance pro/dev\n"
		"delete project pro"},
	{"a domain without machines is known", "pro/", "", "[default] [pro]", {0},
		"delete project pro"},
	{"who stops first goes first, who started last before who started first", "pro/a", "",
		"[default] [pro] a@0/10 b@0/0 c@9/0 d@0/0", {0},
		"delete instance pro/c\n"
		"delete instance pro/b\n"
		"delete instance pro/d\n"
		"delete instance pro/a\n"
		"delete project pro"},
};

START_TEST(the_plan_of_a_situation)
{
	cleanup_world struct world world = {0};
	cleanup_known struct known known = {0};
	cleanup_plan struct plan plan = {0};
	cleanup_free char *got = NULL;

	worlds_make(rows[_i].world, &world);
	worlds_know(rows[_i].known, rows[_i].prefix, &known);
	ck_assert_int_eq(plan_flush(&world, &known, &rows[_i].options, &plan), 0);
	got = worlds_describe(&plan);
	ck_assert_msg(strcmp(got, rows[_i].want) == 0, "%s:\n%s\nexpected:\n%s", rows[_i].what, got,
		rows[_i].want);
}
END_TEST

START_TEST(left_alone_projects_are_counted)
{
	cleanup_world struct world world = {0};
	cleanup_known struct known known = {0};
	cleanup_plan struct plan plan = {0};

	worlds_make("[default] box [other] mail [empty] [pro] dev", &world);
	worlds_know("pro/dev", "", &known);
	ck_assert_int_eq(plan_flush(&world, &known, &(struct flush_options){0}, &plan), 0);
	ck_assert_uint_eq(plan.n_foreign, 2);
	ck_assert_uint_eq(plan_count(&plan, STEP_TO_DELETE), 2);
}
END_TEST

static const struct {
	const char *network;
	const char *project;
} bridges[] = {
	{"net-pro", "pro"},
	{"001-net-pro", "001-pro"},
	{"000-net-a", "000-a"},
	{"net-net-x", "net-x"},
	{"net-", NULL},
	{"001-net-", NULL},
	{"01-net-pro", NULL},
	{"0001-net-pro", NULL},
	{"001net-pro", NULL},
	{"x-net-pro", NULL},
	{"incusbr0", NULL},
	{"", NULL},
};

START_TEST(a_bridge_is_named_after_its_project)
{
	cleanup_free char *got = known_project_of_network(bridges[_i].network);

	if (bridges[_i].project)
		ck_assert_pstr_eq(got, bridges[_i].project);
	else
		ck_assert_ptr_null(got);
}
END_TEST

/* Whatever the server holds and whoever forces: no step ever names a volume of a pool. */
START_TEST(no_option_deletes_pool_volumes)
{
	cleanup_world struct world world = {0};
	cleanup_known struct known known = {0};
	cleanup_plan struct plan plan = {0};
	const struct flush_options options = {FORCE, ALL};

	worlds_make("[default] vol=default/a [pro] dev! vol=default/b", &world);
	ck_assert_int_eq(plan_flush(&world, &known, &options, &plan), 0);
	for (size_t i = 0; i < plan.n_items; i++)
		ck_assert_ptr_null(strchr(plan.items[i].name, '/'));
	ck_assert_uint_eq(plan_count(&plan, STEP_TO_DELETE), 1);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("flush");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, the_plan_of_a_situation, 0, ARRAY_SIZE(rows));
	tcase_add_loop_test(tc, a_bridge_is_named_after_its_project, 0, ARRAY_SIZE(bridges));
	tcase_add_test(tc, left_alone_projects_are_counted);
	tcase_add_test(tc, no_option_deletes_pool_volumes);
	suite_add_tcase(s, tc);
	return s;
}
