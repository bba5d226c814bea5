/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keys.h"

#include "keytypes.h"
#include "str.h"
#include "unit.h"

#include <string.h>

static struct diags diags;
static struct yamldoc *doc;

static void setup(void)
{
	diags_init(&diags);
}

static void teardown(void)
{
	yamldoc_free(steal_ptr(&doc));
	diags_finish(&diags);
}

static const struct yamlnode *parse(const char *text)
{
	ck_assert_int_eq(yamldoc_parse("t.yml", text, strlen(text), &diags, &doc), 0);
	return yamldoc_root(doc);
}

static size_t count_keys(void)
{
	size_t n = 0;

	while (key_at(n))
		n++;
	return n;
}

START_TEST(keys_of_a_place_stand_together_and_once)
{
	const struct key *key = key_at(_i);
	bool was_elsewhere = false;

	for (size_t i = _i; key_at(i); i++) {
		const struct key *other = key_at(i);

		was_elsewhere |= other->place != key->place;
		ck_assert_msg(!(was_elsewhere && other->place == key->place), "'%s' and '%s'",
			key->name, other->name);
		ck_assert_msg(i == (size_t)_i || other->place != key->place ||
				      !(other->layouts & key->layouts) ||
				      strcmp(other->name, key->name) != 0,
			"'%s' twice", key->name);
	}
}
END_TEST

START_TEST(rows_of_the_table_are_whole)
{
	const struct key *key = key_at(_i);
	bool has_child = key->type >= KEY_MAP;

	ck_assert_ptr_nonnull(keytype_title(key->type));
	ck_assert_msg(has_child == (key->child != PLACE_NONE), "'%s'", key->name);
	ck_assert_msg((key->type == KEY_INT || key->type == KEY_CHOICE) == (key->arg != NULL),
		"'%s'", key->name);
	ck_assert_msg(str_has_suffix(key->doc, "."), "'%s': '%s'", key->name, key->doc);
	ck_assert_msg(str_equal(key->since, "upstream") || str_equal(key->since, "0.1"), "'%s'",
		key->name);
	/* The defaults that are values are fit for their type. */
	if (key->default_text && !strchr(key->default_text, ' ') && key->default_text[0] != '<') {
		cleanup_free char *text = NULL;
		char buf[KEYTYPE_TEXT_MAX];
		bool is_quoted = key->type != KEY_BOOL && key->type != KEY_INT;

		ck_assert_int_gt(
			asprintf(&text, is_quoted ? "k: \"%s\"" : "k: %s", key->default_text), 0);
		ck_assert_msg(!keytype_check(key, yamlnode_get(parse(text), "k"), buf), "'%s'",
			key->name);
	}
}
END_TEST

#define GOOD true
#define BAD false

static const struct {
	enum key_type type;
	const char *arg;
	const char *value;
	bool is_good;
} values[] = {
	{KEY_TEXT, NULL, "word", GOOD},
	{KEY_TEXT, NULL, "5", BAD},
	{KEY_TEXT, NULL, "yes", BAD},
	{KEY_TEXT, NULL, "2026-01-01", BAD},
	{KEY_TEXT, NULL, "[]", BAD},
	{KEY_BOOL, NULL, "true", GOOD},
	{KEY_BOOL, NULL, "off", GOOD},
	{KEY_BOOL, NULL, "'off'", BAD},
	{KEY_BOOL, NULL, "1", BAD},
	{KEY_INT, "0..100", "0", GOOD},
	{KEY_INT, "0..100", "100", GOOD},
	{KEY_INT, "0..100", "101", BAD},
	{KEY_INT, "0..100", "-1", BAD},
	{KEY_INT, "0..100", "true", BAD},
	{KEY_INT, "0..100", "'5'", BAD},
	{KEY_INT, "0..100", "5.0", BAD},
	{KEY_INT, "1..", "99999999999999999999", GOOD},
	{KEY_INT, "1..", "0", BAD},
	{KEY_CHOICE, "a|bc", "a", GOOD},
	{KEY_CHOICE, "a|bc", "bc", GOOD},
	{KEY_CHOICE, "a|bc", "b", BAD},
	{KEY_CHOICE, "a|bc", "a|bc", BAD},
	{KEY_CHOICE, "a|bc", "''", BAD},
	{KEY_CHOICE, "a|bc", "[a]", BAD},
	{KEY_PATH, NULL, "/a", GOOD},
	{KEY_PATH, NULL, "a", BAD},
	{KEY_PATH, NULL, "/a/./b", BAD},
	{KEY_NAME, NULL, "db-1", GOOD},
	{KEY_NAME, NULL, "DB", BAD},
	{KEY_NAME, NULL, "1", BAD},
	{KEY_SIZE, NULL, "20GiB", GOOD},
	{KEY_SIZE, NULL, "5MB", GOOD},
	{KEY_SIZE, NULL, "1024", GOOD},
	{KEY_SIZE, NULL, "20Gib", BAD},
	{KEY_SIZE, NULL, "1.5GiB", BAD},
	{KEY_SIZE, NULL, "-5", BAD},
	{KEY_SIZE, NULL, "0", BAD},
	{KEY_SIZE, NULL, "99999999PiB", BAD},
	{KEY_OWNER, NULL, "'0:0'", GOOD},
	{KEY_OWNER, NULL, "33:33", GOOD},
	{KEY_OWNER, NULL, "0", BAD},
	{KEY_OWNER, NULL, "root:root", BAD},
	{KEY_OWNER, NULL, "4294967295:0", BAD},
	{KEY_MODE, NULL, "'0750'", GOOD},
	{KEY_MODE, NULL, "'750'", GOOD},
	{KEY_MODE, NULL, "0750", GOOD},
	{KEY_MODE, NULL, "0o2750", GOOD},
	{KEY_MODE, NULL, "750", BAD},
	{KEY_MODE, NULL, "0x1ff", BAD},
	{KEY_MODE, NULL, "'77777'", BAD},
	{KEY_MODE, NULL, "u=rwx", BAD},
	{KEY_MODE, NULL, "0o", BAD},
	{KEY_CRON, NULL, "'0 3 * * *'", GOOD},
	{KEY_CRON, NULL, "'0 3 * *'", BAD},
	{KEY_CRON, NULL, "'0 3 * * * *'", BAD},
	{KEY_AGE, NULL, "30d", GOOD},
	{KEY_AGE, NULL, "d", BAD},
	{KEY_AGE, NULL, "30", BAD},
	{KEY_AGE, NULL, "30days", BAD},
	{KEY_IPV4, NULL, "10.0.0.1", GOOD},
	{KEY_IPV4, NULL, "10.0.0.256", BAD},
	{KEY_IPV4, NULL, "10.0.0", BAD},
	{KEY_LIST, NULL, "[1, a]", GOOD},
	{KEY_LIST, NULL, "a", BAD},
	{KEY_TEXTS, NULL, "[a, b]", GOOD},
	{KEY_TEXTS, NULL, "[a, 1]", BAD},
	{KEY_TEXTS, NULL, "a", BAD},
	{KEY_PORTS, NULL, "all", GOOD},
	{KEY_PORTS, NULL, "[80, 443]", GOOD},
	{KEY_PORTS, NULL, "[0]", BAD},
	{KEY_PORTS, NULL, "80", BAD},
	{KEY_PORTS, NULL, "some", BAD},
	{KEY_CONFIG, NULL, "{a: 1, b: x, c: }", GOOD},
	{KEY_CONFIG, NULL, "{a: [1]}", BAD},
	{KEY_CONFIG, NULL, "[a]", BAD},
	{KEY_ACCESS, NULL, "{pro: ro}", GOOD},
	{KEY_ACCESS, NULL, "{}", BAD},
	{KEY_ACCESS, NULL, "pro", BAD},
	{KEY_ANY, NULL, "[{}]", GOOD},
	{KEY_MAP, NULL, "{}", GOOD},
	{KEY_MAP, NULL, "[]", BAD},
	{KEY_MAP_OR_TRUE, NULL, "true", GOOD},
	{KEY_MAP_OR_TRUE, NULL, "false", BAD},
	{KEY_MAPS, NULL, "[]", GOOD},
	{KEY_MAPS, NULL, "{}", BAD},
};

START_TEST(types_accept_what_they_say)
{
	struct key key = {.name = "k", .type = values[_i].type, .arg = values[_i].arg};
	cleanup_free char *text = NULL;
	char buf[KEYTYPE_TEXT_MAX];
	const char *wanted;

	ck_assert_int_gt(asprintf(&text, "k: %s", values[_i].value), 0);
	wanted = keytype_check(&key, yamlnode_get(parse(text), "k"), buf);
	ck_assert_msg(!wanted == values[_i].is_good, "%s: %s: %s", keytype_title(key.type), text,
		wanted ? wanted : "fine");
	if (wanted)
		ck_assert_msg(str_has_prefix(wanted, "must "), "'%s'", wanted);
}
END_TEST

static const struct {
	enum place place;
	enum key_layout layout;
	const char *text;
	const char *message;
	enum diag_level level;
} unknown[] = {
	{PLACE_ROOT, LAYOUT_INFRA, "domain: {}", "unknown key 'domain', did you mean 'domains'?",
		DIAG_WARNING},
	{PLACE_MACHINE, LAYOUT_INFRA, "Type: lxc", "unknown key 'Type', did you mean 'type'?",
		DIAG_WARNING},
	{PLACE_MACHINE, LAYOUT_INFRA, "frobnicate: 1", "unknown key 'frobnicate'", DIAG_WARNING},
	{PLACE_VOLUME, LAYOUT_INFRA, "{path: /x, read_only: true}",
		"unknown key 'read_only', did you mean 'readonly'?", DIAG_ERROR},
	{PLACE_VOLUME, LAYOUT_INFRA, "{path: /x, ptah: /x}",
		"unknown key 'ptah', did you mean 'path'?", DIAG_ERROR},
	{PLACE_VOLUME, LAYOUT_ANKLUME, "{path: /x, 5: x}", "unknown key '5'", DIAG_ERROR},
	{PLACE_VOLUME, LAYOUT_INFRA, "{path: /x, \"a\\e[1m\\n\": x}", "unknown key 'a?[1m?'",
		DIAG_ERROR},
	{PLACE_MAIN, LAYOUT_ANKLUME, "schema_versoin: 1",
		"unknown key 'schema_versoin', did you mean 'schema_version'?", DIAG_WARNING},
};

/* S0-13 */
START_TEST(unknown_key_names_the_nearest)
{
	struct where where = {NULL, "", "", {0, 0, 0}};
	bool is_found = false;

	keys_check(parse(unknown[_i].text), unknown[_i].place, unknown[_i].layout, &where, NULL,
		&diags);
	for (size_t i = 0; i < diags.n_items; i++)
		is_found |= strcmp(diags.items[i].text, unknown[_i].message) == 0 &&
			    diags.items[i].level == unknown[_i].level;
	ck_assert_msg(is_found, "said '%s'", diags.n_items ? diags.items[0].text : "");
}
END_TEST

START_TEST(where_reads_from_the_machine_on)
{
	struct where root = {NULL, "", "", {0, 0, 0}};
	struct where machines = {&root, "", "machines", {0, 0, 0}};
	struct where machine = {&machines, "machine", "web", {0, 0, 0}};
	struct where data = {&machine, "", "persistent_data", {0, 0, 0}};
	struct where volume = {&data, "volume", "db", {0, 0, 0}};
	struct where global = {&root, "", "global", {0, 0, 0}};
	struct where addressing = {&global, "", "addressing", {0, 0, 0}};
	cleanup_free char *a = where_format(&volume);
	cleanup_free char *b = where_format(&addressing);
	cleanup_free char *c = where_format(&root);

	ck_assert_str_eq(a, "machine 'web': persistent_data.db");
	ck_assert_str_eq(b, "global.addressing");
	ck_assert_str_eq(c, "");
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("keys");
	TCase *tc = tcase_create("keys");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, keys_of_a_place_stand_together_and_once, 0, count_keys());
	tcase_add_loop_test(tc, rows_of_the_table_are_whole, 0, count_keys());
	tcase_add_loop_test(tc, types_accept_what_they_say, 0, ARRAY_SIZE(values));
	tcase_add_loop_test(tc, unknown_key_names_the_nearest, 0, ARRAY_SIZE(unknown));
	tcase_add_test(tc, where_reads_from_the_machine_on);
	suite_add_tcase(s, tc);
	return s;
}
