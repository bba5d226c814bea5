/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hostvars.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "fdio.h"
#include "unit.h"

static struct device_list one, none;

static void setup(void)
{
	struct device *d;

	unit_dir_setup();
	device_list_init(&none);
	device_list_init(&one);
	d = device_list_add(&one, "pd-db", DEVICE_PERSISTENT);
	ck_assert_int_eq(device_set(d, "type", "disk"), 0);
	ck_assert_int_eq(device_set(d, "path", "/var/lib/postgresql"), 0);
}

static void teardown(void)
{
	device_list_finish(&one);
	unit_dir_teardown();
}

/* The text of NAME; the caller frees. */
static char *content(const char *name)
{
	char *text = NULL;
	size_t len;

	ck_assert_int_eq(read_file(AT_FDCWD, unit_path(name), 1 << 20, &text, &len), 0);
	return text;
}

static bool write_block(const char *name, const struct device_list *devices)
{
	bool changed = false;

	ck_assert_int_eq(hostvars_write(unit_dir, name, devices, false, &changed, NULL), 0);
	return changed;
}

/* S0-16: the second run changes nothing, and what is not ours stays. */
START_TEST(write_is_idempotent_and_keeps_foreign_lines)
{
	cleanup_free char *once = NULL;
	cleanup_free char *twice = NULL;

	unit_write("web.yml", "# my comment\nmine: 1   # two\n\n\ntail: yes");
	ck_assert(write_block("web", &one));
	once = content("web.yml");
	ck_assert_ptr_nonnull(strstr(once, "# my comment\nmine: 1   # two\n\n\ntail: yes"));
	ck_assert_ptr_nonnull(strstr(once, "pd-db"));

	ck_assert(!write_block("web", &one));
	twice = content("web.yml");
	ck_assert_str_eq(once, twice);
}
END_TEST

START_TEST(write_takes_devices_away_again)
{
	cleanup_free char *text = NULL;

	unit_write("web.yml", "mine: 1\n");
	ck_assert(write_block("web", &one));
	ck_assert(write_block("web", &none));
	text = content("web.yml");
	ck_assert_ptr_null(strstr(text, "pd-db"));
	ck_assert_ptr_nonnull(strstr(text, "mine: 1\n"));
}
END_TEST

START_TEST(machine_without_devices_gets_no_file_and_no_block)
{
	cleanup_free char *text = NULL;
	struct stat st;

	ck_assert(!write_block("new", &none));
	ck_assert_int_eq(stat(unit_path("new.yml"), &st), -1);

	unit_write("web.yml", "mine: 1\n");
	ck_assert(!write_block("web", &none));
	text = content("web.yml");
	ck_assert_str_eq(text, "mine: 1\n");
}
END_TEST

START_TEST(second_key_is_refused)
{
	bool changed = false;
	cleanup_free char *text = NULL;

	unit_write("web.yml", "a: 1\ninstance_devices:\n  x: {}\n");
	ck_assert_int_eq(hostvars_write(unit_dir, "web", &one, false, &changed, NULL), -EEXIST);
	text = content("web.yml");
	ck_assert_str_eq(text, "a: 1\ninstance_devices:\n  x: {}\n");
}
END_TEST

START_TEST(mode_is_kept_and_a_dry_run_writes_nothing)
{
	bool changed = false;
	struct stat st;

	unit_write("web.yml", "a: 1\n");
	ck_assert_int_eq(chmod(unit_path("web.yml"), 0640), 0);
	ck_assert_int_eq(hostvars_write(unit_dir, "web", &one, true, &changed, NULL), 0);
	ck_assert(changed);
	ck_assert_int_eq(stat(unit_path("web.yml"), &st), 0);
	ck_assert_int_eq(st.st_size, 5);

	ck_assert(write_block("web", &one));
	ck_assert_int_eq(stat(unit_path("web.yml"), &st), 0);
	ck_assert_int_gt(st.st_size, 5);
	ck_assert_int_eq(st.st_mode & 07777, 0640);
}
END_TEST

START_TEST(missing_directory_is_an_error)
{
	bool changed = false;

	ck_assert_int_eq(
		hostvars_write(unit_path("nowhere"), "web", &one, false, &changed, NULL), -ENOENT);
}
END_TEST

START_TEST(binary_file_is_refused)
{
	bool changed = false;
	int fd = open(unit_path("web.yml"), O_CREAT | O_WRONLY, 0644);

	ck_assert_int_eq(write(fd, "a\0b\n", 4), 4);
	close(fd);
	ck_assert_int_eq(hostvars_write(unit_dir, "web", &one, false, &changed, NULL), -EBADMSG);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("hostvars");
	TCase *tc = tcase_create("hostvars");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, write_is_idempotent_and_keeps_foreign_lines);
	tcase_add_test(tc, write_takes_devices_away_again);
	tcase_add_test(tc, machine_without_devices_gets_no_file_and_no_block);
	tcase_add_test(tc, second_key_is_refused);
	tcase_add_test(tc, mode_is_kept_and_a_dry_run_writes_nothing);
	tcase_add_test(tc, missing_directory_is_an_error);
	tcase_add_test(tc, binary_file_is_refused);
	suite_add_tcase(s, tc);
	return s;
}
