/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "listers.h"

#include "unit.h"

#define WALKER 1000
#define OTHER 1001

static struct listers listers;

static void setup(void)
{
	listers = (struct listers){0};
}

/* List one directory that is large enough to leave an entry out of. */
static enum listing list(pid_t process)
{
	enum listing how = listers_ask(&listers, process);

	if (how == LISTING_SAMPLED)
		listers_sampled(&listers, process);
	return how;
}

static void walk_without_a_look(pid_t process)
{
	while (list(process) == LISTING_SAMPLED)
		;
}

START_TEST(walker_that_never_looks_gets_directories_only)
{
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(list(WALKER), LISTING_SAMPLED);
	ck_assert_int_eq(list(WALKER), LISTING_DIRECTORIES);
	ck_assert_int_eq(list(OTHER), LISTING_SAMPLED);
}
END_TEST

START_TEST(small_directories_teach_nothing)
{
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(listers_ask(&listers, WALKER), LISTING_SAMPLED);
}
END_TEST

START_TEST(one_look_brings_everything_back)
{
	list(WALKER);
	listers_looked(&listers, WALKER);
	ck_assert_int_eq(list(WALKER), LISTING_ALL);

	walk_without_a_look(OTHER);
	listers_looked(&listers, OTHER);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(list(OTHER), LISTING_ALL);
}
END_TEST

START_TEST(look_before_any_listing_says_nothing)
{
	listers_looked(&listers, WALKER);
	ck_assert_int_eq(list(WALKER), LISTING_SAMPLED);
}
END_TEST

START_TEST(nobody_in_particular_gets_everything)
{
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(list(0), LISTING_ALL);
}
END_TEST

START_TEST(another_process_in_the_same_place_starts_anew)
{
	walk_without_a_look(WALKER);
	ck_assert_int_eq(list(WALKER + LISTERS), LISTING_SAMPLED);
	listers_looked(&listers, WALKER); /* of whom nothing is known any more */
	ck_assert_int_eq(list(WALKER + LISTERS), LISTING_SAMPLED);
	ck_assert_int_eq(list(WALKER), LISTING_SAMPLED);
}
END_TEST

START_TEST(number_that_was_silent_for_long_starts_anew)
{
	walk_without_a_look(WALKER);
	listers.slots[WALKER % LISTERS].seen -= 10;
	ck_assert_int_eq(list(WALKER), LISTING_SAMPLED);

	listers_looked(&listers, WALKER);
	listers.slots[WALKER % LISTERS].seen -= 10;
	ck_assert_int_eq(list(WALKER), LISTING_SAMPLED);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("listers");
	TCase *tc = tcase_create("listers");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, walker_that_never_looks_gets_directories_only);
	tcase_add_test(tc, small_directories_teach_nothing);
	tcase_add_test(tc, one_look_brings_everything_back);
	tcase_add_test(tc, look_before_any_listing_says_nothing);
	tcase_add_test(tc, nobody_in_particular_gets_everything);
	tcase_add_test(tc, another_process_in_the_same_place_starts_anew);
	tcase_add_test(tc, number_that_was_silent_for_long_starts_anew);
	suite_add_tcase(s, tc);
	return s;
}
