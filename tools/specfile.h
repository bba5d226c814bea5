/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_SPECFILE_H
#define ANKLUME_SPECFILE_H

/* The spec that a verb works on: which one, read, its problems shown. */

#include "cmd.h"
#include "spec.h"

/*
 * The path to read: --spec, else WORD (may be NULL), else what lies in the current directory.
 * *RET is borrowed. CMD_USAGE when there is none.
 */
int specfile_find(const struct cmd_env *env, const char *word, const char **ret, struct error *err);

/* Read PATH; problems are printed. 0, CMD_SPEC_INVALID, or -errno with ERR set. */
int specfile_load(
	const struct cmd_env *env, const char *path, struct spec **ret, struct error *err);

/*
 * For the verbs whose result points containers into the tree: set ENV's mount to the spec's data
 * base where the user named none, warn when they differ, refuse one that lies in the base.
 */
int specfile_check_mount(struct cmd_env *env, const struct spec *spec, struct error *err);

#endif
