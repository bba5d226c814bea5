/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd.h"
#include "rows.h"
#include "str.h"
#include "wire.h"

#include <string.h>

#define DEFAULT_LINES 20

static const struct out_column columns[] = {
	{"time", "TIME", OUT_TIME, 0},
	{"actor", "WHO", OUT_TEXT, 0},
	{"action", "ACTION", OUT_TEXT, 0},
	{"object", "OBJECT", OUT_TEXT, 0},
	{"detail", "DETAIL", OUT_TEXT, OUT_WRAP},
};

static json_t *row_audit(const struct audit_entry *e)
{
	return json_pack("{s:I s:o s:I s:o s:o s:o s:o s:o}", "id", (json_int_t)e->id, "time",
		out_time(e->time), "generation", (json_int_t)e->generation, "actor",
		out_text(e->actor), "action", out_text(e->action), "object", out_text(e->object),
		"detail", out_text(e->detail), "command", out_text(e->command));
}

static int compare_ids(const void *a, const void *b)
{
	int64_t x = ((const struct audit_entry *)a)->id;
	int64_t y = ((const struct audit_entry *)b)->id;

	return x < y ? -1 : x > y;
}

/* Append OTHER to LIST, which takes the entries over, and bring all into order. */
static int merge(struct audit_list *list, struct audit_list *other)
{
	size_t n = list->n_items + other->n_items;
	struct audit_entry *items = reallocarray(list->items, n ? n : 1, sizeof(*items));

	if (!items)
		return -ENOMEM;
	memcpy(items + list->n_items, other->items, other->n_items * sizeof(*items));
	qsort(items, n, sizeof(*items), compare_ids);
	*list = (struct audit_list){items, n};
	free(other->items);
	*other = (struct audit_list){NULL, 0};
	return 0;
}

/* A volume's own changes and those of its machine, which decides about the owner. */
static int list_volume(struct catalog *cat, const struct volume_ref *ref, size_t limit,
	struct audit_list *ret, struct error *err)
{
	cleanup_audit_list struct audit_list machines = {NULL, 0};
	char volume[VOLUME_NAME_MAX], machine[VOLUME_NAME_MAX];
	int r;

	volume_ref_name(ref, volume);
	snprintf(machine, sizeof(machine), "%s/%s", ref->domain->name, ref->machine->name);
	r = catalog_list_audit(cat, volume, limit, ret, err);
	if (r == 0)
		r = catalog_list_audit(cat, machine, limit, &machines, err);
	if (r == 0)
		r = merge(ret, &machines);
	return r;
}

static int print(
	const struct cmd_env *env, const struct audit_list *list, size_t limit, struct error *err)
{
	cleanup_json json_t *rows = json_array();
	size_t first = limit && list->n_items > limit ? list->n_items - limit : 0;

	for (size_t i = first; i < list->n_items; i++) {
		if (rows_append(rows, row_audit(&list->items[i])) < 0)
			return error_set(err, -ENOMEM, "out of memory");
	}
	return out_rows(env->out, env->format, columns, ARRAY_SIZE(columns), rows, err);
}

int cmd_audit(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	cleanup_cmd_state struct cmd_state state = CMD_STATE_INIT;
	cleanup_audit_list struct audit_list list = {NULL, 0};
	const char *object = argc > 0 ? argv[0] : NULL;
	uint32_t limit = DEFAULT_LINES;
	struct volume_ref ref;
	int r;

	if (env->lines && parse_u32(env->lines, &limit) < 0)
		return cmd_usage(err, "--lines '%s' is not a number", env->lines);

	r = cmd_state_open(&state, env, CATALOG_READ, err);
	if (r < 0)
		return r;

	/* Objects that are no volumes (machines, the catalogue) have their trail too. */
	if (object && cmd_select_one(env, &state.infra, argv[0], &ref, NULL) == 0)
		r = list_volume(state.catalog, &ref, limit, &list, err);
	else
		r = catalog_list_audit(state.catalog, object, limit, &list, err);
	if (r < 0)
		return r;
	if (list.n_items == 0 && object)
		return error_set(err, CMD_NO_VOLUME, "no changes of '%s' are recorded", object);
	return print(env, &list, limit, err);
}
