/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "op.h"

#include "args.h"

#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const struct op_info op_table[OP_COUNT] = {
#define OP(name, args, weight, help) {#name, args, weight, help},
#include "ops.def"
#undef OP
};

void script_finish(struct script *s)
{
	free(s->ops);
	*s = (struct script){NULL, 0};
}

int op_find(const char *name)
{
	for (int i = 0; i < OP_COUNT; i++)
		if (str_equal(op_table[i].name, name))
			return i;
	return -1;
}

void op_random(struct op *op, enum op_code code, struct rng *rng)
{
	size_t paths = 0, nums = 0;

	memset(op, 0, sizeof(*op));
	op->code = code;
	for (const char *c = op_table[code].args; *c; c++) {
		const struct arg_kind *kind = arg_kind(*c);

		if (kind->make_path)
			kind->make_path(op->path[paths++], rng);
		else
			op->num[nums++] = kind->make(rng);
	}
}

#define TAME_BYTES (INT64_C(1) << 26)

void op_tame(struct op *op)
{
	size_t nums = 0;

	for (const char *c = op_table[op->code].args; *c; c++) {
		if (arg_kind(*c)->make_path)
			continue;
		if (*c == 'o' || *c == 'S')
			op->num[nums] &= ~O_DIRECT;
		if ((*c == 'b' || *c == 'l') && op->num[nums] > TAME_BYTES)
			op->num[nums] %= TAME_BYTES;
		nums++;
	}
}

static void format_words(const struct arg_kind *kind, int64_t value, struct strbuf *out)
{
	const char *separator = "";

	for (const struct arg_word *w = kind->words; w->name; w++) {
		bool is_in = kind->is_flags ? w->value && (value & w->value) == w->value
					    : value == w->value;

		if (!is_in)
			continue;
		strbuf_printf(out, "%s%s", separator, w->name);
		if (!kind->is_flags)
			return;
		value &= ~w->value;
		separator = "|";
	}
	if (value || !*separator)
		strbuf_printf(out, value ? "%s%#" PRIx64 : "%s-", separator, (uint64_t)value);
}

void op_format(const struct op *op, struct strbuf *out)
{
	size_t paths = 0, nums = 0;

	strbuf_printf(out, "a%d%s %s", op->actor, op->quiet ? "q" : "", op_table[op->code].name);
	for (const char *c = op_table[op->code].args; *c; c++) {
		const struct arg_kind *kind = arg_kind(*c);

		strbuf_puts(out, " ");
		if (kind->make_path)
			strbuf_puts(out, op->path[paths++]);
		else if (kind->words)
			format_words(kind, op->num[nums++], out);
		else if (kind->is_octal)
			strbuf_printf(out, "0%" PRIo64, (uint64_t)op->num[nums++]);
		else
			strbuf_printf(out, "%" PRId64, op->num[nums++]);
	}
}

static bool parse_word(const struct arg_kind *kind, const char *text, int64_t *ret)
{
	char *end;

	for (const struct arg_word *w = kind->words; w && w->name; w++) {
		if (str_equal(w->name, text)) {
			*ret = w->value;
			return true;
		}
	}
	if (kind->is_flags && str_equal(text, "-")) {
		*ret = 0;
		return true;
	}
	*ret = strtoll(text, &end, 0);
	return *text && !*end;
}

static bool parse_number(const struct arg_kind *kind, char *text, int64_t *ret)
{
	char *save = NULL;
	int64_t sum = 0, one;

	if (!kind->is_flags)
		return parse_word(kind, text, ret);
	for (char *word = strtok_r(text, "|", &save); word; word = strtok_r(NULL, "|", &save)) {
		if (!parse_word(kind, word, &one))
			return false;
		sum |= one;
	}
	*ret = sum;
	return true;
}

static bool parse_actor(struct op *op, const char *word)
{
	if (!word || word[0] != 'a' || word[1] < '0' || word[1] >= '0' + ACTORS)
		return false;
	op->actor = (uint8_t)(word[1] - '0');
	op->quiet = word[2] == 'q';
	return word[2 + op->quiet] == '\0';
}

bool op_parse(struct op *op, char *line)
{
	size_t paths = 0, nums = 0;
	char *save = NULL, *word;
	int code;

	memset(op, 0, sizeof(*op));
	word = strtok_r(line, " \t\n", &save);
	if (!parse_actor(op, word))
		return false;
	word = strtok_r(NULL, " \t\n", &save);
	code = word ? op_find(word) : -1;
	if (code < 0)
		return false;

	op->code = (uint8_t)code;
	for (const char *c = op_table[code].args; *c; c++) {
		const struct arg_kind *kind = arg_kind(*c);

		word = strtok_r(NULL, " \t\n", &save);
		if (!word || (kind->make_path && strlen(word) >= OP_PATH_LEN))
			return false;
		if (kind->make_path)
			strcpy(op->path[paths++], word);
		else if (!parse_number(kind, word, &op->num[nums++]))
			return false;
	}
	return true;
}
