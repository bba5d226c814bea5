/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_UNIT_H
#define ANKLUME_UNIT_H

/* What every unit test shares: main() from one suite, and a temporary directory per test. */

#include <check.h>
#include <stdbool.h>

/* The suite of this test program. Each test_<module>.c defines it. */
Suite *unit_suite(void);

/*
 * For unit_suite() to return where the program's tests cannot run: "return unit_skip("root", "marks
 * need root")". Told as skipped; a failure when $REQUIRE (words with commas between) has
 * NEED or "all".
 */
Suite *unit_skip(const char *need, const char *reason);

/* The tests run under valgrind: slowly, and one thread at a time. */
bool unit_is_valgrind(void);

/* Checked fixtures: make and remove unit_dir, the test's own temporary directory. */
extern char unit_dir[];
void unit_dir_setup(void);
void unit_dir_teardown(void);

/* unit_dir + "/" + NAME in a buffer that the test's next 8 calls leave alone. */
const char *unit_path(const char *name);

/* Write TEXT to NAME in unit_dir, creating one missing level of directories. */
void unit_write(const char *name, const char *text);

#endif
