/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DIFF_OP_H
#define DIFF_OP_H

/*
 * One operation of a script: what to do, and who does it. A script is text, one operation a line:
 *
 *	a0 open 2 p/a O_RDWR|O_CREAT 0644
 *	a1 rename p/a b -          the second actor
 *	a0q pwrite 2 4096 100 7    quiet: only the result is compared, nobody looks at the files
 */

#include "rng.h"
#include "str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACTORS 2
#define SLOTS 4
#define MAPS 2

#define OP_PATH_LEN 48
#define OP_NUMS 6

enum op_code {
#define OP(name, args, weight, help) OP_##name,
#include "ops.def"
#undef OP
	OP_COUNT
};

struct op {
	uint8_t code;
	uint8_t actor;
	bool quiet;
	char path[2][OP_PATH_LEN];
	int64_t num[OP_NUMS];
};

struct op_info {
	const char *name;
	const char *args;
	int weight;
	const char *help;
};

extern const struct op_info op_table[OP_COUNT];

/* A list of operations; free the array with script_finish(). */
struct script {
	struct op *ops;
	size_t n;
};

void script_finish(struct script *s);

/* The row of NAME, or -1. */
int op_find(const char *name);

/* One random operation of code CODE. */
void op_random(struct op *op, enum op_code code, struct rng *rng);

/*
 * OP without what is another thing where the daemon copies the data: O_DIRECT, and files of terabytes,
 * which have no holes while they are open for writing.
 */
void op_tame(struct op *op);

void op_format(const struct op *op, struct strbuf *out);

/* Reads LINE (it is cut up); false when it is not an operation. */
bool op_parse(struct op *op, char *line);

#endif
