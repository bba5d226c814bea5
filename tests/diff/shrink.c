/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "round.h"

#include "compare.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Scripts are short enough by then, or do not get much shorter. */
#define SHRINK_SECONDS 120

/* The code of the operation that differed; OP_COUNT for the trees. */
static int code_at(const struct script *s, size_t step)
{
	return step < s->n ? s->ops[step].code : OP_COUNT;
}

/* S without the N operations from AT on. */
static struct script without(const struct script *s, size_t at, size_t n)
{
	struct script shorter = {calloc(s->n + 1, sizeof(*s->ops)), s->n - n};

	if (!shorter.ops)
		err(2, "a script");
	memcpy(shorter.ops, s->ops, at * sizeof(*s->ops));
	memcpy(shorter.ops + at, s->ops + at + n, (s->n - at - n) * sizeof(*s->ops));
	return shorter;
}

/* Take over TRY and its difference when it fails as S does; else free it. */
static bool adopt(struct config *cfg, struct script *s, struct difference *d, struct script *try)
{
	struct difference found = {0};
	size_t steps;
	int r = round_run(cfg, try, &found, &steps);

	if (r != 1 || code_at(try, found.step) != code_at(s, d->step)) {
		difference_finish(&found);
		script_finish(try);
		return false;
	}
	script_finish(s);
	difference_finish(d);
	*s = *try;
	*d = found;
	/* What comes after the difference does not matter. */
	if (d->step < s->n)
		s->n = d->step + 1;
	return true;
}

void shrink(struct config *cfg, struct script *s, struct difference *d)
{
	time_t end = time(NULL) + SHRINK_SECONDS;

	if (d->step < s->n)
		s->n = d->step + 1;
	for (size_t chunk = s->n / 2; chunk > 0;) {
		bool is_shorter = false;

		for (size_t at = 0; at + chunk <= s->n && time(NULL) < end;) {
			struct script try = without(s, at, chunk);

			if (adopt(cfg, s, d, &try))
				is_shorter = true;
			else
				at += chunk;
		}
		if (time(NULL) >= end)
			break;
		if (!is_shorter || chunk > 1)
			chunk /= 2;
	}
}

void difference_print(const struct difference *d)
{
	static const char *const names[2] = {"native", "mount"};

	texts_print_difference(names, d->texts[0], d->texts[1]);
}
