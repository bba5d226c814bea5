/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_ATTACHED_H
#define ANKLUME_ATTACHED_H

/* Which instances have a volume among their devices. */

#include "cmd.h"

struct incus_instance;

/*
 * Look at all instances of all projects but EXCEPT (its project and name; NULL = none), running or not, with their profiles' devices. 0 and
 * *RET_WHO NULL: none, or there is no Incus on this machine; else *RET_WHO is "project/instance
 * (device), ..." for the caller to free. An Incus that is there and does not answer is an error: who
 * cannot tell must not take a volume away.
 */
int attached_find(const struct cmd_env *env, const struct volume_ref *ref,
	const struct incus_instance *except, char **ret_who, struct error *err);

/* CMD_REFUSED when an instance has the volume, or files of it are open for writing in the mount. */
int attached_check(const struct cmd_env *env, const struct volume_ref *ref, struct error *err);

/* CMD_REFUSED when another instance than PROJECT/INSTANCE has the volume. */
int attached_check_others(const struct cmd_env *env, const struct volume_ref *ref,
	const char *project, const char *instance, struct error *err);

#endif
