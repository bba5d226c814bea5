/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_ERRORS_H
#define ANKLUME_ERRORS_H

#include "cleanup.h"

/*
 * One sentence for a person, beside the negative errno that every function returns. A function
 * that takes a struct error takes it last; NULL is allowed and drops the text.
 */
struct error {
	char *text; /* NULL until set; freed by error_finish() */
};

/* Set the text of ERR (replacing an older one) and return R, so that callers can return it. */
int error_set(struct error *err, int r, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* As error_set(), with ": " and the words for errno -R appended. */
int error_errno(struct error *err, int r, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Put "<formatted>: " before the text of ERR on the way up. Returns R. */
int error_prefix(struct error *err, int r, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The text of ERR, or the words for errno -R where no text was set. Never NULL. */
const char *error_text(const struct error *err, int r);

void error_finish(struct error *err);

DEFINE_FINISH(error_finishp, struct error, error_finish)

#define cleanup_error cleanup_(error_finishp)

#endif
