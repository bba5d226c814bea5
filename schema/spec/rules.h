/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_RULES_H
#define ANKLUME_RULES_H

/*
 * What must hold between the keys of a spec whose single keys were checked by keys.h. Each rule
 * reports into DIAGS and changes nothing; all are pure.
 */

#include "tree.h"

/* Every rule. PREFIX is the nesting prefix of Incus names, "" for none. */
void rules_check(const struct tree *tree, const char *prefix, struct diags *diags);

/* Volumes, and whatever else is mounted into the same machine (rules_mounts.c). */
void rules_check_mounts(const struct tree *tree, struct diags *diags);

/* Networks, addresses and policies (rules_net.c). */
void rules_check_net(const struct tree *tree, struct diags *diags);

#endif
