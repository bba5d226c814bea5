/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_WORLD_H
#define ANKLUME_WORLD_H

/*
 * What there is on an Incus server, as far as the planners look: plain owned data, read once
 * (gather.h) or written down by a test.
 */

#include "cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct world_instance {
	char *name;
	/* security.protection.delete is in force, from a profile too; true when nobody could tell. */
	bool is_protected;
	bool is_unreadable; /* nobody could tell */
	/* boot.stop.priority (higher stops first) and boot.autostart.priority (higher starts first). */
	int64_t stop_priority, start_priority;
};

enum world_user_kind { WORLD_USER_INSTANCE, WORLD_USER_PROFILE, WORLD_USER_OTHER };

/* Who uses a profile or a network. */
struct world_user {
	enum world_user_kind kind;
	char *project;
	char *name;
};

/* An image, a profile, a network, or a custom volume ("pool/name"). */
struct world_object {
	char *name; /* the fingerprint of an image */
	bool is_managed; /* of a network: Incus made it; else true */
	struct world_user *users;
	size_t n_users;
};

struct world_objects {
	struct world_object *items;
	size_t n_items;
};

/* What lives in the project itself: without a feature (features.images) it uses the default's. */
struct world_project {
	char *name;
	struct world_instance *instances;
	size_t n_instances;
	struct world_objects images, profiles, networks, volumes;
};

struct world {
	struct world_project *projects; /* sorted by name, as are all lists once world_sort() ran */
	size_t n_projects;
};

#define WORLD_DEFAULT "default" /* the project, and the profile of each project, that always are */

void world_init(struct world *world);
void world_finish(struct world *world);
void world_sort(struct world *world);

/*
 * Append a zeroed child that owns copies of its names. Valid until the next addition to the same
 * parent. NULL when out of memory.
 */
struct world_project *world_add_project(struct world *world, const char *name);
struct world_instance *world_add_instance(struct world_project *project, const char *name);
struct world_object *world_add_object(struct world_objects *objects, const char *name);
struct world_user *world_add_user(struct world_object *object, enum world_user_kind kind,
	const char *project, const char *name);

/* NULL when there is none of that name. */
struct world_project *world_find_project(const struct world *world, const char *name);
struct world_instance *world_find_instance(const struct world_project *project, const char *name);

DEFINE_FINISH(world_finishp, struct world, world_finish)

#define cleanup_world cleanup_(world_finishp)

#endif
