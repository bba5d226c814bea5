/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "db.h"

#include "files.h"
#include "str.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define BUSY_TIMEOUT_MS 5000
#define FILE_MODE 0600

static struct catalog *catalog_new(const char *path)
{
	struct catalog *cat = calloc(1, sizeof(*cat));

	if (!cat)
		return NULL;
	cat->path = strdup(path);
	if (cat->path)
		return cat;
	free(cat);
	return NULL;
}

void catalog_close(struct catalog *cat)
{
	if (!cat)
		return;

	for (size_t i = 0; i < STMT_COUNT; i++)
		sqlite3_finalize(cat->stmts[i]);
	sqlite3_close(cat->db);
	free(cat->path);
	free(cat);
}

static int open_handle(struct catalog *cat, const char *name, int flags, struct error *err)
{
	int rc = sqlite3_open_v2(name, &cat->db, flags | SQLITE_OPEN_NOMUTEX, NULL);

	if (rc != SQLITE_OK)
		return db_error(cat, rc, err);

	sqlite3_extended_result_codes(cat->db, 1);
	sqlite3_busy_timeout(cat->db, BUSY_TIMEOUT_MS);
	sqlite3_db_config(cat->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	return db_script(cat,
		"PRAGMA trusted_schema = OFF; PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL;",
		err);
}

static bool is_on_readonly_fs(const char *path)
{
	struct statvfs fs;

	return statvfs(path, &fs) == 0 && (fs.f_flag & ST_RDONLY);
}

/*
 * Readers of a log share memory with its writer through a file that somebody must be able to make.
 * (SQLite's immutable mode would do without, but a mount that is read-only for us may be writable
 * for others, and then it reads rubbish.)
 */
static int refuse_readonly_fs(struct catalog *cat, int r, struct error *err)
{
	if (r == -EBADMSG || r == -ENOMEM || !is_on_readonly_fs(cat->path))
		return r;
	return error_set(err, -EROFS,
		"catalogue '%s' cannot be read on a read-only file system; make it writable or copy "
		"the catalogue elsewhere",
		cat->path);
}

static int open_reader(struct catalog *cat, struct error *err)
{
	int r = open_handle(cat, cat->path, SQLITE_OPEN_READONLY, err);

	if (r == 0)
		r = db_migrate(cat, err);
	return r < 0 ? refuse_readonly_fs(cat, r, err) : 0;
}

/* The log lets readers see one state while a writer works; it needs shared memory. */
static int use_log(struct catalog *cat, struct error *err)
{
	sqlite3_stmt *query = NULL;
	bool is_wal = false;
	int rc;

	rc = sqlite3_prepare_v2(cat->db, "PRAGMA journal_mode = WAL", -1, &query, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(query);
	if (rc == SQLITE_ROW)
		is_wal = str_equal((const char *)sqlite3_column_text(query, 0), "wal");
	sqlite3_finalize(query);

	if (rc != SQLITE_ROW)
		return db_error(cat, rc, err);
	if (!is_wal)
		return error_set(err, -EOPNOTSUPP,
			"catalogue '%s': its file system cannot hold a write-ahead log; put it on a "
			"local disk",
			cat->path);
	return 0;
}

static int open_writer(struct catalog *cat, const char *name, struct error *err)
{
	int r;

	if (is_on_readonly_fs(name))
		return error_set(err, -EROFS,
			"catalogue '%s' cannot be written: its file system is read-only",
			cat->path);

	r = open_handle(cat, name, SQLITE_OPEN_READWRITE, err);
	if (r < 0)
		return r;
	/* SQLite is content with reading where it may not write. */
	if (sqlite3_db_readonly(cat->db, "main"))
		return error_set(err, -EACCES,
			"catalogue '%s' cannot be written: permission denied", cat->path);

	r = db_migrate(cat, err);
	return r < 0 ? r : use_log(cat, err);
}

/* A log without its database would be replayed into the next file of that name. */
static int set_stale_log_aside(const char *path)
{
	cleanup_free char *log = NULL;
	cleanup_free char *aside = NULL;

	if (asprintf(&log, "%s-wal", path) < 0) {
		log = NULL;
		return -ENOMEM;
	}
	if (asprintf(&aside, "%s.stale", log) < 0) {
		aside = NULL;
		return -ENOMEM;
	}
	return rename(log, aside) < 0 && errno != ENOENT ? -errno : 0;
}

/* Make a whole, empty catalogue at TEMP; closing it leaves one file without a log. */
static int build_empty(const char *path, const char *temp, int *ret_fd, struct error *err)
{
	cleanup_catalog struct catalog *cat = catalog_new(path);
	cleanup_fd int fd = -1;
	int r;

	if (!cat)
		return -ENOMEM;

	fd = open(temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
	if (fd < 0)
		return error_errno(err, -errno, "cannot create catalogue '%s'", path);

	r = open_writer(cat, temp, err);
	if (r == 0)
		*ret_fd = steal_fd(&fd);
	return r;
}

/* Put TEMP, open as FD, in place under PATH, durably. */
static int put_in_place(const char *temp, int fd, const char *path, int parent_fd)
{
	int r = set_stale_log_aside(path);

	if (r < 0)
		return r;
	if (fsync(fd) < 0 || link(temp, path) < 0 || fsync(parent_fd) < 0)
		return -errno;
	return 0;
}

static int create_locked(const char *path, int parent_fd, struct error *err)
{
	cleanup_free char *temp = NULL;
	cleanup_fd int fd = -1;
	int r;

	if (asprintf(&temp, "%s.new-%d", path, (int)getpid()) < 0) {
		temp = NULL;
		return -ENOMEM;
	}

	catalog_remove(temp);
	r = build_empty(path, temp, &fd, err);
	if (r == 0) {
		r = put_in_place(temp, fd, path, parent_fd);
		if (r < 0)
			error_errno(err, r, "cannot create catalogue '%s'", path);
	}
	catalog_remove(temp);
	return r;
}

/*
 * Create the catalogue whole or not at all. So a file of zero bytes is never a creation that was
 * interrupted, but always a loss, and is told as one.
 */
static int create(const char *path, struct error *err)
{
	cleanup_fd int parent_fd = -1;
	struct stat st;
	int r;

	r = files_lock_parent(path, &parent_fd);
	if (r < 0)
		return error_errno(err, r, "cannot create the directory of catalogue '%s'", path);

	/* Another process may have been faster; its log is in use. */
	if (lstat(path, &st) == 0)
		return 0;
	return create_locked(path, parent_fd, err);
}

/* What SQLite would misread: it takes an empty file for a new database. */
static int check_file(const char *path, struct error *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return error_errno(err, -errno, "catalogue '%s'", path);
	if (S_ISDIR(st.st_mode))
		return error_set(err, -EISDIR, "catalogue '%s' is a directory", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, -EINVAL, "catalogue '%s' is not a regular file", path);
	if (st.st_size == 0)
		return error_set(
			err, -EBADMSG, "catalogue '%s' is damaged: it is empty\n" DB_WAY_OUT, path);
	return 0;
}

int catalog_open(const char *path, enum catalog_mode mode, struct catalog **ret, struct error *err)
{
	cleanup_catalog struct catalog *cat = catalog_new(path);
	int r;

	if (!cat)
		return -ENOMEM;

	r = check_file(path, err);
	if (r == -ENOENT && mode == CATALOG_WRITE) {
		r = create(path, err);
		if (r == 0)
			r = check_file(path, err);
	}
	if (r == 0)
		r = mode == CATALOG_WRITE ? open_writer(cat, path, err) : open_reader(cat, err);
	if (r < 0)
		return r;

	*ret = steal_ptr(&cat);
	return 0;
}

int catalog_open_empty(struct catalog **ret, struct error *err)
{
	cleanup_catalog struct catalog *cat = catalog_new(":memory:");
	int r;

	if (!cat)
		return -ENOMEM;

	r = open_handle(cat, ":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);
	if (r == 0)
		r = db_migrate(cat, err);
	if (r < 0)
		return r;

	*ret = steal_ptr(&cat);
	return 0;
}

int db_open_raw(const char *path, struct catalog **ret, struct error *err)
{
	cleanup_catalog struct catalog *cat = catalog_new(path);
	int r;

	if (!cat)
		return -ENOMEM;
	r = open_handle(cat, path, SQLITE_OPEN_READWRITE, err);
	/* Whatever state the log is in, it stays for those who want to look into it. */
	if (cat->db)
		sqlite3_db_config(cat->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (r == 0)
		*ret = steal_ptr(&cat);
	return r;
}

int db_copy(struct catalog *from, struct catalog **ret, struct error *err)
{
	cleanup_catalog struct catalog *cat = catalog_new(from->path);
	sqlite3_backup *backup;
	int r;

	if (!cat)
		return -ENOMEM;

	r = open_handle(cat, ":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);
	if (r < 0)
		return r;

	backup = sqlite3_backup_init(cat->db, "main", from->db, "main");
	if (backup) {
		sqlite3_backup_step(backup, -1);
		sqlite3_backup_finish(backup);
	}
	if (sqlite3_errcode(cat->db) != SQLITE_OK)
		return db_error(cat, sqlite3_errcode(cat->db), err);

	*ret = steal_ptr(&cat);
	return 0;
}
