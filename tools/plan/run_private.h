/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_RUN_PRIVATE_H
#define ANKLUME_RUN_PRIVATE_H

/* What the two halves of carrying out a plan share. */

#include "instance.h"
#include "run.h"

/* A step under way. */
struct work {
	struct step *step;
	bool is_open; /* still to be deleted */
	struct error why; /* the first thing that went wrong, if any */
	/* Of instances: */
	struct incus_instance instance; /* as it was just before */
	bool is_unprotected; /* we have cleared its protection */
};

void work_finish(struct work *work);

/*
 * Everything that comes before the deletion of instances: what is gone or protected by now is
 * closed; protection is cleared where the step says so; what runs is stopped.
 */
int instances_prepare(struct incus *incus, struct work *work, size_t n);

/* Those that could not be deleted get back the protection that was cleared. */
void instances_restore(struct incus *incus, struct work *work, size_t n);

/*
 * One call for each of the N items of WORK that is open: PREPARE fills it in. The results are in
 * *RET (N calls, those of closed items empty), which the caller frees with calls_free().
 */
int calls_run(struct incus *incus, struct work *work, size_t n,
	void (*prepare)(struct incus_call *call, const struct work *work), struct incus_call **ret);
void calls_free(struct incus_call *calls, size_t n);

/* Remember in WORK what CALL failed with, unless something went wrong before. */
void work_blame(struct work *work, const struct incus_call *call);

/* A GET of the step's object. */
void prepare_look(struct incus_call *call, const struct work *work);

#endif
