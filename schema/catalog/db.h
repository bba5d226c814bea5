/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_CATALOG_DB_H
#define ANKLUME_CATALOG_DB_H

/*
 * The SQLite handle behind struct catalog, private to this folder: opening, errors turned into
 * errno, statements by name, transactions. Statements are prepared at their first use and kept.
 */

#include "catalog.h"
#include "cleanup.h"

#include <sqlite3.h>

/* The second line of what is said about a damaged catalogue. */
#define DB_WAY_OUT "  restore it from the data with 'anklume-fsctl catalog rebuild'"

enum db_stmt {
#define STMT(name, sql) STMT_##name,
#include "statements.def"
#undef STMT
	STMT_COUNT,
};

struct catalog {
	sqlite3 *db;
	char *path; /* as given to catalog_open(), for messages */
	sqlite3_stmt *stmts[STMT_COUNT];
};

/* The version of the schema that this program writes. */
extern const int db_schema_version;

/* -errno for SQLite's result RC, -EIO where it has no better word. */
int db_errno(struct catalog *cat, int rc);

/* As db_errno(), with a text that names the catalogue and says what to do. */
int db_error(struct catalog *cat, int rc, struct error *err);

/* Run SQL that takes and gives no values (pragmas, BEGIN, migrations). */
int db_script(struct catalog *cat, const char *sql, struct error *err);

/* The one integer that PRAGMA or SELECT gives. */
int db_script_int(struct catalog *cat, const char *sql, int64_t *ret, struct error *err);

/* Values for a statement's ?1, ?2, ... Text is borrowed until the statement has run. */
struct db_value {
	enum { DB_NULL, DB_INT, DB_TEXT } type;
	int64_t integer;
	const char *text;
};

static inline struct db_value db_int(int64_t value)
{
	return (struct db_value){.type = DB_INT, .integer = value};
}

/* NULL for no value. */
static inline struct db_value db_text(const char *value)
{
	return (struct db_value){.type = value ? DB_TEXT : DB_NULL, .text = value};
}

static inline struct db_value db_null(void)
{
	return (struct db_value){.type = DB_NULL};
}

/*
 * Start STMT with the N values; step *RET with db_step(). A statement that is in use must not be
 * started again. Declare it cleanup_stmt: that ends it, however the function returns.
 */
int db_query_values(struct catalog *cat, enum db_stmt stmt, const struct db_value *values, size_t n,
	sqlite3_stmt **ret, struct error *err);

#define db_query(cat, stmt, ret, err, ...)                                                     \
	db_query_values(cat, stmt, (const struct db_value[]){__VA_ARGS__},                     \
		sizeof((const struct db_value[]){__VA_ARGS__}) / sizeof(struct db_value), ret, \
		err)

/* 1: a row is there; 0: no more rows; -errno. */
int db_step(struct catalog *cat, sqlite3_stmt *query, struct error *err);

/* Run a statement that gives no rows. */
int db_run_values(struct catalog *cat, enum db_stmt stmt, const struct db_value *values, size_t n,
	struct error *err);

#define db_run(cat, stmt, err, ...)                                      \
	db_run_values(cat, stmt, (const struct db_value[]){__VA_ARGS__}, \
		sizeof((const struct db_value[]){__VA_ARGS__}) / sizeof(struct db_value), err)

/* A copy of a column, NULL for SQL's NULL. -ENOMEM. */
int db_column_text(sqlite3_stmt *query, int column, char **ret);

/*
 * Begin: IMMEDIATE for a writer, which waits its turn here and fails with -ESTALE when the file
 * was replaced under it (catalog rebuild); a reader sees one state until db_rollback().
 */
int db_begin(struct catalog *cat, bool write, struct error *err);
int db_commit(struct catalog *cat, struct error *err);

/* End the transaction, if there is one, and leave no trace of it. */
void db_rollback(struct catalog *cat);

static inline void db_rollbackp(struct catalog **cat)
{
	int saved_errno = errno;

	if (*cat)
		db_rollback(*cat);
	errno = saved_errno;
}

/* A transaction that ends with the scope; after db_commit() there is nothing left to end. */
#define cleanup_rollback cleanup_(db_rollbackp)

DEFINE_CLEANUP(db_endp, sqlite3_stmt *, sqlite3_reset)

#define cleanup_stmt cleanup_(db_endp)

/* Open PATH for writing whatever it is; nothing is checked or made, and closing folds in no log. */
int db_open_raw(const char *path, struct catalog **ret, struct error *err);

/* A copy in memory, of which nobody else knows: where a dry run happens. */
int db_copy(struct catalog *from, struct catalog **ret, struct error *err);

/* Bring the schema of an open catalogue up to db_schema_version. -ENOTSUP when it is newer. */
int db_migrate(struct catalog *cat, struct error *err);

#endif
