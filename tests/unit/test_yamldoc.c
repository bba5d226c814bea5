/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "yamldoc.h"

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

static int parse_bytes(const char *text, size_t len)
{
	return yamldoc_parse("t.yml", text, len, &diags, &doc);
}

static int parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

/* The only problem, as "3:5: text". */
static const char *problem(void)
{
	static char text[512];

	ck_assert_uint_eq(diags.n_items, 1);
	snprintf(text, sizeof(text), "%u:%u: %s", diags.items[0].mark.line, diags.items[0].mark.col,
		diags.items[0].text);
	return text;
}

static const struct yamlnode *get(const char *key)
{
	const struct yamlnode *node = yamlnode_get(yamldoc_root(doc), key);

	ck_assert_msg(node != NULL, "no key '%s'", key);
	return node;
}

/* What PyYAML 6 makes of the same text. */
static const struct {
	const char *text;
	enum yamlnode_type type;
	int64_t integer; /* BOOL: 1 = true */
} scalars[] = {
	{"", YAMLNODE_NULL, 0},
	{"~", YAMLNODE_NULL, 0},
	{"null", YAMLNODE_NULL, 0},
	{"nULL", YAMLNODE_STRING, 0},
	{"yes", YAMLNODE_BOOL, 1},
	{"On", YAMLNODE_BOOL, 1},
	{"TRUE", YAMLNODE_BOOL, 1},
	{"off", YAMLNODE_BOOL, 0},
	{"No", YAMLNODE_BOOL, 0},
	{"y", YAMLNODE_STRING, 0},
	{"yEs", YAMLNODE_STRING, 0},
	{"\"yes\"", YAMLNODE_STRING, 0},
	{"'true'", YAMLNODE_STRING, 0},
	{"\"\"", YAMLNODE_STRING, 0},
	{"0", YAMLNODE_INT, 0},
	{"-0", YAMLNODE_INT, 0},
	{"42", YAMLNODE_INT, 42},
	{"+42", YAMLNODE_INT, 42},
	{"-42", YAMLNODE_INT, -42},
	{"1_000", YAMLNODE_INT, 1000},
	{"0750", YAMLNODE_INT, 0750},
	{"0o750", YAMLNODE_STRING, 0},
	{"089", YAMLNODE_STRING, 0},
	{"0x1F", YAMLNODE_INT, 31},
	{"0x", YAMLNODE_STRING, 0},
	{"0b101", YAMLNODE_INT, 5},
	{"33:33", YAMLNODE_INT, 33 * 60 + 33},
	{"999:999", YAMLNODE_STRING, 0},
	{"0:0", YAMLNODE_STRING, 0},
	{"1:2:3", YAMLNODE_INT, 3723},
	{"99999999999999999999", YAMLNODE_INT, INT64_MAX},
	{"10.100", YAMLNODE_FLOAT, 0},
	{"1.", YAMLNODE_FLOAT, 0},
	{".5", YAMLNODE_FLOAT, 0},
	{"1.5e+3", YAMLNODE_FLOAT, 0},
	{"1e3", YAMLNODE_STRING, 0},
	{"1.5e3", YAMLNODE_STRING, 0},
	{"-.inf", YAMLNODE_FLOAT, 0},
	{".NaN", YAMLNODE_FLOAT, 0},
	{"190:20:30.15", YAMLNODE_FLOAT, 0},
	{"10.100.0.1", YAMLNODE_STRING, 0},
	{"2026-03-06", YAMLNODE_DATE, 0},
	{"2026-3-6", YAMLNODE_STRING, 0},
	{"2026-03-06 10:00:00", YAMLNODE_DATE, 0},
	{"2026-3-6T1:02:03.5 +01:30", YAMLNODE_DATE, 0},
	{"2026-03-06t10:00:00Z", YAMLNODE_DATE, 0},
	{"2026-03-06 10:00:00 -5", YAMLNODE_DATE, 0},
	{"2026-03-06 10:00:00 X", YAMLNODE_STRING, 0},
	{"2026-03-06 10:00:00Zx", YAMLNODE_STRING, 0},
	{"2026-03-06 10:00", YAMLNODE_STRING, 0},
	{"2026-03-06x", YAMLNODE_STRING, 0},
	{"!!str yes", YAMLNODE_STRING, 0},
	{"! 12", YAMLNODE_INT, 12},
	{"!!int \"12\"", YAMLNODE_INT, 12},
	{"!!bool \"on\"", YAMLNODE_BOOL, 1},
	{"/var/lib/x", YAMLNODE_STRING, 0},
	{"-", YAMLNODE_LIST, 0},
	{"{}", YAMLNODE_MAP, 0},
};

START_TEST(plain_scalars_have_the_types_of_pyyaml)
{
	cleanup_free char *text = NULL;
	const struct yamlnode *node;

	ck_assert_int_gt(asprintf(&text, "k: %s\n", scalars[_i].text), 0);
	if (strcmp(scalars[_i].text, "-") == 0)
		strcpy(text, "k:\n-");
	ck_assert_int_eq(parse(text), 0);
	node = get("k");
	ck_assert_msg(node->type == scalars[_i].type, "'%s' is %s", scalars[_i].text,
		yamlnode_kind(node));
	if (node->type == YAMLNODE_INT)
		ck_assert_int_eq(node->integer, scalars[_i].integer);
	if (node->type == YAMLNODE_BOOL)
		ck_assert_int_eq(node->is_true, scalars[_i].integer);
}
END_TEST

static void assert_mark(const struct yamlnode *node, unsigned int line, unsigned int col)
{
	ck_assert_uint_eq(node->mark.line, line);
	ck_assert_uint_eq(node->mark.col, col);
}

START_TEST(keys_and_values_know_their_places)
{
	const struct yamlnode *root;

	ck_assert_int_eq(parse("---\n# c\na: 1\nlist:\n  - x\n  -  y\nmap: {k:  v}\n"), 0);
	root = yamldoc_root(doc);
	ck_assert_uint_eq(root->n_pairs, 3);
	assert_mark(root->pairs[0].key, 3, 1);
	assert_mark(root->pairs[0].value, 3, 4);
	assert_mark(get("list")->items[1], 6, 6);
	assert_mark(root->pairs[2].key, 7, 1);
	assert_mark(root->pairs[2].value->pairs[0].value, 7, 11);
}
END_TEST

START_TEST(columns_count_bytes_whatever_the_line_breaks)
{
	ck_assert_int_eq(
		parse("\xef\xbb\xbf"
		      "\xc3\xa9\xe2\x82\xac: {k: v}\r\nb:\r\n  \xc3\xa9: w\xe2\x80\xa8   x\nz: 1\n"),
		0);
	assert_mark(yamlnode_get(get("\xc3\xa9\xe2\x82\xac"), "k"), 1, 3 + 7 + 5);
	assert_mark(yamlnode_get(get("b"), "\xc3\xa9"), 3, 7);
	/* U+2028 breaks lines for YAML, not for the people who look at the file in an editor. */
	assert_mark(get("z"), 4, 4);
}
END_TEST

START_TEST(maps_keep_their_order)
{
	static const char *const order[] = {"zz", "a", "m", "b"};

	ck_assert_int_eq(parse("zz: 1\na: 2\nm: 3\nb: 4\n"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		ck_assert_str_eq(yamldoc_root(doc)->pairs[i].key->text, order[i]);
}
END_TEST

START_TEST(aliases_stand_for_their_anchor)
{
	ck_assert_int_eq(parse("a: &x {k: v}\nb: *x\nc: [*x, *x]\n"), 0);
	ck_assert_ptr_eq(get("a"), get("b"));
	ck_assert_ptr_eq(get("a"), get("c")->items[1]);
}
END_TEST

START_TEST(merge_keys_are_unfolded)
{
	ck_assert_int_eq(parse("a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\n"
			       "one: {<<: *a, y: own}\nboth: {q: 0, <<: [*a, *b]}\n"
			       "inline: {<<: {x: 9}}\ntext: {\"<<\": 7}\n"),
		0);
	ck_assert_uint_eq(get("one")->n_pairs, 2);
	ck_assert_str_eq(yamlnode_get(get("one"), "y")->text, "own");
	ck_assert_str_eq(yamlnode_get(get("one"), "x")->text, "1");
	ck_assert_uint_eq(get("both")->n_pairs, 4);
	ck_assert_str_eq(get("both")->pairs[0].key->text, "q");
	ck_assert_str_eq(yamlnode_get(get("both"), "y")->text, "1");
	ck_assert_str_eq(yamlnode_get(get("both"), "z")->text, "2");
	ck_assert_str_eq(yamlnode_get(get("inline"), "x")->text, "9");
	ck_assert_str_eq(yamlnode_get(get("text"), "<<")->text, "7");
}
END_TEST

START_TEST(missing_document_is_an_empty_value)
{
	static const char *const texts[] = {
		"", "\n\n", "# only a comment\n", "---\n", "---\n...\n"};

	ck_assert_int_eq(parse(texts[_i]), 0);
	ck_assert_int_eq(yamldoc_root(doc)->type, YAMLNODE_NULL);
}
END_TEST

static const struct {
	const char *text;
	const char *problem;
} refusals[] = {
	{"a: *nowhere\n", "1:4: alias '*nowhere' has no anchor"},
	{"a: &x [*x]\n", "1:8: an alias inside its own anchor never ends"},
	{"a: &x {<<: *x}\n", "1:12: an alias inside its own anchor never ends"},
	{"a: &x 1\nb: &x 2\n", "2:4: anchor '&x' is defined twice"},
	{"a: {<<: 5}\n", "1:9: '<<' merges a mapping or a list of mappings"},
	{"a: {<<: [{b: 1}, 2]}\n", "1:18: '<<' merges a mapping or a list of mappings"},
	{"a: !vault x\n", "1:4: tag '!vault' does not fit here: write plain YAML"},
	{"a: !!python/object:os.system x\n",
		"1:4: tag 'tag:yaml.org,2002:python/object:os.system' does not fit here: write plain "
		"YAML"},
	{"a: !!int x\n", "1:4: tag 'tag:yaml.org,2002:int' does not fit here: write plain YAML"},
	{"a: 1\n---\nb: 2\n", "2:1: a second document begins here: one file holds one document"},
	{"a:\n\tb: 1\n", "2:1: not YAML: a tab cannot indent, use spaces"},
	{"a: 'b\n", "2:1: not YAML: found unexpected end of stream while scanning a quoted scalar"},
	{"a: [1, 2\n",
		"2:1: not YAML: did not find expected ',' or ']' while parsing a flow sequence"},
	{"a: b: c\n", "1:5: not YAML: mapping values are not allowed in this context"},
	{"ok: 1\na: \xff\xfe\n", "2:4: byte 0xff is not UTF-8 text"},
	{"a: \xc3", "1:4: byte 0xc3 is not UTF-8 text"},
	{"a: \xc0\xaf\n", "1:4: byte 0xc0 is not UTF-8 text"},
	{"a: \xed\xa0\x80\n", "1:4: byte 0xed is not UTF-8 text"},
	{"\xff\xfe"
	 "a",
		"1:1: not UTF-8: save the file as UTF-8, not UTF-16"},
	{"%YAML 3.0\n---\na: 1\n", "1:1: not YAML: found incompatible YAML document"},
};

START_TEST(unfit_text_is_refused_at_its_place)
{
	ck_assert_int_eq(parse(refusals[_i].text), -EINVAL);
	ck_assert_str_eq(problem(), refusals[_i].problem);
	ck_assert_ptr_null(doc);
}
END_TEST

/* What spoils a file and still lets the rest of it be read. */
static const struct {
	const char *text;
	const char *problem;
} flaws[] = {
	{"a: 1\nb: 2\na: 3\n", "3:1: key 'a' is there twice, first on line 1"},
	{"a: {x: 1, 'x': 2}\n", "1:11: key 'x' is there twice, first on line 1"},
	{"? [a, b]\n: c\n", "1:3: a key must be a word, not a list"},
	{"? {a: b}\n: c\n", "1:3: a key must be a word, not a mapping"},
	{"a: \"x\\0y\"\n", "1:4: a NUL character (\\0) in a value"},
	{"a: \x1b[31m\n", "1:4: character U+001B is not allowed in YAML"},
	{"a: \xc2\x9b\n", "1:4: character U+009B is not allowed in YAML"},
	{"a: \x1b x\n", "1:4: character U+001B is not allowed in YAML"},
	{"a: \xef\xbf\xbf\n", "1:4: character U+FFFF is not allowed in YAML"},
	{"# \x7f\na: b\n", "1:3: character U+007F is not allowed in YAML"},
};

START_TEST(rest_of_a_flawed_file_is_read)
{
	cleanup_free char *text = NULL;
	const struct yamlnode *last;

	ck_assert_int_gt(asprintf(&text, "%slast: word\n", flaws[_i].text), 0);
	ck_assert_int_eq(parse(text), 0);
	ck_assert_str_eq(problem(), flaws[_i].problem);
	last = get("last");
	ck_assert_str_eq(last->text, "word");
	ck_assert_uint_eq(last->mark.col, 7);
}
END_TEST

START_TEST(first_of_equal_keys_counts)
{
	ck_assert_int_eq(parse("a: 1\nb: 2\na: 3\n"), 0);
	ck_assert_uint_eq(yamldoc_root(doc)->n_pairs, 2);
	ck_assert_str_eq(get("a")->text, "1");
}
END_TEST

START_TEST(places_behind_a_control_character_are_right)
{
	ck_assert_int_eq(parse("{a: \x1b, b: \xc2\x9b, c: \xef\xbb\xbf, d: x}\n"), 0);
	ck_assert_uint_eq(diags.n_errors, 3);
	assert_mark(get("d"), 1, 26);
}
END_TEST

START_TEST(parse_error_behind_a_flaw_is_told_too)
{
	ck_assert_int_eq(parse("a: \x1b\na: 1\nb: 'c\n"), -EINVAL);
	ck_assert_uint_eq(diags.n_errors, 2);
	ck_assert_ptr_null(doc);
}
END_TEST

START_TEST(many_control_characters_are_no_yaml)
{
	char text[4096];

	memset(text, '\x1b', sizeof(text));
	ck_assert_int_eq(parse_bytes(text, sizeof(text)), -EINVAL);
	ck_assert_uint_eq(diags.n_errors, 101);
	ck_assert_str_eq(
		diags.items[100].text, "more than 100 control characters: this is no YAML");
}
END_TEST

START_TEST(binary_file_is_refused_at_its_first_byte)
{
	static const char elf[] = "\x7f"
				  "ELF\0\0\0";

	ck_assert_int_eq(parse_bytes("a\0b", 3), -EINVAL);
	ck_assert_str_eq(problem(), "1:2: a NUL byte: this is a binary file, not YAML");
	teardown();
	setup();
	ck_assert_int_eq(parse_bytes(elf, sizeof(elf)), -EINVAL);
	ck_assert_str_eq(diags.items[0].text, "character U+007F is not allowed in YAML");
	ck_assert_str_eq(diags.items[1].text, "a NUL byte: this is a binary file, not YAML");
}
END_TEST

START_TEST(every_duplicate_is_reported)
{
	ck_assert_int_eq(parse("a: 1\na: 2\nb: {c: 1, c: 2}\n"), 0);
	ck_assert_uint_eq(diags.n_errors, 2);
}
END_TEST

/* TEXT N times. */
static char *repeat(const char *text, size_t n)
{
	size_t len = strlen(text);
	char *all = malloc(len * n + 1);

	for (size_t i = 0; i < n; i++)
		memcpy(all + i * len, text, len);
	all[len * n] = '\0';
	return all;
}

static const struct {
	const char *unit;
	size_t n;
	const char *word; /* in the message */
} floods[] = {
	{"[", 1000000, "nested too deeply"},
	{"{a: ", 1000000, "nested too deeply"},
	{"- ", 1000000, "nested too deeply"},
	{"? ", 1000000, "nested too deeply"},
	{"[a,", YAMLDOC_DEPTH_MAX + 1, "nested too deeply"},
	{"- a\n", YAMLDOC_NODES_MAX + 1, "too many values"},
	{"%TAG !a! !b\n", 500000, "directives"},
	{"%FOO bar\n", 500000, "directives"},
};

START_TEST(floods_are_refused)
{
	cleanup_free char *text = repeat(floods[_i].unit, floods[_i].n);

	ck_assert_int_eq(parse(text), -EINVAL);
	ck_assert_msg(strstr(problem(), floods[_i].word) != NULL, "%s", problem());
}
END_TEST

START_TEST(deepest_allowed_nesting_is_read)
{
	cleanup_free char *open = repeat("[", YAMLDOC_DEPTH_MAX);
	cleanup_free char *close = repeat("]", YAMLDOC_DEPTH_MAX);
	cleanup_free char *text = NULL;

	ck_assert_int_gt(asprintf(&text, "%s%s", open, close), 0);
	ck_assert_int_eq(parse(text), 0);
}
END_TEST

/* Nine levels of nine aliases are 9^9 values in 400 bytes. */
START_TEST(alias_bomb_is_refused)
{
	struct strbuf b = STRBUF_INIT;
	cleanup_free char *text = NULL;

	strbuf_puts(&b, "a: &a [x,x,x,x,x,x,x,x,x]\n");
	for (char c = 'b'; c <= 'i'; c++) {
		strbuf_printf(&b, "%c: &%c [", c, c);
		for (int i = 0; i < 9; i++)
			strbuf_printf(&b, "*%c,", c - 1);
		strbuf_puts(&b, "]\n");
	}
	text = strbuf_steal(&b);
	ck_assert_int_eq(parse(text), -EINVAL);
	ck_assert_msg(strstr(problem(), "the aliases stand for too many values") != NULL, "%s",
		problem());
}
END_TEST

START_TEST(merge_bomb_is_refused)
{
	struct strbuf b = STRBUF_INIT;
	cleanup_free char *text = NULL;

	strbuf_puts(&b, "base: &base\n");
	for (int i = 0; i < 1000; i++)
		strbuf_printf(&b, "  k%d: v\n", i);
	for (int i = 0; i < 1000; i++)
		strbuf_printf(&b, "m%d: {<<: *base}\n", i);
	text = strbuf_steal(&b);
	ck_assert_int_eq(parse(text), -EINVAL);
	ck_assert_msg(strstr(problem(), "the aliases stand for too many values") != NULL, "%s",
		problem());
}
END_TEST

START_TEST(too_many_anchors_are_refused)
{
	struct strbuf b = STRBUF_INIT;
	cleanup_free char *text = NULL;

	for (unsigned int i = 0; i <= YAMLDOC_ANCHORS_MAX; i++)
		strbuf_printf(&b, "- &a%u x\n", i);
	text = strbuf_steal(&b);
	ck_assert_int_eq(parse(text), -EINVAL);
	ck_assert_msg(strstr(problem(), "too many anchors") != NULL, "%s", problem());
}
END_TEST

START_TEST(cut_file_never_crashes)
{
	static const char text[] = "a: &x {k: 'v', l: [1, \"\\u00e9\"]}\nb: {<<: *x}\n"
				   "c: |\n  text\n? !!str d\n: >-\n  folded\n";

	for (size_t len = 0; len < sizeof(text); len++) {
		cleanup_free char *copy = memcpy(malloc(len ? len : 1), text, len);

		diags_finish(&diags);
		yamldoc_free(steal_ptr(&doc));
		if (parse_bytes(copy, len) != 0)
			ck_assert_uint_gt(diags.n_errors, 0);
	}
}
END_TEST

START_TEST(file_over_the_limit_is_refused)
{
	cleanup_error struct error err = {0};
	FILE *f = fopen(unit_path("big.yml"), "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(ftruncate(fileno(f), YAMLDOC_SIZE_MAX + 1), 0);
	fclose(f);
	ck_assert_int_eq(yamldoc_load(unit_path("big.yml"), &diags, &doc, &err), -EINVAL);
	ck_assert_str_eq(problem(), "0:0: larger than 16 MiB");
}
END_TEST

START_TEST(unreadable_file_is_an_error_with_its_name)
{
	cleanup_error struct error err = {0};

	ck_assert_int_eq(yamldoc_load("/nonexistent/x.yml", &diags, &doc, &err), -ENOENT);
	ck_assert_str_eq(err.text, "cannot read '/nonexistent/x.yml': No such file or directory");
	ck_assert_uint_eq(diags.n_items, 0);
}
END_TEST

START_TEST(long_words_are_cut_between_characters)
{
	cleanup_free char *word = repeat("\xc3\xa9", 100);
	struct shown shown;
	const char *text = shown_set(&shown, word);

	ck_assert_uint_eq(strlen(text), YAMLDOC_SHOWN_MAX + 3);
	ck_assert(str_has_suffix(text, "\xc3\xa9..."));
	ck_assert_str_eq(shown_set(&shown, "short"), "short");
	text = shown_set(&shown, word + 1);
	ck_assert_uint_eq(strlen(text), YAMLDOC_SHOWN_MAX - 1 + 3);
	ck_assert(str_has_suffix(text, "\xc3\xa9..."));
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("yamldoc");
	TCase *tc = tcase_create("yamldoc");
	TCase *files = tcase_create("files");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, plain_scalars_have_the_types_of_pyyaml, 0, ARRAY_SIZE(scalars));
	tcase_add_test(tc, keys_and_values_know_their_places);
	tcase_add_test(tc, columns_count_bytes_whatever_the_line_breaks);
	tcase_add_test(tc, maps_keep_their_order);
	tcase_add_test(tc, aliases_stand_for_their_anchor);
	tcase_add_test(tc, merge_keys_are_unfolded);
	tcase_add_loop_test(tc, missing_document_is_an_empty_value, 0, 5);
	tcase_add_loop_test(tc, unfit_text_is_refused_at_its_place, 0, ARRAY_SIZE(refusals));
	tcase_add_loop_test(tc, rest_of_a_flawed_file_is_read, 0, ARRAY_SIZE(flaws));
	tcase_add_test(tc, first_of_equal_keys_counts);
	tcase_add_test(tc, places_behind_a_control_character_are_right);
	tcase_add_test(tc, parse_error_behind_a_flaw_is_told_too);
	tcase_add_test(tc, many_control_characters_are_no_yaml);
	tcase_add_test(tc, binary_file_is_refused_at_its_first_byte);
	tcase_add_test(tc, every_duplicate_is_reported);
	tcase_add_loop_test(tc, floods_are_refused, 0, ARRAY_SIZE(floods));
	tcase_add_test(tc, deepest_allowed_nesting_is_read);
	tcase_add_test(tc, alias_bomb_is_refused);
	tcase_add_test(tc, merge_bomb_is_refused);
	tcase_add_test(tc, too_many_anchors_are_refused);
	tcase_add_test(tc, cut_file_never_crashes);
	tcase_add_test(tc, long_words_are_cut_between_characters);
	suite_add_tcase(s, tc);

	tcase_add_checked_fixture(files, unit_dir_setup, unit_dir_teardown);
	tcase_add_checked_fixture(files, setup, teardown);
	tcase_add_test(files, file_over_the_limit_is_refused);
	tcase_add_test(files, unreadable_file_is_an_error_with_its_name);
	suite_add_tcase(s, files);
	return s;
}
