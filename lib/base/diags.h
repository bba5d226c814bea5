/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_DIAGS_H
#define ANKLUME_DIAGS_H

#include "cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * Problems that have a place in a file and come many at once. Printed as
 *
 *	infra.yml:12:15: error: message
 *	        path: relative/path
 *	              ^
 */
enum diag_level {
	DIAG_ERROR,
	DIAG_WARNING,
};

/* A place in a source file. line and col count from 1; col counts bytes; line 0 = whole file. */
struct mark {
	unsigned int file; /* index returned by diags_add_file() */
	unsigned int line;
	unsigned int col;
};

struct diag {
	enum diag_level level;
	struct mark mark;
	char *text;
};

struct diags_file {
	char *name;
	char *text; /* whole content, for the quoted line; may be NULL */
	size_t len;
};

struct diags {
	struct diag *items;
	size_t n_items, cap_items;
	struct diags_file *files;
	size_t n_files, cap_files;
	size_t n_errors, n_warnings;
	bool out_of_memory; /* something could not be recorded; callers return -ENOMEM */
};

void diags_init(struct diags *d);
void diags_finish(struct diags *d);

/* Register a source file under NAME; TEXT (LEN bytes, may be NULL) is copied. Returns its index. */
unsigned int diags_add_file(struct diags *d, const char *name, const char *text, size_t len);

/*
 * Record one problem, its control characters replaced. Never fails loudly: out of memory is
 * remembered in the struct.
 */
void diags_error(struct diags *d, struct mark mark, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void diags_warning(struct diags *d, struct mark mark, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Order by file, line and column, so that a report reads from top to bottom. */
void diags_sort(struct diags *d);

/* "name:line:col" of MARK, or "name" for a whole file. Caller frees; NULL when out of memory. */
char *diags_place(const struct diags *d, struct mark mark);

/*
 * Print the problems with their line and a caret, in one pass over the files when they are sorted.
 * Control characters are shown as '?'. Of more than DIAGS_PRINT_MAX problems the first errors, and
 * warnings only where errors leave room; a last line counts the others.
 */
#define DIAGS_PRINT_MAX 100
void diags_print(const struct diags *d, FILE *out);

DEFINE_FINISH(diags_finishp, struct diags, diags_finish)

#define cleanup_diags cleanup_(diags_finishp)

#endif
