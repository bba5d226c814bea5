/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_GENFILES_H
#define ANKLUME_GENFILES_H

/*
 * The files that anklume generates for Ansible below one directory: inventory/<domain>.yml,
 * group_vars/<domain>.yml, host_vars/<machine>.yml. They go with their domain; a file in which a
 * person wrote beside the managed block stays.
 */

#include "known.h"
#include "plan.h"
#include "world.h"

#include "errors.h"

/* The directories that they are in. */
#define N_GENFILES_DIRS 3
extern const char *const genfiles_dirs[N_GENFILES_DIRS];

/*
 * Add a step for each file of a domain of which, by PLAN, nothing stays. DIR_FD is the directory;
 * symlinks below it are not followed, and are nobody's files here. -ENOMEM or what reading gave.
 */
int genfiles_plan(int dir_fd, const struct known *known, const struct world *world,
	struct plan *plan, struct error *err);

/* Remove the files of the N STEPS of kind STEP_FILE, but not those whose project stayed after all. */
int genfiles_run(int dir_fd, const struct plan *plan, struct step *steps, size_t n);

#endif
