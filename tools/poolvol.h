/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_POOLVOL_H
#define ANKLUME_POOLVOL_H

/* Custom volumes of Incus' storage pools: which one is meant, who uses it. */

#include "instance.h"
#include "resource.h"

/*
 * The volume of LIST that WORD means: project/pool/volume, or an end of it that only one has.
 * CMD_NO_VOLUME with ERR set, where there are several with all of them. Pure.
 */
int poolvol_find(const struct incus_resource_list *list, const char *word,
	const struct incus_resource **ret, struct error *err);

/*
 * The instances that run and have VOLUME, as "project/instance, ..." in *RET_WHO (caller frees);
 * NULL = none. PROJECTS are all there are: an instance of a project without volumes of its own
 * uses those of the default project. Pure; -ENOMEM.
 */
int poolvol_users(const struct incus_resource *volume, const struct incus_instance_list *instances,
	const struct incus_resource_list *projects, char **ret_who);

#endif
