/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keys.h"

#include <string.h>

#include "keytypes.h"
#include "path.h"
#include "str.h"
#include "yamlscalar.h"

#define CHOICES_MAX 64

static const struct key table[] = {
#define KEY(place, layouts, name, type, arg, child, default_text, flags, since, doc)          \
	{PLACE_##place, LAYOUT_##layouts, name, KEY_##type, arg, PLACE_##child, default_text, \
		flags, since, doc},
#include "spec_keys.def"
};

static const struct place_info places[] = {
	[PLACE_NONE] = {"NONE", "", "", 0},
#define PLACE(id, path, noun, flags) [PLACE_##id] = {#id, path, noun, flags},
#include "spec_keys.def"
};

/* What the walk carries along. */
struct walk {
	enum key_layout layout;
	struct diags *diags;
};

const struct key *key_at(size_t i)
{
	return i < ARRAY_SIZE(table) ? &table[i] : NULL;
}

const struct place_info *place_info(enum place place)
{
	return &places[place];
}

const struct key *key_find(enum place place, unsigned int layout, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (table[i].place == place && (table[i].layouts & layout) &&
			strcmp(table[i].name, name) == 0)
			return &table[i];
	}
	return NULL;
}

static void format_into(struct strbuf *b, const struct where *where)
{
	if (!where || !*where->name)
		return;
	if (*where->noun && strcmp(where->noun, "volume") != 0) {
		strbuf_printf(b, "%s '%s'", where->noun, SHOWN(where->name));
		return;
	}
	format_into(b, where->up);
	if (b->len)
		strbuf_puts(b, *where->up->noun ? ": " : ".");
	strbuf_puts(b, SHOWN(where->name));
}

char *where_format(const struct where *where)
{
	struct strbuf b = STRBUF_INIT;

	format_into(&b, where);
	return strbuf_steal(&b);
}

/* "machine 'web': " or "", for the front of a message. */
static const char *front(const struct where *where, char **ret_text)
{
	struct strbuf b = STRBUF_INIT;

	format_into(&b, where);
	if (b.len)
		strbuf_puts(&b, ": ");
	*ret_text = strbuf_steal(&b);
	return *ret_text ? *ret_text : "";
}

static void report(struct walk *w, bool is_error, const struct where *where, struct mark mark,
	const char *text)
{
	cleanup_free char *prefix = NULL;

	(is_error ? diags_error : diags_warning)(
		w->diags, mark, "%s%s", front(where, &prefix), text);
}

static const char *nearest_key(const struct walk *w, enum place place, const char *word)
{
	const char *choices[CHOICES_MAX];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(table) && n < CHOICES_MAX; i++) {
		if (table[i].place == place && (table[i].layouts & w->layout))
			choices[n++] = table[i].name;
	}
	return str_nearest(word, choices, n);
}

/*
 * A key that only the other layout reads. The volumes' key is an error: data that is silently
 * not persistent is lost with the machine.
 */
static bool report_misplaced(
	struct walk *w, const struct where *where, const struct yamlpair *pair, enum place place)
{
	const struct key *other = key_find(place, LAYOUT_BOTH, pair->key->text);
	cleanup_free char *text = NULL;
	bool is_infra = w->layout == LAYOUT_INFRA;

	if (!other)
		return false;
	if (asprintf(&text, "'%s' is read in %s only%s%s", other->name,
		    is_infra ? "anklume.yml + domains/" : "infra.yml",
		    other->child == PLACE_VOLUME ? ", here it is " : "",
		    other->child != PLACE_VOLUME ? ""
		    : is_infra                   ? "'persistent_data'"
						 : "'persistent'") < 0) {
		text = NULL;
		w->diags->out_of_memory = true;
		return true;
	}
	report(w, other->child == PLACE_VOLUME, where, pair->key->mark, text);
	return true;
}

static void report_unknown(
	struct walk *w, const struct where *where, const struct yamlpair *pair, enum place place)
{
	const char *word = pair->key->text;
	const char *near = nearest_key(w, place, word);
	cleanup_free char *text = NULL;

	if (report_misplaced(w, where, pair, place))
		return;
	if (asprintf(&text, near ? "unknown key '%s', did you mean '%s'?" : "unknown key '%s'",
		    SHOWN(word), near) < 0) {
		text = NULL;
		w->diags->out_of_memory = true;
		return;
	}
	report(w, places[place].flags & CLOSED, where, pair->key->mark, text);
}

/* Why NAME is no valid name, NULL when it is one. */
static const char *name_problem(const char *name)
{
	if (name_is_valid(name))
		return NULL;
	if (!*name)
		return "it is empty";
	if (str_has_suffix(name, "\n"))
		return "it ends with a newline";
	if (strlen(name) > NAME_LENGTH_MAX)
		return "it is longer than 63 characters";
	return "use a-z, 0-9 and '-', which is neither first nor last";
}

static void check_name(struct walk *w, const struct yamlnode *name, const struct where *where)
{
	const char *problem = name_problem(name->text);
	cleanup_free char *prefix = NULL;

	if (name->type != YAMLNODE_STRING)
		diags_error(w->diags, name->mark, "%sinvalid name: it is %s, write it in quotes",
			front(where, &prefix), yamlnode_kind(name));
	else if (problem)
		diags_error(
			w->diags, name->mark, "%sinvalid name: %s", front(where, &prefix), problem);
}

static void check_map(struct walk *w, const struct yamlnode *map, enum place place,
	const struct where *where, const char *known_missing);

static void check_entry(struct walk *w, const struct yamlnode *name, const struct yamlnode *value,
	const struct key *parent, enum place place, const struct where *up)
{
	const struct place_info *info = &places[place];
	struct where where = {up, info->noun, name->text, name->mark};
	cleanup_free char *prefix = NULL;

	if (info->flags & NAMES_DNS)
		check_name(w, name, &where);

	if (value->type == YAMLNODE_NULL && (info->flags & EMPTY_OK))
		return;
	if (value->type == YAMLNODE_MAP) {
		check_map(w, value, place, &where, NULL);
		return;
	}
	if (parent && parent->type == KEY_VOLUMES_OR_PATHS && value->type == YAMLNODE_STRING) {
		const char *problem =
			keytype_check(key_find(place, w->layout, "path"), value, NULL);

		if (problem)
			report(w, true, &where, value->mark, problem);
		return;
	}
	diags_error(w->diags, value->type == YAMLNODE_NULL ? name->mark : value->mark,
		"%smust be a mapping, got %s", front(&where, &prefix), yamlnode_kind(value));
}

static void check_items(
	struct walk *w, const struct key *key, const struct yamlnode *list, const struct where *up)
{
	for (size_t i = 0; i < list->n_items; i++) {
		const struct yamlnode *item = list->items[i];
		char name[64];
		struct where where = {up->up, "", name, item->mark};

		snprintf(name, sizeof(name), "%s[%zu]", key->name, i);
		if (item->type == YAMLNODE_MAP)
			check_map(w, item, key->child, &where, NULL);
		else
			report(w, true, &where, item->mark, "must be a mapping");
	}
}

static void check_children(struct walk *w, const struct key *key, const struct yamlnode *value,
	const struct where *where)
{
	if (key->child == PLACE_NONE || value->type < YAMLNODE_LIST)
		return;
	if (key->type == KEY_MAPS) {
		check_items(w, key, value, where);
		return;
	}
	if (key->type == KEY_MAP || key->type == KEY_MAP_OR_TRUE) {
		check_map(w, value, key->child, where, NULL);
		return;
	}
	/* A list of universal volumes has nothing below. */
	for (size_t i = 0; value->type == YAMLNODE_MAP && i < value->n_pairs; i++)
		check_entry(w, value->pairs[i].key, value->pairs[i].value, key, key->child, where);
}

/* What VALUE is, for the end of a message: its text where that says more than its type. */
static void describe(const struct key *key, const struct yamlnode *value, struct strbuf *b)
{
	bool is_typed = key->type == KEY_BOOL || key->type == KEY_TEXT;
	bool is_true;
	int64_t integer;

	if (key->type == KEY_ACCESS && value->type == YAMLNODE_MAP)
		strbuf_puts(b, "an empty one");
	else if (value->type >= YAMLNODE_LIST || is_typed)
		strbuf_puts(b, yamlnode_kind(value));
	else
		strbuf_printf(b, "'%s'", SHOWN(value->text));

	if (key->type == KEY_BOOL && value->type == YAMLNODE_STRING &&
		yamlscalar_resolve(value->text, &is_true, &integer) == YAMLNODE_BOOL)
		strbuf_puts(b, ": drop the quotes");
	if (key->type == KEY_TEXT && value->type < YAMLNODE_STRING)
		strbuf_puts(b, ": write it in quotes");
}

static void check_value(
	struct walk *w, const struct key *key, const struct yamlpair *pair, const struct where *up)
{
	const struct yamlnode *value = pair->value;
	struct where where = {up, "", key->name, pair->key->mark};
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	char buf[KEYTYPE_TEXT_MAX];
	const char *wanted;

	if (value->type == YAMLNODE_NULL)
		return;

	wanted = keytype_check(key, value, buf);
	if (!wanted) {
		check_children(w, key, value, &where);
		return;
	}
	strbuf_printf(&text, "%s %s, got ", key->name, wanted);
	describe(key, value, &text);
	report(w, key->flags & STRICT, up, value->mark, text.failed ? wanted : text.data);
}

/* A required key is there and has a value; an empty map of entries is a value. */
static bool is_present(const struct yamlnode *map, const struct key *key)
{
	const struct yamlnode *value = yamlnode_get(map, key->name);

	return value && (value->type != YAMLNODE_NULL || key->type == KEY_ENTRIES);
}

static void check_required(struct walk *w, const struct yamlnode *map, enum place place,
	const struct where *where, const char *known_missing)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const struct key *key = &table[i];
		cleanup_free char *prefix = NULL;
		const struct yamlpair *pair;

		if (key->place != place || !(key->layouts & w->layout) || !(key->flags & REQUIRED))
			continue;
		if (str_equal(key->name, known_missing) || is_present(map, key))
			continue;

		pair = yamlnode_find(map, key->name);
		if (!where->up && !pair)
			diags_error(w->diags, where->mark, "missing required key '%s'", key->name);
		else
			diags_error(w->diags, pair ? pair->key->mark : where->mark,
				"%s%s is required", front(where, &prefix), key->name);
	}
}

static void check_map(struct walk *w, const struct yamlnode *map, enum place place,
	const struct where *where, const char *known_missing)
{
	for (size_t i = 0; i < map->n_pairs; i++) {
		const struct yamlpair *pair = &map->pairs[i];
		const struct key *key = NULL;

		if (places[place].flags & ANY_KEY) {
			if (pair->value->type >= YAMLNODE_LIST)
				report(w, true, where, pair->value->mark,
					"a device key must have a plain value");
			continue;
		}
		if (pair->key->type == YAMLNODE_STRING)
			key = key_find(place, w->layout, pair->key->text);
		if (key)
			check_value(w, key, pair, where);
		else
			report_unknown(w, where, pair, place);
	}
	check_required(w, map, place, where, known_missing);
}

void keys_check(const struct yamlnode *map, enum place place, enum key_layout layout,
	const struct where *where, const char *known_missing, struct diags *diags)
{
	struct walk w = {layout, diags};

	check_map(&w, map, place, where, known_missing);
}

void keys_check_entry(const struct yamlnode *name, const struct yamlnode *value, enum place place,
	enum key_layout layout, const struct where *up, struct diags *diags)
{
	struct walk w = {layout, diags};

	check_entry(&w, name, value, NULL, place, up);
}
