/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "datadir.h"

#include "sample.h"
#include "str.h"
#include "unit.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

static int base_fd;
static struct infra spec; /* pro/pro-dev/db, of the caller */

static void setup(void)
{
	cleanup_error struct error err = {0};

	unit_dir_setup();
	ck_assert_ok(datadir_open(unit_path("base"), true, &base_fd, &err), &err);
	infra_init(&spec);
	sample_add(&spec, "pro/pro-dev/db");
	/* What an ordinary user may give away too. */
	sample_volume(&spec, "pro/pro-dev/db")->uid = geteuid();
	sample_volume(&spec, "pro/pro-dev/db")->gid = getegid();
}

static void teardown(void)
{
	close(base_fd);
	infra_finish(&spec);
	unit_dir_teardown();
}

static int ensure(bool dry_run, enum datadir_state *ret, struct error *err)
{
	const struct machine *m = sample_machine(&spec, "pro/pro-dev");

	return datadir_ensure(base_fd, &spec.domains[0], m, &m->volumes[0], dry_run, ret, err);
}

static enum datadir_state ensure_ok(void)
{
	cleanup_error struct error err = {0};
	enum datadir_state state;

	ck_assert_ok(ensure(false, &state, &err), &err);
	return state;
}

static struct stat stat_of(const char *name)
{
	struct stat st;

	ck_assert_msg(lstat(unit_path(name), &st) == 0, "no '%s'", name);
	return st;
}

static bool exists(const char *name)
{
	struct stat st;

	return lstat(unit_path(name), &st) == 0;
}

/* The last one is for root: nobody else gets into a directory that even its owner may not enter. */
static const mode_t umasks[] = {0, 022, 077, 0777};
static const mode_t modes[] = {0, 0700, 0755, 01777, 02770, 07777};

/* S0-17 */
START_TEST(new_volume_has_its_mode_whatever_the_umask)
{
	mode_t mode = modes[_i % ARRAY_SIZE(modes)];

	sample_volume(&spec, "pro/pro-dev/db")->mode = mode;
	umask(umasks[_i / ARRAY_SIZE(modes)]);
	ck_assert_int_eq(ensure_ok(), DATADIR_CREATED);
	umask(022);

	ck_assert_int_eq(stat_of("base/pro/pro-dev/db").st_mode & 07777, mode);
	ck_assert_int_eq(stat_of("base/pro/pro-dev").st_mode & 07777, 0755);
	ck_assert_int_eq(stat_of("base/pro").st_mode & 07777, 0755);
}
END_TEST

/* S0-17 */
START_TEST(new_volume_has_its_owner)
{
	struct volume *v = sample_volume(&spec, "pro/pro-dev/db");
	struct stat st;

	if (geteuid() != 0) {
		printf("# not root: giving directories away is not tried\n");
		return;
	}
	v->uid = 1234;
	v->gid = 4294967294;
	v->mode = 06750;
	ck_assert_int_eq(ensure_ok(), DATADIR_CREATED);
	st = stat_of("base/pro/pro-dev/db");
	ck_assert_uint_eq(st.st_uid, 1234);
	ck_assert_uint_eq(st.st_gid, 4294967294);
	ck_assert_int_eq(st.st_mode & 07777, 06750);
	ck_assert_uint_eq(stat_of("base/pro/pro-dev").st_uid, 0);
}
END_TEST

/* S0-17 */
START_TEST(existing_directory_is_not_touched)
{
	struct stat before;
	struct stat after;

	ck_assert_int_eq(mkdir(unit_path("base/pro"), 0711), 0);
	ck_assert_int_eq(mkdir(unit_path("base/pro/pro-dev"), 0700), 0);
	ck_assert_int_eq(mkdir(unit_path("base/pro/pro-dev/db"), 0701), 0);
	unit_write("base/pro/pro-dev/db/data", "precious");
	before = stat_of("base/pro/pro-dev/db");

	ck_assert_int_eq(ensure_ok(), DATADIR_EXISTS);
	ck_assert_int_eq(ensure_ok(), DATADIR_EXISTS);
	after = stat_of("base/pro/pro-dev/db");
	ck_assert_int_eq(after.st_mode, before.st_mode);
	ck_assert_int_eq(after.st_ctim.tv_sec, before.st_ctim.tv_sec);
	ck_assert_int_eq(after.st_ctim.tv_nsec, before.st_ctim.tv_nsec);
	ck_assert_int_eq(stat_of("base/pro").st_mode & 07777, 0711);
	ck_assert_int_eq(stat_of("base/pro/pro-dev").st_mode & 07777, 0700);
}
END_TEST

START_TEST(dry_run_makes_nothing)
{
	enum datadir_state state;

	ck_assert_int_eq(ensure(true, &state, NULL), 0);
	ck_assert_int_eq(state, DATADIR_MISSING);
	ck_assert(!exists("base/pro"));
	ensure_ok();
	ck_assert_int_eq(ensure(true, &state, NULL), 0);
	ck_assert_int_eq(state, DATADIR_EXISTS);
}
END_TEST

/* Things in the way, at each level. */
static const struct {
	const char *name; /* of what stands there */
	const char *target; /* of the symlink; NULL: it is a file */
	int r;
	const char *words;
} obstacles[] = {
	{"base/pro", "../elsewhere", -ELOOP, "'pro' is a symlink and is not followed"},
	{"base/pro/pro-dev", "../../elsewhere", -ELOOP, "'pro/pro-dev' is a symlink"},
	{"base/pro/pro-dev/db", "../../../elsewhere", -ELOOP, "'pro/pro-dev/db' is a symlink"},
	{"base/pro/pro-dev/db", "nowhere", -ELOOP, "'pro/pro-dev/db' is a symlink"},
	{"base/pro", "/etc", -ELOOP, "'pro' is a symlink"},
	{"base/pro/pro-dev/db", "/proc/self/cwd", -ELOOP, "is a symlink"},
	{"base/pro", NULL, -ENOTDIR, "'pro' is not a directory"},
	{"base/pro/pro-dev", NULL, -ENOTDIR, "'pro/pro-dev' is not a directory"},
	{"base/pro/pro-dev/db", NULL, -ENOTDIR, "'pro/pro-dev/db' is not a directory"},
};

/* S0-17 */
START_TEST(symlinks_and_files_in_the_way_are_refused)
{
	const char *path = unit_path(obstacles[_i].name);
	cleanup_error struct error err = {0};
	enum datadir_state state;
	int fd;

	ck_assert_int_eq(mkdir(unit_path("elsewhere"), 0755), 0);
	if (strcmp(obstacles[_i].name, "base/pro") != 0)
		ck_assert_int_eq(mkdir(unit_path("base/pro"), 0755), 0);
	if (strcmp(obstacles[_i].name, "base/pro/pro-dev/db") == 0)
		ck_assert_int_eq(mkdir(unit_path("base/pro/pro-dev"), 0755), 0);
	if (obstacles[_i].target)
		ck_assert_int_eq(symlink(obstacles[_i].target, path), 0);
	else
		unit_write(obstacles[_i].name, "a file");

	for (int dry_run = 0; dry_run < 2; dry_run++) {
		ck_assert_int_eq(ensure(dry_run, &state, &err), obstacles[_i].r);
		ck_assert_msg(strstr(error_text(&err, 0), obstacles[_i].words) != NULL, "'%s'",
			error_text(&err, 0));
	}
	ck_assert_int_eq(
		datadir_open_volume(base_fd, "pro", "pro-dev", "db", &fd), obstacles[_i].r);
	ck_assert_int_eq(rmdir(unit_path("elsewhere")), 0);
}
END_TEST

START_TEST(base_itself_may_be_reached_over_a_symlink)
{
	int fd;

	ck_assert_int_eq(symlink("base", unit_path("link")), 0);
	ck_assert_int_eq(datadir_open(unit_path("link"), false, &fd, NULL), 0);
	close(fd);
}
END_TEST

START_TEST(missing_base_is_made_only_when_asked)
{
	cleanup_error struct error err = {0};
	int fd;

	ck_assert_int_eq(datadir_open(unit_path("a/b/c"), false, &fd, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(error_text(&err, 0), "cannot open data base"));
	ck_assert_int_eq(datadir_open(unit_path("a/b/c"), true, &fd, &err), 0);
	close(fd);
	unit_write("file", "");
	ck_assert_int_eq(datadir_open(unit_path("file"), true, &fd, &err), -ENOTDIR);
	ck_assert_int_eq(datadir_open(unit_path("file/x"), true, &fd, &err), -ENOTDIR);
}
END_TEST

START_TEST(bad_names_never_reach_the_disk)
{
	static const char *const names[] = {"..", ".", "", "a/b", "A", "-a", "a\n"};
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		ck_assert_int_eq(datadir_open_volume(base_fd, names[i], "m", "v", &fd), -EINVAL);
		ck_assert_int_eq(datadir_open_volume(base_fd, "d", names[i], "v", &fd), -EINVAL);
		ck_assert_int_eq(datadir_open_volume(base_fd, "d", "m", names[i], &fd), -EINVAL);
	}
	free(spec.domains[0].name);
	spec.domains[0].name = strdup("..");
	ck_assert_int_eq(datadir_ensure(base_fd, &spec.domains[0], &spec.domains[0].machines[0],
				 &spec.domains[0].machines[0].volumes[0], false,
				 &(enum datadir_state){0}, NULL),
		-EINVAL);
}
END_TEST

/* What a crash between the steps leaves is taken down and made again. */
START_TEST(half_made_volume_of_a_crash_is_made_anew)
{
	ck_assert_int_eq(mkdir(unit_path("base/pro"), 0755), 0);
	ck_assert_int_eq(mkdir(unit_path("base/pro/pro-dev"), 0755), 0);
	ck_assert_int_eq(mkdir(unit_path("base/pro/pro-dev/.new-db"), 0), 0);
	ck_assert_int_eq(ensure_ok(), DATADIR_CREATED);
	ck_assert_int_eq(stat_of("base/pro/pro-dev/db").st_mode & 07777, 0750);
	ck_assert(!exists("base/pro/pro-dev/.new-db"));
}
END_TEST

/* Under the half-made name lies something of somebody else's: nothing is removed for it. */
START_TEST(foreign_thing_under_the_half_made_name_is_kept)
{
	cleanup_error struct error err = {0};
	enum datadir_state state;

	ck_assert_int_eq(mkdir(unit_path("base/pro"), 0755), 0);
	ck_assert_int_eq(mkdir(unit_path("base/pro/pro-dev"), 0755), 0);
	unit_write("base/pro/pro-dev/.new-db/file", "precious");
	ck_assert_int_eq(ensure(false, &state, &err), -ENOTEMPTY);
	ck_assert(exists("base/pro/pro-dev/.new-db/file"));
	ck_assert(!exists("base/pro/pro-dev/db"));
}
END_TEST

START_TEST(processes_that_make_one_volume_make_it_once)
{
	enum { N = 16 };
	pid_t pids[N];
	int n_created = 0;

	for (int i = 0; i < N; i++) {
		pids[i] = fork();
		ck_assert_int_ge(pids[i], 0);
		if (pids[i] == 0) {
			enum datadir_state state;

			_exit(ensure(false, &state, NULL) < 0 ? 99 : (int)state);
		}
	}
	for (int i = 0; i < N; i++) {
		int status;

		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert(WIFEXITED(status) && WEXITSTATUS(status) <= DATADIR_EXISTS);
		n_created += WEXITSTATUS(status) == DATADIR_CREATED;
	}
	ck_assert_int_eq(n_created, 1);
	ck_assert_int_eq(stat_of("base/pro/pro-dev/db").st_mode & 07777, 0750);
}
END_TEST

START_TEST(sync_reaches_the_disk)
{
	ensure_ok();
	ck_assert_int_eq(datadir_sync(base_fd, NULL), 0);
}
END_TEST

static int walk_fn(
	void *context, const char *domain, const char *machine, const char *volume, int fd)
{
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert(S_ISDIR(st.st_mode));
	strbuf_printf(context, "%s/%s/%s\n", domain, machine, volume);
	return 0;
}

static int odd_fn(void *context, const char *path)
{
	strbuf_printf(context, "odd %s\n", path);
	return 0;
}

static void make_base(void)
{
	static const char *const directories[] = {"base/b", "base/b/m", "base/b/m/v2",
		"base/b/m/v1", "base/b/m/.new-v3", "base/a", "base/a/empty", "base/a-b",
		"base/a-b/m", "base/a-b/m/v", "base/a-b/m/v/below", "base/lost+found",
		"base/b/lost+found", "base/Caps"};

	for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
		ck_assert_int_eq(mkdir(unit_path(directories[i]), 0755), 0);
	unit_write("base/README", "file");
	unit_write("base/b/m/file", "file");
	ck_assert_int_eq(symlink("v1", unit_path("base/b/m/v4")), 0);
	ck_assert_int_eq(symlink("../b", unit_path("base/a/m")), 0);
}

/* S3-25 */
START_TEST(walk_names_every_volume_and_everything_odd)
{
	struct strbuf b = STRBUF_INIT;
	cleanup_free char *got = NULL;

	make_base();
	ck_assert_int_eq(datadir_walk(base_fd, walk_fn, odd_fn, &b, NULL), 0);
	got = strbuf_steal(&b);
	ck_assert_str_eq(got, "odd Caps\n"
			      "odd README\n"
			      "odd a/m\n"
			      "a-b/m/v\n"
			      "odd b/lost+found\n"
			      "odd b/m/file\n"
			      "b/m/v1\n"
			      "b/m/v2\n"
			      "odd b/m/v4\n");
}
END_TEST

static int stop_fn(
	void *context, const char *domain, const char *machine, const char *volume, int fd)
{
	(void)domain;
	(void)machine;
	(void)volume;
	(void)fd;
	(*(int *)context)++;
	return -ECANCELED;
}

START_TEST(walk_stops_where_it_is_told_to)
{
	int n = 0;

	make_base();
	ck_assert_int_eq(datadir_walk(base_fd, stop_fn, NULL, &n, NULL), -ECANCELED);
	ck_assert_int_eq(n, 1);
}
END_TEST

START_TEST(measure_counts_below_one_volume)
{
	struct datadir_usage usage;
	struct timespec times[2] = {{.tv_sec = 4000000000}, {.tv_sec = 4000000000}};
	cleanup_fd int fd = -1;

	ensure_ok();
	ck_assert_int_eq(datadir_open_volume(base_fd, "pro", "pro-dev", "db", &fd), 0);
	ck_assert_int_eq(datadir_measure(fd, &usage), 0);
	ck_assert_uint_eq(usage.n_entries, 0);

	ck_assert_int_eq(mkdir(unit_path("base/pro/pro-dev/db/sub"), 0755), 0);
	unit_write("base/pro/pro-dev/db/sub/file", "some bytes");
	ck_assert_int_eq(symlink("/", unit_path("base/pro/pro-dev/db/root")), 0);
	ck_assert_int_eq(
		utimensat(AT_FDCWD, unit_path("base/pro/pro-dev/db/sub/file"), times, 0), 0);
	ck_assert_int_eq(datadir_measure(fd, &usage), 0);
	ck_assert_uint_eq(usage.n_entries, 3);
	ck_assert_uint_ge(usage.size_bytes, 10);
	ck_assert_uint_le(usage.size_bytes, 1 << 20);
	ck_assert_int_eq(usage.newest, 4000000000);
	ck_assert(!usage.is_partial);
}
END_TEST

START_TEST(measure_of_a_bottomless_tree_ends)
{
	struct datadir_usage usage;
	cleanup_fd int fd = -1;
	cleanup_fd int at = -1;

	ensure_ok();
	ck_assert_int_eq(datadir_open_volume(base_fd, "pro", "pro-dev", "db", &fd), 0);
	at = dup(fd);
	for (int i = 0; i < 300; i++) {
		int next;

		ck_assert_int_eq(mkdirat(at, "d", 0755), 0);
		next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		ck_assert_int_ge(next, 0);
		close(at);
		at = next;
	}
	ck_assert_int_eq(datadir_measure(fd, &usage), 0);
	ck_assert(usage.is_partial);
	ck_assert_uint_eq(usage.n_entries, 128);

	/* From the bottom up: the fixture would run out of descriptors or path length. */
	for (int i = 0; i < 300; i++) {
		int up = openat(at, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		ck_assert_int_ge(up, 0);
		ck_assert_int_eq(unlinkat(up, "d", AT_REMOVEDIR), 0);
		close(at);
		at = up;
	}
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s;
	TCase *tc;

	if (!sample_has_openat2())
		return unit_skip("openat2", "openat2(2) is not there");

	s = suite_create("datadir");
	tc = tcase_create("datadir");
	tcase_set_timeout(tc, 60);

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, new_volume_has_its_mode_whatever_the_umask, 0,
		ARRAY_SIZE(modes) * (ARRAY_SIZE(umasks) - (geteuid() != 0)));
	tcase_add_test(tc, new_volume_has_its_owner);
	tcase_add_test(tc, existing_directory_is_not_touched);
	tcase_add_test(tc, dry_run_makes_nothing);
	tcase_add_loop_test(
		tc, symlinks_and_files_in_the_way_are_refused, 0, ARRAY_SIZE(obstacles));
	tcase_add_test(tc, base_itself_may_be_reached_over_a_symlink);
	tcase_add_test(tc, missing_base_is_made_only_when_asked);
	tcase_add_test(tc, bad_names_never_reach_the_disk);
	tcase_add_test(tc, half_made_volume_of_a_crash_is_made_anew);
	tcase_add_test(tc, foreign_thing_under_the_half_made_name_is_kept);
	tcase_add_test(tc, processes_that_make_one_volume_make_it_once);
	tcase_add_test(tc, sync_reaches_the_disk);
	tcase_add_test(tc, walk_names_every_volume_and_everything_odd);
	tcase_add_test(tc, walk_stops_where_it_is_told_to);
	tcase_add_test(tc, measure_counts_below_one_volume);
	tcase_add_test(tc, measure_of_a_bottomless_tree_ends);
	suite_add_tcase(s, tc);
	return s;
}
