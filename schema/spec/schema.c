/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "schema.h"

#include <ctype.h>
#include <jansson.h>
#include <string.h>

#include "keytypes.h"
#include "str.h"

#define DRAFT "https://json-schema.org/draft/2020-12/schema"
#define NAME_PATTERN "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
#define REF_MAX 64

/* "#/$defs/machine" in BUF (REF_MAX bytes). */
static const char *make_ref(enum place place, char *buf)
{
	char *p = stpcpy(buf, "#/$defs/");

	for (const char *id = place_info(place)->id; *id; id++)
		*p++ = (char)tolower((unsigned char)*id);
	*p = '\0';
	return buf;
}

static const char *def_name(enum place place, char *buf)
{
	return make_ref(place, buf) + strlen("#/$defs/");
}

static json_t *ref_to(enum place place)
{
	char buf[REF_MAX];

	return json_pack("{s:s}", "$ref", make_ref(place, buf));
}

static json_t *entries_of(enum place place)
{
	unsigned int flags = place_info(place)->flags;
	json_t *object = json_pack("{s:[ss]}", "type", "object", "null");

	if (flags & NAMES_DNS)
		json_object_set_new(object, "propertyNames",
			json_pack("{s:s, s:i}", "pattern", NAME_PATTERN, "maxLength", 63));
	if (flags & EMPTY_OK)
		json_object_set_new(object, "additionalProperties",
			json_pack("{s:[o, {s:s}]}", "anyOf", ref_to(place), "type", "null"));
	else
		json_object_set_new(object, "additionalProperties", ref_to(place));
	return object;
}

static json_t *range_of(const char *arg)
{
	json_t *object = json_pack("{s:s}", "type", "integer");
	int64_t min, max;

	keytype_range(arg, &min, &max);
	json_object_set_new(object, "minimum", json_integer(min));
	if (max != INT64_MAX)
		json_object_set_new(object, "maximum", json_integer(max));
	return object;
}

static json_t *choice_of(const char *arg)
{
	json_t *list = json_array();

	for (const char *p = arg; *p;) {
		size_t n = strcspn(p, "|");

		json_array_append_new(list, json_stringn(p, n));
		p += n + (p[n] == '|');
	}
	return json_pack("{s:o}", "enum", list);
}

static json_t *type_of(const struct key *key)
{
	const char *text = keytype_schema(key->type);

	if (text)
		return json_loads(text, 0, NULL);

	switch (key->type) {
	case KEY_INT:
		return range_of(key->arg);
	case KEY_CHOICE:
		return choice_of(key->arg);
	case KEY_MAPS:
		return json_pack("{s:s, s:o}", "type", "array", "items", ref_to(key->child));
	case KEY_MAP_OR_TRUE:
		return json_pack("{s:[o, {s:b}]}", "anyOf", ref_to(key->child), "const", 1);
	case KEY_MAP:
		return ref_to(key->child);
	default:
		return entries_of(key->child);
	}
}

/* The default where it is a value and no description of one. */
static json_t *default_of(const struct key *key)
{
	const char *text = key->default_text;

	if (!text || strchr(text, ' ') || strchr(text, '<'))
		return NULL;
	if (key->type == KEY_BOOL)
		return json_boolean(strcmp(text, "true") == 0);
	if (key->type == KEY_INT)
		return json_integer(strtoll(text, NULL, 10));
	return json_string(text);
}

static json_t *property_of(const struct key *key)
{
	json_t *object = type_of(key);
	json_t *value = default_of(key);

	json_object_set_new(object, "description", json_string(key->doc));
	if (value)
		json_object_set_new(object, "default", value);
	return object;
}

static json_t *place_to_json(enum place place)
{
	json_t *properties = json_object();
	json_t *required = json_array();
	json_t *object = json_pack("{s:s}", "type", "object");
	unsigned int flags = place_info(place)->flags;
	const struct key *key;

	for (size_t i = 0; (key = key_at(i)); i++) {
		if (key->place != place || !(key->layouts & LAYOUT_INFRA))
			continue;
		json_object_set_new(properties, key->name, property_of(key));
		if (key->flags & REQUIRED)
			json_array_append_new(required, json_string(key->name));
	}
	json_object_set_new(object, "properties", properties);
	if (json_array_size(required))
		json_object_set(object, "required", required);
	json_decref(required);
	if (flags & CLOSED)
		json_object_set_new(object, "additionalProperties", json_false());
	if (flags & ANY_KEY)
		json_object_set_new(object, "additionalProperties",
			json_pack("{s:[ssss]}", "type", "string", "number", "boolean", "null"));
	return object;
}

/* Places that infra.yml has: those below its root. */
static void add_defs(json_t *defs, enum place place)
{
	const struct key *key;
	char buf[REF_MAX];

	for (size_t i = 0; (key = key_at(i)); i++) {
		const char *name;

		if (key->place != place || !(key->layouts & LAYOUT_INFRA) || !key->child)
			continue;
		name = def_name(key->child, buf);
		if (json_object_get(defs, name))
			continue;
		json_object_set_new(defs, name, place_to_json(key->child));
		add_defs(defs, key->child);
	}
}

char *schema_json(void)
{
	json_t *root = json_pack("{s:s, s:s}", "$schema", DRAFT, "title", "anklume infra.yml");
	json_t *place = place_to_json(PLACE_ROOT);
	json_t *defs = json_object();
	char *text = NULL;

	if (root && place && defs && json_object_update(root, place) == 0) {
		add_defs(defs, PLACE_ROOT);
		if (json_object_set(root, "$defs", defs) == 0)
			text = json_dumps(root, JSON_INDENT(2));
	}
	json_decref(root);
	json_decref(place);
	json_decref(defs);
	return text;
}

/* In a table's cell "|" parts cells and "<x>" would be HTML. */
static void add_cell(struct strbuf *b, const char *text)
{
	for (const char *p = text; *p; p++) {
		if (strchr("|<>", *p))
			strbuf_puts(b, "\\");
		strbuf_add(b, p, 1);
	}
}

static const char *layout_name(enum key_layout layouts)
{
	return layouts == LAYOUT_BOTH ? "both" : layouts == LAYOUT_INFRA ? "infra" : "anklume";
}

static void add_row(struct strbuf *b, const struct key *key)
{
	const char *path = place_info(key->place)->path;

	strbuf_printf(b, "| `%s%s%s` | ", path, *path ? "." : "", key->name);
	add_cell(b, keytype_title(key->type));
	if (key->arg && key->type == KEY_CHOICE) {
		strbuf_puts(b, ": ");
		add_cell(b, key->arg);
	}
	if (key->arg && key->type == KEY_INT)
		strbuf_printf(b, " %s", key->arg);
	strbuf_puts(b, " | ");
	add_cell(b, key->default_text       ? key->default_text
		    : key->flags & REQUIRED ? "required"
					    : "");
	strbuf_printf(b, " | %s | %s | ", layout_name(key->layouts), key->since);
	add_cell(b, key->doc);
	strbuf_puts(b, " |\n");
}

char *schema_markdown(void)
{
	struct strbuf b = STRBUF_INIT;
	const struct key *key;

	strbuf_puts(&b, "| Key | Type | Default | Layout | Since | Meaning |\n"
			"|---|---|---|---|---|---|\n");
	for (size_t i = 0; (key = key_at(i)); i++)
		add_row(&b, key);
	return strbuf_steal(&b);
}
