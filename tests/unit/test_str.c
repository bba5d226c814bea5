/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "str.h"

#include "unit.h"

static const struct {
	const char *text;
	int r;
	uint64_t bytes;
} sizes[] = {
	{"0", 0, 0},
	{"10GiB", 0, UINT64_C(10) << 30},
	{"5MB", 0, 5000000},
	{"512kB", 0, 512000},
	{"7B", 0, 7},
	{"9223372036854775807", 0, INT64_MAX},
	{"9223372036854775808", -ERANGE, 0},
	{"9007199254740993PiB", -ERANGE, 0},
	{"", -EINVAL, 0},
	{"GiB", -EINVAL, 0},
	{"-1", -EINVAL, 0},
	{"1 GiB", -EINVAL, 0},
	{"1gib", -EINVAL, 0},
	{"1.5GiB", -EINVAL, 0},
};

START_TEST(size_is_a_number_and_a_unit)
{
	uint64_t bytes = 0;

	ck_assert_int_eq(parse_size(sizes[_i].text, &bytes), sizes[_i].r);
	ck_assert_uint_eq(bytes, sizes[_i].bytes);
}
END_TEST

START_TEST(owner_is_two_decimal_ids)
{
	uint32_t uid, gid;

	ck_assert_int_eq(parse_owner("999:1000", &uid, &gid), 0);
	ck_assert_uint_eq(uid, 999);
	ck_assert_uint_eq(gid, 1000);
	ck_assert_int_eq(parse_owner("4294967295:0", &uid, &gid), -EINVAL);
	ck_assert_int_eq(parse_owner("0:4294967295", &uid, &gid), -EINVAL);
	ck_assert_int_eq(parse_owner("postgres:postgres", &uid, &gid), -EINVAL);
	ck_assert_int_eq(parse_owner("1", &uid, &gid), -EINVAL);
	ck_assert_int_eq(parse_owner("1:2x", &uid, &gid), -EINVAL);
}
END_TEST

START_TEST(mode_is_octal)
{
	uint32_t mode;

	ck_assert_int_eq(parse_mode("02770", &mode), 0);
	ck_assert_uint_eq(mode, 02770);
	ck_assert_int_eq(parse_mode("0", &mode), 0);
	ck_assert_int_eq(parse_mode("10000", &mode), -EINVAL);
	ck_assert_int_eq(parse_mode("0x1ff", &mode), -EINVAL);
	ck_assert_int_eq(parse_mode("", &mode), -EINVAL);
}
END_TEST

START_TEST(nearest_word_is_close_or_none)
{
	static const char *const keys[] = {"path", "readonly", "owner", "protected"};

	ck_assert_str_eq(str_nearest("read_only", keys, 4), "readonly");
	ck_assert_str_eq(str_nearest("pth", keys, 4), "path");
	ck_assert_str_eq(str_nearest("protect", keys, 4), "protected");
	ck_assert_ptr_null(str_nearest("zzzz", keys, 4));
}
END_TEST

START_TEST(buffer_grows_and_hands_over)
{
	struct strbuf b = STRBUF_INIT;
	char *text;

	for (int i = 0; i < 100; i++)
		strbuf_printf(&b, "%d,", i);
	ck_assert_uint_eq(b.len, 290);
	text = strbuf_steal(&b);
	ck_assert_int_eq(text[289], ',');
	ck_assert_ptr_null(b.data);
	free(text);
}
END_TEST

static const struct {
	const char *text;
	bool is_utf8;
	bool is_plain;
} texts[] = {
	{"", true, true},
	{"data of caf\xc3\xa9", true, true},
	{"\xe2\x82\xac \xf0\x9f\x90\xa7", true, true},
	{"two\nlines", true, false},
	{"\x7f", true, false},
	{"\xc3", false, false},
	{"\xc0\xaf", false, false}, /* overlong */
	{"\xe0\x80\xaf", false, false},
	{"\xed\xa0\x80", false, false}, /* surrogate */
	{"\xf4\x90\x80\x80", false, false}, /* over U+10FFFF */
	{"\xff", false, false},
	{"\xe2\x82", false, false},
};

START_TEST(text_is_well_formed_utf8)
{
	ck_assert(str_is_utf8(texts[_i].text) == texts[_i].is_utf8);
	ck_assert(str_is_plain_text(texts[_i].text) == texts[_i].is_plain);
}
END_TEST

/* The ends of each range, and their neighbours. */
static const struct {
	const char *text;
	size_t length;
} controls[] = {
	{"", 0},
	{"\x01", 1},
	{"\x1f", 1},
	{" ", 0},
	{"~", 0},
	{"\x7f", 1},
	{"\xc2\x80", 2},
	{"\xc2\x9f", 2},
	{"\xc2\xa0", 0},
	{"\xc2", 0},
	{"\xc3\x80", 0},
	{"\xe2", 0},
	{"\xe2\x80", 0},
	{"\xe2\x80\xa9", 0},
	{"\xe2\x80\xaa", 3},
	{"\xe2\x80\xae", 3},
	{"\xe2\x80\xaf", 0},
	{"\xe2\x81\xa5", 0},
	{"\xe2\x81\xa6", 3},
	{"\xe2\x81\xa9", 3},
	{"\xe2\x81\xaa", 0},
};

START_TEST(controls_are_told_from_text)
{
	cleanup_free char *inside = NULL;

	ck_assert_uint_eq(str_control_length(controls[_i].text), controls[_i].length);
	ck_assert_int_gt(asprintf(&inside, "a\xe2\x82\xac%sb", controls[_i].text), 0);
	ck_assert(str_has_controls(inside) == (controls[_i].length > 0));
	str_make_printable(inside);
	ck_assert(!str_has_controls(inside));
}
END_TEST

static const struct {
	const char *text;
	size_t max;
	const char *cut;
} cuts[] = {
	{"short", 10, "short"},
	{"longer", 4, "long"},
	{"caf\xc3\xa9", 5, "caf\xc3\xa9"},
	{"caf\xc3\xa9", 4, "caf"},
	{"a\xff"
	 "b",
		10, "a?b"},
	{"\xe2\x82", 10, "??"},
	{"abc", 0, ""},
};

START_TEST(cut_text_stays_utf8)
{
	cleanup_free char *got = str_cut(cuts[_i].text, cuts[_i].max);

	ck_assert_str_eq(got, cuts[_i].cut);
}
END_TEST

START_TEST(json_length_counts_escapes)
{
	ck_assert_uint_eq(str_json_length(NULL), 0);
	ck_assert_uint_eq(str_json_length("abc"), 3);
	ck_assert_uint_eq(str_json_length("a\"b\\\n"), 8);
	ck_assert_uint_eq(str_json_length("\x01\x1f"), 12);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("str");
	TCase *tc = tcase_create("str");

	tcase_add_loop_test(tc, size_is_a_number_and_a_unit, 0, ARRAY_SIZE(sizes));
	tcase_add_test(tc, owner_is_two_decimal_ids);
	tcase_add_test(tc, mode_is_octal);
	tcase_add_test(tc, nearest_word_is_close_or_none);
	tcase_add_test(tc, buffer_grows_and_hands_over);
	tcase_add_loop_test(tc, controls_are_told_from_text, 0, ARRAY_SIZE(controls));
	tcase_add_loop_test(tc, text_is_well_formed_utf8, 0, ARRAY_SIZE(texts));
	tcase_add_loop_test(tc, cut_text_stays_utf8, 0, ARRAY_SIZE(cuts));
	tcase_add_test(tc, json_length_counts_escapes);
	suite_add_tcase(s, tc);
	return s;
}
