/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "options.h"

#include "unit.h"

#include <getopt.h>
#include <string.h>
#include <sys/mount.h>

static struct options options;
static enum options_action action;
static struct error err;

/* Parse the words of LINE, which may hold no quotes. */
static int parse(const char *line)
{
	static char text[256];
	char *argv[16] = {(char *)"anklume-fs"};
	int argc = 1;

	strcpy(text, line);
	for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	optind = 0; /* getopt_long(3): start over */
	opterr = 0;
	return options_parse(argc, argv, &options, &action, &err);
}

static void setup(void)
{
	unsetenv("ANKLUME_BASE");
	unsetenv("ANKLUME_CATALOG");
	unsetenv("ANKLUME_MOUNT");
	unsetenv("ANKLUME_CONTROL");
	memset(&options, 0, sizeof(options));
	memset(&err, 0, sizeof(err));
}

static void teardown(void)
{
	options_finish(&options);
	error_finish(&err);
}

START_TEST(service_form_has_defaults)
{
	ck_assert_int_eq(parse(""), 0);
	ck_assert_str_eq(options.fs.base, DEFAULT_BASE);
	ck_assert_str_eq(options.fs.catalog, DEFAULT_CATALOG);
	ck_assert_str_eq(options.fs.mount, DEFAULT_MOUNT);
	ck_assert_str_eq(options.fs.control, DEFAULT_CONTROL);
	ck_assert_str_eq(options.fs.source, "anklume-fs");
	ck_assert_str_eq(options.fs.subtype, "anklume-fs");
	ck_assert_uint_eq(options.fs.mount_flags, MS_NOSUID | MS_NODEV);
	ck_assert(!options.foreground);
	ck_assert(!options.fs.is_plain);
}
END_TEST

START_TEST(environment_stands_between_default_and_option)
{
	setenv("ANKLUME_BASE", "/env/base", 1);
	setenv("ANKLUME_MOUNT", "/env/mount", 1);
	ck_assert_int_eq(parse("--base /option/base -f"), 0);
	ck_assert_str_eq(options.fs.base, "/option/base");
	ck_assert_str_eq(options.fs.mount, "/env/mount");
	ck_assert(options.foreground);
}
END_TEST

START_TEST(helper_form_takes_source_and_mount_point)
{
	ck_assert_int_eq(parse("/data /mnt -o ro,suid,catalog=/c.db"), 0);
	ck_assert_str_eq(options.fs.base, "/data");
	ck_assert_str_eq(options.fs.source, "/data");
	ck_assert_str_eq(options.fs.mount, "/mnt");
	ck_assert_str_eq(options.fs.catalog, "/c.db");
	ck_assert_uint_eq(options.fs.mount_flags, MS_NODEV | MS_RDONLY);
}
END_TEST

START_TEST(plain_form_needs_no_catalogue)
{
	ck_assert_int_eq(parse("--plain /data name /mnt"), 0);
	ck_assert(options.fs.is_plain);
	ck_assert_str_eq(options.fs.base, "/data");
	ck_assert_str_eq(options.fs.source, "name");
	ck_assert_ptr_null(options.fs.catalog);
	ck_assert_ptr_null(options.fs.control);
	ck_assert_ptr_null(options.fs.subtype);
}
END_TEST

START_TEST(remount_asks_for_nothing_else)
{
	ck_assert_int_eq(parse("/mnt -o remount,ro"), 0);
	ck_assert_int_eq(action, OPTIONS_REMOUNT);
	ck_assert_str_eq(options.fs.mount, "/mnt");
}
END_TEST

START_TEST(wrong_usage_is_refused)
{
	static const char *const lines[] = {
		"--workers 0",
		"--workers 257",
		"--workers x",
		"--wait never",
		"-o wait=",
		"--watchdog soon",
		"--watchdog 3601",
		"--on-hang panic",
		"-o on-hang=",
		"--log-level loud",
		"--nonsense",
		"-o nonsense",
		"/only-one",
		"/a /b /c",
		"--mount /m /a /b",
		"-o plain --mount /m",
	};

	ck_assert_msg(parse(lines[_i]) == -EINVAL, "'%s'", lines[_i]);
	ck_assert_ptr_nonnull(err.text);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("options");
	TCase *tc = tcase_create("options");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, service_form_has_defaults);
	tcase_add_test(tc, environment_stands_between_default_and_option);
	tcase_add_test(tc, helper_form_takes_source_and_mount_point);
	tcase_add_test(tc, plain_form_needs_no_catalogue);
	tcase_add_test(tc, remount_asks_for_nothing_else);
	tcase_add_loop_test(tc, wrong_usage_is_refused, 0, 16);
	suite_add_tcase(s, tc);
	return s;
}
