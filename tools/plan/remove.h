/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_REMOVE_H
#define ANKLUME_REMOVE_H

/* Which instances a removal means, and which of them it spares. Pure: no socket, no disk. */

#include "errors.h"
#include "known.h"
#include "plan.h"
#include "world.h"

/*
 * The instance NAME, found over all projects; PROJECT (may be NULL) says which of several. A
 * protected one gets a step that unprotects it: whether that may be is the caller's question.
 * -ENOENT: there is none; -ENOTUNIQ: several projects have one, ERR lists them; -ENOMEM.
 */
int plan_remove_instance(const struct world *world, const char *project, const char *name,
	struct plan *ret, struct error *err);

enum remove_scope {
	REMOVE_EPHEMERAL, /* machines with ephemeral: true; protected ones only with FORCE */
	REMOVE_ALL, /* every instance of the domain; protected ones get a step that unprotects */
};

/*
 * The instances of DOMAIN: its machines, wherever they live, and with REMOVE_ALL whatever else
 * lives in its projects. -ENOENT: spec and catalogue know no such domain; -ENOMEM.
 */
int plan_remove_domain(const struct world *world, const struct known *known, const char *domain,
	enum remove_scope scope, bool is_forced, struct plan *ret, struct error *err);

#endif
