/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "catalog.h"

#include "sample.h"
#include "unit.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define FILE_NAME "catalog.db"

/* A catalogue with a few records, closed. */
static void make_catalog(void)
{
	cleanup_catalog struct catalog *cat = NULL;
	cleanup_infra struct infra spec = {0};
	cleanup_error struct error err = {0};

	ck_assert_ok(catalog_open(unit_path(FILE_NAME), CATALOG_WRITE, &cat, &err), &err);
	sample_add(&spec, "pro/pro-dev/db pro/pro-dev/cache perso/laptop/docs");
	sample_apply(cat, &spec, NULL);
}

static void run_sql(const char *sql)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(unit_path(FILE_NAME), &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static off_t size_of(const char *name)
{
	struct stat st;

	ck_assert_int_eq(stat(unit_path(name), &st), 0);
	return st.st_size;
}

static bool exists(const char *name)
{
	struct stat st;

	return lstat(unit_path(name), &st) == 0;
}

START_TEST(missing_catalogue_is_enoent_for_a_reader)
{
	cleanup_error struct error err = {0};
	struct catalog *cat = NULL;

	ck_assert_int_eq(catalog_open(unit_path("a/b.db"), CATALOG_READ, &cat, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(error_text(&err, 0), "a/b.db"));
	ck_assert_ptr_null(cat);
	ck_assert(!exists("a"));
}
END_TEST

START_TEST(writer_creates_the_catalogue_for_its_owner_only)
{
	cleanup_catalog struct catalog *cat = NULL;
	cleanup_error struct error err = {0};
	struct stat st;

	umask(0);
	ck_assert_ok(catalog_open(unit_path("x/y/c.db"), CATALOG_WRITE, &cat, &err), &err);
	ck_assert_int_eq(stat(unit_path("x/y/c.db"), &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(stat(unit_path("x/y"), &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0755);

	/* The log holds the same things. */
	ck_assert_int_eq(catalog_apply(cat, &(struct infra){0}, &sample_actor, false, NULL,
				 &(struct change_list){0}, NULL),
		0);
	ck_assert_int_eq(stat(unit_path("x/y/c.db-wal"), &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
}
END_TEST

START_TEST(creation_leaves_no_other_file_behind)
{
	cleanup_catalog struct catalog *cat = NULL;
	struct dirent *entry;
	DIR *dir;

	ck_assert_int_eq(catalog_open(unit_path(FILE_NAME), CATALOG_WRITE, &cat, NULL), 0);
	dir = opendir(unit_dir);
	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)))
		ck_assert_msg(entry->d_name[0] == '.' ||
				      strncmp(entry->d_name, FILE_NAME, strlen(FILE_NAME)) == 0,
			"'%s' left behind", entry->d_name);
	closedir(dir);
	ck_assert(!exists(FILE_NAME ".new-1"));
}
END_TEST

/* Ways to spoil a catalogue. */
static void spoil_text(void)
{
	unit_write(FILE_NAME, "domains:\n  pro:\n    machines: {}\n# not a database at all\n");
}

static void spoil_empty(void)
{
	ck_assert_int_eq(truncate(unit_path(FILE_NAME), 0), 0);
}

static void spoil_half(void)
{
	ck_assert_int_eq(truncate(unit_path(FILE_NAME), size_of(FILE_NAME) / 2), 0);
}

static void spoil_header_only(void)
{
	ck_assert_int_eq(truncate(unit_path(FILE_NAME), 100), 0);
}

static void spoil_pages(void)
{
	int fd = open(unit_path(FILE_NAME), O_WRONLY | O_CLOEXEC);
	char rubbish[4096];
	off_t size = size_of(FILE_NAME);

	ck_assert_int_ge(fd, 0);
	memset(rubbish, 0xa5, sizeof(rubbish));
	for (off_t at = 4096; at < size; at += sizeof(rubbish))
		ck_assert_int_eq(pwrite(fd, rubbish, sizeof(rubbish), at), sizeof(rubbish));
	close(fd);
}

static void spoil_table(void)
{
	run_sql("PRAGMA foreign_keys = OFF; DROP TABLE hold");
}

static void spoil_foreign(void)
{
	ck_assert_int_eq(unlink(unit_path(FILE_NAME)), 0);
	run_sql("CREATE TABLE moz_places (id INTEGER PRIMARY KEY, url TEXT)");
}

static void spoil_directory(void)
{
	ck_assert_int_eq(unlink(unit_path(FILE_NAME)), 0);
	ck_assert_int_eq(mkdir(unit_path(FILE_NAME), 0755), 0);
}

static void spoil_fifo(void)
{
	ck_assert_int_eq(unlink(unit_path(FILE_NAME)), 0);
	ck_assert_int_eq(mkfifo(unit_path(FILE_NAME), 0600), 0);
}

static void spoil_newer(void)
{
	run_sql("PRAGMA user_version = 9999");
}

static const struct {
	const char *name;
	void (*spoil)(void);
	int r;
	const char *words;
} spoils[] = {
	{"text file", spoil_text, -EBADMSG, "catalog rebuild"},
	{"zero bytes", spoil_empty, -EBADMSG,
		"it is empty\n  restore it from the data with 'anklume-fsctl catalog rebuild'"},
	{"cut in half", spoil_half, -EBADMSG, "catalog rebuild"},
	{"header only", spoil_header_only, -EBADMSG, "catalog rebuild"},
	{"overwritten pages", spoil_pages, -EBADMSG, "catalog rebuild"},
	{"lost table", spoil_table, -EBADMSG, "catalog rebuild"},
	{"another program's", spoil_foreign, -EBADMSG, "database of another program"},
	{"directory", spoil_directory, -EISDIR, "is a directory"},
	{"fifo", spoil_fifo, -EINVAL, "is not a regular file"},
	{"newer version", spoil_newer, -ENOTSUP, "of version 9999, this program knows up to"},
};

/* Open and read everything: some damage shows only there. */
static int open_and_load(enum catalog_mode mode, struct error *err)
{
	cleanup_catalog struct catalog *cat = NULL;
	cleanup_infra struct infra infra = {0};
	int r = catalog_open(unit_path(FILE_NAME), mode, &cat, err);

	return r < 0 ? r : catalog_load(cat, &infra, NULL, err);
}

/* DC-2 */
START_TEST(spoiled_catalogue_is_refused_with_the_way_out)
{
	static const enum catalog_mode modes[] = {CATALOG_READ, CATALOG_WRITE};

	make_catalog();
	spoils[_i].spoil();
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		cleanup_error struct error err = {0};
		int r = open_and_load(modes[i], &err);

		ck_assert_msg(
			r == spoils[_i].r, "%s: %d, %s", spoils[_i].name, r, error_text(&err, r));
		ck_assert_msg(strstr(error_text(&err, r), spoils[_i].words) != NULL, "%s: '%s'",
			spoils[_i].name, error_text(&err, r));
	}
}
END_TEST

START_TEST(sound_catalogue_passes_the_check)
{
	cleanup_catalog struct catalog *cat = NULL;
	cleanup_error struct error err = {0};

	make_catalog();
	ck_assert_ok(catalog_open(unit_path(FILE_NAME), CATALOG_READ, &cat, &err), &err);
	ck_assert_ok(catalog_check_integrity(cat, &err), &err);
}
END_TEST

START_TEST(check_finds_a_row_without_its_parent)
{
	cleanup_catalog struct catalog *cat = NULL;
	cleanup_error struct error err = {0};

	make_catalog();
	run_sql("PRAGMA foreign_keys = OFF; DELETE FROM machine WHERE name = 'laptop'");
	ck_assert_ok(catalog_open(unit_path(FILE_NAME), CATALOG_READ, &cat, &err), &err);
	ck_assert_int_eq(catalog_check_integrity(cat, &err), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(error_text(&err, 0), "table 'volume' has no parent"));
}
END_TEST

START_TEST(check_finds_an_index_that_lost_a_row)
{
	cleanup_catalog struct catalog *cat = NULL;
	cleanup_error struct error err = {0};

	make_catalog();
	/* The index over another expression than its rows say. */
	run_sql("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET "
		"sql = 'CREATE INDEX audit_object ON audit (action, id)' WHERE name = 'audit_object'");
	ck_assert_ok(catalog_open(unit_path(FILE_NAME), CATALOG_READ, &cat, &err), &err);
	ck_assert_int_eq(catalog_check_integrity(cat, &err), -EBADMSG);
}
END_TEST

/* A log whose database is gone must not be replayed into a new one. */
START_TEST(stale_log_is_set_aside)
{
	cleanup_catalog struct catalog *cat = NULL;
	cleanup_infra struct infra got = {0};
	cleanup_error struct error err = {0};

	unit_write(FILE_NAME "-wal", "what a lost catalogue left behind");
	ck_assert_ok(catalog_open(unit_path(FILE_NAME), CATALOG_WRITE, &cat, &err), &err);
	sample_load(cat, &got);
	ck_assert_uint_eq(got.n_domains, 0);
	ck_assert(exists(FILE_NAME "-wal.stale"));
}
END_TEST

/* Two handles stand for two processes: SQLite's locks do not care. */
START_TEST(reader_sees_the_last_state_while_a_writer_works)
{
	cleanup_catalog struct catalog *reader = NULL;
	cleanup_infra struct infra before = {0};
	cleanup_infra struct infra after = {0};
	cleanup_error struct error err = {0};
	uint64_t generation;
	sqlite3 *writer;

	make_catalog();
	ck_assert_int_eq(sqlite3_open(unit_path(FILE_NAME), &writer), SQLITE_OK);
	ck_assert_int_eq(
		sqlite3_exec(writer, "BEGIN IMMEDIATE; UPDATE volume SET path = '/changed'", NULL,
			NULL, NULL),
		SQLITE_OK);

	ck_assert_ok(catalog_open(unit_path(FILE_NAME), CATALOG_READ, &reader, &err), &err);
	ck_assert_ok(catalog_load(reader, &before, &generation, &err), &err);
	ck_assert_uint_eq(generation, 1);
	ck_assert_str_eq(sample_volume(&before, "pro/pro-dev/db")->path, "/db");

	ck_assert_int_eq(sqlite3_exec(writer, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	ck_assert_ok(catalog_load(reader, &after, NULL, &err), &err);
	ck_assert_str_eq(sample_volume(&after, "pro/pro-dev/db")->path, "/changed");
	sqlite3_close(writer);
}
END_TEST

START_TEST(reader_needs_no_log_files)
{
	cleanup_catalog struct catalog *reader = NULL;
	cleanup_infra struct infra got = {0};
	cleanup_error struct error err = {0};

	make_catalog();
	ck_assert(!exists(FILE_NAME "-wal"));
	ck_assert(!exists(FILE_NAME "-shm"));
	ck_assert_ok(catalog_open(unit_path(FILE_NAME), CATALOG_READ, &reader, &err), &err);
	sample_load(reader, &got);
	ck_assert_uint_eq(infra_count_volumes(&got), 3);
}
END_TEST

START_TEST(reader_cannot_write)
{
	cleanup_catalog struct catalog *reader = NULL;
	cleanup_error struct error err = {0};

	make_catalog();
	ck_assert_int_eq(catalog_open(unit_path(FILE_NAME), CATALOG_READ, &reader, NULL), 0);
	ck_assert_int_eq(
		catalog_set_readonly(reader, 1, FLAG_ON, &sample_actor, NULL, NULL, &err), -EROFS);
	ck_assert_ptr_nonnull(strstr(error_text(&err, 0), "cannot be written"));
}
END_TEST

/* Nothing is held back for it: the whole patience of a writer is in this test (5 s). */
START_TEST(writer_that_waits_in_vain_is_ebusy)
{
	cleanup_catalog struct catalog *cat = NULL;
	cleanup_error struct error err = {0};
	sqlite3 *other;

	make_catalog();
	ck_assert_int_eq(catalog_open(unit_path(FILE_NAME), CATALOG_WRITE, &cat, NULL), 0);
	ck_assert_int_eq(sqlite3_open(unit_path(FILE_NAME), &other), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	ck_assert_int_eq(
		catalog_set_readonly(cat, 1, FLAG_ON, &sample_actor, NULL, NULL, &err), -EBUSY);
	ck_assert_ptr_nonnull(strstr(error_text(&err, 0), "another process; try again"));
	sqlite3_close(other);
	ck_assert_int_eq(catalog_set_readonly(cat, 1, FLAG_ON, &sample_actor, NULL, NULL, &err), 0);
}
END_TEST

/* Process I of many: create the catalogue or find it created, record the spec, put a hold. */
static int create_and_hold(int i)
{
	cleanup_catalog struct catalog *cat = NULL;
	cleanup_change_list struct change_list report = {0};
	cleanup_infra struct infra spec = {0};
	char tag[16];
	int r = catalog_open(unit_path(FILE_NAME), CATALOG_WRITE, &cat, NULL);

	sample_add(&spec, "pro/pro-dev/db");
	snprintf(tag, sizeof(tag), "process-%d", i);
	if (r == 0)
		r = catalog_apply(cat, &spec, &sample_actor, false, NULL, &report, NULL);
	return r == 0 ? catalog_hold(cat, 1, tag, "why", 0, &sample_actor, NULL, NULL) : r;
}

START_TEST(processes_that_create_at_once_share_one_catalogue)
{
	/* Twelve under valgrind wait for each other longer than SQLite waits for a lock. */
	const int n = unit_is_valgrind() ? 4 : 12;
	cleanup_catalog struct catalog *cat = NULL;
	cleanup_infra struct infra got = {0};
	uint64_t generation;
	pid_t pids[12];

	for (int i = 0; i < n; i++) {
		pids[i] = fork();
		ck_assert_int_ge(pids[i], 0);
		if (pids[i] == 0)
			_exit(create_and_hold(i) == 0 ? 0 : 1);
	}
	for (int i = 0; i < n; i++) {
		int status;

		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}

	ck_assert_int_eq(catalog_open(unit_path(FILE_NAME), CATALOG_READ, &cat, NULL), 0);
	ck_assert_int_eq(catalog_check_integrity(cat, NULL), 0);
	ck_assert_int_eq(catalog_load(cat, &got, &generation, NULL), 0);
	ck_assert_uint_eq(sample_volume(&got, "pro/pro-dev/db")->n_holds, n);
	ck_assert_uint_eq(generation, 1 + n);
}
END_TEST

/* What a rebuild does to those who have the old file open. */
START_TEST(replaced_catalogue_is_estale_for_those_who_have_it_open)
{
	cleanup_catalog struct catalog *writer = NULL;
	cleanup_catalog struct catalog *reader = NULL;
	cleanup_catalog struct catalog *fresh = NULL;
	cleanup_infra struct infra got = {0};
	cleanup_error struct error err = {0};
	cleanup_free char *aside = NULL;

	make_catalog();
	ck_assert_int_eq(catalog_open(unit_path(FILE_NAME), CATALOG_WRITE, &writer, NULL), 0);
	ck_assert_int_eq(catalog_open(unit_path(FILE_NAME), CATALOG_READ, &reader, NULL), 0);
	ck_assert_int_eq(
		catalog_set_readonly(writer, 1, FLAG_ON, &sample_actor, NULL, NULL, NULL), 0);

	ck_assert_int_eq(catalog_open(unit_path("new.db"), CATALOG_WRITE, &fresh, NULL), 0);
	catalog_close(fresh);
	fresh = NULL;
	ck_assert_ok(
		catalog_replace(unit_path(FILE_NAME), unit_path("new.db"), &aside, &err), &err);
	ck_assert_ptr_nonnull(aside);

	ck_assert_int_eq(catalog_set_readonly(writer, 1, FLAG_OFF, &sample_actor, NULL, NULL, &err),
		-ESTALE);
	ck_assert_int_eq(catalog_load(reader, &got, NULL, &err), -ESTALE);
	catalog_close(steal_ptr(&writer));
	catalog_close(steal_ptr(&reader));

	/* Their going did no harm to either file. */
	ck_assert_int_eq(catalog_open(unit_path(FILE_NAME), CATALOG_READ, &fresh, NULL), 0);
	sample_load(fresh, &got);
	ck_assert_uint_eq(got.n_domains, 0);
	ck_assert_int_eq(catalog_open(aside, CATALOG_READ, &reader, NULL), 0);
	sample_load(reader, &got);
	ck_assert_int_eq(sample_volume(&got, "perso/laptop/docs")->id, 1);
	ck_assert_uint_eq(sample_volume(&got, "perso/laptop/docs")->flags,
		VOLUME_PROTECTED | VOLUME_READONLY);
}
END_TEST

/* Also the whole patience of a writer (5 s). */
START_TEST(catalogue_is_not_replaced_under_a_change)
{
	cleanup_catalog struct catalog *fresh = NULL;
	cleanup_infra struct infra got = {0};
	cleanup_error struct error err = {0};
	char *aside = NULL;
	sqlite3 *writer;

	make_catalog();
	ck_assert_int_eq(catalog_open(unit_path("new.db"), CATALOG_WRITE, &fresh, NULL), 0);
	catalog_close(steal_ptr(&fresh));
	ck_assert_int_eq(sqlite3_open(unit_path(FILE_NAME), &writer), SQLITE_OK);
	ck_assert_int_eq(
		sqlite3_exec(writer, "BEGIN IMMEDIATE; UPDATE volume SET path = '/changed'", NULL,
			NULL, NULL),
		SQLITE_OK);
	ck_assert_int_eq(
		catalog_replace(unit_path(FILE_NAME), unit_path("new.db"), &aside, &err), -EBUSY);
	ck_assert_ptr_null(aside);

	ck_assert_int_eq(sqlite3_exec(writer, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(writer);
	ck_assert_int_eq(catalog_open(unit_path(FILE_NAME), CATALOG_READ, &fresh, NULL), 0);
	sample_load(fresh, &got);
	ck_assert_str_eq(sample_volume(&got, "pro/pro-dev/db")->path, "/changed");
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("catalog_open");
	TCase *tc = tcase_create("open");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, unit_dir_setup, unit_dir_teardown);
	tcase_add_test(tc, missing_catalogue_is_enoent_for_a_reader);
	tcase_add_test(tc, writer_creates_the_catalogue_for_its_owner_only);
	tcase_add_test(tc, creation_leaves_no_other_file_behind);
	tcase_add_loop_test(
		tc, spoiled_catalogue_is_refused_with_the_way_out, 0, ARRAY_SIZE(spoils));
	tcase_add_test(tc, sound_catalogue_passes_the_check);
	tcase_add_test(tc, check_finds_a_row_without_its_parent);
	tcase_add_test(tc, check_finds_an_index_that_lost_a_row);
	tcase_add_test(tc, stale_log_is_set_aside);
	tcase_add_test(tc, reader_sees_the_last_state_while_a_writer_works);
	tcase_add_test(tc, reader_needs_no_log_files);
	tcase_add_test(tc, reader_cannot_write);
	tcase_add_test(tc, writer_that_waits_in_vain_is_ebusy);
	tcase_add_test(tc, processes_that_create_at_once_share_one_catalogue);
	tcase_add_test(tc, replaced_catalogue_is_estale_for_those_who_have_it_open);
	tcase_add_test(tc, catalogue_is_not_replaced_under_a_change);
	suite_add_tcase(s, tc);
	return s;
}
