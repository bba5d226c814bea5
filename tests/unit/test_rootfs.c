/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rootfs.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "errors.h"
#include "idmap.h"
#include "unit.h"

#define TOP "backup/container/rootfs"

/* One entry of an archive: what Incus writes, and what a hostile instance would like it to. */
struct entry {
	const char *name;
	char type; /* 'd', 'f' with its data, 'l' symlink, 'h' hard link */
	const char *text; /* data or target */
};

static int to_fd;

static void setup(void)
{
	unit_dir_setup();
	ck_assert_int_eq(mkdir(unit_path("to"), 0700), 0);
	to_fd = open(unit_path("to"), O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(to_fd, 0);
}

static void teardown(void)
{
	close(to_fd);
	unit_dir_teardown();
}

static void write_entry(struct archive *a, const struct entry *e)
{
	struct archive_entry *entry = archive_entry_new();
	const char *data = e->type == 'f' ? e->text : "";

	archive_entry_set_pathname(entry, e->name);
	archive_entry_set_perm(entry, e->type == 'd' ? 0750 : 0640);
	archive_entry_set_uid(entry, getuid());
	archive_entry_set_gid(entry, getgid());
	archive_entry_set_mtime(entry, 1000, 0);
	archive_entry_set_size(entry, (la_int64_t)strlen(data));
	archive_entry_set_filetype(entry, e->type == 'd'   ? AE_IFDIR
					  : e->type == 'l' ? AE_IFLNK
							   : AE_IFREG);
	if (e->type == 'l')
		archive_entry_set_symlink(entry, e->text);
	if (e->type == 'h')
		archive_entry_set_hardlink(entry, e->text);
	ck_assert_int_eq(archive_write_header(a, entry), ARCHIVE_OK);
	ck_assert_int_eq(archive_write_data(a, data, strlen(data)), (la_ssize_t)strlen(data));
	archive_entry_free(entry);
}

/* Extract PATH of an archive with the N entries. */
static int extract(
	const struct entry *entries, size_t n, const char *path, bool *ret_found, struct error *err)
{
	struct archive *a = archive_write_new();
	int fd = open(unit_path("tar"), O_RDWR | O_CREAT | O_TRUNC, 0600);
	int r;

	archive_write_set_format_pax_restricted(a);
	ck_assert_int_eq(archive_write_open_fd(a, fd), ARCHIVE_OK);
	for (size_t i = 0; i < n; i++)
		write_entry(a, &entries[i]);
	archive_write_free(a);
	r = rootfs_extract(fd, path, to_fd, ret_found, err);
	close(fd);
	return r;
}

/* Extract the volume of an archive with the N entries, its ids mapped by MAP. */
static int extract_volume(
	const struct entry *entries, size_t n, const char *map, bool *ret_found, struct error *err)
{
	cleanup_idmap struct idmap ids = {NULL, 0};
	bool ignored;
	int fd, r;

	extract(entries, n, "/none", &ignored, NULL);
	ck_assert_int_eq(idmap_parse(map, &ids, NULL), 0);
	fd = open(unit_path("tar"), O_RDONLY);
	r = rootfs_extract_volume(fd, &ids, to_fd, ret_found, err);
	close(fd);
	return r;
}

static bool exists(const char *name)
{
	struct stat st;

	return fstatat(AT_FDCWD, unit_path(name), &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static ino_t inode_of(const char *name)
{
	struct stat st;

	ck_assert_int_eq(lstat(unit_path(name), &st), 0);
	return st.st_ino;
}

START_TEST(what_lies_below_the_path_is_extracted_and_nothing_else)
{
	static const struct entry entries[] = {
		{"backup/index.yaml", 'f', "x"},
		{TOP "/etc", 'd', NULL},
		{TOP "/etc/file", 'f', "text"},
		{TOP "/etc/hard", 'h', TOP "/etc/file"},
		{TOP "/etc/link", 'l', "/etc/passwd"},
		{TOP "/etcetera", 'f', "no"},
		{TOP "/etcetera2/etc", 'd', NULL},
	};
	cleanup_error struct error err = {0};
	struct stat st;
	bool is_found;

	ck_assert_msg(extract(entries, ARRAY_SIZE(entries), "/etc", &is_found, &err) == 0, "%s",
		error_text(&err, 0));
	ck_assert(is_found);
	ck_assert(exists("to/file"));
	ck_assert(exists("to/link"));
	ck_assert_int_eq(inode_of("to/file"), inode_of("to/hard"));
	ck_assert(!exists("to/etcetera"));
	ck_assert_int_eq(fstat(to_fd, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0750);
	ck_assert_int_eq(st.st_mtim.tv_sec, 1000);
}
END_TEST

START_TEST(a_path_that_is_not_there_is_no_error)
{
	static const struct entry entries[] = {{TOP "/etc", 'd', NULL}, {TOP "/srv", 'l', "/x"}};
	bool is_found = true;

	ck_assert_int_eq(extract(entries, 2, "/workspace", &is_found, NULL), 0);
	ck_assert(!is_found);
	is_found = true;
	ck_assert_int_eq(extract(entries, 2, "/srv", &is_found, NULL), 0);
	ck_assert(!is_found);
}
END_TEST

START_TEST(links_to_one_file_elsewhere_are_one_file)
{
	static const struct entry entries[] = {
		{TOP "/usr/bin/tool", 'f', "data"},
		{TOP "/opt", 'd', NULL},
		{TOP "/opt/a", 'h', TOP "/usr/bin/tool"},
		{TOP "/opt/b", 'h', TOP "/usr/bin/tool"},
	};
	cleanup_error struct error err = {0};
	struct stat st;
	bool is_found;

	ck_assert_msg(extract(entries, ARRAY_SIZE(entries), "/opt", &is_found, &err) == 0, "%s",
		error_text(&err, 0));
	ck_assert_int_eq(inode_of("to/a"), inode_of("to/b"));
	ck_assert_int_eq(lstat(unit_path("to/a"), &st), 0);
	ck_assert_int_eq(st.st_size, 4);
}
END_TEST

START_TEST(a_link_to_nothing_is_an_error)
{
	static const struct entry entries[] = {
		{TOP "/opt", 'd', NULL}, {TOP "/opt/a", 'h', TOP "/usr/none"}};
	cleanup_error struct error err = {0};
	bool is_found;

	ck_assert_int_eq(extract(entries, 2, "/opt", &is_found, &err), -EBADMSG);
	ck_assert_str_eq(err.text, "'a' is a link to '" TOP "/usr/none', which is not there");
}
END_TEST

/* An archive that would write outside of the directory, in each way there is. */
static const struct entry hostile[][3] = {
	{{TOP "/etc", 'd', NULL}, {TOP "/etc/../../evil", 'f', "x"}},
	{{TOP "/etc", 'd', NULL}, {TOP "/etc//evil/../../../evil", 'f', "x"}},
	{{TOP "/etc", 'd', NULL}, {TOP "/etc/link", 'l', ".."}, {TOP "/etc/link/evil", 'f', "x"}},
	{{TOP "/etc", 'd', NULL}, {TOP "/etc/link", 'l', "../evil"}, {TOP "/etc/link", 'f', "x"}},
	{{TOP "/etc", 'd', NULL}, {TOP "/etc/hard", 'h', TOP "/etc/../../outside"}},
};

START_TEST(nothing_is_written_outside)
{
	size_t n = hostile[_i][2].name ? 3 : 2;
	struct stat before, after;
	bool is_found;

	unit_write("outside", "outside");
	ck_assert_int_eq(stat(unit_path("outside"), &before), 0);
	extract(hostile[_i], n, "/etc", &is_found, NULL);
	ck_assert(!exists("evil"));
	ck_assert_int_eq(stat(unit_path("outside"), &after), 0);
	ck_assert_int_eq(before.st_nlink, after.st_nlink);
	ck_assert_int_eq(before.st_size, after.st_size);
}
END_TEST

static const struct entry volume_entries[] = {
	{"backup/index.yaml", 'f', "x"},
	{"backup/volume", 'd', NULL},
	{"backup/volume/file", 'f', "text"},
	{"backup/volume/hard", 'h', "backup/volume/file"},
	{"backup/volume-snapshots/one/file", 'f', "no"},
};

/* S0-33 */
START_TEST(all_of_a_volume_is_extracted)
{
	cleanup_error struct error err = {0};
	struct stat st;
	bool is_found = false;

	ck_assert_msg(extract_volume(volume_entries, ARRAY_SIZE(volume_entries), NULL, &is_found,
			      &err) == 0,
		"%s", error_text(&err, 0));
	ck_assert(is_found);
	ck_assert_int_eq(inode_of("to/file"), inode_of("to/hard"));
	ck_assert_int_eq(lstat(unit_path("to/file"), &st), 0);
	ck_assert_int_eq(st.st_nlink, 2);
	ck_assert_int_eq(fstat(to_fd, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0750);
	ck_assert(!exists("to/one"));
}
END_TEST

START_TEST(an_owner_that_the_volume_does_not_map_is_an_error)
{
	cleanup_error struct error err = {0};
	bool is_found;

	ck_assert_int_eq(extract_volume(volume_entries, ARRAY_SIZE(volume_entries),
				 "[{\"Isuid\":true,\"Isgid\":true,\"Hostid\":3000000000,"
				 "\"Nsid\":0,\"Maprange\":9}]",
				 &is_found, &err),
		-ERANGE);
	ck_assert_ptr_nonnull(strstr(err.text, "'the top directory' belongs to "));
	ck_assert(!exists("to/file"));
}
END_TEST

START_TEST(an_archive_of_an_instance_has_no_volume)
{
	static const struct entry entries[] = {{TOP "/etc", 'd', NULL}};
	bool is_found = true;

	ck_assert_int_eq(extract_volume(entries, 1, NULL, &is_found, NULL), 0);
	ck_assert(!is_found);
}
END_TEST

START_TEST(half_an_archive_is_an_error)
{
	static const struct entry entries[] = {
		{TOP "/etc", 'd', NULL}, {TOP "/etc/file", 'f', "text that is cut"}};
	cleanup_error struct error err = {0};
	bool is_found;
	int fd;

	ck_assert_int_eq(extract(entries, 2, "/none", &is_found, NULL), 0);
	ck_assert_int_eq(truncate(unit_path("tar"), 1024 + 10), 0);
	fd = open(unit_path("tar"), O_RDONLY);
	ck_assert_int_lt(rootfs_extract(fd, "/etc", to_fd, &is_found, &err), 0);
	close(fd);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("rootfs");
	TCase *tc = tcase_create("rootfs");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_lies_below_the_path_is_extracted_and_nothing_else);
	tcase_add_test(tc, a_path_that_is_not_there_is_no_error);
	tcase_add_test(tc, links_to_one_file_elsewhere_are_one_file);
	tcase_add_test(tc, a_link_to_nothing_is_an_error);
	tcase_add_loop_test(tc, nothing_is_written_outside, 0, ARRAY_SIZE(hostile));
	tcase_add_test(tc, all_of_a_volume_is_extracted);
	tcase_add_test(tc, an_owner_that_the_volume_does_not_map_is_an_error);
	tcase_add_test(tc, an_archive_of_an_instance_has_no_volume);
	tcase_add_test(tc, half_an_archive_is_an_error);
	suite_add_tcase(s, tc);
	return s;
}
