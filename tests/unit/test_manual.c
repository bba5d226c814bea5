/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keys.h"
#include "keytypes.h"
#include "specs.h"
#include "str.h"

#include "fdio.h"

#include <fcntl.h>
#include <string.h>

/* The manual page anklume-infra(5) says what the code does: its keys and its examples. */

#define PAGE SOURCE_ROOT "/docs/man/anklume-infra.5"
#define WANTED BUILD_ROOT "/anklume-infra.keys"
#define KEYS_BEGIN ".\\\" keys: begin\n"
#define KEYS_END ".\\\" keys: end\n"

static char *page;

static void setup(void)
{
	size_t len;

	specs_setup();
	ck_assert_int_eq(read_file(AT_FDCWD, PAGE, 1 << 20, &page, &len), 0);
}

static void teardown(void)
{
	free(page);
	specs_teardown();
}

/* TEXT with what roff would read as its own escaped. */
static void add_roff(struct strbuf *b, const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p == '-')
			strbuf_puts(b, "\\-");
		else if (*p == '\'')
			strbuf_puts(b, "\\(aq");
		else
			strbuf_add(b, p, 1);
	}
}

static void add_place(struct strbuf *b, const struct key *key)
{
	const char *path = place_info(key->place)->path;
	const char *top = key->place == PLACE_MAIN       ? "Top level of anklume.yml"
			  : key->place == PLACE_POLICIES ? "Top level of policies.yml"
							 : "Top level of infra.yml or base.yml";

	strbuf_puts(b, ".SS \"");
	add_roff(b, *path ? path : top);
	strbuf_puts(b, "\"\n");
}

static void add_key(struct strbuf *b, const struct key *key)
{
	strbuf_puts(b, ".TP\n.BR ");
	add_roff(b, key->name);
	strbuf_puts(b, " \" (");
	add_roff(b, keytype_title(key->type));
	if (key->type == KEY_CHOICE || key->type == KEY_INT) {
		strbuf_puts(b, " ");
		add_roff(b, key->arg);
	}
	if (key->flags & REQUIRED)
		strbuf_puts(b, ", required");
	if (key->default_text) {
		strbuf_puts(b, ", default ");
		add_roff(b, key->default_text);
	}
	if (key->layouts != LAYOUT_BOTH && key->place != PLACE_MAIN)
		strbuf_puts(b, key->layouts == LAYOUT_INFRA ? ", infra" : ", anklume");
	if (!str_equal(key->since, "upstream"))
		strbuf_printf(b, ", since %s", key->since);
	strbuf_puts(b, ")\"\n");
	add_roff(b, key->doc);
	strbuf_puts(b, "\n");
}

/* S0-32: the page's list is the table, word by word. */
START_TEST(manual_lists_the_keys_of_the_table)
{
	const char *begin = strstr(page, KEYS_BEGIN);
	const char *end = strstr(page, KEYS_END);
	struct strbuf b = STRBUF_INIT;
	enum place place = PLACE_NONE;
	cleanup_free char *wanted = NULL;
	const struct key *key;

	for (size_t i = 0; (key = key_at(i)); i++) {
		if (key->place != place)
			add_place(&b, key);
		place = key->place;
		add_key(&b, key);
	}
	wanted = strbuf_steal(&b);
	ck_assert_ptr_nonnull(begin);
	ck_assert_ptr_nonnull(end);
	begin += strlen(KEYS_BEGIN);
	if ((size_t)(end - begin) == strlen(wanted) && memcmp(begin, wanted, end - begin) == 0)
		return;

	ck_assert_int_eq(write_file_atomic(AT_FDCWD, WANTED, wanted, strlen(wanted), 0644), 0);
	ck_abort_msg("the keys of " PAGE " are not those of spec_keys.def: put in " WANTED);
}
END_TEST

/* LINE up to its end, with roff's escapes for '-' and ' undone. Returns the next line. */
static const char *add_plain(struct strbuf *b, const char *line)
{
	while (*line) {
		if (str_has_prefix(line, "\\(aq")) {
			strbuf_puts(b, "'");
			line += strlen("\\(aq");
			continue;
		}
		if (*line == '\\')
			line++;
		strbuf_add(b, line, 1);
		if (*line++ == '\n')
			break;
	}
	return line;
}

/* The next example behind a comment WORD NAME, as plain text; NULL when there is none. */
static char *get_example(const char **p, const char *word, char *ret_name, size_t len)
{
	struct strbuf b = STRBUF_INIT;
	const char *line = strstr(*p, word);

	if (!line)
		return NULL;
	line += strlen(word);
	snprintf(ret_name, len, "%.*s", (int)strcspn(line, "\n"), line);
	line = strstr(line, "\n.EX\n");
	ck_assert_ptr_nonnull(line);
	for (line += strlen("\n.EX\n"); *line && !str_has_prefix(line, ".EE\n");)
		line = add_plain(&b, line);
	*p = line;
	return strbuf_steal(&b);
}

/* S0-26: what the page shows can be used as it stands. */
START_TEST(single_file_examples_are_valid)
{
	const char *p = page;
	char name[64];
	size_t n = 0;
	char *text;

	while ((text = get_example(&p, ".\\\" valid: ", name, sizeof(name)))) {
		ck_assert_msg(specs_load(text) == 0, "%s: %s", name, specs_report());
		specs_expect(name, "");
		free(text);
		n++;
	}
	ck_assert_uint_ge(n, 2);
}
END_TEST

/* The files of the layouts, each example named as its file. */
START_TEST(layout_examples_are_valid)
{
	const char *p = page;
	char name[64];
	char *text;

	while ((text = get_example(&p, ".\\\" file: ", name, sizeof(name)))) {
		char *slash = strrchr(name, '/');

		if (slash) {
			*slash = '\0';
			ck_assert_int_eq(mkdir_parents(name, 0755), 0);
			*slash = '/';
		}
		unit_write(name, text);
		free(text);
	}
	ck_assert_msg(specs_load_path("infra") == 0, "%s", specs_report());
	specs_expect("infra", "");
	ck_assert_uint_gt(infra_count_volumes(spec_get_infra(specs_last())), 0);
	ck_assert_msg(specs_load_path("anklume.yml") == 0, "%s", specs_report());
	specs_expect("anklume.yml", "");
	ck_assert_uint_gt(infra_count_volumes(spec_get_infra(specs_last())), 0);
}
END_TEST

/* An error that the page shows is said in these words. */
START_TEST(shown_report_is_the_real_one)
{
	const char *p = page;
	char name[64];
	char *wrong = get_example(&p, ".\\\" wrong: ", name, sizeof(name));
	char *report = get_example(&p, ".\\\" report: ", name, sizeof(name));
	struct strbuf b = STRBUF_INIT;
	cleanup_free char *text = NULL;

	ck_assert_ptr_nonnull(wrong);
	ck_assert_ptr_nonnull(report);
	/* The page shows the machine only. */
	strbuf_puts(&b, "project_name: t\nglobal: {base_subnet: \"10.100\"}\ndomains:\n  pro:\n"
			"    subnet_id: 0\n    machines:\n");
	strbuf_puts(&b, wrong);
	text = strbuf_steal(&b);
	ck_assert_int_eq(specs_load(text), -EINVAL);
	specs_expect("report", report);
	free(wrong);
	free(report);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("manual");
	TCase *tc = tcase_create("manual");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, manual_lists_the_keys_of_the_table);
	tcase_add_test(tc, single_file_examples_are_valid);
	tcase_add_test(tc, layout_examples_are_valid);
	tcase_add_test(tc, shown_report_is_the_real_one);
	suite_add_tcase(s, tc);
	return s;
}
