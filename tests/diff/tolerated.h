/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DIFF_TOLERATED_H
#define DIFF_TOLERATED_H

/* Findings that are open, so that the tester can go on looking for others. */

#include "op.h"

/*
 * Treat as known what SPEC ("OP:NATIVE:MOUNT": fnmatch(3) patterns of the operation as in a
 * script, without the actor, and of the results) describes. False when SPEC is not of this form,
 * or the last of too many.
 */
bool tolerate(const char *spec);

bool is_tolerated(const struct op *op, const char *native, const char *mount);

/* OP is one that "OP:end:end" describes: what it does shows only later, so the round ends here. */
bool tolerated_ends_round(const struct op *op);

#endif
