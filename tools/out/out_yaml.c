/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "out_yaml.h"

#include <string.h>
#include <strings.h>
#include <yaml.h>

/* Words that YAML 1.1 readers (PyYAML, Ansible) take for something else than a string. */
static const char *const special_words[] = {
	"y", "n", "yes", "no", "true", "false", "on", "off", "null", "~", "nan", "inf"};

/* True when S may stand without quotes: nobody reads a number, a date, a bool or a null in it. */
static int is_plain(const char *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(special_words); i++) {
		if (strcasecmp(s, special_words[i]) == 0)
			return 0;
	}
	for (const char *p = s; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return 0;
	}
	return (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || *s == '/';
}

static int emit_scalar(yaml_emitter_t *emitter, const char *text, int is_string)
{
	yaml_event_t event;
	int plain = !is_string || is_plain(text);
	yaml_scalar_style_t style =
		plain ? YAML_PLAIN_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE;

	return yaml_scalar_event_initialize(
		       &event, NULL, NULL, (const yaml_char_t *)text, -1, plain, 1, style) &&
	       yaml_emitter_emit(emitter, &event);
}

static int emit_value(yaml_emitter_t *emitter, const json_t *value);

static int emit_array(yaml_emitter_t *emitter, const json_t *array)
{
	/* Lists of words (flags) read best on one line. */
	int is_flow = json_array_size(array) == 0 || json_is_string(json_array_get(array, 0));
	yaml_event_t event;
	const json_t *item;
	size_t i;

	if (!yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
		    is_flow ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE) ||
		!yaml_emitter_emit(emitter, &event))
		return 0;

	json_array_foreach (array, i, item) {
		if (!emit_value(emitter, item))
			return 0;
	}
	return yaml_sequence_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

static int emit_object(yaml_emitter_t *emitter, const json_t *object)
{
	yaml_event_t event;
	const char *key;
	json_t *value;

	if (!yaml_mapping_start_event_initialize(&event, NULL, NULL, 1,
		    json_object_size(object) == 0 ? YAML_FLOW_MAPPING_STYLE
						  : YAML_BLOCK_MAPPING_STYLE) ||
		!yaml_emitter_emit(emitter, &event))
		return 0;

	json_object_foreach ((json_t *)object, key, value) {
		if (!emit_scalar(emitter, key, 1) || !emit_value(emitter, value))
			return 0;
	}
	return yaml_mapping_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

static int emit_value(yaml_emitter_t *emitter, const json_t *value)
{
	char number[32];

	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return emit_object(emitter, value);
	case JSON_ARRAY:
		return emit_array(emitter, value);
	case JSON_STRING:
		return emit_scalar(emitter, json_string_value(value), 1);
	case JSON_TRUE:
		return emit_scalar(emitter, "true", 0);
	case JSON_FALSE:
		return emit_scalar(emitter, "false", 0);
	case JSON_NULL:
		return emit_scalar(emitter, "null", 0);
	case JSON_REAL:
		snprintf(number, sizeof(number), "%.17g", json_real_value(value));
		return emit_scalar(emitter, number, 0);
	case JSON_INTEGER:
		snprintf(
			number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		return emit_scalar(emitter, number, 0);
	}
	return 0;
}

static int write_bytes(void *data, unsigned char *buffer, size_t size)
{
	return fwrite(buffer, 1, size, data) == size;
}

static int emit_document(yaml_emitter_t *emitter, const json_t *value)
{
	yaml_event_t event;

	return yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) &&
	       yaml_emitter_emit(emitter, &event) &&
	       yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1) &&
	       yaml_emitter_emit(emitter, &event) && emit_value(emitter, value) &&
	       yaml_document_end_event_initialize(&event, 1) &&
	       yaml_emitter_emit(emitter, &event) && yaml_stream_end_event_initialize(&event) &&
	       yaml_emitter_emit(emitter, &event);
}

int out_yaml(FILE *out, const json_t *value, struct error *err)
{
	yaml_emitter_t emitter;
	int is_ok;

	if (!yaml_emitter_initialize(&emitter))
		return error_set(err, -ENOMEM, "out of memory");

	yaml_emitter_set_output(&emitter, write_bytes, out);
	yaml_emitter_set_unicode(&emitter, 1);
	yaml_emitter_set_width(&emitter, -1);
	is_ok = emit_document(&emitter, value);
	yaml_emitter_delete(&emitter);
	return is_ok ? 0 : error_set(err, -EIO, "cannot write YAML");
}
