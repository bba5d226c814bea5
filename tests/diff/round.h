/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DIFF_ROUND_H
#define DIFF_ROUND_H

/* One script on both sides, compared after every step. */

#include "side.h"

#define KNOWN_MAX 64

struct config {
	struct place places[2]; /* native, mount */
	int userns; /* -1, or that of the idmapped binds */
	bool is_disabled[OP_COUNT];
	bool is_tame; /* op_tame() */
	size_t steps;
	size_t known_seen[KNOWN_MAX];
	size_t successes; /* operations that did what they were asked for */
};

struct difference {
	size_t step; /* number of steps: the comparison of the whole trees at the end */
	char *texts[2];
};

void difference_finish(struct difference *d);

/* A random script, the same for the same seed, steps and disabled operations. */
void script_random(struct script *s, const struct config *cfg, uint64_t seed);

/*
 * 0: no difference but known ones; 1: *RET_DIFFERENCE, freed by the caller with
 * difference_finish(); negative: no tree could be made. *RET_STEPS counts what was compared.
 */
int round_run(struct config *cfg, const struct script *s, struct difference *ret_difference,
	size_t *ret_steps);

/* Shorten S to what still gives a difference at the same operation; *D becomes that difference. */
void shrink(struct config *cfg, struct script *s, struct difference *d);

/* The lines of D that differ, to stdout. */
void difference_print(const struct difference *d);

#endif
