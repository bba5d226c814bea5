/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diags.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#define QUOTE_MAX 160 /* longer source lines are cut: 10 MB on one line must not be printed */

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

/* First byte of line LINE of F, its length in *RET_LEN; NULL when the file has no such line. */
static const char *find_line(const struct diags_file *f, unsigned int line, size_t *ret_len)
{
	const char *p = f->text;
	const char *end = f->text + f->len;
	const char *eol;

	for (unsigned int i = 1; i < line; i++) {
		p = memchr(p, '\n', end - p);
		if (!p)
			return NULL;
		p++;
	}
	if (p >= end)
		return NULL;

	eol = memchr(p, '\n', end - p);
	*ret_len = (eol ? eol : end) - p;
	return p;
}

static void print_quote(const struct diags *d, struct mark mark, FILE *out)
{
	const struct diags_file *f;
	const char *line;
	size_t len;

	if (mark.line == 0 || mark.file >= d->n_files || !d->files[mark.file].text)
		return;

	f = &d->files[mark.file];
	line = find_line(f, mark.line, &len);
	if (!line || mark.col == 0 || mark.col > QUOTE_MAX)
		return;

	fputs("    ", out);
	for (size_t i = 0; i < len && i < QUOTE_MAX; i++) {
		unsigned char c = line[i];

		fputc(c == '\t' ? ' ' : (c < 0x20 || c == 0x7f) ? '?' : c, out);
	}
	fputs("\n    ", out);
	for (unsigned int i = 1; i < mark.col; i++) {
		/* A UTF-8 sequence takes one column on the terminal: skip continuation bytes. */
		if (i <= len && ((unsigned char)line[i - 1] & 0xc0) == 0x80)
			continue;
		fputc(' ', out);
	}
	fputs("^\n", out);
}

void diags_print(const struct diags *d, FILE *out)
{
	for (size_t i = 0; i < d->n_items; i++) {
		const struct diag *item = &d->items[i];
		cleanup_free char *place = diags_place(d, item->mark);

		fprintf(out, "%s: %s: %s\n", place ? place : "?",
			item->level == DIAG_ERROR ? "error" : "warning", item->text);
		print_quote(d, item->mark, out);
	}
}
