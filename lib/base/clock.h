/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_CLOCK_H
#define ANKLUME_CLOCK_H

/* What a clock of clock_gettime(2) says, as one number. */

#include <stdint.h>
#include <time.h>

static inline int64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static inline int64_t clock_us(clockid_t clock)
{
	return clock_ns(clock) / 1000;
}

static inline int64_t clock_ms(clockid_t clock)
{
	return clock_ns(clock) / 1000000;
}

#endif
