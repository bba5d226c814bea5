/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "schema.h"

#include <ctype.h>
#include <jansson.h>
#include <string.h>

#include "keytypes.h"
#include "path.h"
#include "str.h"
#include "universal.h"

#define DRAFT "https://json-schema.org/draft/2020-12/schema"
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

/* jansson's functions fail without memory, or given a value that failed so; *BAD remembers one. */
static void put(json_t *object, const char *key, json_t *value, bool *bad)
{
	*bad |= json_object_set_new(object, key, value) < 0;
}

static json_t *ref_to(enum place place)
{
	char buf[REF_MAX];

	return json_pack("{s:s}", "$ref", make_ref(place, buf));
}

static json_t *ref_or_null(enum place place)
{
	return json_pack("{s:[o, {s:s}]}", "anyOf", ref_to(place), "type", "null");
}

static json_t *entries_of(enum place place, bool *bad)
{
	unsigned int flags = place_info(place)->flags;
	json_t *object = json_pack("{s:[ss]}", "type", "object", "null");

	if (flags & NAMES_DNS)
		put(object, "propertyNames",
			json_pack("{s:s, s:i}", "pattern", keytype_pattern(KEY_NAME), "maxLength",
				NAME_LENGTH_MAX),
			bad);
	put(object, "additionalProperties", flags & EMPTY_OK ? ref_or_null(place) : ref_to(place),
		bad);
	return object;
}

static json_t *range_of(const char *arg, bool *bad)
{
	json_t *object = json_pack("{s:s}", "type", "integer");
	int64_t min, max;

	keytype_range(arg, &min, &max);
	put(object, "minimum", json_integer(min), bad);
	if (max != INT64_MAX)
		put(object, "maximum", json_integer(max), bad);
	return object;
}

static json_t *choice_of(const char *arg, bool *bad)
{
	json_t *list = json_array();

	for (const char *p = arg; *p;) {
		size_t n = strcspn(p, "|");

		*bad |= json_array_append_new(list, json_stringn(p, n)) < 0;
		p += n + (p[n] == '|');
	}
	return json_pack("{s:o}", "enum", list);
}

static json_t *simple(const char *type)
{
	return json_pack("{s:s}", "type", type);
}

/* A string of TYPE's pattern; the size of a volume may be a number too. */
static json_t *text_of(enum key_type type, bool *bad)
{
	const char *pattern = keytype_pattern(type);
	json_t *object = type == KEY_SIZE ? json_pack("{s:[ss], s:i}", "type", "string", "integer",
						    "minimum", 1)
					  : simple("string");

	if (pattern)
		put(object, "pattern", json_string(pattern), bad);
	if (type == KEY_NAME)
		put(object, "maxLength", json_integer(NAME_LENGTH_MAX), bad);
	return object;
}

static json_t *list_of(json_t *items)
{
	return json_pack("{s:s, s:o}", "type", "array", "items", items);
}

static json_t *ports(void)
{
	json_t *port =
		json_pack("{s:s, s:i, s:i}", "type", "integer", "minimum", 1, "maximum", 65535);

	return json_pack("{s:[{s:s}, o]}", "anyOf", "const", "all", list_of(port));
}

static json_t *map_of(json_t *values)
{
	return json_pack("{s:s, s:o}", "type", "object", "additionalProperties", values);
}

static json_t *plain_value(void)
{
	return json_pack("{s:[ssss]}", "type", "string", "number", "boolean", "null");
}

static json_t *access_map(bool *bad)
{
	json_t *object = map_of(json_pack("{s:[ss]}", "enum", "ro", "rw"));

	put(object, "minProperties", json_integer(1), bad);
	return object;
}

/* Names of universal volumes, each once. */
static json_t *universal_list(bool *bad)
{
	json_t *names = json_array();
	json_t *list;

	for (size_t i = 0; i < UNIVERSAL_COUNT; i++)
		*bad |= json_array_append_new(names, json_string(universal_volumes[i].name)) < 0;
	list = list_of(json_pack("{s:o}", "enum", names));
	put(list, "uniqueItems", json_true(), bad);
	put(list, "minItems", json_integer(1), bad);
	return list;
}

static json_t *type_of(const struct key *key, bool *bad)
{
	switch (key->type) {
	case KEY_BOOL:
		return simple("boolean");
	case KEY_INT:
		return range_of(key->arg, bad);
	case KEY_CHOICE:
		return choice_of(key->arg, bad);
	case KEY_LIST:
		return simple("array");
	case KEY_TEXTS:
		return list_of(simple("string"));
	case KEY_PORTS:
		return ports();
	case KEY_CONFIG:
		return map_of(plain_value());
	case KEY_ACCESS:
		return access_map(bad);
	case KEY_ANY:
		return json_object();
	case KEY_MAP:
		return ref_to(key->child);
	case KEY_MAP_OR_TRUE:
		return json_pack("{s:[o, {s:b}]}", "anyOf", ref_to(key->child), "const", 1);
	case KEY_MAPS:
		return list_of(ref_to(key->child));
	case KEY_ENTRIES:
		return entries_of(key->child, bad);
	case KEY_VOLUMES:
	case KEY_VOLUMES_OR_PATHS:
		return json_pack("{s:[o, {s:s}, o]}", "anyOf", entries_of(key->child, bad), "const",
			UNIVERSAL_WORD, universal_list(bad));
	default:
		return text_of(key->type, bad);
	}
}

/* The default is a value, not the description of one. */
static bool has_default(const struct key *key)
{
	return key->default_text && !strpbrk(key->default_text, " <");
}

static json_t *default_of(const struct key *key)
{
	const char *text = key->default_text;

	if (key->type == KEY_BOOL)
		return json_boolean(strcmp(text, "true") == 0);
	if (key->type == KEY_INT)
		return json_integer(strtoll(text, NULL, 10));
	return json_string(text);
}

static json_t *property_of(const struct key *key, bool *bad)
{
	json_t *object = type_of(key, bad);

	put(object, "description", json_string(key->doc), bad);
	if (has_default(key))
		put(object, "default", default_of(key), bad);
	return object;
}

static json_t *place_to_json(enum place place, bool *bad)
{
	json_t *properties = json_object();
	json_t *required = json_array();
	json_t *object = json_pack("{s:s}", "type", "object");
	unsigned int flags = place_info(place)->flags;
	const struct key *key;

	for (size_t i = 0; (key = key_at(i)); i++) {
		if (key->place != place || !(key->layouts & LAYOUT_INFRA))
			continue;
		put(properties, key->name, property_of(key, bad), bad);
		if (key->flags & REQUIRED)
			*bad |= json_array_append_new(required, json_string(key->name)) < 0;
	}
	put(object, "properties", properties, bad);
	if (json_array_size(required) > 0)
		put(object, "required", json_incref(required), bad);
	json_decref(required);
	if (flags & CLOSED)
		put(object, "additionalProperties", json_false(), bad);
	if (flags & ANY_KEY)
		put(object, "additionalProperties",
			json_pack("{s:[ssss]}", "type", "string", "number", "boolean", "null"),
			bad);
	return object;
}

/* Places that infra.yml has: those below its root. */
static void add_defs(json_t *defs, enum place place, bool *bad)
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
		put(defs, name, place_to_json(key->child, bad), bad);
		if (*bad)
			return;
		add_defs(defs, key->child, bad);
	}
}

static int add_text(const char *text, size_t len, void *data)
{
	struct strbuf *b = data;

	strbuf_add(b, text, len);
	return b->failed ? -1 : 0;
}

char *schema_json(void)
{
	json_t *root = json_pack("{s:s, s:s}", "$schema", DRAFT, "title", "anklume infra.yml");
	bool bad = false;
	json_t *place = place_to_json(PLACE_ROOT, &bad);
	json_t *defs = json_object();
	struct strbuf text = STRBUF_INIT;

	bad |= json_object_update(root, place) < 0;
	add_defs(defs, PLACE_ROOT, &bad);
	put(root, "$defs", defs, &bad);
	/* Not json_dumps(): without memory its buffer loses pieces of the text, and says nothing. */
	if (!bad)
		bad = json_dump_callback(root, add_text, &text, JSON_INDENT(2)) < 0;
	json_decref(root);
	json_decref(place);
	if (!bad)
		return strbuf_steal(&text);
	strbuf_finish(&text);
	return NULL;
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
