/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_PLAN_H
#define ANKLUME_PLAN_H

/*
 * What a flush or a removal will do, as ordered steps that say why. A plan is made without
 * touching anything (flush.h, remove.h), printed as it is by --dry-run, and carried out by run.h,
 * which writes into each step what became of it.
 */

#include "cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order in which they are carried out. */
enum step_kind {
	STEP_INSTANCE,
	STEP_IMAGE,
	STEP_PROFILE,
	STEP_PROJECT_NETWORK, /* lives in its project, which cannot go before it */
	STEP_PROJECT,
	STEP_NETWORK, /* a bridge of the default project */
	STEP_FILE, /* that was generated for a domain or a machine */
};

enum step_state {
	STEP_TO_DELETE,
	STEP_DELETED,
	STEP_SKIPPED,
	STEP_FAILED,
};

/* Why a step is skipped; step_reason_word() is the JSON word. */
enum step_reason {
	REASON_NONE,
	REASON_PROTECTED,
	REASON_INSTANCES_REMAIN, /* in this project */
	REASON_POOL_VOLUMES, /* hold data in this project */
	REASON_IN_USE, /* by something that stays */
	REASON_NOT_EPHEMERAL,
	REASON_EDITED, /* the file has lines that were not generated */
	REASON_GONE, /* since the plan was made */
	REASON_INTERRUPTED,
};

struct step {
	enum step_kind kind;
	enum step_state state;
	enum step_reason reason;
	char *project; /* where it lives; NULL for projects and files */
	char *name;
	char *detail; /* more words for people, NULL = none */
	char *stays_with; /* the project whose staying keeps it; NULL = none */
	bool must_unprotect; /* protected, and to be deleted all the same */
	int64_t stop_priority, start_priority; /* of instances: those of one pair go together */
};

struct plan {
	struct step *items;
	size_t n_items;
	size_t n_foreign; /* projects with instances that nothing knows: left alone */
};

void plan_finish(struct plan *plan);

/* Append a step to delete NAME; PROJECT may be NULL. NULL when out of memory. */
struct step *plan_add(
	struct plan *plan, enum step_kind kind, const char *project, const char *name);

/* Make STEP one that is skipped. The formatted detail is for people. -ENOMEM. */
int step_skip(struct step *step, enum step_reason reason, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Make STEP one that failed. DETAIL is copied; NULL when there was no memory for it. */
void step_fail(struct step *step, const char *detail);

/*
 * Order the steps: kind by kind; instances by boot.stop.priority (high ones first), then those
 * that were started last, as Incus itself does at a shutdown; then by name.
 */
void plan_sort(struct plan *plan);

/* NULL when there is none. PROJECT may be NULL as in the step. */
const struct step *plan_find(
	const struct plan *plan, enum step_kind kind, const char *project, const char *name);

/* How many steps are in STATE. */
size_t plan_count(const struct plan *plan, enum step_state state);

/* How many steps are skipped for REASON. */
size_t plan_count_reason(const struct plan *plan, enum step_reason reason);

/* How many steps clear a protection. */
size_t plan_count_unprotected(const struct plan *plan);

/* "instance", "project network", ... */
const char *step_kind_word(enum step_kind kind);

/* "protected", "instances-remain", ...; NULL for REASON_NONE. */
const char *step_reason_word(enum step_reason reason);

/* "pro/pro-dev" or "pro": the step's object, as people and the audit trail call it. Caller frees. */
char *step_object(const struct step *step);

DEFINE_FINISH(plan_finishp, struct plan, plan_finish)

#define cleanup_plan cleanup_(plan_finishp)

#endif
