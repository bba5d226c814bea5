/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "db.h"

enum { ID, TIME, GENERATION, ACTOR, COMMAND, ACTION, OBJECT, DETAIL };

void audit_list_finish(struct audit_list *list)
{
	for (size_t i = 0; i < list->n_items; i++) {
		struct audit_entry *e = &list->items[i];

		free(e->actor);
		free(e->command);
		free(e->action);
		free(e->object);
		free(e->detail);
	}
	free(list->items);
	*list = (struct audit_list){0};
}

static struct audit_entry *add_entry(struct audit_list *list)
{
	struct audit_entry *items = list->items;

	if ((list->n_items & (list->n_items - 1)) == 0) {
		items = reallocarray(items, list->n_items ? list->n_items * 2 : 1, sizeof(*items));
		if (!items)
			return NULL;
		list->items = items;
	}
	items[list->n_items] = (struct audit_entry){0};
	return &items[list->n_items++];
}

static int read_entry(sqlite3_stmt *q, struct audit_list *list)
{
	struct audit_entry *e = add_entry(list);
	const struct {
		int column;
		char **text;
	} texts[] = {
		{ACTOR, e ? &e->actor : NULL},
		{COMMAND, e ? &e->command : NULL},
		{ACTION, e ? &e->action : NULL},
		{OBJECT, e ? &e->object : NULL},
		{DETAIL, e ? &e->detail : NULL},
	};

	if (!e)
		return -ENOMEM;

	e->id = sqlite3_column_int64(q, ID);
	e->time = sqlite3_column_int64(q, TIME);
	e->generation = sqlite3_column_int64(q, GENERATION);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (db_column_text(q, texts[i].column, texts[i].text) < 0)
			return -ENOMEM;
	}
	return 0;
}

int catalog_list_audit(struct catalog *cat, const char *object, size_t limit,
	struct audit_list *ret, struct error *err)
{
	cleanup_audit_list struct audit_list list = {0};
	cleanup_stmt sqlite3_stmt *q = NULL;
	int64_t rows = limit ? (int64_t)limit : -1;
	int r;

	r = object ? db_query(cat, STMT_LIST_AUDIT_OF, &q, err, db_text(object), db_int(rows))
		   : db_query(cat, STMT_LIST_AUDIT, &q, err, db_int(rows));
	while (r == 0 && (r = db_step(cat, q, err)) > 0)
		r = read_entry(q, &list);
	if (r < 0)
		return r;

	*ret = list;
	list = (struct audit_list){0};
	return 0;
}
