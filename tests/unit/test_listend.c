/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "listend.h"
#include "unit.h"

static const struct fhandle btrfs = {.type = 0x4d, .len = 20};
static const struct fhandle other = {.type = 1, .len = 8};

static void check_round_trip(off_t off, off_t last)
{
	const struct listend at = {.off = off, .last = last};
	off_t cookie = listend_pack(&at);
	struct listend back = listend_unpack(&btrfs, cookie);

	ck_assert_int_gt(cookie, 0);
	ck_assert_int_eq(back.off, off);
	ck_assert_int_eq(back.last, last);
}

START_TEST(end_travels_in_the_offset)
{
	check_round_trip(2, 2);
	check_round_trip(1, INT32_MAX);
	check_round_trip(
		INT32_MAX, 1); /* where btrfs leaves a directory that was read to its end */
}
END_TEST

START_TEST(without_an_end_it_is_the_base_s_own)
{
	check_round_trip(7, 0);
	check_round_trip(INT32_MAX, 0);
	ck_assert_int_eq(listend_pack(&(struct listend){.off = 7}), 7);
}
END_TEST

START_TEST(too_large_to_travel)
{
	const struct listend at = {.off = INT64_C(1) << 40, .last = 9};

	ck_assert_int_eq(listend_pack(&at), at.off);
}
END_TEST

/* ext4 orders by a hash of 63 bits. */
START_TEST(offsets_of_others_have_any_bits)
{
	const off_t cookies[] = {0, 1, INT64_C(1) << 62, INT64_MAX, INT64_C(0x5a5a5a5a5a5a5a5a)};

	for (size_t i = 0; i < ARRAY_SIZE(cookies); i++) {
		struct listend at = listend_unpack(&other, cookies[i]);

		ck_assert_int_eq(at.off, cookies[i]);
		ck_assert_int_eq(at.last, 0);
	}
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("listend");
	TCase *tc = tcase_create("listend");

	tcase_add_test(tc, end_travels_in_the_offset);
	tcase_add_test(tc, without_an_end_it_is_the_base_s_own);
	tcase_add_test(tc, too_large_to_travel);
	tcase_add_test(tc, offsets_of_others_have_any_bits);
	suite_add_tcase(s, tc);
	return s;
}
