/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_STEPS_H
#define ANKLUME_STEPS_H

/* A plan, and what became of it, for people and programs. */

#include "cmd.h"
#include "plan.h"

/*
 * A line per step on OUT: "Deleted: instance pro/web", "PROTECTED (skipped): instance pro/db
 * (...)". Steps that are still to be deleted "would be".
 */
void steps_print(FILE *out, const struct step *steps, size_t n, bool is_quiet);

/* "deleted=3 skipped=1 failed=0", always the last line. */
void steps_print_counts(FILE *out, const struct plan *plan);

/*
 * The whole plan in one of the other formats. EXTRA's keys (borrowed, may be NULL) go into the
 * JSON object. -ENOMEM.
 */
int steps_write(
	const struct cmd_env *env, const struct plan *plan, json_t *extra, struct error *err);

#endif
