/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "confirm.h"

#include <errno.h>
#include <pty.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "unit.h"

static FILE *words;
static char *said;
static size_t said_len;

static void setup(void)
{
	words = open_memstream(&said, &said_len);
	ck_assert_ptr_nonnull(words);
}

static void teardown(void)
{
	fclose(words);
	free(said);
}

/* Put a terminal on stdin, on which TYPED waits. */
static int open_terminal(const char *typed)
{
	int master, slave;

	ck_assert_int_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
	ck_assert_int_eq(dup2(slave, STDIN_FILENO), STDIN_FILENO);
	close(slave);
	ck_assert_int_eq(write(master, typed, strlen(typed)), strlen(typed));
	return master;
}

static const struct {
	const char *typed;
	int want;
} rows[] = {
	{"yes\n", 1},
	{"no\n", 0},
	{"y\n", 0},
	{"YES\n", 0},
	{"yes \n", 0},
	{" yes\n", 0},
	{"yess\n", 0},
	{"\n", 0},
	{"\x04", -ECANCELED},
};

/* S0-11 */
START_TEST(only_the_literal_answer_counts)
{
	cleanup_fd int master = open_terminal(rows[_i].typed);

	ck_assert(confirm_can_ask());
	ck_assert_int_eq(confirm_ask(words, "Sure? ", "yes"), rows[_i].want);
	fflush(words);
	ck_assert_int_eq(strncmp(said, "Sure? ", 6), 0);
}
END_TEST

/* S0-4 */
START_TEST(a_pipe_is_not_asked)
{
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(write(fds[1], "yes\n", 4), 4);
	ck_assert_int_eq(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
	ck_assert(!confirm_can_ask());
	ck_assert_int_eq(confirm_ask(words, "Sure? ", "yes"), -ENOTTY);
	fflush(words);
	ck_assert_uint_eq(said_len, 0);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("confirm");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, only_the_literal_answer_counts, 0, ARRAY_SIZE(rows));
	tcase_add_test(tc, a_pipe_is_not_asked);
	suite_add_tcase(s, tc);
	return s;
}
