/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_DEVPLAN_H
#define ANKLUME_DEVPLAN_H

/*
 * What has to be done to the disk devices of one instance. Pure: no socket, no disk.
 *
 * Three sides are compared: what is wanted (the spec), what was applied last (the catalogue), what
 * is there (Incus). Comparing goes by meaning: a key that is missing has its default, "1" is
 * "true", "/a/" is "/a". Ours are the instance's own pd-* devices that were applied by us or whose
 * source lies in our tree; keys that we do not set (limits.*) stay as they are. Everything else is
 * foreign and only shown.
 */

#include "cleanup.h"
#include "device.h"

enum devplan_action {
	DEVPLAN_KEEP, /* as it should be */
	DEVPLAN_ADD,
	DEVPLAN_CHANGE,
	DEVPLAN_REMOVE, /* it was ours and left the spec */
	DEVPLAN_REFUSE, /* in the way of a wanted device; detail says what and what to do */
	DEVPLAN_UNKNOWN, /* a pd-* device that nobody declared: left alone */
	DEVPLAN_FOREIGN, /* sv-*, the user's, a profile's: not ours to touch */
	N_DEVPLAN_ACTIONS,
};

/* "keep", "add", ... */
const char *devplan_action_word(enum devplan_action action);

/* Where a foreign device comes from. */
enum devplan_origin {
	DEVPLAN_OURS,
	DEVPLAN_SHARED, /* sv-* */
	DEVPLAN_POOL, /* a volume of a storage pool: no persistent data in the sense of the tree */
	DEVPLAN_USER, /* the instance's own */
	DEVPLAN_PROFILE,
};

/* "ours", "shared", ... */
const char *devplan_origin_word(enum devplan_origin origin);

struct devplan_step {
	enum devplan_action action;
	enum devplan_origin origin;
	char *name;
	char *detail; /* what differs, or why not; NULL = nothing to add */
	bool is_unplug; /* takes a mount away: a running instance loses sight of it for a moment */
	bool is_drift; /* somebody else than us and the spec changed or removed it */
	bool is_news; /* not recorded as applied, though it is as it should be */
	struct device device; /* what it is to be afterwards; no name when it is to go */
};

struct devplan {
	struct devplan_step *items; /* wanted ones in their order, then the others by name */
	size_t n_items;
};

void devplan_finish(struct devplan *plan);

/* All borrowed. Lists that are NULL are empty. */
struct devplan_view {
	const struct device_list *wanted; /* the pd-* devices of the spec */
	const struct device_list *applied;
	const struct device_list *local;
	const struct device_list *expanded; /* with those of the profiles */
	const char *tree; /* the mount, normalised */
	const char *base; /* the data base, normalised; NULL = not known */
	bool is_vm;
	bool is_adopting; /* pd-* devices of unknown origin are ours, too */
};

/* RET is zeroed before. -ENOMEM. */
int devplan_make(const struct devplan_view *view, struct devplan *ret);

/* How many steps change something. */
size_t devplan_count_changes(const struct devplan *plan);
size_t devplan_count(const struct devplan *plan, enum devplan_action action);

DEFINE_FINISH(devplan_finishp, struct devplan, devplan_finish)

#define cleanup_devplan cleanup_(devplan_finishp)

#endif
