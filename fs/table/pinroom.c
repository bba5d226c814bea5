/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pinroom.h"

#include "rlimit.h"

#include <string.h>

void pinroom_init(struct pinroom *r)
{
	rlim_t n = rlimit_get(RLIMIT_NOFILE) / 4 * 3;

	*r = (struct pinroom){.n_max = n < PINROOM_MAX ? (size_t)n : PINROOM_MAX};
}

bool pinroom_has(const struct pinroom *r, const char *name)
{
	return r->n < r->n_max && r->n_bytes + strlen(name) + 1 <= PINROOM_NAMES_MAX;
}

void pinroom_take(struct pinroom *r, const char *name)
{
	r->n++;
	r->n_bytes += strlen(name) + 1;
}

void pinroom_give(struct pinroom *r, const char *name)
{
	r->n--;
	r->n_bytes -= strlen(name) + 1;
}
