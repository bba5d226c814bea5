/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_OUT_H
#define ANKLUME_OUT_H

/*
 * Results on stdout. A result is a JSON array of objects (rows) or one object (a record); columns
 * say once which keys the text formats show and how. Keys without a column are for JSON and YAML.
 */

#include "errors.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum out_format {
	OUT_TABLE,
	OUT_JSON,
	OUT_YAML,
	OUT_CSV, /* RFC 4180: a heading, CRLF, quotes where needed */
	OUT_COMPACT, /* tabs, no heading */
};

#define OUT_FORMATS "table json yaml csv compact"

enum out_type {
	OUT_TEXT, /* a string, or an array of them shown with commas */
	OUT_FLAGS, /* an array of flags; short in tables */
	OUT_NUMBER,
	OUT_SIZE, /* bytes; "1.5 GiB" in tables */
	OUT_BOOL, /* "yes" or "no" in tables */
	OUT_TIME, /* as out_time() makes it; local and without seconds in tables */
};

enum out_flag {
	OUT_IF_ANY = 1u << 0, /* tables leave the column out when no row has a value */
	OUT_WRAP = 1u << 1, /* may be broken on a narrow terminal */
	OUT_LINES = 1u << 2, /* an array that takes a line per item in a record */
};

struct out_column {
	const char *key;
	const char *title; /* of tables and records */
	enum out_type type;
	unsigned int flags;
};

/* -EINVAL: no such format. */
int out_format_parse(const char *name, enum out_format *ret);

/* Print ROWS (borrowed). -EINVAL when it is not an array; -ENOMEM. */
int out_rows(FILE *out, enum out_format format, const struct out_column *columns, size_t n_columns,
	const json_t *rows, struct error *err);

/* Print one OBJECT (borrowed): a line per key in tables, one row in csv and compact. */
int out_record(FILE *out, enum out_format format, const struct out_column *columns,
	size_t n_columns, const json_t *object, struct error *err);

/* Print VALUE (borrowed) as JSON or YAML, FORMAT being one of the two. */
int out_value(FILE *out, enum out_format format, const json_t *value, struct error *err);

/* S with control characters and broken UTF-8 as \xNN. Caller frees; NULL when out of memory. */
char *out_printable(const char *s);

/* A JSON string of S; bytes that are not UTF-8 become \xNN; null for NULL. */
json_t *out_text(const char *s);

/* Seconds since the epoch as "2025-03-01T12:00:00Z"; null for 0. */
json_t *out_time(int64_t seconds);

#endif
