/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cell.h"

#include <string.h>
#include <time.h>

#include "str.h"

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
char *cell_bare(const json_t *value)
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

/* Counters by name: those that count something. */
static char *counters(const json_t *object)
{
	cleanup_strbuf struct strbuf b = STRBUF_INIT;
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)object, key, value) {
		if (json_integer_value(value) != 0)
			strbuf_printf(&b, "%s%s %" JSON_INTEGER_FORMAT, b.len ? ", " : "", key,
				json_integer_value(value));
	}
	return strbuf_steal(&b);
}

/* What VALUE is for a person. */
char *cell_text(const struct out_column *column, const json_t *value)
{
	char buf[32];

	if (column->type == OUT_BOOL && json_is_boolean(value))
		return strdup(json_is_true(value) ? "yes" : "no");
	if (column->type == OUT_SIZE && json_is_integer(value))
		return strdup(format_size(json_integer_value(value), buf, sizeof(buf)));
	if (column->type == OUT_TIME && json_is_string(value))
		return local_time(json_string_value(value));
	if (json_is_object(value))
		return counters(value);
	if (column->type == OUT_FLAGS &&
		str_equal(json_string_value(json_array_get(value, 0)), "readonly"))
		return short_flags(value);
	return cell_bare(value);
}

bool cell_is_empty(const json_t *value)
{
	if (!value || json_is_null(value))
		return true;
	if (json_is_string(value))
		return *json_string_value(value) == '\0';
	return json_is_array(value) && json_array_size(value) == 0;
}
