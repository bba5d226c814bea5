/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_FLUSH_H
#define ANKLUME_FLUSH_H

/*
 * What a flush deletes and what it spares. Pure: no socket, no disk.
 *
 * - Instances of a chosen project go, protected ones only with FORCE.
 * - A project in which something stays keeps its images, its profiles and its networks: what is
 *   spared must go on working. It stays when an instance does, or when it holds volumes of a
 *   storage pool: those are data, and never deleted here.
 * - What is used by something that stays, stays.
 * - The default project and its images stay, always.
 */

#include "known.h"
#include "plan.h"
#include "world.h"

struct flush_options {
	bool is_forced; /* protected instances, too */
	bool is_everywhere; /* not only what is known: every project, the default one included */
};

/* The steps, sorted. RET is zeroed before; -ENOMEM. */
int plan_flush(const struct world *world, const struct known *known,
	const struct flush_options *options, struct plan *ret);

#endif
