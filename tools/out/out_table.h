/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_OUT_TABLE_H
#define ANKLUME_OUT_TABLE_H

#include "out.h"

/*
 * Print ROWS (borrowed, an array) as a table no wider than WIDTH, 0 = as wide as it gets: the last
 * column that may be wrapped is broken between words. -ENOMEM.
 */
int out_table(FILE *out, size_t width, const struct out_column *columns, size_t n_columns,
	const json_t *rows, struct error *err);

/* The width of the terminal that OUT is, 0 when it is none. */
size_t out_width(FILE *out);

/* TEXT with newlines between words where lines get longer than WIDTH. NULL when out of memory. */
char *out_wrap(const char *text, size_t width);

#endif
