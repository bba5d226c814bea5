/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_DEVROWS_H
#define ANKLUME_DEVROWS_H

/* What devices diff, apply and heal print: rows, counts, times. */

#include "attach.h"
#include "cleanup.h"
#include "cmd.h"
#include "targets.h"

#include <jansson.h>

struct devrows {
	json_t *rows;
	size_t n_changed; /* done, or would be in a dry run */
	size_t n_refused; /* left as it was: --replug, --adopt, or a person is needed */
	size_t n_failed;
	size_t n_absent; /* machines without an instance */
	size_t n_instances;
	uint64_t begin_us; /* when the verb began */
};

int devrows_init(struct devrows *rows, struct error *err);
void devrows_finish(struct devrows *rows);

/* The result of one machine's instance. */
int devrows_add(struct devrows *rows, const struct target *t, const struct incus_instance *in,
	const struct attach_result *result, struct error *err);

/*
 * One more row, counted by nobody. Strings may be NULL. ACTION: "absent", "shared", "stale", ...
 */
int devrows_add_row(struct devrows *rows, const char *machine, const char *instance,
	const char *device, const char *action, const char *result, const char *detail,
	struct error *err);

/*
 * Print everything. SAYS is what is said when there is nothing to print. 0, CMD_REFUSED when
 * something was left, CMD_FAILED when something failed; both only where IS_DOING.
 */
int devrows_end(struct devrows *rows, const struct cmd_env *env, const struct incus *incus,
	bool is_doing, const char *says, struct error *err);

DEFINE_FINISH(devrows_finishp, struct devrows, devrows_finish)

#define cleanup_devrows cleanup_(devrows_finishp)

#endif
