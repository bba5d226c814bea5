/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devplan.h"

#include "str.h"
#include "unit.h"

#include <string.h>

#define TREE "/srv/data"
#define DB "pd-db type=disk source=/srv/data/pro/dev/db path=/db shift=true"

/* "name key=value ...; name ..." as devices. */
static void parse(const char *text, struct device_list *ret)
{
	cleanup_free char *copy = strdup(text);
	char *rest = copy;
	char *one;

	device_list_init(ret);
	while ((one = strsep(&rest, ";"))) {
		struct device *d = NULL;
		char *word;

		while ((word = strsep(&one, " "))) {
			char *value = strchr(word, '=');

			if (!*word)
				continue;
			if (!value) {
				d = device_list_add(ret, word, DEVICE_PERSISTENT);
				continue;
			}
			*value = '\0';
			ck_assert_int_eq(device_set(d, word, value + 1), 0);
		}
	}
}

static void append(char **text, const char *more)
{
	cleanup_free char *old = *text;

	ck_assert_int_ge(asprintf(text, "%s%s", old, more), 0);
}

/* A plan as "action name[!unplug][?drift][+news] (detail)[ => keys]; ...". */
static char *describe(const struct devplan *plan)
{
	char *text = strdup("");

	for (size_t i = 0; i < plan->n_items; i++) {
		const struct devplan_step *s = &plan->items[i];

		append(&text, i ? "; " : "");
		append(&text, devplan_action_word(s->action));
		append(&text, " ");
		append(&text, s->name);
		append(&text, s->is_unplug ? "!" : "");
		append(&text, s->is_drift ? "?" : "");
		append(&text, s->is_news ? "+" : "");
		if (s->action == DEVPLAN_FOREIGN) {
			append(&text, " of ");
			append(&text, devplan_origin_word(s->origin));
		}
		if (s->detail) {
			append(&text, ": ");
			append(&text, s->detail);
		}
	}
	return text;
}

struct row {
	const char *name;
	const char *wanted, *applied, *local;
	const char *profile; /* what expanded has more than local */
	const char *want; /* the plan */
	bool is_vm, is_adopting;
};

static const struct row rows[] = {
	{"nothing", "", "", "", "root type=disk path=/ pool=default; eth0 type=nic", ""},
	{"add", DB, "", "", "", "add pd-db"},
	{"as it was applied", DB, DB, DB, "", "keep pd-db"},
	{"upstream put it there", DB, "", DB, "", "keep pd-db+"},
	/* Fact 4: compared by meaning. */
	{"other words for the same", DB, DB,
		"pd-db type=disk source=/srv/data//pro/dev/db/ path=/db/ shift=1 readonly=false "
		"required=yes recursive=",
		"", "keep pd-db"},
	{"limits of an administrator", DB, DB, DB " limits.read=10MB", "", "keep pd-db"},
	/* The defect: a device is never updated. */
	{"the spec changed the path",
		"pd-db type=disk source=/srv/data/pro/dev/db path=/new "
		"shift=true",
		DB, DB, "", "change pd-db!: path /db -> /new"},
	{"upstream's device, path changed in the spec",
		"pd-db type=disk source=/srv/data/pro/dev/db path=/new shift=true", "", DB, "",
		"change pd-db!+: path /db -> /new"},
	{"the spec made it readonly", DB " readonly=true", DB, DB, "",
		"change pd-db!: readonly false -> true"},
	{"somebody made it readonly", DB, DB, DB " readonly=true", "",
		"change pd-db!?: readonly true -> false (somebody else changed it)"},
	{"somebody made it optional", DB, DB, DB " required=false", "",
		"change pd-db!?: required false -> true (somebody else changed it)"},
	{"somebody removed it", DB, DB, "", "", "add pd-db?: somebody removed it"},
	{"it left the spec", "", DB, DB, "", "remove pd-db!: the spec no longer has it"},
	{"it left the spec and the instance", "", DB, "", "", ""},
	{"the base around the mount", DB, "",
		"pd-db type=disk source=/base/pro/dev/db path=/db shift=true", "",
		"change pd-db!+: source /base/pro/dev/db -> /srv/data/pro/dev/db"},
	/* S0-15 */
	{"a user's device called pd-", DB, "", "pd-db type=disk source=/home/me path=/db", "",
		"refuse pd-db: a device of that name is there that is not ours (source /home/me -> "
		"/srv/data/pro/dev/db, shift false -> true)\nrename it, or take it over with "
		"--adopt"},
	{"a user's device called pd-, adopted", DB, "", "pd-db type=disk source=/home/me path=/db",
		"", "change pd-db!+: source /home/me -> /srv/data/pro/dev/db, shift false -> true",
		false, true},
	{"nobody declared it", "", "", "pd-x type=disk source=/srv/data/pro/web/x path=/x", "",
		"unknown pd-x: nobody declared it; --adopt removes it"},
	{"nobody declared it, adopted", "", "", "pd-x type=disk source=/srv/data/pro/web/x path=/x",
		"", "remove pd-x!: the spec does not have it", false, true},
	/* S0-23 S0-24 */
	{"foreign ones", DB, DB,
		DB "; sv-docs type=disk source=/srv/shares/docs path=/docs; vol type=disk "
		   "pool=default source=vol path=/vol; home type=disk source=/home path=/home",
		"common type=disk source=/usr/share path=/common",
		"keep pd-db; foreign sv-docs of "
		"shared; foreign vol of pool; "
		"foreign home of user; foreign "
		"common of profile"},
	/* Fact 6: Incus does not see this one. */
	{"a profile has the path", DB, "", "", "common type=disk source=/usr/share path=/db/",
		"refuse pd-db: path /db is taken by device 'common' of a profile; foreign common of "
		"profile"},
	{"another device has the path", DB, "", "home type=disk source=/home path=/db", "",
		"refuse pd-db: path /db is taken by device 'home'; foreign home of user"},
	{"ours that goes has the path", DB,
		"pd-old type=disk source=/srv/data/pro/dev/old path=/db",
		"pd-old type=disk source=/srv/data/pro/dev/old path=/db", "",
		"add pd-db; remove pd-old!: the spec no longer has it"},
	{"a profile has the name", DB, "", "", "pd-db type=disk source=/usr/share path=/share",
		"add pd-db: hides the one of a profile"},
	{"a machine without shift", DB, "", "pd-db type=disk source=/srv/data/pro/dev/db path=/db",
		"", "keep pd-db+", true},
	{"a machine's source changed", DB, "", "pd-db type=disk source=/srv/data/x path=/db", "",
		"change pd-db!+: source /srv/data/x -> /srv/data/pro/dev/db", true},
};

static void make(const struct row *row, struct devplan *ret)
{
	cleanup_free char *both = NULL;
	cleanup_device_list struct device_list wanted, applied, local, expanded;
	const struct devplan_view view = {
		.wanted = &wanted,
		.applied = &applied,
		.local = &local,
		.expanded = &expanded,
		.tree = TREE,
		.base = "/base",
		.is_vm = row->is_vm,
		.is_adopting = row->is_adopting,
	};

	ck_assert_int_gt(
		asprintf(&both, "%s%s%s", row->local, *row->local ? ";" : "", row->profile), -1);
	parse(row->wanted, &wanted);
	parse(row->applied, &applied);
	parse(row->local, &local);
	parse(both, &expanded);
	ck_assert_int_eq(devplan_make(&view, ret), 0);
}

START_TEST(three_sides_make_this_plan)
{
	const struct row *row = &rows[_i];
	cleanup_devplan struct devplan plan = {NULL, 0};
	cleanup_free char *got = NULL;

	make(row, &plan);
	got = describe(&plan);
	ck_assert_msg(
		str_equal(got, row->want), "%s: '%s', expected '%s'", row->name, got, row->want);
}
END_TEST

/* The device that the plan of ROW's first step makes, as "key=value ...". */
static char *made_device(const struct row *row)
{
	cleanup_devplan struct devplan plan = {NULL, 0};
	char *text = strdup("");

	make(row, &plan);
	for (size_t i = 0; i < plan.items[0].device.n_properties; i++) {
		append(&text, i ? " " : "");
		append(&text, plan.items[0].device.properties[i].key);
		append(&text, "=");
		append(&text, plan.items[0].device.properties[i].value);
	}
	return text;
}

START_TEST(a_device_is_always_required)
{
	const struct row row = {"", DB, "", "", "", ""};
	cleanup_free char *got = made_device(&row);

	ck_assert_str_eq(
		got, "type=disk source=/srv/data/pro/dev/db path=/db shift=true required=true");
}
END_TEST

START_TEST(foreign_keys_outlive_a_change)
{
	const struct row row = {"", DB, DB, DB " readonly=true limits.read=10MB", "", ""};
	cleanup_free char *got = made_device(&row);

	ck_assert_str_eq(got, "type=disk source=/srv/data/pro/dev/db path=/db shift=true "
			      "required=true limits.read=10MB");
}
END_TEST

START_TEST(a_machine_gets_no_key_that_only_containers_know)
{
	const struct row row = {"", DB, "", "", "", "", true};
	cleanup_free char *got = made_device(&row);

	ck_assert_str_eq(got, "type=disk source=/srv/data/pro/dev/db path=/db required=true");
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("devplan");
	TCase *tc = tcase_create("devplan");

	tcase_add_loop_test(tc, three_sides_make_this_plan, 0, ARRAY_SIZE(rows));
	tcase_add_test(tc, a_device_is_always_required);
	tcase_add_test(tc, foreign_keys_outlive_a_change);
	tcase_add_test(tc, a_machine_gets_no_key_that_only_containers_know);
	suite_add_tcase(s, tc);
	return s;
}
