/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "db.h"

#include "str.h"

static int check_pages(struct catalog *cat, struct error *err)
{
	cleanup_stmt sqlite3_stmt *q = NULL;
	const char *finding;
	int r;

	r = db_query_values(cat, STMT_INTEGRITY_CHECK, NULL, 0, &q, err);
	if (r == 0)
		r = db_step(cat, q, err);
	if (r < 0)
		return r;

	finding = (const char *)sqlite3_column_text(q, 0);
	if (r > 0 && str_equal(finding, "ok"))
		return 0;
	return error_set(err, -EBADMSG, "catalogue '%s' is damaged: %s\n" DB_WAY_OUT, cat->path,
		finding ? finding : "no answer");
}

static int check_references(struct catalog *cat, struct error *err)
{
	cleanup_stmt sqlite3_stmt *q = NULL;
	int r;

	r = db_query_values(cat, STMT_FOREIGN_KEY_CHECK, NULL, 0, &q, err);
	if (r == 0)
		r = db_step(cat, q, err);
	if (r <= 0)
		return r;
	return error_set(err, -EBADMSG,
		"catalogue '%s' is damaged: row %lld of table '%s' has no parent\n" DB_WAY_OUT,
		cat->path, sqlite3_column_int64(q, 1), sqlite3_column_text(q, 0));
}

int catalog_check_integrity(struct catalog *cat, struct error *err)
{
	int r = check_pages(cat, err);

	return r < 0 ? r : check_references(cat, err);
}
