/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "path.h"

#include "cleanup.h"
#include "unit.h"

#include <string.h>

/* S0-19: what a domain, machine or volume may be called. */
static const struct {
	const char *name;
	bool is_valid;
} names[] = {
	{"a", true},
	{"0", true},
	{"db-1", true},
	{"a--b", true},
	{"012345678901234567890123456789012345678901234567890123456789012", true},
	{"0123456789012345678901234567890123456789012345678901234567890123", false},
	{"", false},
	{"-a", false},
	{"a-", false},
	{"-", false},
	{"A", false},
	{"a_b", false},
	{"a.b", false},
	{"a/b", false},
	{"..", false},
	{"db\n", false},
	{"d\xc3\xa9", false},
	{"a b", false},
};

START_TEST(name_follows_the_dns_rule)
{
	ck_assert_msg(
		name_is_valid(names[_i].name) == names[_i].is_valid, "name '%s'", names[_i].name);
}
END_TEST

static const struct {
	const char *path;
	bool is_clean;
} clean_paths[] = {
	{"/", true},
	{"/srv", true},
	{"/srv/", true},
	{"/srv//x", true},
	{"/..x", true},
	{"", false},
	{"srv", false},
	{"/srv/..", false},
	{"/../x", false},
	{"/./x", false},
	{"/a\nb", false},
};

START_TEST(clean_path_has_no_dots_and_no_controls)
{
	ck_assert_msg(path_is_clean_absolute(clean_paths[_i].path) == clean_paths[_i].is_clean,
		"path '%s'", clean_paths[_i].path);
}
END_TEST

START_TEST(normalise_drops_extra_slashes)
{
	static const char *const rows[][2] = {
		{"/", "/"}, {"//", "/"}, {"/a/", "/a"}, {"/a//b///", "/a/b"}, {"/a", "/a"}};
	cleanup_free char *got = path_normalise(rows[_i][0]);

	ck_assert_str_eq(got, rows[_i][1]);
}
END_TEST

START_TEST(relative_path_starts_at_the_working_directory)
{
	cleanup_free char *cwd = getcwd(NULL, 0);
	cleanup_free char *kept = path_make_absolute("/a/b");
	cleanup_free char *made = path_make_absolute("a/b");

	ck_assert_str_eq(kept, "/a/b");
	ck_assert(path_is_inside(made, cwd));
	ck_assert_str_eq(made + strlen(cwd), "/a/b");
}
END_TEST

START_TEST(inside_compares_whole_components)
{
	ck_assert(path_is_inside("/a/b", "/a"));
	ck_assert(path_is_inside("/a", "/a"));
	ck_assert(path_is_inside("/a", "/"));
	ck_assert(!path_is_inside("/ab", "/a"));
	ck_assert(!path_is_inside("/", "/a"));
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("path");
	TCase *tc = tcase_create("path");

	tcase_add_loop_test(tc, name_follows_the_dns_rule, 0, ARRAY_SIZE(names));
	tcase_add_loop_test(tc, clean_path_has_no_dots_and_no_controls, 0, ARRAY_SIZE(clean_paths));
	tcase_add_loop_test(tc, normalise_drops_extra_slashes, 0, 5);
	tcase_add_test(tc, relative_path_starts_at_the_working_directory);
	tcase_add_test(tc, inside_compares_whole_components);
	suite_add_tcase(s, tc);
	return s;
}
