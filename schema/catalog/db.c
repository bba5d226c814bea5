/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "db.h"

#include <string.h>
#include <sys/stat.h>

static const char *const statements[STMT_COUNT] = {
#define STMT(name, sql) [STMT_##name] = sql,
#include "statements.def"
#undef STMT
};

/* Results without a row mean -EIO. */
static const struct {
	int rc;
	int r;
} errnos[] = {
	{SQLITE_PERM, -EACCES},
	{SQLITE_AUTH, -EACCES},
	{SQLITE_BUSY, -EBUSY},
	{SQLITE_LOCKED, -EBUSY},
	{SQLITE_NOMEM, -ENOMEM},
	{SQLITE_READONLY, -EROFS},
	{SQLITE_CORRUPT, -EBADMSG},
	{SQLITE_NOTADB, -EBADMSG},
	{SQLITE_FORMAT, -EBADMSG},
	/* Our statements are right, so what SQLite cannot make sense of is a foreign schema. */
	{SQLITE_ERROR, -EBADMSG},
	{SQLITE_CONSTRAINT, -EINVAL},
	{SQLITE_MISMATCH, -EINVAL},
	{SQLITE_FULL, -ENOSPC},
	{SQLITE_TOOBIG, -E2BIG},
};

int db_errno(struct catalog *cat, int rc)
{
	int primary = rc & 0xff;
	int system = cat->db ? sqlite3_system_errno(cat->db) : 0;

	/* SQLite tells a full disk as an I/O error where it was not a plain write that failed. */
	if (primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN) {
		if (system)
			return -system;
		return primary == SQLITE_CANTOPEN ? -EACCES : -EIO;
	}

	for (size_t i = 0; i < ARRAY_SIZE(errnos); i++) {
		if (errnos[i].rc == primary)
			return errnos[i].r;
	}
	return -EIO;
}

int db_error(struct catalog *cat, int rc, struct error *err)
{
	const char *detail = cat->db ? sqlite3_errmsg(cat->db) : sqlite3_errstr(rc);
	int r = db_errno(cat, rc);

	switch (r) {
	case -EBADMSG:
		return error_set(
			err, r, "catalogue '%s' is damaged: %s\n" DB_WAY_OUT, cat->path, detail);
	case -EBUSY:
		return error_set(err, r,
			"catalogue '%s' is being written by another process; try again", cat->path);
	case -ENOSPC:
		return error_set(err, r,
			"catalogue '%s': the disk is full; nothing was changed, make room and try "
			"again",
			cat->path);
	case -EROFS:
		return error_set(err, r, "catalogue '%s' cannot be written: %s", cat->path, detail);
	default:
		return error_set(err, r, "catalogue '%s': %s", cat->path,
			r == -EIO || r == -EINVAL ? detail : strerror(-r));
	}
}

int db_script(struct catalog *cat, const char *sql, struct error *err)
{
	int rc = sqlite3_exec(cat->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : db_error(cat, rc, err);
}

int db_script_int(struct catalog *cat, const char *sql, int64_t *ret, struct error *err)
{
	sqlite3_stmt *query = NULL;
	int rc = sqlite3_prepare_v2(cat->db, sql, -1, &query, NULL);
	int r = 0;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(query);
	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int64(query, 0);
	else
		r = db_error(cat, rc, err);
	sqlite3_finalize(query);
	return r;
}

static int prepare(struct catalog *cat, enum db_stmt stmt, struct error *err)
{
	int rc;

	if (cat->stmts[stmt])
		return 0;

	rc = sqlite3_prepare_v3(
		cat->db, statements[stmt], -1, SQLITE_PREPARE_PERSISTENT, &cat->stmts[stmt], NULL);
	return rc == SQLITE_OK ? 0 : db_error(cat, rc, err);
}

static int bind(sqlite3_stmt *query, int i, const struct db_value *value)
{
	switch (value->type) {
	case DB_INT:
		return sqlite3_bind_int64(query, i, value->integer);
	case DB_TEXT:
		return sqlite3_bind_text(query, i, value->text, -1, SQLITE_STATIC);
	case DB_NULL:
		break;
	}
	return sqlite3_bind_null(query, i);
}

int db_query_values(struct catalog *cat, enum db_stmt stmt, const struct db_value *values, size_t n,
	sqlite3_stmt **ret, struct error *err)
{
	int r = prepare(cat, stmt, err);

	if (r < 0)
		return r;

	for (size_t i = 0; i < n; i++) {
		int rc = bind(cat->stmts[stmt], i + 1, &values[i]);

		if (rc != SQLITE_OK)
			return db_error(cat, rc, err);
	}
	*ret = cat->stmts[stmt];
	return 0;
}

int db_step(struct catalog *cat, sqlite3_stmt *query, struct error *err)
{
	int rc = sqlite3_step(query);

	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : db_error(cat, rc, err);
}

int db_run_values(struct catalog *cat, enum db_stmt stmt, const struct db_value *values, size_t n,
	struct error *err)
{
	cleanup_stmt sqlite3_stmt *query = NULL;
	int r = db_query_values(cat, stmt, values, n, &query, err);

	return r < 0 ? r : db_step(cat, query, err);
}

int db_column_text(sqlite3_stmt *query, int column, char **ret)
{
	const unsigned char *text = sqlite3_column_text(query, column);

	if (!text && sqlite3_column_type(query, column) == SQLITE_NULL) {
		*ret = NULL;
		return 0;
	}
	*ret = text ? strdup((const char *)text) : NULL;
	return *ret ? 0 : -ENOMEM;
}

/* A rebuild puts another file in place; what we write into the old one would be lost. */
static int check_not_replaced(struct catalog *cat, struct error *err)
{
	int has_moved = 0;

	sqlite3_file_control(cat->db, "main", SQLITE_FCNTL_HAS_MOVED, &has_moved);
	if (!has_moved)
		return 0;
	return error_set(
		err, -ESTALE, "catalogue '%s' was replaced meanwhile; try again", cat->path);
}

int db_begin(struct catalog *cat, bool write, struct error *err)
{
	int r = db_script(cat, write ? "BEGIN IMMEDIATE" : "BEGIN", err);

	if (r == 0)
		r = check_not_replaced(cat, err);
	if (r < 0)
		db_rollback(cat);
	return r;
}

int db_commit(struct catalog *cat, struct error *err)
{
	return db_script(cat, "COMMIT", err);
}

void db_rollback(struct catalog *cat)
{
	/* SQLite itself rolls back after a full disk; then there is nothing left to end. */
	if (!sqlite3_get_autocommit(cat->db))
		sqlite3_exec(cat->db, "ROLLBACK", NULL, NULL, NULL);
}
