/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_APPLIED_H
#define ANKLUME_APPLIED_H

/*
 * What the catalogue knows of Incus' side: which devices were put on which instance, as they were
 * then, and which owner instances are gone. None of it concerns the daemon: no call makes a new
 * generation. A rebuilt catalogue has forgotten it, and nothing but explanations are lost.
 */

#include "catalog.h"
#include "cleanup.h"
#include "device.h"

struct applied {
	char *project, *instance;
	struct device_list devices; /* sorted by name, properties by key */
};

struct applied_list {
	struct applied *items; /* sorted by project, then instance */
	size_t n_items;
};

void applied_list_finish(struct applied_list *list);

/* All of one instance, or of every instance when both are NULL. */
int catalog_list_applied(struct catalog *cat, const char *project, const char *instance,
	struct applied_list *ret, struct error *err);

/* NULL when nothing was applied. */
const struct device_list *applied_find(
	const struct applied_list *list, const char *project, const char *instance);

/*
 * Record that DEVICE is now on the instance as it stands there; with DEVICE NULL, that the one
 * called NAME no longer is. ACTION and DETAIL (may be NULL) are for the audit trail, whose object
 * is "project/instance"; no row without ACTION.
 */
struct applied_change {
	const char *name;
	const struct device *device;
	const char *action; /* "device.add", "device.change", "device.remove", "device.replug" */
	const char *detail;
};

int catalog_record_devices(struct catalog *cat, const char *project, const char *instance,
	const struct applied_change *changes, size_t n, const struct actor *actor,
	struct error *err);

struct gone_instance {
	char *project, *instance;
	int64_t since; /* seconds since the epoch */
};

struct gone_list {
	struct gone_instance *items; /* sorted by project, then instance */
	size_t n_items;
};

void gone_list_finish(struct gone_list *list);
int catalog_list_gone(struct catalog *cat, struct gone_list *ret, struct error *err);

/* NULL: it is there, as far as is known. */
const struct gone_instance *gone_find(
	const struct gone_list *list, const char *project, const char *instance);

/*
 * The instance was deleted, what was on it with it; or (IS_GONE false) it is there, again or
 * still. *RET_CHANGED (may be NULL) is false when that was known.
 */
int catalog_set_gone(struct catalog *cat, const char *project, const char *instance, bool is_gone,
	const struct actor *actor, bool *ret_changed, struct error *err);

/* What was applied to INSTANCE is on NEW_NAME now. Owners are catalog_set_owner_instance()'s. */
int catalog_rename_applied(struct catalog *cat, const char *project, const char *instance,
	const char *new_name, const struct actor *actor, struct error *err);

DEFINE_FINISH(applied_list_finishp, struct applied_list, applied_list_finish)

DEFINE_FINISH(gone_list_finishp, struct gone_list, gone_list_finish)

#define cleanup_applied_list cleanup_(applied_list_finishp)
#define cleanup_gone_list cleanup_(gone_list_finishp)

#endif
