/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DIFF_COMPARE_H
#define DIFF_COMPARE_H

#include <stdbool.h>

/* The word at P is "?". */
bool text_is_wild(const char *p);

/* Equal but for words "?", which equal any word. */
bool texts_equal(const char *a, const char *b);

/* The lines of each that the other does not have, after the NAMES of the two. */
void texts_print_difference(const char *const names[2], const char *a, const char *b);

#endif
