/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy.h"

#include <errno.h>

#include "cleanup.h"
#include "volume.h"

/* One row per flag, strictest first: what it forbids, to whom, and how the answer reads. */
static const struct rule {
	unsigned int flag;
	bool forbids[POLICY_ACTIONS];
	bool spares_owner;
	int answer;
	const char *reason;
	const char *way_out;
} rules[] = {
	{
		.flag = VOLUME_READONLY,
		.forbids = {[POLICY_CHANGE] = true, [POLICY_REMOVE] = true, [POLICY_SHRINK] = true},
		.answer = -EROFS,
		.reason = "readonly",
		.way_out = "lift with 'anklume-fsctl readonly off",
	},
	{
		.flag = VOLUME_HELD,
		.forbids = {[POLICY_REMOVE] = true, [POLICY_SHRINK] = true},
		.answer = -EPERM,
		.reason = "held",
		.way_out = "see 'anklume-fsctl holds",
	},
	{
		.flag = VOLUME_PROTECTED,
		.forbids = {[POLICY_REMOVE] = true, [POLICY_SHRINK] = true},
		.spares_owner = true,
		.answer = -EPERM,
		.reason = "protected",
		.way_out = "lift with 'anklume-fsctl unprotect",
	},
};

/* The first rule of a set flag that forbids ACTION to somebody. */
static const struct rule *find_rule(unsigned int flags, enum policy_action action)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		if ((flags & rules[i].flag) && rules[i].forbids[action])
			return &rules[i];
	}
	return NULL;
}

int policy_check(unsigned int flags, enum policy_action action, enum policy_caller caller)
{
	const struct rule *rule = find_rule(flags, action);

	if (!rule || (rule->spares_owner && caller == CALLER_OWNER))
		return 0;
	return rule->answer;
}

bool policy_needs_caller(unsigned int flags, enum policy_action action)
{
	const struct rule *rule = find_rule(flags, action);

	return rule && rule->spares_owner;
}

const char *policy_reason(unsigned int flags, enum policy_action action)
{
	const struct rule *rule = find_rule(flags, action);

	return rule ? rule->reason : "allowed";
}

const char *policy_way_out(unsigned int flags, enum policy_action action)
{
	const struct rule *rule = find_rule(flags, action);

	return rule ? rule->way_out : "";
}
