/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "locate.h"

#include "str.h"
#include "unit.h"

#define BASE "/var/lib/anklume/data"
#define MOUNT "/srv/anklume/data"

static struct infra infra;

static void add_volume(struct machine *m, const char *name, const char *path)
{
	struct volume *v = machine_add_volume(m, name);

	v->path = strdup(path);
}

static struct machine *add_machine(struct domain *d, const char *name, const char *instance)
{
	struct machine *m = domain_add_machine(d, name);

	m->project = strdup(d->name);
	m->instance = strdup(instance);
	return m;
}

static void setup(void)
{
	struct domain *d;
	struct machine *m;

	infra_init(&infra);
	d = infra_add_domain(&infra, "pro");
	m = add_machine(d, "pro-dev", "001-pro-dev");
	add_volume(m, "db", "/var/lib/postgresql");
	add_volume(m, "wal", "/var/lib/postgresql/wal");
	m = add_machine(d, "pro-web", "pro-web");
	add_volume(m, "www", "/var/www");
	d = infra_add_domain(&infra, "perso");
	m = add_machine(d, "home", "home");
	add_volume(m, "db", "/var/lib/postgresql");
}

static void teardown(void)
{
	infra_finish(&infra);
}

/* "base-path|inside" of each place, with blanks between; "E<errno>" for an error. */
static const char *located(const char *word)
{
	static char text[4096];
	cleanup_place_list struct place_list places = {NULL, 0};
	int r = locate(&infra, BASE, MOUNT, word, &places, NULL);

	text[0] = '\0';
	if (r < 0)
		snprintf(text, sizeof(text), "E%d", -r);
	for (size_t i = 0; i < places.n_items; i++) {
		cleanup_free char *path = place_path(&places.items[i], "");
		cleanup_free char *inside = place_inside(&places.items[i]);

		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s|%s", i ? " " : "",
			path, inside ? inside : "");
	}
	return text;
}

#define NOWHERE "E2"

/* S3-23: both directions. */
static const struct {
	const char *word;
	const char *places;
} rows[] = {
	/* from the base or the mount */
	{BASE "/pro/pro-dev/db", "/pro/pro-dev/db|/var/lib/postgresql"},
	{MOUNT "/pro/pro-dev/db", "/pro/pro-dev/db|/var/lib/postgresql"},
	{MOUNT "//pro/pro-dev//db/15/main/", "/pro/pro-dev/db/15/main|/var/lib/postgresql/15/main"},
	{MOUNT "/pro/pro-dev", "/pro/pro-dev|"},
	{MOUNT "/pro", "/pro|"},
	{MOUNT, NOWHERE},
	{MOUNT "/pro/pro-dev/nope/x", NOWHERE},
	{MOUNT "/nope", NOWHERE},
	{MOUNT "/pro/../perso", NOWHERE},
	{MOUNT "x/pro", NOWHERE},
	/* from inside an instance */
	{"pro-dev:/var/lib/postgresql/15", "/pro/pro-dev/db/15|/var/lib/postgresql/15"},
	{"pro-dev:/var/lib/postgresql/wal/1", "/pro/pro-dev/wal/1|/var/lib/postgresql/wal/1"},
	{"pro/001-pro-dev:/var/lib/postgresql", "/pro/pro-dev/db|/var/lib/postgresql"},
	{"001-pro-dev:/var/lib/postgresql", "/pro/pro-dev/db|/var/lib/postgresql"},
	{"pro/pro-dev:/var/lib/postgresql", "/pro/pro-dev/db|/var/lib/postgresql"},
	{"perso/pro-dev:/var/lib/postgresql", NOWHERE},
	{"pro-dev:/var/lib", NOWHERE},
	{"pro-dev:/var/lib/postgresqlx", NOWHERE},
	{"pro-dev:/var/lib/postgresql/../x", NOWHERE},
	{"nope:/var/www", NOWHERE},
	{"/var/www/html", "/pro/pro-web/www/html|/var/www/html"},
	{"/var/lib/postgresql", "/pro/pro-dev/db|/var/lib/postgresql "
				"/perso/home/db|/var/lib/postgresql"},
	{"/etc/passwd", NOWHERE},
	/* names */
	{"pro", "/pro|"},
	{"pro-web", "/pro/pro-web|"},
	{"pro/pro-web", "/pro/pro-web|"},
	{"www", "/pro/pro-web/www|/var/www"},
	{"pro-dev/db", "/pro/pro-dev/db|/var/lib/postgresql"},
	{"db", "/pro/pro-dev/db|/var/lib/postgresql /perso/home/db|/var/lib/postgresql"},
	{"nope", NOWHERE},
	{"", NOWHERE},
};

START_TEST(word_is_at_these_places)
{
	ck_assert_msg(str_equal(located(rows[_i].word), rows[_i].places), "'%s' gave '%s'",
		rows[_i].word, located(rows[_i].word));
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("locate");
	TCase *tc = tcase_create("locate");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, word_is_at_these_places, 0, ARRAY_SIZE(rows));
	suite_add_tcase(s, tc);
	return s;
}
