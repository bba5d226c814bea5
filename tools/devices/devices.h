/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_DEVICES_H
#define ANKLUME_DEVICES_H

/* What 'anklume-fsctl devices' does beyond printing. ARGV: the spec and machines, as targets.h. */

#include "cmd.h"
#include "spec.h"

/* Print what would have to be done to the instances' devices. */
int devices_diff(struct cmd_env *env, int argc, char **argv, struct error *err);

/* Do it, and look at the result from inside the instances. CMD_REFUSED: something was left. */
int devices_apply(struct cmd_env *env, int argc, char **argv, struct error *err);

/* As devices_apply() for every machine of SPEC, which is freed in any case. */
int devices_apply_spec(struct cmd_env *env, struct spec *spec, struct error *err);

/*
 * Plug anew what running containers see no more of (a mount that was replaced under them). ARGV
 * are instances, "project/name" or a name; none means all. CMD_REFUSED: something was left.
 */
int devices_heal(struct cmd_env *env, int argc, char **argv, struct error *err);

#endif
