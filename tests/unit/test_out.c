/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "out.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "out_table.h"
#include "unit.h"

#define cleanup_json cleanup_(json_decrefp)

static const struct out_column columns[] = {
	{"name", "NAME", OUT_TEXT, 0},
	{"flags", "FLAGS", OUT_FLAGS, 0},
	{"size_bytes", "SIZE", OUT_SIZE, 0},
	{"on", "ON", OUT_BOOL, 0},
	{"since", "SINCE", OUT_TIME, 0},
	{"note", "NOTE", OUT_TEXT, OUT_IF_ANY},
};

static void setup(void)
{
	setenv("TZ", "EST5", 1);
	tzset();
}

static json_t *example(void)
{
	return json_pack("[{s:s s:[s,s] s:i s:b s:o s:s} {s:s s:[] s:n s:b s:n s:n}]", "name", "a",
		"flags", "readonly", "held", "size_bytes", 1536, "on", 1, "since",
		out_time(1700000000), "note", "", "name", "a,\"b\"\n", "flags", "size_bytes", "on",
		0, "since", "note");
}

/* What printing ROWS gives; the caller frees. */
static char *printed(enum out_format format, const json_t *rows)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	ck_assert_int_eq(out_rows(f, format, columns, ARRAY_SIZE(columns), rows, NULL), 0);
	fclose(f);
	return text;
}

static const struct {
	enum out_format format;
	const char *text;
} rows[] = {
	{OUT_TABLE, "NAME      FLAGS       SIZE ON  SINCE\n"
		    "a         ro,held 1.50 KiB yes 2023-11-14 17:13\n"
		    "a,\"b\"\\x0a                  no  \n"},
	{OUT_CSV, "name,flags,size_bytes,on,since,note\r\n"
		  "a,\"readonly,held\",1536,true,2023-11-14T22:13:20Z,\r\n"
		  "\"a,\"\"b\"\"\\x0a\",,,false,,\r\n"},
	{OUT_COMPACT, "a\treadonly,held\t1536\ttrue\t2023-11-14T22:13:20Z\t\n"
		      "a,\"b\"\\x0a\t\t\tfalse\t\t\n"},
	{OUT_YAML, "- name: a\n"
		   "  flags: [readonly, held]\n"
		   "  size_bytes: 1536\n"
		   "  \"on\": true\n"
		   "  since: \"2023-11-14T22:13:20Z\"\n"
		   "  note: \"\"\n"
		   "- name: \"a,\\\"b\\\"\\n\"\n"
		   "  flags: []\n"
		   "  size_bytes: null\n"
		   "  \"on\": false\n"
		   "  since: null\n"
		   "  note: null\n"},
};

START_TEST(rows_are_printed_in_each_format)
{
	cleanup_json json_t *list = example();
	cleanup_free char *text = printed(rows[_i].format, list);

	ck_assert_str_eq(text, rows[_i].text);
}
END_TEST

START_TEST(json_keeps_every_key_and_its_order)
{
	cleanup_json json_t *list = example();
	cleanup_free char *text = printed(OUT_JSON, list);
	cleanup_json json_t *back = json_loads(text, 0, NULL);

	ck_assert(json_equal(list, back));
	ck_assert(strstr(text, "\"name\"") < strstr(text, "\"flags\""));
}
END_TEST

START_TEST(record_is_a_line_per_key)
{
	static const struct out_column record[] = {
		{"name", "Name", OUT_TEXT, 0},
		{"holds", "Holds", OUT_TEXT, OUT_LINES},
		{"class", "Class", OUT_TEXT, 0},
		{"gone", "Gone", OUT_TEXT, OUT_IF_ANY},
	};
	cleanup_json json_t *object =
		json_pack("{s:s s:[s,s] s:n}", "name", "x\033[31m", "holds", "one", "two", "class");
	cleanup_free char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	ck_assert_int_eq(out_record(f, OUT_TABLE, record, ARRAY_SIZE(record), object, NULL), 0);
	fclose(f);
	ck_assert_str_eq(text, "Name:  x\\x1b[31m\n"
			       "Holds: one\n"
			       "       two\n"
			       "Class: -\n");
}
END_TEST

static const struct {
	const char *text;
	const char *printable;
} printables[] = {
	{"plain / text", "plain / text"},
	{"d\xc3\xa9j\xc3\xa0 \xe2\x82\xac \xf0\x9f\x98\x80",
		"d\xc3\xa9j\xc3\xa0 \xe2\x82\xac \xf0\x9f\x98\x80"},
	{"\033[2J", "\\x1b[2J"}, {"a\tb\nc\r", "a\\x09b\\x0ac\\x0d"}, {"\x7f", "\\x7f"},
	{"\xc2\x9b", "\\xc2\\x9b"}, /* C1: a CSI to some terminals */
	{"\xe2\x80\xae\xe2\x80\xaf", "\\xe2\\x80\\xae\xe2\x80\xaf"}, /* right to left; a space */
	{"\xff\xfe", "\\xff\\xfe"}, {"\xc3", "\\xc3"}, {"\xc0\xaf", "\\xc0\\xaf"}, /* overlong */
	{"\xed\xa0\x80", "\\xed\\xa0\\x80"}, /* a surrogate */
	{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* beyond Unicode */
};

START_TEST(control_characters_are_never_raw)
{
	cleanup_free char *got = out_printable(printables[_i].text);

	ck_assert_str_eq(got, printables[_i].printable);
}
END_TEST

START_TEST(json_text_takes_any_bytes)
{
	cleanup_json json_t *broken = out_text("a\xff\n");
	cleanup_json json_t *none = out_text(NULL);

	ck_assert_str_eq(json_string_value(broken), "a\\xff\n");
	ck_assert(json_is_null(none));
}
END_TEST

static const struct {
	const char *text;
	size_t width;
	const char *wrapped;
} wraps[] = {
	{"short", 10, "short"},
	{"two words", 9, "two words"},
	{"two words", 8, "two\nwords"},
	{"one two three four", 8, "one two\nthree\nfour"},
	{"abcdefghij", 4, "abcd\nefgh\nij"},
	{"a abcdefgh", 4, "a\nabcd\nefgh"},
	{"", 4, ""},
};

START_TEST(text_is_broken_between_words)
{
	cleanup_free char *got = out_wrap(wraps[_i].text, wraps[_i].width);

	ck_assert_str_eq(got, wraps[_i].wrapped);
}
END_TEST

START_TEST(narrow_table_breaks_its_text_column)
{
	static const struct out_column two[] = {
		{"a", "A", OUT_TEXT, 0}, {"b", "TEXT", OUT_TEXT, OUT_WRAP}};
	cleanup_json json_t *list =
		json_pack("[{s:s s:s}]", "a", "name", "b", "a long story about a very small thing");
	cleanup_free char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	ck_assert_int_eq(out_table(f, 25, two, 2, list, NULL), 0);
	fclose(f);
	ck_assert_str_eq(text, "A    TEXT\n"
			       "name a long story about a\n"
			       "     very small thing\n");
}
END_TEST

/* What YAML readers would take for something else must be quoted. */
static const struct {
	const char *text;
	const char *yaml;
} scalars[] = {
	{"word", "word"},
	{"/srv/x", "/srv/x"},
	{"yes", "\"yes\""},
	{"Null", "\"Null\""},
	{"0750", "\"0750\""},
	{"1e3", "\"1e3\""},
	{"2024-01-01", "\"2024-01-01\""},
	{"", "\"\""},
	{"-", "\"-\""},
};

START_TEST(yaml_strings_stay_strings)
{
	cleanup_json json_t *value = json_pack("{s:s}", "k", scalars[_i].text);
	cleanup_free char *text = NULL;
	char want[64];
	size_t len;
	FILE *f = open_memstream(&text, &len);

	ck_assert_int_eq(out_value(f, OUT_YAML, value, NULL), 0);
	fclose(f);
	snprintf(want, sizeof(want), "k: %s\n", scalars[_i].yaml);
	ck_assert_str_eq(text, want);
}
END_TEST

START_TEST(formats_have_names)
{
	enum out_format format;

	ck_assert_int_eq(out_format_parse("csv", &format), 0);
	ck_assert_int_eq(format, OUT_CSV);
	ck_assert_int_eq(out_format_parse("CSV", &format), -EINVAL);
	ck_assert_int_eq(out_format_parse("", &format), -EINVAL);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("out");
	TCase *tc = tcase_create("out");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, rows_are_printed_in_each_format, 0, ARRAY_SIZE(rows));
	tcase_add_test(tc, json_keeps_every_key_and_its_order);
	tcase_add_test(tc, record_is_a_line_per_key);
	tcase_add_loop_test(tc, control_characters_are_never_raw, 0, ARRAY_SIZE(printables));
	tcase_add_test(tc, json_text_takes_any_bytes);
	tcase_add_loop_test(tc, text_is_broken_between_words, 0, ARRAY_SIZE(wraps));
	tcase_add_test(tc, narrow_table_breaks_its_text_column);
	tcase_add_loop_test(tc, yaml_strings_stay_strings, 0, ARRAY_SIZE(scalars));
	tcase_add_test(tc, formats_have_names);
	suite_add_tcase(s, tc);
	return s;
}
