/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "yamltext.h"

#include "str.h"

#include <string.h>

#define DIRECTIVES_MAX 16 /* libyaml compares each %TAG with all the others */

static const char bom[] = "\xef\xbb\xbf";

static size_t bom_length(const char *data, size_t len)
{
	return len >= 3 && memcmp(data, bom, 3) == 0 ? 3 : 0;
}

void yamltext_init(struct yamltext *t, const char *data, size_t len, unsigned int file)
{
	*t = (struct yamltext){
		.data = data,
		.len = len,
		.file = file,
		.offset = bom_length(data, len),
		.line = 1,
	};
}

/* Bytes of the UTF-8 sequence at S with N bytes left, its value in *RET; 0 = not well-formed. */
static size_t decode(const unsigned char *s, size_t n, unsigned int *ret)
{
	static const unsigned int least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	unsigned int value = len == 1 ? s[0] : s[0] & (0xffu >> (len + 1));

	if (len == 0 || s[0] > 0xf4 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (s[i] & 0x3f);
	}
	if (value < least[len] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 0;

	*ret = value;
	return len;
}

/* YAML 1.1, 5.1: the printable characters. */
static bool is_printable(unsigned int c)
{
	if (c < 0x20)
		return c == '\t' || c == '\n' || c == '\r';
	if (c < 0xa0)
		return c < 0x7f || c == 0x85;
	return c != 0xfffe && c != 0xffff && c != 0xfeff;
}

static int refuse(struct yamltext *t, struct diags *diags, size_t offset, size_t line_start,
	unsigned int line, unsigned int c)
{
	struct mark mark = {t->file, line, (unsigned int)(offset - line_start) + 1};
	unsigned char byte = t->data[offset];

	if (byte == 0)
		diags_error(diags, mark, "a NUL byte: this is a binary file, not YAML");
	else if (c)
		diags_error(diags, mark, "character U+%04X is not allowed in YAML", c);
	else if (byte >= 0xfe && offset == 0)
		diags_error(diags, mark, "not UTF-8: save the file as UTF-8, not UTF-16");
	else
		diags_error(diags, mark, "byte 0x%02x is not UTF-8 text", byte);
	return -EINVAL;
}

int yamltext_check(struct yamltext *t, struct diags *diags)
{
	size_t start = bom_length(t->data, t->len);
	unsigned int n_directives = 0;
	size_t line_start = 0;
	unsigned int line = 1;

	for (size_t i = start; i < t->len;) {
		unsigned int c = 0;
		size_t n = decode((const unsigned char *)t->data + i, t->len - i, &c);

		if (n == 0 || !is_printable(c))
			return refuse(t, diags, i, line_start, line, n ? c : 0);
		if (c == '%' && i == line_start && ++n_directives > DIRECTIVES_MAX) {
			diags_error(diags, (struct mark){t->file, line, 1},
				"more than %d directives", DIRECTIVES_MAX);
			return -EINVAL;
		}
		i += n;
		if (c == '\n') {
			line_start = i;
			line++;
		}
	}
	return 0;
}

static void rewind_cursor(struct yamltext *t)
{
	yamltext_init(t, t->data, t->len, t->file);
}

struct mark yamltext_mark(struct yamltext *t, size_t index)
{
	if (index < t->index)
		rewind_cursor(t);

	for (; t->index < index && t->offset < t->len; t->index++) {
		if (t->data[t->offset++] == '\n') {
			t->line++;
			t->line_start = t->offset;
			continue;
		}
		while (t->offset < t->len && ((unsigned char)t->data[t->offset] & 0xc0) == 0x80)
			t->offset++;
	}
	return (struct mark){t->file, t->line, (unsigned int)(t->offset - t->line_start) + 1};
}
