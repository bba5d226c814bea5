/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_TARGETS_H
#define ANKLUME_TARGETS_H

/* The machines of the spec that a verb's words mean, and their devices. */

#include "cleanup.h"
#include "cmd.h"
#include "spec.h"

struct target {
	const struct domain *domain; /* of the spec */
	const struct machine *machine;
	struct device_list devices; /* all: sv-*, pd-*, the user's */
};

struct target_list {
	struct target *items;
	size_t n_items;
};

void target_list_finish(struct target_list *list);

/*
 * Read the spec (ARGV[0] when it is one, else --spec, else what lies here) and choose what the
 * other words mean; without any, every machine of an enabled domain. RET borrows from *RET_SPEC,
 * which the caller frees. ENV's mount becomes the spec's data base where the user named none. 0,
 * CMD_USAGE, CMD_SPEC_INVALID, CMD_NO_VOLUME or -errno.
 */
int targets_load(struct cmd_env *env, int argc, char **argv, struct spec **ret_spec,
	struct target_list *ret, struct error *err);

/* The machines that the N WORDS mean in SPEC, as above. */
int targets_choose(const struct spec *spec, char *const *words, int n, struct target_list *ret,
	struct error *err);

/* The Incus project and instance of a machine, as the spec has them. */
const char *target_project(const struct target *t);
const char *target_instance(const struct target *t);

/*
 * The devices that are ours to attach, borrowed from T: shared volumes and what the user declared
 * are somebody else's to add. ITEMS has room for all of T's.
 */
struct device_list target_persistent(const struct target *t, struct device *items);

DEFINE_FINISH(target_list_finishp, struct target_list, target_list_finish)

#define cleanup_target_list cleanup_(target_list_finishp)

#endif
