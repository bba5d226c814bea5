/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_GATHER_H
#define ANKLUME_GATHER_H

/* Read what there is on the Incus server. */

#include "client.h"
#include "world.h"

enum gather_what {
	GATHER_INSTANCES, /* projects and their instances */
	GATHER_ALL, /* images, profiles, networks and volumes, too */
};

/* RET is sorted; the caller finishes it. Whatever cannot be read is an error of the whole. */
int gather_world(struct incus *incus, enum gather_what what, struct world *ret, struct error *err);

/* How many instances PROJECT has now, asked anew. */
int gather_count_instances(
	struct incus *incus, const char *project, size_t *ret, struct error *err);

#endif
