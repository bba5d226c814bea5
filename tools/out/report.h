/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_REPORT_H
#define ANKLUME_REPORT_H

/*
 * What a verb changed, volume by volume, and its end: the daemon is told the new generation, and
 * only then the report is printed.
 */

#include "cleanup.h"
#include "cmd.h"

#include <jansson.h>

struct report {
	json_t *items; /* {"volume", "action", "detail"} */
	json_t *extra; /* more keys of the JSON result; NULL = none */
	size_t n_changed;
	bool shows_writers; /* say which of the volumes are open for writing */
	unsigned int counts; /* enum report_counts: a line and keys with how many of each */
	const char *nothing; /* said when there is no item; NULL = nothing */
};

enum report_counts {
	COUNT_APPLY = 1u << 0,
};

enum report_action {
	REPORT_CREATED,
	REPORT_RECREATED,
	REPORT_EXISTS,
	REPORT_UPDATED,
	REPORT_ORPHANED,
	REPORT_ADOPTED,
	REPORT_PROTECTED,
	REPORT_UNPROTECTED,
	REPORT_READONLY,
	REPORT_WRITABLE,
	REPORT_HELD,
	REPORT_RELEASED,
	REPORT_REMOVED,
	REPORT_RENAMED,
	REPORT_COPIED,
	REPORT_RESTORED,
	REPORT_SEEDED,
	REPORT_ATTACHED,
	REPORT_DETACHED,
	REPORT_STARTED,
	REPORT_STOPPED,
	REPORT_SKIPPED,
	REPORT_UNCHANGED,
};

int report_init(struct report *report, struct error *err);
void report_finish(struct report *report);

/* DETAIL may be NULL. -ENOMEM. */
int report_add(struct report *report, enum report_action action, const char *volume,
	const char *detail, struct error *err);

/*
 * Bring GENERATION into force, print what was done. 0, CMD_NOT_IN_FORCE or -errno. A dry run
 * tells nobody.
 */
int report_end(struct report *report, struct cmd_env *env, uint64_t generation, struct error *err);

DEFINE_FINISH(report_finishp, struct report, report_finish)

#define cleanup_report cleanup_(report_finishp)

#endif
