/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "round.h"

#include "compare.h"
#include "known.h"
#include "reclaim.h"
#include "tolerated.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

/* Something to work on, so that fewer of the first operations fail. */
static const char *const opening[] = {

	"a0 mkdir p 0777",
	"a0 mkdir q 01777",
	"a0 mkdir s 02777",
	"a0 chmod p 0777",
	"a0 chmod q 01777",
	"a0 chmod s 02775",
	"a0 mkdir p/p 0755",
	"a0 open 0 a O_RDWR|O_CREAT 0666",
	"a0 write 0 5000 1",
	"a1 open 0 a O_RDWR 0",
	"a1 open 1 p/b O_RDWR|O_CREAT 0644",
	"a1 write 1 20000 2",
	"a0 symlink p l",
};

static enum op_code pick_code(const struct config *cfg, struct rng *rng)
{
	int total = 0, at;

	for (int i = 0; i < OP_COUNT; i++)
		total += cfg->is_disabled[i] ? 0 : op_table[i].weight;
	at = (int)rng_below(rng, (uint64_t)total);
	for (int i = 0; i < OP_COUNT; i++) {
		at -= cfg->is_disabled[i] ? 0 : op_table[i].weight;
		if (at < 0)
			return (enum op_code)i;
	}
	abort();
}

void script_random(struct script *s, const struct config *cfg, uint64_t seed)
{
	struct rng rng = {seed * 0x2545f4914f6cdd1d};

	s->n = ARRAY_SIZE(opening) + cfg->steps;
	s->ops = calloc(s->n, sizeof(*s->ops));
	if (!s->ops)
		err(2, "a script");
	for (size_t i = 0; i < ARRAY_SIZE(opening); i++) {
		cleanup_free char *line = strdup(opening[i]);

		if (!line || !op_parse(&s->ops[i], line))
			errx(2, "the opening is not a script: '%s'", opening[i]);
		/* The other one is nobody that could make all this in an idmapped mount. */
		if (cfg->userns >= 0)
			s->ops[i].actor = 1;
	}
	for (size_t i = ARRAY_SIZE(opening); i < s->n; i++) {
		op_random(&s->ops[i], pick_code(cfg, &rng), &rng);
		if (cfg->is_tame)
			op_tame(&s->ops[i]);
		s->ops[i].actor = (uint8_t)rng_below(&rng, ACTORS);
		s->ops[i].quiet = seed % 2 && rng_percent(&rng, 20);
	}
}

void difference_finish(struct difference *d)
{
	free(d->texts[0]);
	free(d->texts[1]);
	*d = (struct difference){0};
}

/* OP NULL: the comparison of the trees. 1 and the texts in D when the sides differ. */
static int compare_step(
	struct side sides[2], const struct op *op, struct difference *d, bool *ret_success)
{
	struct strbuf out[2] = {STRBUF_INIT, STRBUF_INIT};

	if (op) {
		for (int i = 0; i < 2; i++)
			side_send(&sides[i], op);
		for (int i = 0; i < 2; i++)
			side_result(&sides[i], op, &out[i]);
	}
	*ret_success = out[0].data && strncmp(out[0].data, "= -1", 4);
	for (int i = 0; i < 2; i++)
		side_look(&sides[i], op);
	for (int i = 0; i < 2; i++)
		side_seen(&sides[i], &out[i]);
	for (int i = 0; i < 2; i++) {
		d->texts[i] = strbuf_steal(&out[i]);
		if (!d->texts[i])
			errx(2, "out of memory");
	}
	return !texts_equal(d->texts[0], d->texts[1]);
}

static long fs_type(const char *dir)
{
	struct statfs st;

	return statfs(dir, &st) == 0 ? (long)st.f_type : 0;
}

static int run_steps(
	struct config *cfg, const struct script *s, struct side sides[2], struct difference *d)
{
	struct past past = {.fs_type = fs_type(cfg->places[0].plain),
		.reclaims = reclaim_count(),
		.is_idmapped = cfg->userns >= 0};

	for (size_t i = 0; i <= s->n; i++) {
		const struct op *op = i < s->n ? &s->ops[i] : NULL;
		bool is_success = false;
		bool differs;
		int known;

		if (op && tolerated_ends_round(op))
			return 0;
		if (op)
			past_add(&past, op);
		d->step = i;
		differs = compare_step(sides, op, d, &is_success);
		known = known_find(op, &past, d->texts[0], d->texts[1]);
		if (differs && known < 0)
			return 1;
		cfg->successes += !differs && is_success;
		difference_finish(d);
		d->step = i + 1;
		if (known < 0)
			continue;
		cfg->known_seen[known]++;
		/* The two trees have parted; what follows would only repeat it. */
		if (!known_is_harmless((size_t)known))
			return 0;
	}
	return 0;
}

int round_run(struct config *cfg, const struct script *s, struct difference *ret_difference,
	size_t *ret_steps)
{
	static unsigned counter;
	struct difference d = {0};
	struct side sides[2] = {0};
	char top[32];
	int r = 0;

	snprintf(top, sizeof(top), "t%d-%u", getpid(), counter++);
	for (int i = 0; i < 2 && r == 0; i++)
		r = side_start(&sides[i], &cfg->places[i], top, cfg->userns);
	if (r == 0)
		r = run_steps(cfg, s, sides, &d);
	for (int i = 0; i < 2; i++)
		if (sides[i].place)
			side_stop(&sides[i]);
	*ret_steps = d.step;
	if (r == 1)
		*ret_difference = d;
	else
		difference_finish(&d);
	return r;
}
