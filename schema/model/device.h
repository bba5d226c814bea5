/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_DEVICE_H
#define ANKLUME_DEVICE_H

/* An Incus device: a name and ordered string properties. */

#include "cleanup.h"
#include "volume.h"

enum device_origin {
	DEVICE_PERSISTENT, /* pd-*: ours */
	DEVICE_SHARED, /* sv-*: from shared_volumes */
	DEVICE_USER, /* from the machine's own `devices` */
};

struct device_property {
	char *key;
	char *value;
};

struct device {
	char *name;
	enum device_origin origin;
	struct device_property *properties;
	size_t n_properties;
};

struct device_list {
	struct device *items;
	size_t n_items;
};

/* Free what it owns and leave it empty. */
void device_finish(struct device *device);

void device_list_init(struct device_list *list);
void device_list_finish(struct device_list *list);

/* Append a device without properties; valid until the next addition. NULL when out of memory. */
struct device *device_list_add(
	struct device_list *list, const char *name, enum device_origin origin);

/* Append KEY=VALUE (copied). -ENOMEM. */
int device_set(struct device *device, const char *key, const char *value);

/* The value of KEY, NULL when it is not set. */
const char *device_get(const struct device *device, const char *key);

/*
 * Append the pd- device of VOLUME: type, source (below BASE), path, shift="true", and
 * readonly="true" only when the spec says so: what an administrator froze stays frozen by the
 * mount, and a thaw needs no replug. -ENOMEM.
 */
int device_list_add_volume(struct device_list *list, const char *base, const struct domain *domain,
	const struct machine *machine, const struct volume *volume);

DEFINE_FINISH(device_list_finishp, struct device_list, device_list_finish)

#define cleanup_device_list cleanup_(device_list_finishp)

#endif
