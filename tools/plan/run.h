/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_RUN_H
#define ANKLUME_RUN_H

/*
 * Carry out a plan on the Incus server. What is independent is done at the same time. Nothing is
 * believed: protection is read again before an instance is stopped, a project's instances are
 * listed again before anything of it goes, and what was deleted is looked for afterwards.
 */

#include "client.h"
#include "plan.h"

struct run {
	struct incus *incus;
	struct plan *plan;
	/*
	 * Called with each group of N steps, in the plan's order, once their states are final. An
	 * error ends the run, with ERR set.
	 */
	int (*report)(void *context, const struct step *steps, size_t n, struct error *err);
	void *context;
};

/*
 * Begin nothing more: the group of steps under way is finished, with what a protection that was
 * cleared in vain needs; the rest is skipped as interrupted. For signal handlers.
 */
void run_stop(void);

/*
 * 0 when every step (but those of files, which are not Incus') was tried: what became of them is
 * in their states. An error of report, or -ENOMEM.
 */
int run_plan(const struct run *run, struct error *err);

#endif
