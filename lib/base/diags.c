/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diags.h"

#include "str.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

/* Of longer source lines a part around the place is quoted: 10 MB on one line stay unprinted. */
#define QUOTE_MAX 160
#define QUOTE_BEFORE 60

void diags_init(struct diags *d)
{
	memset(d, 0, sizeof(*d));
}

void diags_finish(struct diags *d)
{
	for (size_t i = 0; i < d->n_items; i++)
		free(d->items[i].text);
	for (size_t i = 0; i < d->n_files; i++) {
		free(d->files[i].name);
		free(d->files[i].text);
	}
	free(d->items);
	free(d->files);
	diags_init(d);
}

static void *grow(void *items, size_t n, size_t *cap, size_t size)
{
	size_t want = *cap ? *cap * 2 : 16;

	if (n < *cap)
		return items;

	items = reallocarray(items, want, size);
	if (items)
		*cap = want;
	return items;
}

unsigned int diags_add_file(struct diags *d, const char *name, const char *text, size_t len)
{
	struct diags_file *files = grow(d->files, d->n_files, &d->cap_files, sizeof(*files));
	struct diags_file *f;

	if (!files)
		goto oom;
	d->files = files;

	f = &files[d->n_files];
	f->name = strdup(name);
	f->text = text ? malloc(len + 1) : NULL;
	f->len = len;
	if (!f->name || (text && !f->text)) {
		free(f->name);
		free(f->text);
		goto oom;
	}
	if (text) {
		memcpy(f->text, text, len);
		f->text[len] = '\0';
	}
	return d->n_files++;
oom:
	d->out_of_memory = true;
	return UINT32_MAX;
}

static void add(
	struct diags *d, enum diag_level level, struct mark mark, const char *fmt, va_list ap)
{
	struct diag *items = grow(d->items, d->n_items, &d->cap_items, sizeof(*items));
	char *text;

	if (level == DIAG_ERROR)
		d->n_errors++;
	else
		d->n_warnings++;

	if (!items || vasprintf(&text, fmt, ap) < 0) {
		d->items = items ? items : d->items;
		d->out_of_memory = true;
		return;
	}
	str_make_printable(text);
	d->items = items;
	items[d->n_items++] = (struct diag){.level = level, .mark = mark, .text = text};
}

void diags_error(struct diags *d, struct mark mark, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(d, DIAG_ERROR, mark, fmt, ap);
	va_end(ap);
}

void diags_warning(struct diags *d, struct mark mark, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(d, DIAG_WARNING, mark, fmt, ap);
	va_end(ap);
}

static int compare_diags(const void *a, const void *b)
{
	const struct diag *x = a;
	const struct diag *y = b;

	if (x->mark.file != y->mark.file)
		return x->mark.file < y->mark.file ? -1 : 1;
	if (x->mark.line != y->mark.line)
		return x->mark.line < y->mark.line ? -1 : 1;
	if (x->mark.col != y->mark.col)
		return x->mark.col < y->mark.col ? -1 : 1;
	return strcmp(x->text, y->text);
}

void diags_sort(struct diags *d)
{
	if (d->n_items)
		qsort(d->items, d->n_items, sizeof(*d->items), compare_diags);
}

static const char *file_name(const struct diags *d, struct mark mark)
{
	return mark.file < d->n_files ? d->files[mark.file].name : "?";
}

char *diags_place(const struct diags *d, struct mark mark)
{
	char *text;
	int r;

	if (mark.line == 0)
		r = asprintf(&text, "%s", file_name(d, mark));
	else
		r = asprintf(&text, "%s:%u:%u", file_name(d, mark), mark.line, mark.col);
	return r < 0 ? NULL : text;
}

/* Where the search for the next quoted line begins. */
struct cursor {
	unsigned int file;
	unsigned int line;
	const char *p; /* the line's first byte; NULL = nothing found yet */
};

/* First byte of the line of MARK, its length in *RET_LEN; NULL when the file has no such line. */
static const char *find_line(
	const struct diags *d, struct mark mark, struct cursor *c, size_t *ret_len)
{
	const struct diags_file *f = &d->files[mark.file];
	const char *end = f->text + f->len;
	const char *eol;

	if (!c->p || c->file != mark.file || c->line > mark.line)
		*c = (struct cursor){mark.file, 1, f->text};

	for (; c->line < mark.line; c->line++) {
		eol = memchr(c->p, '\n', end - c->p);
		if (!eol)
			return NULL;
		c->p = eol + 1;
	}
	if (c->p >= end)
		return NULL;

	eol = memchr(c->p, '\n', end - c->p);
	*ret_len = (eol ? eol : end) - c->p;
	if (*ret_len && c->p[*ret_len - 1] == '\r')
		(*ret_len)--;
	return c->p;
}

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* The part of LINE that is quoted for byte AT of it: *RET_LEN bytes from the result on. */
static size_t quote_window(const char *line, size_t len, size_t at, size_t *ret_len)
{
	size_t start = len > QUOTE_MAX && at > QUOTE_BEFORE ? at - QUOTE_BEFORE : 0;

	while (start > 0 && is_continuation(line[start]))
		start--;
	*ret_len = len - start < QUOTE_MAX ? len - start : QUOTE_MAX;
	return start;
}

static void print_quote(const struct diags *d, struct mark mark, struct cursor *cursor, FILE *out)
{
	char quote[QUOTE_MAX + 1];
	const char *line;
	size_t start, len, n;

	if (mark.line == 0 || mark.file >= d->n_files || !d->files[mark.file].text)
		return;

	line = find_line(d, mark, cursor, &len);
	if (!line || mark.col == 0 || mark.col > len + 1)
		return;

	start = quote_window(line, len, mark.col - 1, &n);
	memcpy(quote, line + start, n);
	quote[n] = '\0';
	for (size_t i = 0; i < n; i++) {
		if (quote[i] == '\t')
			quote[i] = ' ';
		else if (quote[i] == '\0')
			quote[i] = '?';
	}
	str_make_printable(quote);
	fprintf(out, "    %s\n    ", quote);

	/* A UTF-8 sequence takes one column on the terminal: skip continuation bytes. */
	for (size_t i = 0; i < mark.col - 1 - start; i++) {
		if (!is_continuation(quote[i]))
			fputc(' ', out);
	}
	fputs("^\n", out);
}

static void print_item(
	const struct diags *d, const struct diag *item, struct cursor *cursor, FILE *out)
{
	cleanup_free char *place = diags_place(d, item->mark);

	if (place)
		str_make_printable(place);
	fprintf(out, "%s: %s: %s\n", place ? place : "?",
		item->level == DIAG_ERROR ? "error" : "warning", item->text);
	print_quote(d, item->mark, cursor, out);
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

void diags_print(const struct diags *d, FILE *out)
{
	struct cursor cursor = {0, 0, NULL};
	size_t errors = smaller(d->n_errors, DIAGS_PRINT_MAX);
	size_t warnings = smaller(d->n_warnings, DIAGS_PRINT_MAX - errors);
	size_t more_errors = d->n_errors - errors;
	size_t more_warnings = d->n_warnings - warnings;

	for (size_t i = 0; i < d->n_items; i++) {
		size_t *left = d->items[i].level == DIAG_ERROR ? &errors : &warnings;

		if (*left == 0)
			continue;
		(*left)--;
		print_item(d, &d->items[i], &cursor, out);
	}
	if (more_errors || more_warnings)
		fprintf(out, "... and %zu more error%s, %zu more warning%s\n", more_errors,
			more_errors == 1 ? "" : "s", more_warnings, more_warnings == 1 ? "" : "s");
}
