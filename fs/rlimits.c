/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rlimits.h"

#include <sys/resource.h>

static void raise_soft_limit(int resource)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(resource, &limit);
}

void rlimits_raise(void)
{
	const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};

	raise_soft_limit(RLIMIT_NOFILE);
	/* How large a file may become: the callers have limits of their own. */
	if (setrlimit(RLIMIT_FSIZE, &none) < 0)
		raise_soft_limit(RLIMIT_FSIZE);
}
