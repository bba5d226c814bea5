/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_WORLDS_H
#define ANKLUME_WORLDS_H

/* What the tests of the planners share: worlds and plans as text. */

#include "known.h"
#include "plan.h"
#include "world.h"

/*
 * Make the world of TEXT, words between blanks:
 *   [pro]                begins a project
 *   web dev! odd? db@9/3 instances: plain, protected, unreadable, with stop/start priority
 *   img=abc prof=nesting vol=pool/name net=net-pro nic=eth0 (not managed)
 *   net=net-pro<pro/web,@pro/default,*x/y   with users: instance, profile, something else
 */
void worlds_make(const char *text, struct world *ret);

/*
 * Know the machines of TEXT, words between blanks: "pro/dev"; "lab/s1~" is ephemeral;
 * "pro/web=default/www" has an owner that an administrator set. "empty/" has no machine.
 */
void worlds_know(const char *text, const char *prefix, struct known *known);

/*
 * The plan, a line for each step: "delete instance pro/web", "unprotect instance pro/dev",
 * "protected instance pro/dev" (skipped: its reason). Caller frees.
 */
char *worlds_describe(const struct plan *plan);

#endif
