/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_POLICY_H
#define ANKLUME_POLICY_H

/*
 * The table of docs/architecture.md, "Who may do what": volume flags x operation x caller ->
 * 0 or -errno. Pure: no disk, no socket, no clock.
 */

#include <stdbool.h>

enum policy_action {
	POLICY_READ, /* read, stat, list */
	POLICY_CHANGE, /* create, write, append, link, chmod, chown, xattr, plain rename */
	POLICY_REMOVE, /* unlink, rmdir, rename over or out of the top, exchange, whiteout */
	POLICY_SHRINK, /* truncate to less, O_TRUNC of data, punch, collapse, zero a range */
	POLICY_ACTIONS,
};

/* Who asks: only the instance that owns the volume may remove from a protected one. */
enum policy_caller {
	CALLER_OTHER,
	CALLER_OWNER,
};

/*
 * 0, -EROFS (the volume is readonly) or -EPERM (protected, or held). FLAGS is enum volume_flag.
 * Where both apply, readonly answers: it forbids more.
 */
int policy_check(unsigned int flags, enum policy_action action, enum policy_caller caller);

/* True when the answer depends on the caller, who is looked up only then. */
bool policy_needs_caller(unsigned int flags, enum policy_action action);

/* The flag that made policy_check() refuse: "readonly", "held", "protected". */
const char *policy_reason(unsigned int flags, enum policy_action action);

/* Words that end in a command for the administrator, to be followed by the volume and a quote. */
const char *policy_way_out(unsigned int flags, enum policy_action action);

#endif
