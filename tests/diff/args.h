/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DIFF_ARGS_H
#define DIFF_ARGS_H

/* The kinds of arguments: how a random one is made, and the words for its values in scripts. */

#include "rng.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct arg_word {
	const char *name;
	int64_t value;
};

struct arg_kind {
	char letter;
	bool is_flags; /* words joined by '|' */
	bool is_octal;
	const struct arg_word *words; /* NULL: a number */
	int64_t (*make)(struct rng *rng);
	void (*make_path)(char *path, struct rng *rng); /* instead of make */
};

/* The row of LETTER; ends the program when there is none: a mistake in ops.def. */
const struct arg_kind *arg_kind(char letter);

/* Lock kinds of 'Q', ACL kinds of 'q', node kinds of 'K', time forms of 't', mapping forms of 'e'. */
enum lock_kind { LOCK_POSIX, LOCK_OFD, LOCK_FLOCK };
enum acl_kind { ACL_ACCESS, ACL_DEFAULT };
enum time_form { TIME_NOW, TIME_OMIT, TIME_ZERO, TIME_PAST, TIME_BEFORE_1970, TIME_FAR, TIME_BAD };
enum map_form { MAP_READ_SHARED, MAP_WRITE_SHARED, MAP_WRITE_PRIVATE };

/* The extended attribute name number I of 'x'. */
const char *arg_xattr_name(int64_t i);

/* Room for any expanded path, those that are too long included. */
#define ARG_PATH_MAX (PATH_MAX + 64)

/*
 * The path that TEXT stands for: "@255", "@256" and "@odd" are components of that length or with
 * unusual bytes; "@empty" and "@pm4095", "@pm4096" are whole paths. Writes into BUF, returns it.
 */
const char *arg_expand_path(const char *text, char buf[ARG_PATH_MAX]);

#endif
