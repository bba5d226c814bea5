/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "yamltext.h"

#include "str.h"

#include <string.h>

#define CONTROLS_MAX 100 /* more is no slip of an editor, and each costs a message */
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

void yamltext_finish(struct yamltext *t)
{
	free(t->cleaned);
	t->cleaned = NULL;
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

static int refuse(struct yamltext *t, struct diags *diags, struct mark mark, size_t offset)
{
	unsigned char byte = t->data[offset];

	if (byte == 0)
		diags_error(diags, mark, "a NUL byte: this is a binary file, not YAML");
	else if (byte >= 0xfe && offset == 0)
		diags_error(diags, mark, "not UTF-8: save the file as UTF-8, not UTF-16");
	else
		diags_error(diags, mark, "byte 0x%02x is not UTF-8 text", byte);
	return -EINVAL;
}

/* Put a letter of as many bytes where LEN bytes are: all places behind them stay. */
static int replace(struct yamltext *t, size_t offset, size_t len)
{
	static const char *const letters[] = {"", "_", "\xc2\xbf", "\xef\xbf\xbd"};

	if (!t->cleaned) {
		t->cleaned = malloc(t->len);
		if (!t->cleaned)
			return -ENOMEM;
		memcpy(t->cleaned, t->data, t->len);
		t->data = t->cleaned;
	}
	memcpy(t->cleaned + offset, letters[len], len);
	return 0;
}

/* The N-th control character, C, of LEN bytes. */
static int on_control(struct yamltext *t, struct diags *diags, struct mark mark, size_t offset,
	size_t len, unsigned int c, unsigned int n)
{
	if (n > CONTROLS_MAX) {
		diags_error(diags, mark, "more than %d control characters: this is no YAML",
			CONTROLS_MAX);
		return -EINVAL;
	}
	diags_error(diags, mark, "character U+%04X is not allowed in YAML", c);
	return replace(t, offset, len);
}

int yamltext_check(struct yamltext *t, struct diags *diags)
{
	size_t start = bom_length(t->data, t->len);
	unsigned int n_directives = 0;
	unsigned int n_controls = 0;
	size_t line_start = 0;
	unsigned int line = 1;

	for (size_t i = start; i < t->len;) {
		unsigned int c = 0;
		size_t n = decode((const unsigned char *)t->data + i, t->len - i, &c);
		struct mark mark = {t->file, line, (unsigned int)(i - line_start) + 1};
		int r = 0;

		if (n == 0 || c == 0)
			return refuse(t, diags, mark, i);
		if (!is_printable(c))
			r = on_control(t, diags, mark, i, n, c, ++n_controls);
		if (r < 0)
			return r;
		if (c == '%' && i == line_start && ++n_directives > DIRECTIVES_MAX) {
			diags_error(diags, mark, "more than %d directives", DIRECTIVES_MAX);
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
	char *cleaned = t->cleaned;

	yamltext_init(t, t->data, t->len, t->file);
	t->cleaned = cleaned;
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
