/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_INCUS_RESOURCE_H
#define ANKLUME_INCUS_RESOURCE_H

/* What else Incus holds: listed, deleted, changed in one way for all kinds. */

#include "cleanup.h"
#include "client.h"

enum incus_kind {
	INCUS_PROJECT,
	INCUS_PROFILE,
	INCUS_NETWORK,
	INCUS_IMAGE,
	INCUS_VOLUME, /* custom volume of a pool */
	INCUS_POOL,
	N_INCUS_KINDS,
};

struct incus_resource {
	enum incus_kind kind;
	/*
	 * Where it lives; NULL for projects and pools, which live in none. A project without a
	 * feature (features.images=false) uses the default project's: list with one project and
	 * look here before you delete.
	 */
	char *project;
	char *pool; /* of a volume, else NULL */
	char *name; /* the fingerprint of an image */
	size_t n_used_by; /* references that Incus counts; 0 where it counts none */
	bool is_managed; /* of a network: Incus made it; true for all other kinds */
	/* Borrowed from json; never NULL. */
	json_t *config; /* key -> value; empty for images */
	json_t *devices; /* of a profile; else empty */
	json_t *used_by; /* array of references: "/1.0/instances/x?project=y" */
	json_t *json; /* the whole of it */
};

struct incus_resource_list {
	struct incus_resource *items; /* in Incus' order */
	size_t n_items;
};

void incus_resource_list_finish(struct incus_resource_list *list);

/* "image", for messages. */
const char *incus_kind_name(enum incus_kind kind);

/*
 * Everything of KIND in PROJECT; NULL is all projects. Projects and pools take no PROJECT. Volumes
 * are those of every pool, only custom ones, without snapshots.
 */
int incus_resource_list(struct incus *incus, enum incus_kind kind, const char *project,
	struct incus_resource_list *ret, struct error *err);

/* -EINVAL or -EEXIST: it is in use, as Incus says. The operation, where there is one, is waited for. */
int incus_resource_delete(
	struct incus *incus, const struct incus_resource *resource, struct error *err);

/* As incus_edit() on one resource. */
int incus_resource_edit(struct incus *incus, const struct incus_resource *resource,
	int (*edit)(json_t *object, void *context, struct error *err), void *context,
	struct error *err);

/* A call for incus_call_all() that deletes it. */
void incus_resource_prepare_delete(struct incus_call *call, const struct incus_resource *resource);

DEFINE_FINISH(incus_resource_list_finishp, struct incus_resource_list, incus_resource_list_finish)

#define cleanup_incus_resource_list cleanup_(incus_resource_list_finishp)

#endif
