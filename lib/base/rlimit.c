/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rlimit.h"

rlim_t rlimit_get(int resource)
{
	struct rlimit limit = {0};

	getrlimit(resource, &limit);
	return limit.rlim_cur;
}

void rlimit_raise(int resource)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(resource, &limit);
}
