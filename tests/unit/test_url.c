/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "url.h"

#include "cleanup.h"
#include "unit.h"

#include <string.h>

static const struct {
	const char *text;
	const char *escaped;
} rows[] = {
	{"", ""},
	{"web-1.a_b~", "web-1.a_b~"},
	{"a/b", "a%2Fb"},
	{"..", ".."},
	{"a b?c&d=e#f%g", "a%20b%3Fc%26d%3De%23f%25g"},
	{"\xc3\xa9\n", "%C3%A9%0A"},
};

START_TEST(no_byte_of_a_name_ends_its_segment)
{
	cleanup_free char *got = url_format("/x/%s?y=%u&z=%%", rows[_i].text, 7u);
	cleanup_free char *want = NULL;

	ck_assert_int_gt(asprintf(&want, "/x/%s?y=7&z=%%", rows[_i].escaped), 0);
	ck_assert_str_eq(got, want);
}
END_TEST

START_TEST(an_escaped_name_comes_back)
{
	cleanup_free char *url =
		url_format("/1.0/x/%s?project=%s&y=1", rows[_i].text, rows[_i].text);
	cleanup_free char *name = url_last_segment(url);
	cleanup_free char *project = url_parameter(url, "project");

	ck_assert_str_eq(name, rows[_i].text);
	ck_assert_str_eq(project, rows[_i].text);
}
END_TEST

START_TEST(references_of_any_shape_are_taken_apart)
{
	cleanup_free char *name = url_last_segment("/1.0/operations/1-2");
	cleanup_free char *bare = url_last_segment("word");
	cleanup_free char *none = url_last_segment("/1.0/");
	cleanup_free char *broken = url_last_segment("/a%4");
	cleanup_free char *second = url_parameter("/x?aproject=1&project=2", "project");

	ck_assert_str_eq(name, "1-2");
	ck_assert_str_eq(bare, "word");
	ck_assert_str_eq(none, "");
	ck_assert_str_eq(broken, "a%4");
	ck_assert_str_eq(second, "2");
	ck_assert_ptr_null(url_parameter("/x?projects=2", "project"));
	ck_assert_ptr_null(url_parameter("/x", "project"));
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("url");
	TCase *tc = tcase_create("url");

	tcase_add_loop_test(tc, no_byte_of_a_name_ends_its_segment, 0, ARRAY_SIZE(rows));
	tcase_add_loop_test(tc, an_escaped_name_comes_back, 0, ARRAY_SIZE(rows));
	tcase_add_test(tc, references_of_any_shape_are_taken_apart);
	suite_add_tcase(s, tc);
	return s;
}
