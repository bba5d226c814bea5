/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "volop.h"

static const struct {
	const char *name;
	const char *args;
	int n_min, n_max;
	uint64_t options; /* of those that the verb takes as a whole */
	int (*run)(struct volop *op, int argc, char **argv, struct error *err);
} actions[] = {
	{"create", "DOMAIN/MACHINE/VOLUME --path PATH", 1, 1, OPT_PATH | OPT_IDS | OPT_MODE,
		volume_create},
	{"copy", "VOLUME DOMAIN/MACHINE/VOLUME", 2, 2, OPT_PATH | OPT_FORCE, volume_copy},
	{"adopt", "POOL-VOLUME VOLUME", 2, 2, OPT_FORCE, volume_adopt},
	{"rename", "VOLUME NEW-NAME", 2, 2, 0, volume_rename},
	{"rm", "VOLUME", 1, 1, OPT_GRACE | OPT_YES, volume_rm},
	{"undelete", "VOLUME[@TIME] [DOMAIN/MACHINE/VOLUME]", 1, 2, 0, volume_undelete},
};

/* The options that were given, of those that not all actions take. */
static uint64_t given_options(const struct cmd_env *env)
{
	return (env->path ? OPT_PATH : 0) | (env->ids ? OPT_IDS : 0) | (env->mode ? OPT_MODE : 0) |
	       (env->grace ? OPT_GRACE : 0) | (env->is_yes ? OPT_YES : 0) |
	       (env->is_forced ? OPT_FORCE : 0);
}

static int run(struct cmd_env *env, size_t action, int argc, char **argv, struct error *err)
{
	cleanup_volop struct volop op = {.base_fd = -1};
	int r = volop_begin(&op, env, err);

	if (r == 0)
		r = actions[action].run(&op, argc, argv, err);
	return volop_end(&op, r, err);
}

int cmd_volume(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		if (strcmp(actions[i].name, argv[0]) != 0)
			continue;
		if (argc - 1 < actions[i].n_min || argc - 1 > actions[i].n_max)
			return cmd_usage(err, "usage: anklume-fsctl volume %s %s", actions[i].name,
				actions[i].args);
		if (given_options(env) & ~actions[i].options)
			return cmd_usage(err,
				"'volume %s' does not take an option that was given\n"
				"  see 'anklume-fsctl help volume'",
				actions[i].name);
		return run(env, i, argc - 1, argv + 1, err);
	}
	return cmd_usage(err, "no 'volume %s': there are create, copy, adopt, rename, rm, undelete",
		argv[0]);
}
