/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_EDIT_H
#define ANKLUME_EDIT_H

/* The walk of a verb that changes records of volumes: open, select, change each, tell the daemon. */

#include "cleanup.h"
#include "cmd.h"
#include "report.h"

struct edit {
	struct cmd_env *env;
	struct cmd_state state;
	struct selection selection;
	struct mark_store marks;
	int base_fd;
	struct report report;
};

/*
 * Make ready to change what the ARGC words at ARGV mean. With a dry run the catalogue is opened for
 * reading. The caller finishes EDIT in any case. 0, CMD_NO_VOLUME, CMD_REFUSED (a volume has no
 * directory that could take the mark) or -errno.
 */
int edit_begin(struct edit *edit, struct cmd_env *env, int argc, char **argv, struct error *err);

/*
 * For a change of the machines themselves, which marks all their volumes: CMD_REFUSED when one of
 * these has no directory.
 */
int edit_check_machines(const struct edit *edit, struct error *err);

/* Change one volume; CONTEXT is the verb's. In a dry run it only reports. */
typedef int edit_fn(
	struct edit *edit, const struct volume_ref *ref, const void *context, struct error *err);

/*
 * FN for each volume, then the end of the report, also when one of them failed: what was done is
 * done. The first error is what counts.
 */
int edit_run(struct edit *edit, edit_fn *fn, const void *context, struct error *err);

void edit_finish(struct edit *edit);

DEFINE_FINISH(edit_finishp, struct edit, edit_finish)

#define cleanup_edit cleanup_(edit_finishp)

#endif
