/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy.h"

#include "unit.h"
#include "volume.h"

#include <errno.h>
#include <string.h>

/*
 * DC-3, DC-4: the whole table of docs/architecture.md, written out once more by hand: for every
 * set of flags the answers to read, change, remove, shrink, first to the owner, then to others.
 */
#define RO VOLUME_READONLY
#define PR VOLUME_PROTECTED
#define HE VOLUME_HELD
#define OR VOLUME_ORPHAN

static const struct {
	unsigned int flags;
	int owner[POLICY_ACTIONS];
	int other[POLICY_ACTIONS];
} rows[] = {
	{0, {0, 0, 0, 0}, {0, 0, 0, 0}},
	{OR, {0, 0, 0, 0}, {0, 0, 0, 0}},
	{PR, {0, 0, 0, 0}, {0, 0, -EPERM, -EPERM}},
	{PR | OR, {0, 0, 0, 0}, {0, 0, -EPERM, -EPERM}},
	{HE, {0, 0, -EPERM, -EPERM}, {0, 0, -EPERM, -EPERM}},
	{HE | PR, {0, 0, -EPERM, -EPERM}, {0, 0, -EPERM, -EPERM}},
	{RO, {0, -EROFS, -EROFS, -EROFS}, {0, -EROFS, -EROFS, -EROFS}},
	{RO | PR, {0, -EROFS, -EROFS, -EROFS}, {0, -EROFS, -EROFS, -EROFS}},
	{RO | HE, {0, -EROFS, -EROFS, -EROFS}, {0, -EROFS, -EROFS, -EROFS}},
	{RO | HE | PR, {0, -EROFS, -EROFS, -EROFS}, {0, -EROFS, -EROFS, -EROFS}},
};

START_TEST(policy_answers_as_the_table_says)
{
	for (int action = 0; action < POLICY_ACTIONS; action++) {
		ck_assert_int_eq(
			policy_check(rows[_i].flags, action, CALLER_OWNER), rows[_i].owner[action]);
		ck_assert_int_eq(
			policy_check(rows[_i].flags, action, CALLER_OTHER), rows[_i].other[action]);
	}
}
END_TEST

START_TEST(caller_is_asked_for_only_where_the_answers_differ)
{
	for (int action = 0; action < POLICY_ACTIONS; action++)
		ck_assert_int_eq(policy_needs_caller(rows[_i].flags, action),
			rows[_i].owner[action] != rows[_i].other[action]);
}
END_TEST

/* DC-5: every refusal names its reason and a way out. */
START_TEST(refusal_comes_with_reason_and_way_out)
{
	ck_assert_str_eq(policy_reason(PR, POLICY_REMOVE), "protected");
	ck_assert_str_eq(policy_reason(PR | HE, POLICY_SHRINK), "held");
	ck_assert_str_eq(policy_reason(PR | HE | RO, POLICY_REMOVE), "readonly");
	for (int action = POLICY_CHANGE; action < POLICY_ACTIONS; action++) {
		if (rows[_i].other[action] < 0)
			ck_assert_ptr_nonnull(
				strstr(policy_way_out(rows[_i].flags, action), "'anklume-fsctl "));
	}
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("policy");
	TCase *tc = tcase_create("policy");

	tcase_add_loop_test(tc, policy_answers_as_the_table_says, 0, ARRAY_SIZE(rows));
	tcase_add_loop_test(
		tc, caller_is_asked_for_only_where_the_answers_differ, 0, ARRAY_SIZE(rows));
	tcase_add_loop_test(tc, refusal_comes_with_reason_and_way_out, 0, ARRAY_SIZE(rows));
	suite_add_tcase(s, tc);
	return s;
}
