/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "out_table.h"

#include <libsmartcols/libsmartcols.h>
#include <string.h>
#include <sys/ioctl.h>
#include <wchar.h>

#include "cell.h"
#include "str.h"

#define WRAP_MIN 16 /* columns; narrower text is no text */

DEFINE_CLEANUP(unref_tablep, struct libscols_table *, scols_unref_table)

/* A table about to be printed: texts row by row, one per shown column. */
struct grid {
	const struct out_column **columns;
	size_t n_columns;
	char **texts;
	size_t n_rows;
};

static void grid_finish(struct grid *g)
{
	for (size_t i = 0; i < g->n_rows * g->n_columns; i++)
		free(g->texts[i]);
	free(g->texts);
	free(g->columns);
}

static inline void grid_finishp(struct grid *g)
{
	int saved_errno = errno;

	grid_finish(g);
	errno = saved_errno;
}

static bool column_is_shown(const struct out_column *column, const json_t *rows)
{
	const json_t *row;
	size_t i;

	if (!(column->flags & OUT_IF_ANY))
		return true;

	json_array_foreach (rows, i, row) {
		const json_t *value = json_object_get(row, column->key);

		if (!cell_is_empty(value) && !json_is_false(value))
			return true;
	}
	return false;
}

static int grid_init(
	struct grid *g, const struct out_column *columns, size_t n_columns, const json_t *rows)
{
	size_t n_rows = json_array_size(rows);

	*g = (struct grid){.columns = calloc(n_columns, sizeof(*g->columns))};
	if (!g->columns)
		return -ENOMEM;

	for (size_t i = 0; i < n_columns; i++) {
		if (column_is_shown(&columns[i], rows))
			g->columns[g->n_columns++] = &columns[i];
	}
	g->texts = calloc(n_rows * g->n_columns + 1, sizeof(*g->texts));
	if (!g->texts)
		return -ENOMEM;
	g->n_rows = n_rows;

	for (size_t i = 0; i < n_rows * g->n_columns; i++) {
		const struct out_column *column = g->columns[i % g->n_columns];
		const json_t *row = json_array_get(rows, i / g->n_columns);
		cleanup_free char *text = cell_text(column, json_object_get(row, column->key));

		g->texts[i] = text ? out_printable(text) : NULL;
		if (!g->texts[i])
			return -ENOMEM;
	}
	return 0;
}

/* Columns that TEXT takes on the terminal; its bytes where the locale knows better than we. */
static size_t text_width(const char *text)
{
	cleanup_free wchar_t *wide = calloc(strlen(text) + 1, sizeof(*wide));
	int width = -1;

	if (wide && mbstowcs(wide, text, strlen(text) + 1) != (size_t)-1)
		width = wcswidth(wide, wcslen(wide));
	return width < 0 ? strlen(text) : (size_t)width;
}

static size_t column_width(const struct grid *g, size_t column)
{
	size_t width = text_width(g->columns[column]->title);

	for (size_t i = 0; i < g->n_rows; i++) {
		size_t n = text_width(g->texts[i * g->n_columns + column]);

		if (n > width)
			width = n;
	}
	return width;
}

/* Bytes of the longest beginning of TEXT that fits into WIDTH, at least one character. */
static size_t fitting(const char *text, size_t width)
{
	mbstate_t state = {0};
	size_t used = 0;
	const char *p = text;

	while (*p) {
		wchar_t wc;
		size_t n = mbrtowc(&wc, p, strlen(p), &state);
		int columns = 1;

		if (n == (size_t)-1 || n == (size_t)-2) {
			n = 1;
			state = (mbstate_t){0};
		} else if (wcwidth(wc) >= 0) {
			columns = wcwidth(wc);
		}
		if (used + columns > width && p > text)
			break;
		used += columns;
		p += n;
	}
	return p - text;
}

char *out_wrap(const char *text, size_t width)
{
	cleanup_strbuf struct strbuf b = STRBUF_INIT;

	while (text_width(text) > width) {
		size_t fit = fitting(text, width);
		size_t cut = fit;

		/* After the last blank that fits, or in the middle of a word that is too long. */
		while (cut > 0 && text[cut] != ' ' && text[cut - 1] != ' ')
			cut--;
		if (cut == 0)
			cut = fit;
		strbuf_add(&b, text, cut > 1 && text[cut - 1] == ' ' ? cut - 1 : cut);
		strbuf_puts(&b, "\n");
		text += cut;
		text += strspn(text, " ");
	}
	strbuf_puts(&b, text);
	return strbuf_steal(&b);
}

/* Break the texts of the last column that may be broken, so that all fits into WIDTH. */
static int grid_wrap(struct grid *g, size_t width)
{
	size_t total = 0, own = 0, wrapped = 0;
	bool is_found = false;

	for (size_t i = 0; i < g->n_columns; i++) {
		size_t n = column_width(g, i);

		total += n + (i > 0);
		if (!(g->columns[i]->flags & OUT_WRAP))
			continue;
		wrapped = i;
		own = n;
		is_found = true;
	}
	if (width == 0 || total <= width || !is_found)
		return 0;

	own = own > total - width + WRAP_MIN ? own - (total - width) : WRAP_MIN;
	for (size_t i = 0; i < g->n_rows; i++) {
		char **text = &g->texts[i * g->n_columns + wrapped];
		char *broken = out_wrap(*text, own);

		if (!broken)
			return -ENOMEM;
		free(*text);
		*text = broken;
	}
	return 0;
}

static int add_columns(struct libscols_table *table, const struct grid *g)
{
	for (size_t i = 0; i < g->n_columns; i++) {
		const struct out_column *c = g->columns[i];
		bool is_right = c->type == OUT_NUMBER || c->type == OUT_SIZE;
		struct libscols_column *column = scols_table_new_column(table, c->title, 0,
			is_right              ? SCOLS_FL_RIGHT
			: c->flags & OUT_WRAP ? SCOLS_FL_WRAP
					      : 0);

		if (!column)
			return -ENOMEM;
		if (c->flags & OUT_WRAP)
			scols_column_set_wrapfunc(
				column, scols_wrapnl_chunksize, scols_wrapnl_nextchunk, NULL);
	}
	return 0;
}

static int add_lines(struct libscols_table *table, const struct grid *g)
{
	for (size_t i = 0; i < g->n_rows; i++) {
		struct libscols_line *line = scols_table_new_line(table, NULL);

		for (size_t j = 0; line && j < g->n_columns; j++) {
			if (scols_line_set_data(line, j, g->texts[i * g->n_columns + j]) < 0)
				return -ENOMEM;
		}
		if (!line)
			return -ENOMEM;
	}
	return 0;
}

size_t out_width(FILE *out)
{
	struct winsize size;
	int fd = fileno(out);

	if (fd < 0 || !isatty(fd) || ioctl(fd, TIOCGWINSZ, &size) < 0)
		return 0;
	return size.ws_col;
}

int out_table(FILE *out, size_t width, const struct out_column *columns, size_t n_columns,
	const json_t *rows, struct error *err)
{
	cleanup_(unref_tablep) struct libscols_table *table = scols_new_table();
	cleanup_(grid_finishp) struct grid grid = {NULL};
	int r;

	if (!table || grid_init(&grid, columns, n_columns, rows) < 0)
		return error_set(err, -ENOMEM, "out of memory");

	scols_table_set_stream(table, out);
	scols_table_enable_noencoding(table, 1); /* out_printable() did it */
	scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER); /* and grid_wrap() that */
	if (grid_wrap(&grid, width) < 0 || add_columns(table, &grid) < 0 ||
		add_lines(table, &grid) < 0)
		return error_set(err, -ENOMEM, "out of memory");

	r = scols_print_table(table);
	return r < 0 ? error_errno(err, r, "cannot print") : 0;
}
