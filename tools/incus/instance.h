/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_INCUS_INSTANCE_H
#define ANKLUME_INCUS_INSTANCE_H

/* Containers and virtual machines. */

#include "cleanup.h"
#include "client.h"

#include <sys/types.h>

struct incus_instance {
	char *project;
	char *name;
	char *status; /* "Running", "Stopped", ... for people; decide by the two below */
	int status_code; /* 102 stopped, 103 running, 110 frozen, 112 error (doc/rest-api.md) */
	bool is_running; /* it has processes: running, frozen, or on the way to or from that */
	bool is_vm;
	bool is_ephemeral; /* Incus' own flag: deleted at its stop */
	/*
	 * security.protection.delete as it is in force, profiles included. True also when Incus
	 * did not say what is in force: who cannot tell must not delete.
	 */
	bool is_protected;
	/* Borrowed from json. Objects: key -> value, device -> {key -> value}. Never NULL. */
	json_t *config, *expanded_config;
	json_t *devices, *expanded_devices;
	json_t *json; /* the whole of it */
};

struct incus_instance_list {
	struct incus_instance *items; /* sorted by project, then name */
	size_t n_items;
};

void incus_instance_finish(struct incus_instance *instance);
void incus_instance_list_finish(struct incus_instance_list *list);

/* What JSON (an instance as GET returns it, borrowed) says. -EBADMSG, -ENOMEM. */
int incus_instance_parse(json_t *json, struct incus_instance *ret, struct error *err);

/* All instances of PROJECT, of all projects when NULL; one call. */
int incus_instance_list(struct incus *incus, const char *project, struct incus_instance_list *ret,
	struct error *err);

/* NULL when it is not in LIST. */
const struct incus_instance *incus_instance_find(
	const struct incus_instance_list *list, const char *project, const char *name);

/* The text under KEY of a config or a device; "" where there is none. */
const char *incus_text(const json_t *object, const char *key);

/* -ENOENT: there is none. */
int incus_instance_get(struct incus *incus, const char *project, const char *name,
	struct incus_instance *ret, struct error *err);

/*
 * As incus_edit() on an instance. OBJECT has config and devices; it is written as it came but for
 * what EDIT changed (volatile.* keys are carried back: a PUT without them drops them).
 */
int incus_instance_edit(struct incus *incus, const char *project, const char *name,
	int (*edit)(json_t *object, void *context, struct error *err), void *context,
	struct error *err);

/*
 * Make security.protection.delete not be in force: set it to "false" locally, which also hides
 * what a profile says. 1: changed, 0: it was not in force.
 */
int incus_instance_unprotect(
	struct incus *incus, const char *project, const char *name, struct error *err);

/* ACTION: "start", "stop", "restart", "freeze", "unfreeze"; FORCE kills instead of asking init. */
int incus_instance_set_state(struct incus *incus, const char *project, const char *name,
	const char *action, bool force, struct error *err);

/* It must be stopped (-EINVAL) and not protected (-EIO: the operation fails). */
int incus_instance_delete(
	struct incus *incus, const char *project, const char *name, struct error *err);

/* The same two as calls for incus_call_all(); finish CALL first. */
void incus_instance_prepare_stop(struct incus_call *call, const struct incus_instance *instance);
void incus_instance_prepare_delete(struct incus_call *call, const struct incus_instance *instance);

/* The host's pid of its init, 0 when it does not run. */
int incus_instance_get_pid(
	struct incus *incus, const char *project, const char *name, pid_t *ret, struct error *err);

DEFINE_FINISH(incus_instance_finishp, struct incus_instance, incus_instance_finish)

DEFINE_FINISH(incus_instance_list_finishp, struct incus_instance_list, incus_instance_list_finish)

#define cleanup_incus_instance cleanup_(incus_instance_finishp)
#define cleanup_incus_instance_list cleanup_(incus_instance_list_finishp)

#endif
