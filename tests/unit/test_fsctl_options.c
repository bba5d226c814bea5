/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "options.h"

#include <stdlib.h>
#include <string.h>

#include "str.h"
#include "unit.h"

static struct cmd_env env;
static const struct cmd *cmd;
static char **operands;
static int n_operands;

static void setup(void)
{
	static const char *const variables[] = {
		"ANKLUME_CATALOG", "ANKLUME_BASE", "ANKLUME_MOUNT", "ANKLUME_CONTROL"};

	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		unsetenv(variables[i]);
	options_init(&env);
}

/* Parse LINE, words between blanks. */
static int parse(const char *line, struct error *err)
{
	static char copy[512];
	static char *argv[32];
	int argc = 0;
	char *rest = copy;

	snprintf(copy, sizeof(copy), "anklume-fsctl %s", line);
	while (rest && argc < 31)
		argv[argc++] = strsep(&rest, " ");
	argv[argc] = NULL;
	return options_parse(&env, argc, argv, &cmd, &n_operands, &operands, err);
}

START_TEST(options_stand_before_and_behind_the_verb)
{
	ck_assert_int_eq(parse("--base /b ls pro --json -q", NULL), 0);
	ck_assert_str_eq(cmd->name, "ls");
	ck_assert_str_eq(env.base, "/b");
	ck_assert_int_eq(env.format, OUT_JSON);
	ck_assert(env.is_quiet);
	ck_assert_int_eq(n_operands, 1);
	ck_assert_str_eq(operands[0], "pro");
}
END_TEST

START_TEST(operands_behind_two_dashes_are_no_options)
{
	ck_assert_int_eq(parse("ls -- -q", NULL), 0);
	ck_assert(!env.is_quiet);
	ck_assert_str_eq(operands[0], "-q");
}
END_TEST

START_TEST(n_is_a_dry_run_or_a_number_of_lines)
{
	ck_assert_int_eq(parse("audit -n 5 db", NULL), 0);
	ck_assert_str_eq(env.lines, "5");
	ck_assert(!env.is_dry_run);

	setup();
	ck_assert_int_eq(parse("-n protect db", NULL), 0);
	ck_assert(env.is_dry_run);

	setup();
	ck_assert_int_eq(parse("protect -n db", NULL), 0);
	ck_assert(env.is_dry_run);
	ck_assert_str_eq(operands[0], "db");
}
END_TEST

START_TEST(environment_gives_way_to_options)
{
	setenv("ANKLUME_BASE", "/from/env", 1);
	setenv("ANKLUME_MOUNT", "/mnt/env", 1);
	options_init(&env);
	ck_assert_int_eq(parse("--base /from/option ls", NULL), 0);
	ck_assert_str_eq(env.base, "/from/option");
	ck_assert_str_eq(env.mount, "/mnt/env");
	ck_assert(env.is_mount_given);
}
END_TEST

START_TEST(defaults_are_those_of_the_model)
{
	ck_assert_int_eq(parse("ls", NULL), 0);
	ck_assert_str_eq(env.catalog, DEFAULT_CATALOG);
	ck_assert_str_eq(env.base, DEFAULT_BASE);
	ck_assert_str_eq(env.mount, DEFAULT_MOUNT);
	ck_assert_str_eq(env.control, DEFAULT_CONTROL);
	ck_assert(!env.is_mount_given);
	ck_assert_int_eq(env.format, OUT_TABLE);
}
END_TEST

static const struct {
	const char *line;
	const char *text;
} bad[] = {
	{"", "no verb ''; 'anklume-fsctl help' lists them"},
	{"-q", "name a verb; 'anklume-fsctl help' lists them"},
	{"lss", "no verb 'lss'; is it 'ls'?"},
	{"frobnicate", "no verb 'frobnicate'; 'anklume-fsctl help' lists them"},
	{"--frob ls", "no option '--frob' here; see 'anklume-fsctl help'"},
	{"ls --frob", "no option '--frob' here; see 'anklume-fsctl help ls'"},
	{"ls -x", "no option '-x' here; see 'anklume-fsctl help ls'"},
	{"ls --reason why", "no option '--reason' here; see 'anklume-fsctl help ls'"},
	{"-n ls", "'ls' changes nothing: no --dry-run"},
	{"ls --format", "option '--format' needs a value"},
	{"ls -f", "option '-f' needs a value"},
	{"ls -f xml", "no format 'xml' here, there are: table json yaml csv compact"},
	{"ls -f tab", "no format 'tab' here, there are: table json yaml csv compact"},
	{"devices -f xml", "no format 'xml' here, there are: incus json commands host_vars table "
			   "yaml csv compact"},
	{"show", "usage: anklume-fsctl show VOLUME"},
	{"show a b", "usage: anklume-fsctl show VOLUME"},
	{"hold tag", "usage: anklume-fsctl hold TAG VOLUME..."},
};

START_TEST(bad_command_lines_say_what_is_wrong)
{
	cleanup_error struct error err = {NULL};

	ck_assert_int_eq(parse(bad[_i].line, &err), CMD_USAGE);
	ck_assert_str_eq(err.text, bad[_i].text);
}
END_TEST

START_TEST(help_needs_no_operands)
{
	ck_assert_int_eq(parse("show --help", NULL), 0);
	ck_assert(env.wants_help);
	ck_assert_str_eq(cmd->name, "show");

	setup();
	ck_assert_int_eq(parse("--version", NULL), 0);
	ck_assert(env.wants_version);
	ck_assert_ptr_null(cmd);
}
END_TEST

/* S0-32: the tables are the one source of help, completion and parser. */
START_TEST(tables_are_complete)
{
	for (size_t i = 0; i < n_cmds; i++) {
		const struct cmd *c = &cmds[i];

		ck_assert_ptr_nonnull(c->run);
		ck_assert_msg(*c->examples, "'%s' has no example", c->name);
		ck_assert_msg(strlen(c->help) <= 66, "help of '%s' is too long", c->name);
		ck_assert_ptr_eq(cmd_find(c->name), c);
		for (const char *p = c->text; *p; p += strcspn(p, "\n") + 1)
			ck_assert_msg(strcspn(p, "\n") <= 76, "'%s': long line", c->name);
	}
}
END_TEST

START_TEST(no_verb_has_one_letter_twice)
{
	for (size_t i = 0; i < n_cmds; i++) {
		char seen[256] = {0};

		for (size_t j = 0; j < n_options; j++) {
			const struct option_row *o = &options[j];

			if (!o->letter || (o->bit && !(o->bit & cmds[i].options)))
				continue;
			ck_assert_msg(!seen[(unsigned char)o->letter], "'%s' has -%c twice",
				cmds[i].name, o->letter);
			seen[(unsigned char)o->letter] = 1;
		}
	}
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("options");
	TCase *tc = tcase_create("options");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, options_stand_before_and_behind_the_verb);
	tcase_add_test(tc, operands_behind_two_dashes_are_no_options);
	tcase_add_test(tc, n_is_a_dry_run_or_a_number_of_lines);
	tcase_add_test(tc, environment_gives_way_to_options);
	tcase_add_test(tc, defaults_are_those_of_the_model);
	tcase_add_loop_test(tc, bad_command_lines_say_what_is_wrong, 0, ARRAY_SIZE(bad));
	tcase_add_test(tc, help_needs_no_operands);
	tcase_add_test(tc, tables_are_complete);
	tcase_add_test(tc, no_verb_has_one_letter_twice);
	suite_add_tcase(s, tc);
	return s;
}
