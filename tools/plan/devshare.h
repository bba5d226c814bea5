/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_DEVSHARE_H
#define ANKLUME_DEVSHARE_H

/*
 * Volumes that more than one instance has: what `incus copy` and the restore of an old snapshot
 * leave behind. Pure.
 */

#include "cleanup.h"
#include "device.h"

struct devshare_instance {
	const char *project, *name;
	const struct device_list *expanded;
	bool is_running;
};

struct devshare {
	char *source; /* normalised */
	size_t *instances; /* indexes into what was looked at, two or more */
	size_t n_instances;
};

struct devshare_list {
	struct devshare *items; /* sorted by source */
	size_t n_items;
};

void devshare_list_finish(struct devshare_list *list);

/*
 * The sources below TREE that several of the N instances have through pd-* devices: sv-* devices
 * are there to be shared. -ENOMEM.
 */
int devshare_find(const struct devshare_instance *instances, size_t n, const char *tree,
	struct devshare_list *ret);

DEFINE_FINISH(devshare_list_finishp, struct devshare_list, devshare_list_finish)

#define cleanup_devshare_list cleanup_(devshare_list_finishp)

#endif
