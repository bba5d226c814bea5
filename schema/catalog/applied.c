/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "applied.h"

#include "array.h"
#include "str.h"
#include "tx.h"

#include <string.h>

void applied_list_finish(struct applied_list *list)
{
	for (size_t i = 0; i < list->n_items; i++) {
		free(list->items[i].project);
		free(list->items[i].instance);
		device_list_finish(&list->items[i].devices);
	}
	free(list->items);
	*list = (struct applied_list){NULL, 0};
}

static struct applied *find(
	const struct applied_list *list, const char *project, const char *instance)
{
	for (size_t i = 0; i < list->n_items; i++) {
		struct applied *a = &list->items[i];

		if (str_equal(a->project, project) && str_equal(a->instance, instance))
			return a;
	}
	return NULL;
}

const struct device_list *applied_find(
	const struct applied_list *list, const char *project, const char *instance)
{
	const struct applied *a = find(list, project, instance);

	return a ? &a->devices : NULL;
}

static const char *text_at(sqlite3_stmt *q, int column)
{
	return (const char *)sqlite3_column_text(q, column);
}

/* The instance of the row: the list's last one, as rows come sorted, or a new one. */
static struct applied *instance_of_row(struct applied_list *list, sqlite3_stmt *q)
{
	struct applied *a = list->n_items ? &list->items[list->n_items - 1] : NULL;

	if (a && str_equal(a->project, text_at(q, 0)) && str_equal(a->instance, text_at(q, 1)))
		return a;

	a = array_append(&list->items, &list->n_items, sizeof(*a));
	if (!a || db_column_text(q, 0, &a->project) < 0 || db_column_text(q, 1, &a->instance) < 0)
		return NULL;
	return a;
}

static int add_row(struct applied_list *list, sqlite3_stmt *q)
{
	struct applied *a = instance_of_row(list, q);
	struct device *d = NULL;

	if (!a)
		return -ENOMEM;
	if (a->devices.n_items)
		d = &a->devices.items[a->devices.n_items - 1];
	if (!d || !str_equal(d->name, text_at(q, 2)))
		d = device_list_add(&a->devices, text_at(q, 2), DEVICE_PERSISTENT);
	return d ? device_set(d, text_at(q, 3), text_at(q, 4)) : -ENOMEM;
}

int catalog_list_applied(struct catalog *cat, const char *project, const char *instance,
	struct applied_list *ret, struct error *err)
{
	cleanup_applied_list struct applied_list list = {NULL, 0};
	cleanup_stmt sqlite3_stmt *q = NULL;
	int r;

	r = db_query(cat, STMT_LIST_APPLIED, &q, err, db_text(project), db_text(instance));
	while (r == 0 && (r = db_step(cat, q, err)) > 0)
		r = add_row(&list, q);
	if (r < 0)
		return r;

	*ret = list;
	list = (struct applied_list){NULL, 0};
	return 0;
}

/* A change that the daemon need not know: no new generation. */
static int begin(struct tx *tx, struct catalog *cat, const struct actor *actor, struct error *err)
{
	int r = tx_begin(tx, cat, actor, NULL, err);

	tx->generation--;
	return r;
}

static int commit(struct tx *tx, struct error *err)
{
	tx->is_dirty = false;
	return tx_commit(tx, err);
}

static int audit(struct tx *tx, const char *project, const char *instance, const char *action,
	const char *detail, struct error *err)
{
	cleanup_free char *object = NULL;

	if (asprintf(&object, "%s/%s", project, instance) < 0) {
		object = NULL;
		return -ENOMEM;
	}
	return tx_audit(tx, action, object, detail, err);
}

static int record(struct tx *tx, const char *project, const char *instance,
	const struct applied_change *change, struct error *err)
{
	const struct device *d = change->device;
	int r;

	r = db_run(tx->cat, STMT_DELETE_APPLIED, err, db_text(project), db_text(instance),
		db_text(change->name));
	for (size_t i = 0; d && i < d->n_properties && r == 0; i++)
		r = db_run(tx->cat, STMT_INSERT_APPLIED, err, db_text(project), db_text(instance),
			db_text(change->name), db_text(d->properties[i].key),
			db_text(d->properties[i].value));
	if (r == 0 && change->action)
		r = audit(tx, project, instance, change->action, change->detail, err);
	return r;
}

int catalog_record_devices(struct catalog *cat, const char *project, const char *instance,
	const struct applied_change *changes, size_t n, const struct actor *actor,
	struct error *err)
{
	cleanup_tx struct tx tx = {0};
	int r = begin(&tx, cat, actor, err);

	for (size_t i = 0; i < n && r == 0; i++)
		r = record(&tx, project, instance, &changes[i], err);
	return r < 0 ? r : commit(&tx, err);
}

void gone_list_finish(struct gone_list *list)
{
	for (size_t i = 0; i < list->n_items; i++) {
		free(list->items[i].project);
		free(list->items[i].instance);
	}
	free(list->items);
	*list = (struct gone_list){NULL, 0};
}

const struct gone_instance *gone_find(
	const struct gone_list *list, const char *project, const char *instance)
{
	for (size_t i = 0; i < list->n_items; i++) {
		const struct gone_instance *g = &list->items[i];

		if (str_equal(g->project, project) && str_equal(g->instance, instance))
			return g;
	}
	return NULL;
}

int catalog_list_gone(struct catalog *cat, struct gone_list *ret, struct error *err)
{
	cleanup_gone_list struct gone_list list = {NULL, 0};
	cleanup_stmt sqlite3_stmt *q = NULL;
	int r;

	r = db_query_values(cat, STMT_LIST_GONE, NULL, 0, &q, err);
	while (r == 0 && (r = db_step(cat, q, err)) > 0) {
		struct gone_instance *g = array_append(&list.items, &list.n_items, sizeof(*g));

		if (!g || db_column_text(q, 0, &g->project) < 0 ||
			db_column_text(q, 1, &g->instance) < 0)
			return -ENOMEM;
		g->since = sqlite3_column_int64(q, 2);
		r = 0;
	}
	if (r < 0)
		return r;

	*ret = list;
	list = (struct gone_list){NULL, 0};
	return 0;
}

int catalog_set_gone(struct catalog *cat, const char *project, const char *instance, bool is_gone,
	const struct actor *actor, bool *ret_changed, struct error *err)
{
	cleanup_tx struct tx tx = {0};
	bool is_changed = false;
	int r = begin(&tx, cat, actor, err);

	if (r == 0 && is_gone)
		r = db_run(cat, STMT_INSERT_GONE, err, db_text(project), db_text(instance),
			db_int(tx.now));
	else if (r == 0)
		r = db_run(cat, STMT_DELETE_GONE, err, db_text(project), db_text(instance));
	is_changed = r == 0 && sqlite3_changes(cat->db) > 0;
	if (r == 0 && is_gone)
		r = db_run(cat, STMT_DELETE_APPLIED_ALL, err, db_text(project), db_text(instance));
	if (r == 0 && is_changed)
		r = audit(&tx, project, instance, is_gone ? "instance.gone" : "instance.back", NULL,
			err);
	if (r == 0)
		r = commit(&tx, err);
	if (r == 0 && ret_changed)
		*ret_changed = is_changed;
	return r;
}

int catalog_rename_applied(struct catalog *cat, const char *project, const char *instance,
	const char *new_name, const struct actor *actor, struct error *err)
{
	cleanup_tx struct tx tx = {0};
	int r = begin(&tx, cat, actor, err);

	if (r == 0)
		r = db_run(cat, STMT_DELETE_GONE, err, db_text(project), db_text(new_name));
	if (r == 0)
		r = db_run(cat, STMT_RENAME_APPLIED, err, db_text(project), db_text(instance),
			db_text(new_name));
	if (r == 0)
		r = audit(&tx, project, instance, "instance.rename", new_name, err);
	return r < 0 ? r : commit(&tx, err);
}
