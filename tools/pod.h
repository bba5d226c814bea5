/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_POD_H
#define ANKLUME_POD_H

/* A machine with its recorded volumes and its instance in Incus. */

#include "cleanup.h"
#include "instance.h"
#include "volop.h"

struct pod {
	struct volop op;
	struct incus *incus;
	const struct domain *domain;
	const struct machine *machine; /* as recorded, without volumes that left the spec */
	struct machine declared; /* what machine points to; texts borrowed, the array owned */
	struct incus_instance instance;
	bool has_instance;
	char name[VOLUME_NAME_MAX]; /* "domain/machine" */
};

/*
 * Open catalogue, base and Incus, find the machine WORD ("machine", "domain/machine"). The caller
 * finishes POD in any case. CMD_NO_VOLUME.
 */
int pod_open(struct pod *pod, struct cmd_env *env, const char *word, struct error *err);
void pod_finish(struct pod *pod);

/* Look at the instance again. */
int pod_refresh(struct pod *pod, struct error *err);

/* True when the instance has all, or any, of the pod's volumes as devices. */
bool pod_has_devices(const struct pod *pod, bool all);

/* The instance from --image, stopped. */
int pod_make_instance(struct pod *pod, struct error *err);

/* Fill the volumes, bring that into force in the daemon. The instance must be stopped. */
int pod_seed(struct pod *pod, struct error *err);

/* The devices of the volumes, or none. */
int pod_attach(struct pod *pod, struct error *err);
int pod_detach(struct pod *pod, struct error *err);

int pod_start(struct pod *pod, struct error *err);
int pod_stop(struct pod *pod, struct error *err);

/* Which image and instance it is, for the volumes' seed. */
void pod_identity(const struct pod *pod, char *buf, size_t size);

DEFINE_FINISH(pod_finishp, struct pod, pod_finish)

#define cleanup_pod cleanup_(pod_finishp)

#endif
