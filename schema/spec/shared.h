/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_SHARED_H
#define ANKLUME_SHARED_H

/* shared_volumes: the neighbours of our volumes, whose devices we show but never change. */

#include "device.h"
#include "tree.h"

/*
 * How MACHINE may use the shared volume PAIR: "ro", "rw", or NULL when it is no consumer. An entry
 * of the machine's own overrides its domain's. A name that is both means the domain, as upstream.
 */
const char *shared_access(
	const struct tree *tree, const struct yamlpair *pair, const struct tree_machine *machine);

/* Where the machines see the shared volume PAIR. Caller frees; NULL when out of memory. */
char *shared_path(const struct yamlpair *pair);

/* Append the sv- devices of MACHINE. -ENOMEM. */
int shared_add_devices(
	const struct tree *tree, const struct tree_machine *machine, struct device_list *ret);

/* Hold the consumers against the machines and domains. */
void shared_check(const struct tree *tree, struct diags *diags);

#endif
