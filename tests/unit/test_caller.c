/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "caller.h"

#include "cleanup.h"
#include "unit.h"

/* Texts of /proc/PID/cgroup as Incus 6.0 containers show them, and as somebody might forge them. */
static const struct {
	const char *text;
	const char *cgroup;
	enum policy_caller caller;
} rows[] = {
	{"0::/lxc.payload.pro_pro-dev\n", "lxc.payload.pro_pro-dev", CALLER_OWNER},
	{"0::/lxc.payload.pro_pro-dev/.lxc\n", "lxc.payload.pro_pro-dev", CALLER_OWNER},
	{"0::/lxc.payload.pro_pro-dev", "lxc.payload.pro_pro-dev", CALLER_OWNER},
	{"9:name=systemd:/lxc.payload.c1\n8:pids:/lxc.payload.c1\n0::/lxc.payload.c1/system.slice\n",
		"lxc.payload.c1", CALLER_OWNER},
	{"4:memory:/somewhere/else\n0::/lxc.payload.c1\n", "lxc.payload.c1", CALLER_OWNER},
	/* a cgroup made inside somebody else's container */
	{"0::/lxc.payload.evil/lxc.payload.c1\n", "lxc.payload.c1", CALLER_OTHER},
	/* a user's own delegated cgroup */
	{"0::/user.slice/lxc.payload.c1\n", "lxc.payload.c1", CALLER_OTHER},
	/* hierarchies that disagree */
	{"1:cpu:/lxc.payload.evil\n0::/lxc.payload.c1\n", "lxc.payload.c1", CALLER_OTHER},
	/* longer and shorter names */
	{"0::/lxc.payload.c1-1\n", "lxc.payload.c1", CALLER_OTHER},
	{"0::/lxc.payload.c\n", "lxc.payload.c1", CALLER_OTHER},
	{"0::/lxc.monitor.c1\n", "lxc.payload.c1", CALLER_OTHER},
	{"0::/\n", "lxc.payload.c1", CALLER_OTHER},
	{"", "lxc.payload.c1", CALLER_OTHER},
	{"\n\n", "lxc.payload.c1", CALLER_OTHER},
	{"0:", "lxc.payload.c1", CALLER_OTHER},
	{"0::", "lxc.payload.c1", CALLER_OTHER},
	{"0::lxc.payload.c1\n", "lxc.payload.c1", CALLER_OTHER},
	{"0::/lxc.payload.\n", "lxc.payload.", CALLER_OTHER},
};

START_TEST(owner_is_who_lives_in_the_instance_cgroup)
{
	ck_assert_msg(caller_from_cgroups(rows[_i].text, rows[_i].cgroup) == rows[_i].caller,
		"text '%s'", rows[_i].text);
}
END_TEST

START_TEST(unknown_process_is_another_caller)
{
	ck_assert_int_eq(caller_identify(0, "lxc.payload.c1"), CALLER_OTHER);
	ck_assert_int_eq(caller_identify(0x7fffffff, "lxc.payload.c1"), CALLER_OTHER);
	ck_assert_int_eq(caller_identify(getpid(), "lxc.payload.c1"), CALLER_OTHER);
	ck_assert_int_eq(caller_identify(getpid(), NULL), CALLER_OTHER);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("caller");
	TCase *tc = tcase_create("caller");

	tcase_add_loop_test(tc, owner_is_who_lives_in_the_instance_cgroup, 0, ARRAY_SIZE(rows));
	tcase_add_test(tc, unknown_process_is_another_caller);
	suite_add_tcase(s, tc);
	return s;
}
