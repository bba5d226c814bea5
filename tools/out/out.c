/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "out.h"

#include <string.h>

#include "cell.h"
#include "out_table.h"
#include "out_yaml.h"

#define RECORD_MIN 24 /* columns of text that are worth breaking for */
#define JSON_STYLE (JSON_INDENT(2) | JSON_PRESERVE_ORDER)

static const struct {
	const char *name;
	enum out_format format;
} formats[] = {
	{"table", OUT_TABLE},
	{"json", OUT_JSON},
	{"yaml", OUT_YAML},
	{"csv", OUT_CSV},
	{"compact", OUT_COMPACT},
};

int out_format_parse(const char *name, enum out_format *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		if (strcmp(name, formats[i].name) != 0)
			continue;
		*ret = formats[i].format;
		return 0;
	}
	return -EINVAL;
}

static int no_memory(struct error *err)
{
	return error_set(err, -ENOMEM, "out of memory");
}

static void put_csv(FILE *out, const char *text)
{
	cleanup_free char *printable = out_printable(text);
	const char *p = printable ? printable : "";
	bool quote = strpbrk(p, ",\"") != NULL;

	if (quote)
		fputc('"', out);
	for (; *p; p++) {
		if (*p == '"')
			fputc('"', out);
		fputc(*p, out);
	}
	if (quote)
		fputc('"', out);
}

static void put_compact(FILE *out, const char *text)
{
	cleanup_free char *printable = out_printable(text);

	fputs(printable ? printable : "", out);
}

/* How csv and compact write a row. */
struct line_style {
	void (*put)(FILE *out, const char *text);
	const char *separator;
	const char *end;
	bool has_heading;
};

static const struct line_style csv_style = {put_csv, ",", "\r\n", true};
static const struct line_style compact_style = {put_compact, "\t", "\n", false};

static int print_lines(FILE *out, const struct line_style *style, const struct out_column *columns,
	size_t n_columns, const json_t *rows, struct error *err)
{
	const json_t *row;
	size_t i;

	for (size_t c = 0; style->has_heading && c < n_columns; c++) {
		fputs(c > 0 ? style->separator : "", out);
		style->put(out, columns[c].key);
		fputs(c + 1 == n_columns ? style->end : "", out);
	}

	json_array_foreach (rows, i, row) {
		for (size_t c = 0; c < n_columns; c++) {
			cleanup_free char *text = cell_bare(json_object_get(row, columns[c].key));

			if (!text)
				return no_memory(err);
			fputs(c > 0 ? style->separator : "", out);
			style->put(out, text);
		}
		fputs(style->end, out);
	}
	return 0;
}

int out_value(FILE *out, enum out_format format, const json_t *value, struct error *err)
{
	if (format == OUT_YAML)
		return out_yaml(out, value, err);

	if (json_dumpf(value, out, JSON_STYLE) < 0)
		return error_set(err, ferror(out) ? -EIO : -ENOMEM, "cannot write JSON");
	fputc('\n', out);
	return 0;
}

int out_rows(FILE *out, enum out_format format, const struct out_column *columns, size_t n_columns,
	const json_t *rows, struct error *err)
{
	if (!json_is_array(rows))
		return no_memory(err); /* how a failed json_pack() arrives here */

	switch (format) {
	case OUT_TABLE:
		return out_table(out, out_width(out), columns, n_columns, rows, err);
	case OUT_CSV:
		return print_lines(out, &csv_style, columns, n_columns, rows, err);
	case OUT_COMPACT:
		return print_lines(out, &compact_style, columns, n_columns, rows, err);
	default:
		return out_value(out, format, rows, err);
	}
}

/* "Title:   text"; "-" stands for nothing, what is too long goes on below its beginning. */
static int print_line(FILE *out, int indent, const char *title, const char *text)
{
	cleanup_free char *printable = text ? out_printable(text) : NULL;
	size_t width = out_width(out);
	cleanup_free char *wrapped = NULL;
	char *rest, *line;

	if (!printable)
		return -ENOMEM;
	if (width > (size_t)indent + RECORD_MIN)
		wrapped = out_wrap(printable, width - indent - 2);
	rest = wrapped ? wrapped : printable;

	fprintf(out, "%s%s%*s", title, *title ? ":" : " ", indent - (int)strlen(title), "");
	for (bool is_first = true; (line = strsep(&rest, "\n")); is_first = false)
		fprintf(out, "%*s%s\n", is_first ? 1 : indent + 2, "", *line ? line : "-");
	return 0;
}

static int print_field(FILE *out, int indent, const struct out_column *column, const json_t *value)
{
	cleanup_free char *text = NULL;
	const json_t *item;
	size_t i;
	int r = 0;

	if ((column->flags & OUT_LINES) && json_array_size(value) > 0) {
		json_array_foreach (value, i, item) {
			r = print_line(
				out, indent, i == 0 ? column->title : "", json_string_value(item));
			if (r < 0)
				return r;
		}
		return 0;
	}
	text = cell_text(column, value);
	return print_line(out, indent, column->title, text);
}

static bool field_is_shown(const struct out_column *column, const json_t *object)
{
	return !(column->flags & OUT_IF_ANY) ||
	       !cell_is_empty(json_object_get(object, column->key));
}

static int print_record(FILE *out, const struct out_column *columns, size_t n_columns,
	const json_t *object, struct error *err)
{
	size_t width = 0;

	for (size_t i = 0; i < n_columns; i++) {
		if (field_is_shown(&columns[i], object) && strlen(columns[i].title) > width)
			width = strlen(columns[i].title);
	}

	for (size_t i = 0; i < n_columns; i++) {
		const json_t *value = json_object_get(object, columns[i].key);

		if (!field_is_shown(&columns[i], object))
			continue;
		if (print_field(out, width, &columns[i], value) < 0)
			return no_memory(err);
	}
	return 0;
}

int out_record(FILE *out, enum out_format format, const struct out_column *columns,
	size_t n_columns, const json_t *object, struct error *err)
{
	cleanup_(json_decrefp) json_t *rows = NULL;

	if (!json_is_object(object))
		return no_memory(err);
	if (format == OUT_TABLE)
		return print_record(out, columns, n_columns, object, err);
	if (format == OUT_JSON || format == OUT_YAML)
		return out_value(out, format, object, err);

	rows = json_pack("[O]", object);
	return out_rows(out, format, columns, n_columns, rows, err);
}
