/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rlimits.h"

#include "rlimit.h"

void rlimits_raise(void)
{
	const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};

	rlimit_raise(RLIMIT_NOFILE);
	/* How large a file may become: the callers have limits of their own. */
	if (setrlimit(RLIMIT_FSIZE, &none) < 0)
		rlimit_raise(RLIMIT_FSIZE);
}
