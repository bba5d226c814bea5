/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "db.h"

#include "str.h"

#include <inttypes.h>

struct migration {
	const char *name;
	const char *sql;
};

#include "migrations.inc"

const int db_schema_version = ARRAY_SIZE(migrations);

#define APPLICATION_ID 0x616e6b6c /* "ankl", set by 0001-initial.sql */

static int refuse_newer(struct catalog *cat, int64_t version, struct error *err)
{
	return error_set(err, -ENOTSUP,
		"catalogue '%s' is of version %" PRId64 ", this program knows up to %d\n"
		"  use the newer anklume-fs",
		cat->path, version, db_schema_version);
}

static int refuse_foreign(struct catalog *cat, struct error *err)
{
	return error_set(err, -EBADMSG,
		"'%s' is a database of another program, not a catalogue\n"
		"  name another file, or replace it with 'anklume-fsctl catalog rebuild'",
		cat->path);
}

/* The version of the file, 0 for one without a schema. */
static int read_version(struct catalog *cat, int64_t *ret, struct error *err)
{
	int64_t n_objects;
	int64_t id;
	int r;

	r = db_script_int(cat, "PRAGMA user_version", ret, err);
	if (r == 0)
		r = db_script_int(cat, "PRAGMA application_id", &id, err);
	if (r == 0)
		r = db_script_int(cat, "SELECT count(*) FROM sqlite_schema", &n_objects, err);
	if (r < 0)
		return r;

	if (id == 0 && *ret == 0 && n_objects == 0)
		return 0;
	if (id != APPLICATION_ID)
		return refuse_foreign(cat, err);
	return *ret > db_schema_version ? refuse_newer(cat, *ret, err) : 0;
}

static int run_migration(struct catalog *cat, int64_t version, struct error *err)
{
	const struct migration *m = &migrations[version - 1];
	char sql[64];
	int r;

	r = db_script(cat, m->sql, err);
	if (r < 0)
		return error_prefix(err, r, "migration '%s'", m->name);

	snprintf(sql, sizeof(sql), "PRAGMA user_version = %" PRId64, version);
	return db_script(cat, sql, err);
}

int db_migrate(struct catalog *cat, struct error *err)
{
	cleanup_rollback struct catalog *begun = NULL;
	int64_t version;
	int r;

	r = read_version(cat, &version, err);
	if (r < 0 || version == db_schema_version)
		return r;
	if (sqlite3_db_readonly(cat->db, "main"))
		return error_set(err, -ENOTSUP,
			"catalogue '%s' is of the older version %" PRId64
			"; 'anklume-fsctl apply' brings it up to date",
			cat->path, version);

	r = db_begin(cat, true, err);
	if (r < 0)
		return r;
	begun = cat;

	/* Another process may have been faster. */
	r = read_version(cat, &version, err);
	while (r == 0 && version < db_schema_version)
		r = run_migration(cat, ++version, err);
	return r < 0 ? r : db_commit(cat, err);
}
