/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "catalog.h"

#include "sample.h"
#include "unit.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* A small file system of its own on "disk", in a mount namespace that ends with the test. */
static void setup(void)
{
	unit_dir_setup();
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount("none", "/", "none", MS_REC | MS_SLAVE, NULL), 0);
	ck_assert_int_eq(mkdir(unit_path("disk"), 0755), 0);
	ck_assert_int_eq(mount("tmpfs", unit_path("disk"), "tmpfs", 0, "size=1m"), 0);
}

static void teardown(void)
{
	ck_assert_int_eq(umount2(unit_path("disk"), MNT_DETACH), 0);
	unit_dir_teardown();
}

static struct catalog *open_catalog(enum catalog_mode mode)
{
	cleanup_error struct error err = {0};
	struct catalog *cat;

	ck_assert_ok(catalog_open(unit_path("disk/catalog.db"), mode, &cat, &err), &err);
	return cat;
}

/* Fill the disk but for FREE bytes. */
static void fill(size_t free)
{
	int fd = open(unit_path("disk/ballast"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	char block[4096];
	off_t size = 0;
	ssize_t n;

	ck_assert_int_ge(fd, 0);
	memset(block, 'x', sizeof(block));
	while ((n = write(fd, block, sizeof(block))) > 0)
		size += n;
	ck_assert_int_eq(errno, ENOSPC);
	ck_assert_int_eq(ftruncate(fd, size > (off_t)free ? size - (off_t)free : 0), 0);
	close(fd);
}

static void make_room(void)
{
	ck_assert_int_eq(unlink(unit_path("disk/ballast")), 0);
}

static void add_machines(struct infra *spec, int n)
{
	for (int i = 0; i < n; i++) {
		cleanup_free char *text = NULL;

		ck_assert_int_gt(asprintf(&text, "big/m%d/a big/m%d/b big/m%d/c", i, i, i), 0);
		sample_add(spec, text);
	}
}

static char *describe(struct catalog *cat)
{
	cleanup_infra struct infra got = {0};

	sample_load(cat, &got);
	return sample_describe(&got);
}

/* How much room is left when the big apply starts: none, or some of what it needs. */
static const size_t rooms[] = {0, 4096, 16384, 65536, 131072};

/* "a full disk during apply": nothing is half-written, and it goes on when there is room again. */
START_TEST(full_disk_during_apply_changes_nothing)
{
	cleanup_catalog struct catalog *cat = open_catalog(CATALOG_WRITE);
	cleanup_catalog struct catalog *again = NULL;
	cleanup_change_list struct change_list report = {0};
	cleanup_infra struct infra spec = {0};
	cleanup_error struct error err = {0};
	cleanup_free char *before = NULL;
	cleanup_free char *after = NULL;

	sample_add(&spec, "pro/pro-dev/db pro/pro-dev/cache");
	sample_apply(cat, &spec, NULL);
	before = describe(cat);

	add_machines(&spec, 500);
	fill(rooms[_i]);
	ck_assert_int_eq(
		catalog_apply(cat, &spec, &sample_actor, false, NULL, &report, &err), -ENOSPC);
	ck_assert_ptr_nonnull(strstr(error_text(&err, 0), "the disk is full; nothing was changed"));
	ck_assert_uint_eq(report.n_items, 0);
	after = describe(cat);
	ck_assert_str_eq(after, before);

	/* A process that comes later sees the same. */
	again = open_catalog(CATALOG_READ);
	ck_assert_int_eq(catalog_check_integrity(again, NULL), 0);
	free(steal_ptr(&after));
	after = describe(again);
	ck_assert_str_eq(after, before);

	make_room();
	sample_apply(cat, &spec, NULL);
	ck_assert_int_eq(catalog_check_integrity(cat, NULL), 0);
}
END_TEST

START_TEST(full_disk_during_a_flag_change_keeps_the_flag)
{
	cleanup_catalog struct catalog *cat = open_catalog(CATALOG_WRITE);
	cleanup_infra struct infra spec = {0};
	cleanup_infra struct infra got = {0};
	int r = 0;

	sample_add(&spec, "pro/pro-dev/db");
	sample_apply(cat, &spec, NULL);
	fill(8192);

	/* The log grows with every change until there is no room for it. */
	for (int i = 0; r == 0 && i < 100; i++) {
		infra_finish(&got);
		sample_load(cat, &got);
		r = catalog_set_readonly(
			cat, 1, i % 2 ? FLAG_OFF : FLAG_ON, &sample_actor, NULL, NULL, NULL);
	}
	ck_assert_int_eq(r, -ENOSPC);
	spec.domains[0].machines[0].volumes[0].flags = got.domains[0].machines[0].volumes[0].flags;
	infra_finish(&got);
	sample_load(cat, &got);
	ck_assert_uint_eq(sample_volume(&got, "pro/pro-dev/db")->flags,
		sample_volume(&spec, "pro/pro-dev/db")->flags);
	ck_assert_int_eq(catalog_check_integrity(cat, NULL), 0);
}
END_TEST

START_TEST(full_disk_at_creation_leaves_no_catalogue)
{
	static const size_t room[] = {0, 4096, 12288, 24576};
	cleanup_error struct error err = {0};
	struct catalog *cat = NULL;
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(room); i++) {
		fill(room[i]);
		ck_assert_int_eq(
			catalog_open(unit_path("disk/catalog.db"), CATALOG_WRITE, &cat, &err),
			-ENOSPC);
		ck_assert_int_lt(stat(unit_path("disk/catalog.db"), &st), 0);
		make_room();
	}
	cat = open_catalog(CATALOG_WRITE);
	catalog_close(cat);
}
END_TEST

static void remount_readonly(bool is_readonly)
{
	ck_assert_int_eq(mount("none", unit_path("disk"), "none",
				 MS_REMOUNT | (is_readonly ? MS_RDONLY : 0), "size=1m"),
		0);
}

START_TEST(writer_on_a_readonly_file_system_is_erofs)
{
	cleanup_error struct error err = {0};
	struct catalog *cat = NULL;

	catalog_close(open_catalog(CATALOG_WRITE));
	remount_readonly(true);
	ck_assert_int_eq(
		catalog_open(unit_path("disk/catalog.db"), CATALOG_WRITE, &cat, &err), -EROFS);
	ck_assert_ptr_nonnull(strstr(error_text(&err, 0), "its file system is read-only"));
	ck_assert_int_eq(
		catalog_open(unit_path("disk/new/catalog.db"), CATALOG_WRITE, &cat, &err), -EROFS);
}
END_TEST

START_TEST(reader_on_a_readonly_file_system_says_what_to_do)
{
	cleanup_error struct error err = {0};
	struct catalog *cat = NULL;

	catalog_close(open_catalog(CATALOG_WRITE));
	remount_readonly(true);
	ck_assert_int_eq(
		catalog_open(unit_path("disk/catalog.db"), CATALOG_READ, &cat, &err), -EROFS);
	ck_assert_ptr_nonnull(strstr(error_text(&err, 0), "cannot be read on a read-only file"));
	remount_readonly(false);
	catalog_close(open_catalog(CATALOG_READ));
}
END_TEST

/* As a service that systemd shows everything read-only, while others write. */
START_TEST(reader_behind_a_readonly_mount_reads_beside_a_writer)
{
	cleanup_catalog struct catalog *writer = open_catalog(CATALOG_WRITE);
	cleanup_catalog struct catalog *reader = NULL;
	cleanup_infra struct infra spec = {0};
	cleanup_infra struct infra got = {0};
	cleanup_error struct error err = {0};

	sample_add(&spec, "pro/pro-dev/db");
	sample_apply(writer, &spec, NULL);
	ck_assert_int_eq(mkdir(unit_path("view"), 0755), 0);
	ck_assert_int_eq(mount(unit_path("disk"), unit_path("view"), "none", MS_BIND, NULL), 0);
	ck_assert_int_eq(
		mount("none", unit_path("view"), "none", MS_REMOUNT | MS_BIND | MS_RDONLY, NULL),
		0);

	ck_assert_ok(catalog_open(unit_path("view/catalog.db"), CATALOG_READ, &reader, &err), &err);
	sample_load(reader, &got);
	ck_assert_uint_eq(sample_volume(&got, "pro/pro-dev/db")->flags, VOLUME_PROTECTED);
	catalog_close(steal_ptr(&reader));
	ck_assert_int_eq(umount2(unit_path("view"), MNT_DETACH), 0);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s;
	TCase *tc;

	if (geteuid() != 0)
		return unit_skip("root", "small disks need root: mount(2)");

	s = suite_create("catalog_disk");
	tc = tcase_create("disk");
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, full_disk_during_apply_changes_nothing, 0, ARRAY_SIZE(rooms));
	tcase_add_test(tc, full_disk_during_a_flag_change_keeps_the_flag);
	tcase_add_test(tc, full_disk_at_creation_leaves_no_catalogue);
	tcase_add_test(tc, writer_on_a_readonly_file_system_is_erofs);
	tcase_add_test(tc, reader_on_a_readonly_file_system_says_what_to_do);
	tcase_add_test(tc, reader_behind_a_readonly_mount_reads_beside_a_writer);
	suite_add_tcase(s, tc);
	return s;
}
