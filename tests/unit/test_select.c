/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "select.h"

#include "unit.h"

#include <string.h>

static struct infra infra;

static void add(const char *domain, const char *machine, const char *volume)
{
	struct domain *d = infra_find_domain(&infra, domain);
	struct machine *m;

	if (!d)
		d = infra_add_domain(&infra, domain);
	m = domain_find_machine(d, machine);
	if (!m)
		m = domain_add_machine(d, machine);
	ck_assert_ptr_nonnull(machine_add_volume(m, volume));
}

static void setup(void)
{
	infra_init(&infra);
	add("perso", "home", "photos");
	add("perso", "home", "db");
	add("pro", "pro-dev", "db");
	add("pro", "pro-dev", "src");
	add("pro", "pro-web", "www");
	add("solo", "only", "one");
}

static void teardown(void)
{
	infra_finish(&infra);
}

/* The names that WORD means, with blanks between them; "E<errno>" for an error. */
static const char *selected(const char *word, enum select_mode mode)
{
	static char text[1024];
	cleanup_selection struct selection s = {NULL, 0};
	int r = select_volumes(&infra, &word, 1, mode, &s, NULL);

	text[0] = '\0';
	if (r < 0)
		snprintf(text, sizeof(text), "E%d", -r);
	for (size_t i = 0; i < s.n_items; i++) {
		char name[VOLUME_NAME_MAX];

		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? " " : "",
			volume_ref_name(&s.items[i], name));
	}
	return text;
}

#define NOT_FOUND "E2"
#define AMBIGUOUS "E76"

static const struct {
	const char *word;
	const char *exact;
	const char *many;
} rows[] = {
	{"pro/pro-dev/db", "pro/pro-dev/db", "pro/pro-dev/db"},
	{"pro/pro-dev/db/", "pro/pro-dev/db", "pro/pro-dev/db"},
	{"pro-dev/db", "pro/pro-dev/db", "pro/pro-dev/db"},
	{"www", "pro/pro-web/www", "pro/pro-web/www"},
	{"solo", "solo/only/one", "solo/only/one"},
	{"pro/pro-web", "pro/pro-web/www", "pro/pro-web/www"},
	{"db", AMBIGUOUS, "perso/home/db pro/pro-dev/db"},
	{"pro", AMBIGUOUS, "pro/pro-dev/db pro/pro-dev/src pro/pro-web/www"},
	{"pro/pro-dev", AMBIGUOUS, "pro/pro-dev/db pro/pro-dev/src"},
	{"*/*/db", "perso/home/db pro/pro-dev/db", "perso/home/db pro/pro-dev/db"},
	{"pro-*/*", "pro/pro-dev/db pro/pro-dev/src pro/pro-web/www",
		"pro/pro-dev/db pro/pro-dev/src pro/pro-web/www"},
	{"[dw]*", "perso/home/db pro/pro-dev/db pro/pro-web/www",
		"perso/home/db pro/pro-dev/db pro/pro-web/www"},
	{"x*", NOT_FOUND, NOT_FOUND},
	{"d", NOT_FOUND, NOT_FOUND},
	{"", NOT_FOUND, NOT_FOUND},
	{"/", NOT_FOUND, NOT_FOUND},
	{"pro//db", NOT_FOUND, NOT_FOUND},
	{"a/b/c/d", NOT_FOUND, NOT_FOUND},
	{"pro-dev", AMBIGUOUS, "pro/pro-dev/db pro/pro-dev/src"},
	{"only", "solo/only/one", "solo/only/one"},
};

START_TEST(word_means_these_volumes)
{
	ck_assert_str_eq(selected(rows[_i].word, SELECT_EXACT), rows[_i].exact);
	ck_assert_str_eq(selected(rows[_i].word, SELECT_MANY), rows[_i].many);
}
END_TEST

START_TEST(several_words_select_each_volume_once)
{
	static const char *const words[] = {"www", "pro/*/*", "solo"};
	cleanup_selection struct selection s = {NULL, 0};

	ck_assert_int_eq(select_volumes(&infra, words, 3, SELECT_EXACT, &s, NULL), 0);
	ck_assert_uint_eq(s.n_items, 4);
	ck_assert_str_eq(s.items[0].volume->name, "db");
	ck_assert_str_eq(s.items[3].volume->name, "one");
}
END_TEST

START_TEST(ambiguous_name_lists_the_candidates)
{
	static const char *const words[] = {"db"};
	cleanup_selection struct selection s = {NULL, 0};
	cleanup_error struct error err = {NULL};

	ck_assert_int_eq(select_volumes(&infra, words, 1, SELECT_EXACT, &s, &err), -ENOTUNIQ);
	ck_assert_str_eq(err.text, "'db' means 2 volumes, name one of them:\n"
				   "  perso/home/db\n"
				   "  pro/pro-dev/db");
}
END_TEST

static const struct {
	const char *word;
	const char *text;
} hints[] = {
	{"pro/pro-dev/bd", "no volume 'pro/pro-dev/bd'; is it 'pro/pro-dev/db'?"},
	{"photo", "no volume 'photo'; is it 'perso/home/photos'?"},
	{"quite-else", "no volume 'quite-else'; 'anklume-fsctl ls' lists them"},
	{"zz*", "no volume fits 'zz*'"},
};

START_TEST(unknown_name_gets_the_nearest_one)
{
	cleanup_selection struct selection s = {NULL, 0};
	cleanup_error struct error err = {NULL};

	ck_assert_int_eq(
		select_volumes(&infra, &hints[_i].word, 1, SELECT_EXACT, &s, &err), -ENOENT);
	ck_assert_str_eq(err.text, hints[_i].text);
}
END_TEST

START_TEST(empty_infra_has_nothing_to_select)
{
	static const char *const words[] = {"db"};
	cleanup_selection struct selection s = {NULL, 0};
	struct infra none;

	infra_init(&none);
	ck_assert_int_eq(select_volumes(&none, words, 1, SELECT_MANY, &s, NULL), -ENOENT);
	ck_assert_int_eq(select_all(&none, &s, NULL), 0);
	ck_assert_uint_eq(s.n_items, 0);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("select");
	TCase *tc = tcase_create("select");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, word_means_these_volumes, 0, ARRAY_SIZE(rows));
	tcase_add_test(tc, several_words_select_each_volume_once);
	tcase_add_test(tc, ambiguous_name_lists_the_candidates);
	tcase_add_loop_test(tc, unknown_name_gets_the_nearest_one, 0, ARRAY_SIZE(hints));
	tcase_add_test(tc, empty_infra_has_nothing_to_select);
	suite_add_tcase(s, tc);
	return s;
}
