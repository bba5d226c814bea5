/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reclaim.h"

#include "cleanup.h"

#include <stdio.h>

unsigned long long reclaim_count(void)
{
	cleanup_file FILE *f = fopen("/proc/vmstat", "re");
	unsigned long long count = 0;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "slabs_scanned %llu", &count) == 1)
			break;
	return count;
}
