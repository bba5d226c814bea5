/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_DELETION_H
#define ANKLUME_DELETION_H

/* What flush and remove share: what is known, what is there, a plan, its run and its report. */

#include "cleanup.h"
#include "cmd.h"
#include "gather.h"
#include "known.h"
#include "plan.h"

struct deletion {
	struct cmd_env *env;
	struct known known;
	bool has_knowledge; /* there is a spec or a catalogue */
	struct catalog *catalog; /* for the audit trail; NULL = there is none */
	struct incus *incus;
	struct world world;
	struct plan plan;
	int files_fd; /* --files, -1 = none */
};

#define DELETION_INIT(e)                   \
	{                                  \
		.env = (e), .files_fd = -1 \
	}

void deletion_finish(struct deletion *d);

/*
 * Read the spec (--spec, or what lies in the current directory) and the catalogue; both may be
 * missing. CMD_SPEC_INVALID, or an error.
 */
int deletion_learn(struct deletion *d, struct error *err);

/* Connect to Incus and see what is there. */
int deletion_look(struct deletion *d, enum gather_what what, struct error *err);

/*
 * Carry out the plan: each group of steps is printed and recorded in the audit trail. Does nothing
 * in a dry run.
 */
int deletion_run(struct deletion *d, struct error *err);

/*
 * The end of the report: in a table the counts as the last line, else the whole plan with EXTRA's
 * keys (may be NULL). Returns the exit code by the states of the steps, or an error.
 */
int deletion_end(struct deletion *d, json_t *extra, struct error *err);

DEFINE_FINISH(deletion_finishp, struct deletion, deletion_finish)

#define cleanup_deletion cleanup_(deletion_finishp)

#endif
