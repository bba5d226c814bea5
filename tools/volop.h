/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_VOLOP_H
#define ANKLUME_VOLOP_H

/* The walk of a verb that makes, moves or removes volumes: open, act, tell the daemon, report. */

#include "cleanup.h"
#include "cmd.h"
#include "lifecycle.h"
#include "path.h"
#include "report.h"

struct volop {
	struct cmd_env *env;
	struct cmd_state state;
	struct mark_store marks;
	int base_fd;
	struct report report;
};

/* Open catalogue and base. The caller finishes OP in any case. */
int volop_begin(struct volop *op, struct cmd_env *env, struct error *err);

/*
 * R is what the action returned. Also after a failure the daemon is told and what was done is
 * reported; the failure is what counts.
 */
int volop_end(struct volop *op, int r, struct error *err);
void volop_finish(struct volop *op);

/* "domain/machine/volume", in pieces. */
struct volume_name {
	char domain[NAME_LENGTH_MAX + 1];
	char machine[NAME_LENGTH_MAX + 1];
	char volume[NAME_LENGTH_MAX + 1];
};

/* CMD_USAGE when WORD is no full name. */
int volume_name_parse(const char *word, struct volume_name *ret, struct error *err);

/* NULL when it is not recorded. */
const struct machine *volop_find_machine(
	const struct volop *op, const struct volume_name *name, const struct domain **ret_domain);
bool volop_find_volume(
	const struct volop *op, const struct volume_name *name, struct volume_ref *ret);

/* CMD_NO_VOLUME when the machine of NAME is not recorded, CMD_REFUSED when the volume is. */
int volop_check_new(const struct volop *op, const struct volume_name *name, struct error *err);

/*
 * Ask for NAME to be typed. With --yes it is not asked, but WORD, which is what the command line
 * says, must be the full name. CMD_REFUSED.
 */
int volop_confirm(const struct volop *op, const char *prompt, const char *word, const char *name,
	struct error *err);

/* The new volume of MACHINE as options and defaults say; texts borrowed. CMD_USAGE. */
int volop_describe(const struct volop *op, const struct machine *machine, const char *name,
	const char *path, struct volume *ret, struct error *err);

DEFINE_FINISH(volop_finishp, struct volop, volop_finish)

#define cleanup_volop cleanup_(volop_finishp)

/* The verbs below 'volume'. */
int volume_create(struct volop *op, int argc, char **argv, struct error *err);
int volume_copy(struct volop *op, int argc, char **argv, struct error *err);
int volume_adopt(struct volop *op, int argc, char **argv, struct error *err);
int volume_rename(struct volop *op, int argc, char **argv, struct error *err);
int volume_rm(struct volop *op, int argc, char **argv, struct error *err);
int volume_undelete(struct volop *op, int argc, char **argv, struct error *err);

/*
 * Move one volume to the trash, whatever was asked before: the verb's checks but the question.
 * CMD_REFUSED.
 */
int volume_trash(struct volop *op, const struct volume_ref *ref, struct error *err);

/* 0, or CMD_REFUSED with why REF cannot go to the trash. */
int volume_check_trash(struct volop *op, const struct volume_ref *ref, struct error *err);

#endif
