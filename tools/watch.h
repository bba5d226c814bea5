/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_WATCH_H
#define ANKLUME_WATCH_H

/*
 * What the catalogue makes of Incus' events: owners follow renames, deleted instances are noted,
 * and what differs from what was applied is said. Every call opens the catalogue anew: a watcher
 * runs for months, and others write it and replace it meanwhile.
 */

#include "cmd.h"
#include "events.h"
#include "instance.h"

struct watch {
	struct cmd_env *env;
	struct incus *incus;
};

/* Bring the catalogue in line with the instances that there are now: after every connection. */
int watch_sync(struct watch *w, struct error *err);

/* What EVENT means. Events that concern no owner instance and no pd-* device mean nothing. */
int watch_event(struct watch *w, const struct incus_event *event, struct error *err);

#endif
