/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diags.h"

#include "str.h"
#include "unit.h"

#include <string.h>

static struct diags diags;

static void setup(void)
{
	diags_init(&diags);
}

static void teardown(void)
{
	diags_finish(&diags);
}

static void assert_printed(const char *wanted)
{
	cleanup_free char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(out);
	diags_print(&diags, out);
	fclose(out);
	ck_assert_str_eq(text, wanted);
}

static unsigned int add_text(const char *name, const char *text)
{
	return diags_add_file(&diags, name, text, strlen(text));
}

START_TEST(problem_shows_its_line_and_a_caret)
{
	unsigned int file = add_text("a.yml", "one\n\ttwo: three\r\nlast");

	diags_error(&diags, (struct mark){file, 2, 7}, "bad '%s'", "three");
	diags_warning(&diags, (struct mark){file, 3, 1}, "odd");
	diags_warning(&diags, (struct mark){file, 0, 0}, "whole");
	assert_printed("a.yml:2:7: error: bad 'three'\n"
		       "     two: three\n"
		       "          ^\n"
		       "a.yml:3:1: warning: odd\n"
		       "    last\n"
		       "    ^\n"
		       "a.yml: warning: whole\n");
	ck_assert_uint_eq(diags.n_errors, 1);
	ck_assert_uint_eq(diags.n_warnings, 2);
}
END_TEST

START_TEST(caret_stands_below_its_character)
{
	unsigned int file = add_text("a.yml", "\xc3\xa9\xe2\x82\xac: x\n");

	diags_error(&diags, (struct mark){file, 1, 8}, "x");
	assert_printed("a.yml:1:8: error: x\n"
		       "    \xc3\xa9\xe2\x82\xac: x\n"
		       "        ^\n");
}
END_TEST

START_TEST(nothing_reaches_the_terminal_as_a_command)
{
	unsigned int file = add_text("a\x1b.yml", "k: \x1b[31m\xff\xc2\x9b\xe2\x80\xae\n");

	diags_error(&diags, (struct mark){file, 1, 4}, "got '%s'",
		"\x1b]0;\a\n\x7f\xc2\x9b\xe2\x81\xa6\xc3\xa9\xff");
	assert_printed("a?.yml:1:4: error: got '?]0;????????\xc3\xa9?'\n"
		       "    k: ?[31m??????\n"
		       "       ^\n");
}
END_TEST

START_TEST(long_line_is_quoted_around_the_place)
{
	char line[1001];
	char wanted[512];
	unsigned int file;

	memset(line, 'x', 1000);
	line[1000] = '\0';
	line[500] = '!';
	file = add_text("a.yml", line);
	diags_error(&diags, (struct mark){file, 1, 501}, "here");
	snprintf(wanted, sizeof(wanted), "a.yml:1:501: error: here\n    %.160s\n    %60s^\n",
		line + 440, "");
	assert_printed(wanted);
}
END_TEST

START_TEST(place_outside_the_text_is_not_quoted)
{
	unsigned int file = add_text("a.yml", "one\n");
	unsigned int bare = diags_add_file(&diags, "b.yml", NULL, 0);

	diags_error(&diags, (struct mark){file, 9, 1}, "far down");
	diags_error(&diags, (struct mark){file, 1, 99}, "far right");
	diags_error(&diags, (struct mark){bare, 1, 1}, "no text");
	diags_error(&diags, (struct mark){77, 1, 1}, "no file");
	assert_printed("a.yml:9:1: error: far down\na.yml:1:99: error: far right\n"
		       "b.yml:1:1: error: no text\n?:1:1: error: no file\n");
}
END_TEST

START_TEST(sorted_problems_read_from_top_to_bottom)
{
	unsigned int a = add_text("a.yml", "1\n2\n3\n");
	unsigned int b = add_text("b.yml", "1\n2\n");

	diags_error(&diags, (struct mark){b, 1, 1}, "fourth");
	diags_error(&diags, (struct mark){a, 3, 1}, "third");
	diags_warning(&diags, (struct mark){a, 1, 1}, "second");
	diags_error(&diags, (struct mark){a, 1, 1}, "first");
	diags_sort(&diags);
	assert_printed("a.yml:1:1: error: first\n    1\n    ^\n"
		       "a.yml:1:1: warning: second\n    1\n    ^\n"
		       "a.yml:3:1: error: third\n    3\n    ^\n"
		       "b.yml:1:1: error: fourth\n    1\n    ^\n");
}
END_TEST

START_TEST(unsorted_problems_are_found_too)
{
	unsigned int a = add_text("a.yml", "1\n2\n3\n");

	diags_error(&diags, (struct mark){a, 3, 1}, "x");
	diags_error(&diags, (struct mark){a, 2, 1}, "y");
	assert_printed("a.yml:3:1: error: x\n    3\n    ^\na.yml:2:1: error: y\n    2\n    ^\n");
}
END_TEST

/* How many problems there are, and what is printed of them. */
static const struct {
	size_t n_warnings, n_errors;
	size_t shown_warnings, shown_errors;
	const char *rest; /* the last line, NULL = none */
} floods[] = {
	{0, 100, 0, 100, NULL},
	{40, 60, 40, 60, NULL},
	{0, 101, 0, 100, "... and 1 more error, 0 more warnings\n"},
	{101, 0, 100, 0, "... and 0 more errors, 1 more warning\n"},
	{150, 3, 97, 3, "... and 0 more errors, 53 more warnings\n"},
	{7, 1000, 0, 100, "... and 900 more errors, 7 more warnings\n"},
};

START_TEST(flood_of_problems_is_cut_and_counted)
{
	cleanup_strbuf struct strbuf wanted = STRBUF_INIT;
	unsigned int file = diags_add_file(&diags, "a.yml", NULL, 0);

	for (unsigned int i = 1; i <= floods[_i].n_warnings; i++)
		diags_warning(&diags, (struct mark){file, i, 1}, "odd");
	for (unsigned int i = 1; i <= floods[_i].n_errors; i++)
		diags_error(&diags, (struct mark){file, 5000 + i, 1}, "bad");

	for (size_t i = 1; i <= floods[_i].shown_warnings; i++)
		strbuf_printf(&wanted, "a.yml:%zu:1: warning: odd\n", i);
	for (size_t i = 1; i <= floods[_i].shown_errors; i++)
		strbuf_printf(&wanted, "a.yml:%zu:1: error: bad\n", 5000 + i);
	strbuf_puts(&wanted, floods[_i].rest ? floods[_i].rest : "");
	assert_printed(wanted.data);
	ck_assert_uint_eq(diags.n_errors, floods[_i].n_errors);
	ck_assert_uint_eq(diags.n_warnings, floods[_i].n_warnings);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("diags");
	TCase *tc = tcase_create("diags");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, problem_shows_its_line_and_a_caret);
	tcase_add_test(tc, caret_stands_below_its_character);
	tcase_add_test(tc, nothing_reaches_the_terminal_as_a_command);
	tcase_add_test(tc, long_line_is_quoted_around_the_place);
	tcase_add_test(tc, place_outside_the_text_is_not_quoted);
	tcase_add_test(tc, sorted_problems_read_from_top_to_bottom);
	tcase_add_loop_test(tc, flood_of_problems_is_cut_and_counted, 0, ARRAY_SIZE(floods));
	tcase_add_test(tc, unsorted_problems_are_found_too);
	suite_add_tcase(s, tc);
	return s;
}
