/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "restarts.h"

#include <signal.h>

/* Callers of the mount wait meanwhile: what helps at all helps at once. */
static const int delays_ms[] = {0, 0, 0, 0, 50, 100, 200, 500, 1000, 2000, 5000};

/* So many that were killed from outside weigh as much as one failure. */
#define KILLED_PER_FAILURE 8

void restarts_ready(struct restarts *r)
{
	*r = (struct restarts){0};
}

void restarts_failed(struct restarts *r, const struct ending *e)
{
	if (e->signal == SIGKILL)
		r->n_killed++;
	else
		r->n_failed++;
}

unsigned int restarts_use_up(unsigned int n_failed)
{
	return (n_failed + RESTARTS_TRIES - 1) / RESTARTS_TRIES * RESTARTS_TRIES;
}

void restarts_hung(struct restarts *r)
{
	r->n_failed = restarts_use_up(r->n_failed + 1);
}

int restarts_delay_ms(const struct restarts *r)
{
	unsigned int n = r->n_failed + r->n_killed / KILLED_PER_FAILURE;
	unsigned int last = sizeof(delays_ms) / sizeof(delays_ms[0]) - 1;

	return delays_ms[n < last ? n : last];
}

bool restarts_wants_proven(const struct restarts *r)
{
	return (r->n_failed / RESTARTS_TRIES) % 2 == 1;
}
