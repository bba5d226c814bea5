/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_KNOWN_H
#define ANKLUME_KNOWN_H

/*
 * What spec and catalogue know of Incus: which projects and networks are a domain's, which
 * instances are its machines. Nothing else is ours to delete.
 */

#include "cleanup.h"
#include "volume.h"

/* anklume calls a domain's project <prefix><domain> and its bridge <prefix>net-<domain>. */
struct known_place {
	char *project;
	char *network;
};

struct known_machine {
	char *name;
	char *project, *instance; /* its owner instance, as recorded or declared */
	bool is_ephemeral;
	char **volumes; /* names of its persistent volumes */
	size_t n_volumes;
};

struct known_domain {
	char *name;
	struct known_place *places; /* more than one where there is a nesting prefix */
	size_t n_places;
	struct known_machine *machines;
	size_t n_machines;
};

struct known {
	struct known_domain *domains;
	size_t n_domains;
};

void known_finish(struct known *known);

/*
 * Add what INFRA says. Where its machines' projects have a nesting prefix, both names of a project
 * count: upstream makes projects with it and looks for instances without it. A machine that is known
 * already stays as it is: add what is declared before what is recorded. -ENOMEM.
 */
int known_add(struct known *known, const struct infra *infra);

/* NULL when there is none. */
const struct known_domain *known_find_domain(const struct known *known, const char *name);
const struct known_domain *known_find_project(const struct known *known, const char *project);
const struct known_domain *known_find_network(const struct known *known, const char *network);

/* The machine whose owner instance it is, and its domain. NULL when there is none. */
const struct known_machine *known_find_instance(const struct known *known, const char *project,
	const char *instance, const struct known_domain **ret_domain);

/*
 * The project whose bridge is called NETWORK by anklume's rule, known or not: "net-pro" -> "pro",
 * "001-net-pro" -> "001-pro". NULL: it is no such name; or out of memory. Caller frees.
 */
char *known_project_of_network(const char *network);

DEFINE_FINISH(known_finishp, struct known, known_finish)

#define cleanup_known cleanup_(known_finishp)

#endif
