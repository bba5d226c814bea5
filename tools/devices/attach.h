/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_ATTACH_H
#define ANKLUME_ATTACH_H

/* The devices of one instance made as the spec wants them, and looked at from inside. */

#include "applied.h"
#include "cleanup.h"
#include "devplan.h"
#include "instance.h"
#include "sight.h"

/* How to go about it; all borrowed. */
struct attach {
	struct incus *incus;
	struct catalog *catalog; /* open for writing; NULL in a dry run */
	const struct actor *actor;
	const char *tree; /* the mount */
	const char *base;
	bool may_replug; /* take devices away from running instances, to plug them anew or not */
	bool is_adopting;
};

/* What became of a step. */
enum attach_outcome {
	ATTACH_NOTHING, /* there was nothing to do */
	ATTACH_WOULD, /* in a dry run */
	ATTACH_DONE,
	ATTACH_HELD_BACK, /* the instance runs, and may_replug is not set */
	ATTACH_FAILED,
};

/* "done", "needs-replug", ...; NULL for ATTACH_NOTHING. */
const char *attach_outcome_word(enum attach_outcome outcome);

struct attach_result {
	struct devplan plan;
	enum attach_outcome *outcomes; /* of the plan's steps, same index */
	bool is_running;
	char *error; /* why it failed; NULL = it did not */
};

void attach_result_finish(struct attach_result *result);

/*
 * What would be done to IN. WANTED are the pd-* devices of the spec, APPLIED (may be NULL) what is
 * recorded. -ENOMEM.
 */
int attach_plan(const struct attach *how, const struct incus_instance *in,
	const struct device_list *wanted, const struct device_list *applied,
	struct attach_result *ret);

/*
 * Do it, on the instance as it is now. What Incus refuses and what the instance does not see
 * afterwards is in RET, as outcomes and error. -errno only where nothing can go on: Incus is gone,
 * the catalogue cannot be written, no memory.
 */
int attach_run(const struct attach *how, const char *project, const char *name,
	const struct device_list *wanted, const struct device_list *applied,
	struct attach_result *ret, struct error *err);

/*
 * What the running container sees of DEVICE. As sight_look(), and -ESRCH: its processes are not
 * visible from here.
 */
int attach_look(const struct attach *how, const char *project, const char *name,
	const struct device *const *devices, size_t n, enum sight *ret, struct error *err);

/*
 * Take DEVICE off the running instance and plug it again as it was, so that the source is opened
 * anew. It is recorded first: when the second half fails, 'devices apply' puts it back.
 */
int attach_replug(const struct attach *how, const char *project, const char *name,
	const struct device *device, struct error *err);

DEFINE_FINISH(attach_result_finishp, struct attach_result, attach_result_finish)

#define cleanup_attach_result cleanup_(attach_result_finishp)

#endif
