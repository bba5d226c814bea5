/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_SURVEY_H
#define ANKLUME_SURVEY_H

/* All sides of the devices at one moment: spec, catalogue, Incus. */

#include "applied.h"
#include "attach.h"
#include "cleanup.h"
#include "cmd.h"
#include "targets.h"

struct survey {
	struct spec *spec; /* NULL: none was asked for */
	struct target_list targets;
	struct cmd_state state; /* no catalogue in a dry run before the first apply */
	struct applied_list applied;
	struct incus *incus;
	struct incus_instance_list instances; /* of all projects */
	struct attach how;
};

#define SURVEY_INIT  \
	{            \
		NULL \
	}

/* Spec and targets from ARGV as targets_load(); then the catalogue, opened in MODE, and Incus. */
int survey_open(struct survey *s, struct cmd_env *env, int argc, char **argv,
	enum catalog_mode mode, struct error *err);

/* As survey_open() with what the caller has put into S->spec and S->targets, or without a spec. */
int survey_open_incus(
	struct survey *s, struct cmd_env *env, enum catalog_mode mode, struct error *err);

void survey_finish(struct survey *s);

/*
 * The instance of a machine: whom an administrator named as its owner, else where the spec's names
 * lead. Upstream makes projects with the nesting prefix and instances without it, so a project
 * without prefix counts, too. NULL: there is none.
 */
const struct incus_instance *survey_find(const struct survey *s, const struct target *t);

DEFINE_FINISH(survey_finishp, struct survey, survey_finish)

#define cleanup_survey cleanup_(survey_finishp)

#endif
