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

uint64_t rlimits_fds(void)
{
	static uint64_t n_max; /* atomic */
	uint64_t n = __atomic_load_n(&n_max, __ATOMIC_RELAXED);

	if (n == 0) {
		n = rlimit_get(RLIMIT_NOFILE);
		__atomic_store_n(&n_max, n, __ATOMIC_RELAXED);
	}
	return n;
}
