/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tolerated.h"

#include "str.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#define TOLERATED_MAX 16

static struct tolerated {
	char op[64], native[128], mount[128];
} tolerated[TOLERATED_MAX];
static size_t n_tolerated;

bool tolerate(const char *spec)
{
	struct tolerated *t = &tolerated[n_tolerated];

	if (n_tolerated == TOLERATED_MAX ||
		sscanf(spec, "%63[^:]:%127[^:]:%127[^:]", t->op, t->native, t->mount) != 3)
		return false;
	n_tolerated++;
	return true;
}

bool is_tolerated(const struct op *op, const char *native, const char *mount)
{
	cleanup_strbuf struct strbuf line = STRBUF_INIT;
	const char *words;

	if (n_tolerated == 0)
		return false;
	op_format(op, &line);
	words = strchr(line.data, ' ') + 1;
	for (size_t i = 0; i < n_tolerated; i++)
		if (!fnmatch(tolerated[i].op, words, 0) &&
			!fnmatch(tolerated[i].native, native, 0) &&
			!fnmatch(tolerated[i].mount, mount, 0))
			return true;
	return false;
}

bool tolerated_ends_round(const struct op *op)
{
	return is_tolerated(op, "end", "end");
}
