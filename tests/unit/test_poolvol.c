/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "poolvol.h"

#include <string.h>

#include "cmd.h"
#include "str.h"
#include "unit.h"

#define VOLUME(p, o, n)                                                            \
	{                                                                          \
		.kind = INCUS_VOLUME, .project = (char[]){p}, .pool = (char[]){o}, \
		.name = (char[])                                                   \
		{                                                                  \
			n                                                          \
		}                                                                  \
	}

static struct incus_resource volumes[] = {
	VOLUME("pro", "fast", "db"),
	VOLUME("pro", "slow", "db"),
	VOLUME("lab", "slow", "db"),
	VOLUME("lab", "slow", "mydb"),
	VOLUME("default", "slow", "www"),
};
static const struct incus_resource_list list = {volumes, ARRAY_SIZE(volumes)};

/* S0-33 */
static const struct {
	const char *word;
	int found; /* index; -1 = none, -2 = several */
} words[] = {
	{"www", 4},
	{"mydb", 3},
	{"db", -2},
	{"fast/db", 0},
	{"slow/db", -2},
	{"pro/slow/db", 1},
	{"lab/slow/db", 2},
	{"default/slow/www", 4},
	{"ww", -1},
	{"w", -1},
	{"", -1},
	{"/www", -1},
	{"low/www", -1},
	{"x/default/slow/www", -1},
	{"slow", -1},
};

START_TEST(the_volume_that_a_word_means)
{
	cleanup_error struct error err = {0};
	const struct incus_resource *found = NULL;
	int r = poolvol_find(&list, words[_i].word, &found, &err);

	if (words[_i].found >= 0) {
		ck_assert_int_eq(r, 0);
		ck_assert_ptr_eq(found, &volumes[words[_i].found]);
		return;
	}
	ck_assert_int_eq(r, CMD_NO_VOLUME);
	ck_assert_ptr_nonnull(
		strstr(err.text, words[_i].found == -1 ? "no storage pool has" : "several"));
}
END_TEST

START_TEST(several_volumes_are_listed)
{
	cleanup_error struct error err = {0};
	const struct incus_resource *found;

	poolvol_find(&list, "slow/db", &found, &err);
	ck_assert_str_eq(
		err.text, "'slow/db' is several volumes of pools:\n  pro/slow/db\n  lab/slow/db");
}
END_TEST

/* S0-33 */
static const struct {
	const char *project;
	bool is_running;
	const char *type, *pool, *source;
	int volume;
	bool is_user;
} users[] = {
	{"pro", true, "disk", "fast", "db", 0, true},
	{"pro", true, "disk", "fast", "db/sub", 0, true},
	{"pro", true, "disk", "fast", "db2", 0, false},
	{"pro", true, "disk", "slow", "db", 0, false},
	{"pro", true, "nic", "fast", "db", 0, false},
	{"pro", false, "disk", "fast", "db", 0, false},
	{"lab", true, "disk", "fast", "db", 0, false},
	/* A project without volumes of its own has those of the default project. */
	{"thin", true, "disk", "slow", "www", 4, true},
	{"lab", true, "disk", "slow", "www", 4, false},
	{"default", true, "disk", "slow", "www", 4, true},
};

static json_t *own(const char *value)
{
	return json_pack("{s:s}", "features.storage.volumes", value);
}

START_TEST(who_runs_and_has_the_volume)
{
	struct incus_resource items[] = {
		{.name = (char[]){"default"}, .config = own("true")},
		{.name = (char[]){"pro"}, .config = own("true")},
		{.name = (char[]){"lab"}, .config = own("true")},
		{.name = (char[]){"thin"}, .config = own("false")},
	};
	const struct incus_resource_list projects = {items, ARRAY_SIZE(items)};
	struct incus_instance in = {
		.project = (char *)users[_i].project,
		.name = (char[]){"box"},
		.is_running = users[_i].is_running,
		.expanded_devices =
			json_pack("{s:{s:s s:s s:s s:s}}", "data", "type", users[_i].type, "pool",
				users[_i].pool, "source", users[_i].source, "path", "/data"),
	};
	const struct incus_instance_list instances = {&in, 1};
	cleanup_free char *who = NULL;
	cleanup_free char *want = NULL;

	ck_assert_int_eq(poolvol_users(&volumes[users[_i].volume], &instances, &projects, &who), 0);
	ck_assert_int_gt(asprintf(&want, "%s/box", users[_i].project), 0);
	ck_assert_pstr_eq(who, users[_i].is_user ? want : NULL);
	json_decref(in.expanded_devices);
	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		json_decref(items[i].config);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("poolvol");
	TCase *tc = tcase_create("poolvol");

	tcase_add_loop_test(tc, the_volume_that_a_word_means, 0, ARRAY_SIZE(words));
	tcase_add_test(tc, several_volumes_are_listed);
	tcase_add_loop_test(tc, who_runs_and_has_the_volume, 0, ARRAY_SIZE(users));
	suite_add_tcase(s, tc);
	return s;
}
