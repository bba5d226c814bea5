/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "schema.h"

#include "keys.h"
#include "keytypes.h"
#include "str.h"
#include "unit.h"

#include <ctype.h>
#include <jansson.h>
#include <string.h>

static json_t *schema;
static char *markdown;

static void setup(void)
{
	char *text = schema_json();

	schema = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	ck_assert_ptr_nonnull(schema);
	free(text);
	markdown = schema_markdown();
	ck_assert_ptr_nonnull(markdown);
}

static void teardown(void)
{
	json_decref(schema);
	free(markdown);
}

/* The object in the schema that describes PLACE. */
static json_t *definition(enum place place)
{
	cleanup_free char *name = strdup(place_info(place)->id);

	if (place == PLACE_ROOT)
		return schema;
	for (char *p = name; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return json_object_get(json_object_get(schema, "$defs"), name);
}

/* Places that only the other layout or another file has. */
static bool is_in_infra_yml(enum place place)
{
	return place != PLACE_MAIN && place != PLACE_POLICIES && place != PLACE_NESTING &&
	       place != PLACE_DEFAULTS;
}

static size_t count_keys(void)
{
	size_t n = 0;

	while (key_at(n))
		n++;
	return n;
}

static bool is_known(enum place place, enum key_layout layout, const char *name)
{
	cleanup_diags struct diags diags;
	cleanup_yamldoc struct yamldoc *doc = NULL;
	cleanup_free char *text = NULL;
	struct where where = {NULL, "", "", {0, 0, 0}};

	diags_init(&diags);
	ck_assert_int_gt(asprintf(&text, "%s: \n", name), 0);
	ck_assert_int_eq(yamldoc_parse("t", text, strlen(text), &diags, &doc), 0);
	keys_check(yamldoc_root(doc), place, layout, &where, NULL, &diags);
	for (size_t i = 0; i < diags.n_items; i++) {
		if (strstr(diags.items[i].text, "unknown key") ||
			strstr(diags.items[i].text, "is read in"))
			return false;
	}
	return true;
}

/* S0-32: the table is the one source, so all that is made from it knows each of its keys. */
START_TEST(validator_schema_and_markdown_know_the_key)
{
	const struct key *key = key_at(_i);
	const char *path = place_info(key->place)->path;
	cleanup_free char *row = NULL;
	json_t *property;

	for (unsigned int bit = LAYOUT_INFRA; bit <= LAYOUT_ANKLUME; bit <<= 1)
		ck_assert_msg(is_known(key->place, bit, key->name) ==
				      (key_find(key->place, bit, key->name) != NULL),
			"'%s' in layout %u", key->name, bit);

	property =
		json_object_get(json_object_get(definition(key->place), "properties"), key->name);
	if ((key->layouts & LAYOUT_INFRA) && is_in_infra_yml(key->place)) {
		ck_assert_msg(property != NULL, "no '%s' in the schema", key->name);
		ck_assert_str_eq(
			json_string_value(json_object_get(property, "description")), key->doc);
	} else if (is_in_infra_yml(key->place) && !key_find(key->place, LAYOUT_INFRA, key->name)) {
		ck_assert_msg(property == NULL, "'%s' in the schema", key->name);
	}

	ck_assert_int_gt(asprintf(&row, "| `%s%s%s` | %s", path, *path ? "." : "", key->name,
				 keytype_title(key->type)),
		0);
	ck_assert_msg(strstr(markdown, row) != NULL, "no row '%s'", row);
}
END_TEST

/* S0-32, the other way round. */
START_TEST(schema_has_no_key_of_its_own)
{
	size_t n = 0;

	for (enum place place = PLACE_NONE + 1; place < N_PLACES; place++) {
		json_t *properties = json_object_get(definition(place), "properties");
		const char *name;
		json_t *value;

		json_object_foreach (properties, name, value) {
			ck_assert_msg(key_find(place, LAYOUT_INFRA, name) != NULL, "'%s'", name);
			n++;
		}
	}
	ck_assert_uint_gt(n, 50);
}
END_TEST

START_TEST(markdown_has_one_row_per_key)
{
	size_t n = 0;

	for (const char *p = markdown; (p = strchr(p, '\n')); p++)
		n++;
	ck_assert_uint_eq(n, count_keys() + 2);
}
END_TEST

/* Every "$ref" below VALUE leads to a definition. */
static void check_refs(json_t *value)
{
	const char *ref = json_string_value(json_object_get(value, "$ref"));
	const char *name;
	json_t *child;
	size_t i;

	if (ref) {
		ck_assert(str_has_prefix(ref, "#/$defs/"));
		ck_assert_msg(json_is_object(json_object_get(
				      json_object_get(schema, "$defs"), ref + strlen("#/$defs/"))),
			"'%s'", ref);
	}
	if (json_is_object(value)) {
		json_object_foreach (value, name, child)
			check_refs(child);
	}
	json_array_foreach (value, i, child)
		check_refs(child);
}

START_TEST(references_lead_somewhere)
{
	check_refs(schema);
	ck_assert_str_eq(json_string_value(json_object_get(schema, "$schema")),
		"https://json-schema.org/draft/2020-12/schema");
}
END_TEST

START_TEST(volumes_are_closed_and_need_a_path)
{
	json_t *volume = definition(PLACE_VOLUME);
	json_t *required = json_object_get(volume, "required");

	ck_assert(json_is_false(json_object_get(volume, "additionalProperties")));
	ck_assert_uint_eq(json_array_size(required), 1);
	ck_assert_str_eq(json_string_value(json_array_get(required, 0)), "path");
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("schema");
	TCase *tc = tcase_create("schema");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, validator_schema_and_markdown_know_the_key, 0, count_keys());
	tcase_add_test(tc, schema_has_no_key_of_its_own);
	tcase_add_test(tc, markdown_has_one_row_per_key);
	tcase_add_test(tc, references_lead_somewhere);
	tcase_add_test(tc, volumes_are_closed_and_need_a_path);
	suite_add_tcase(s, tc);
	return s;
}
