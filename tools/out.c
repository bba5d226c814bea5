/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "out.h"

#include <libsmartcols/libsmartcols.h>
#include <string.h>
#include <time.h>

#include "out_yaml.h"
#include "str.h"

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

/* The words of an array, or nothing, with SEPARATOR between them. */
static char *join(const json_t *array, const char *separator)
{
	cleanup_strbuf struct strbuf b = STRBUF_INIT;
	const json_t *item;
	size_t i;

	json_array_foreach (array, i, item) {
		if (i > 0)
			strbuf_puts(&b, separator);
		if (json_is_string(item))
			strbuf_puts(&b, json_string_value(item));
	}
	return strbuf_steal(&b);
}

/* What VALUE is in csv and compact: the bare value, nothing for null. */
static char *bare_text(const json_t *value)
{
	char *text;

	if (json_is_string(value))
		return strdup(json_string_value(value));
	if (json_is_array(value))
		return join(value, ",");
	if (json_is_integer(value))
		return asprintf(&text, "%" JSON_INTEGER_FORMAT, json_integer_value(value)) < 0
			       ? NULL
			       : text;
	if (json_is_boolean(value))
		return strdup(json_is_true(value) ? "true" : "false");
	if (json_is_object(value) || json_is_real(value))
		return json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	return strdup("");
}

static char *local_time(const char *utc)
{
	struct tm tm = {0};
	char buf[64];
	time_t t;

	if (!strptime(utc, "%Y-%m-%dT%H:%M:%SZ", &tm))
		return strdup(utc);
	t = timegm(&tm);
	if (!localtime_r(&t, &tm))
		return strdup(utc);
	strftime(buf, sizeof(buf), "%Y-%m-%d %H:%M", &tm);
	return strdup(buf);
}

/* "readonly", which comes first when it is there, takes less room as "ro". */
static char *short_flags(const json_t *array)
{
	cleanup_free char *all = join(array, ",");
	char *text;

	return all && asprintf(&text, "ro%s", all + strlen("readonly")) >= 0 ? text : NULL;
}

/* What VALUE is for a person. */
static char *table_text(const struct out_column *column, const json_t *value)
{
	char buf[32];

	if (column->type == OUT_BOOL && json_is_boolean(value))
		return strdup(json_is_true(value) ? "yes" : "no");
	if (column->type == OUT_SIZE && json_is_integer(value))
		return strdup(format_size(json_integer_value(value), buf, sizeof(buf)));
	if (column->type == OUT_TIME && json_is_string(value))
		return local_time(json_string_value(value));
	if (column->type == OUT_FLAGS &&
		str_equal(json_string_value(json_array_get(value, 0)), "readonly"))
		return short_flags(value);
	return bare_text(value);
}

static bool is_empty(const json_t *value)
{
	if (!value || json_is_null(value))
		return true;
	if (json_is_string(value))
		return *json_string_value(value) == '\0';
	return json_is_array(value) && json_array_size(value) == 0;
}

static bool column_is_shown(const struct out_column *column, const json_t *rows)
{
	const json_t *row;
	size_t i;

	if (!(column->flags & OUT_IF_ANY))
		return true;

	json_array_foreach (rows, i, row) {
		if (!is_empty(json_object_get(row, column->key)))
			return true;
	}
	return false;
}

DEFINE_CLEANUP(unref_tablep, struct libscols_table *, scols_unref_table)

static int add_columns(struct libscols_table *table, const struct out_column *columns, size_t n,
	const json_t *rows, const struct out_column **shown, size_t *ret_n_shown)
{
	size_t n_shown = 0;

	for (size_t i = 0; i < n; i++) {
		bool right = columns[i].type == OUT_NUMBER || columns[i].type == OUT_SIZE;
		int flags = (right ? SCOLS_FL_RIGHT : 0) |
			    (columns[i].flags & OUT_WRAP ? SCOLS_FL_WRAP : 0);

		if (!column_is_shown(&columns[i], rows))
			continue;
		if (!scols_table_new_column(table, columns[i].title, 0, flags))
			return -ENOMEM;
		shown[n_shown++] = &columns[i];
	}
	*ret_n_shown = n_shown;
	return 0;
}

static int add_line(struct libscols_table *table, const struct out_column *const *shown,
	size_t n_shown, const json_t *row)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);

	if (!line)
		return -ENOMEM;

	for (size_t i = 0; i < n_shown; i++) {
		const json_t *value = json_object_get(row, shown[i]->key);
		cleanup_free char *text = table_text(shown[i], value);
		cleanup_free char *printable = text ? out_printable(text) : NULL;

		if (!printable || scols_line_set_data(line, i, printable) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int print_table(FILE *out, const struct out_column *columns, size_t n_columns,
	const json_t *rows, struct error *err)
{
	cleanup_(unref_tablep) struct libscols_table *table = scols_new_table();
	cleanup_free const struct out_column **shown = calloc(n_columns, sizeof(*shown));
	const json_t *row;
	size_t i, n_shown;
	int r;

	if (!table || !shown)
		return no_memory(err);

	scols_table_set_stream(table, out);
	scols_table_enable_noencoding(table, 1); /* out_printable() did it */
	r = add_columns(table, columns, n_columns, rows, shown, &n_shown);
	if (r < 0)
		return no_memory(err);

	json_array_foreach (rows, i, row) {
		r = add_line(table, shown, n_shown, row);
		if (r < 0)
			return no_memory(err);
	}
	r = scols_print_table(table);
	return r < 0 ? error_errno(err, r, "cannot print") : 0;
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
			cleanup_free char *text = bare_text(json_object_get(row, columns[c].key));

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
		return print_table(out, columns, n_columns, rows, err);
	case OUT_CSV:
		return print_lines(out, &csv_style, columns, n_columns, rows, err);
	case OUT_COMPACT:
		return print_lines(out, &compact_style, columns, n_columns, rows, err);
	default:
		return out_value(out, format, rows, err);
	}
}

/* "Title:   text" with the texts below each other; "-" stands for nothing. */
static int print_line(FILE *out, int width, const char *title, const char *text)
{
	cleanup_free char *printable = text ? out_printable(text) : NULL;
	int pad = width - (int)strlen(title);

	if (!printable)
		return -ENOMEM;
	fprintf(out, "%s%s%*s %s\n", title, *title ? ":" : " ", pad, "",
		*printable ? printable : "-");
	return 0;
}

static int print_field(FILE *out, int width, const struct out_column *column, const json_t *value)
{
	cleanup_free char *text = NULL;
	const json_t *item;
	size_t i;
	int r = 0;

	if ((column->flags & OUT_LINES) && json_array_size(value) > 0) {
		json_array_foreach (value, i, item) {
			r = print_line(
				out, width, i == 0 ? column->title : "", json_string_value(item));
			if (r < 0)
				return r;
		}
		return 0;
	}
	text = table_text(column, value);
	return print_line(out, width, column->title, text);
}

static bool field_is_shown(const struct out_column *column, const json_t *object)
{
	return !(column->flags & OUT_IF_ANY) || !is_empty(json_object_get(object, column->key));
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
