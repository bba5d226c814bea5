/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd.h"
#include "rows.h"
#include "str.h"
#include "draw.h"
#include "wire.h"

/* An owner that is called as the volume's domain and machine is no news in a table. */
static const struct out_column table_columns[] = {
	{"volume", "VOLUME", OUT_TEXT, 0},
	{"path", "PATH", OUT_TEXT, 0},
	{"flags", "FLAGS", OUT_FLAGS, 0},
	{"other_owner", "OWNER", OUT_TEXT, OUT_IF_ANY},
	{"class", "CLASS", OUT_TEXT, OUT_IF_ANY},
	{"size_bytes", "SIZE", OUT_SIZE, OUT_IF_ANY},
};

static const struct out_column columns[] = {
	{"volume", "VOLUME", OUT_TEXT, 0},
	{"path", "PATH", OUT_TEXT, 0},
	{"flags", "FLAGS", OUT_FLAGS, 0},
	{"owner", "OWNER", OUT_TEXT, 0},
	{"class", "CLASS", OUT_TEXT, OUT_IF_ANY},
	{"size_bytes", "SIZE", OUT_SIZE, OUT_IF_ANY},
};

static int load_selected(struct cmd_env *env, int argc, char **argv, struct cmd_state *state,
	struct selection *ret, struct error *err)
{
	int r = cmd_state_open(state, env, CATALOG_READ, err);

	if (r == 0 && argc == 0)
		r = select_all(&state->infra, ret, err);
	else if (r == 0)
		r = cmd_select(env, &state->infra, argc, argv, SELECT_MANY, ret, err);
	if (r == 0 && ret->n_items == 0 && !env->is_quiet)
		fputs("No volumes: declare persistent_data in the spec, then 'anklume-fsctl "
		      "apply'.\n",
			env->words);
	return r;
}

static json_t *table_row(const struct cmd_env *env, const struct volume_ref *ref)
{
	const struct machine *m = ref->machine;
	json_t *row = row_volume(env, ref);

	if (row && (!str_equal(m->project, ref->domain->name) || !str_equal(m->instance, m->name)))
		json_object_set(row, "other_owner", json_object_get(row, "owner"));
	return row;
}

/* One row per volume; a table has fewer columns than what programs read. */
static int print_rows(
	const struct cmd_env *env, const struct selection *selected, struct error *err)
{
	cleanup_json json_t *rows = json_array();
	bool is_table = env->format == OUT_TABLE;
	int r = 0;

	if (selected->n_items == 0 && is_table)
		return 0;
	for (size_t i = 0; i < selected->n_items && r == 0; i++)
		r = rows_append(rows, is_table ? table_row(env, &selected->items[i])
					       : row_volume(env, &selected->items[i]));
	if (r != 0)
		return r;
	if (is_table)
		return out_rows(
			env->out, env->format, table_columns, ARRAY_SIZE(table_columns), rows, err);
	return out_rows(env->out, env->format, columns, ARRAY_SIZE(columns), rows, err);
}

int cmd_ls(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	cleanup_cmd_state struct cmd_state state = CMD_STATE_INIT;
	cleanup_selection struct selection selected = {NULL, 0};
	int r;

	r = load_selected(env, argc, argv, &state, &selected, err);
	return r != 0 ? r : print_rows(env, &selected, err);
}

/* The branch NAME of PARENT, the last one added, or a new one. */
static json_t *branch(json_t *parent, const char *name)
{
	json_t *value = json_object_get(parent, name);

	if (!value && json_object_set_new(parent, name, json_object()) == 0)
		value = json_object_get(parent, name);
	return value;
}

int cmd_tree(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	cleanup_cmd_state struct cmd_state state = CMD_STATE_INIT;
	cleanup_selection struct selection selected = {NULL, 0};
	cleanup_json json_t *root = json_object();
	int r;

	r = load_selected(env, argc, argv, &state, &selected, err);
	if (r != 0)
		return r;
	if (env->format == OUT_TABLE)
		return selected.n_items ? draw_tree(env->out, env->mount, &selected, err) : 0;
	if (env->format == OUT_CSV || env->format == OUT_COMPACT)
		return print_rows(env, &selected, err); /* a tree in rows is a list */

	for (size_t i = 0; i < selected.n_items; i++) {
		const struct volume_ref *ref = &selected.items[i];
		json_t *domain = branch(root, ref->domain->name);
		json_t *machine = domain ? branch(domain, ref->machine->name) : NULL;

		if (!machine ||
			json_object_set_new(machine, ref->volume->name, row_volume(env, ref)) < 0)
			return error_set(err, -ENOMEM, "out of memory");
	}
	return out_value(env->out, env->format, root, err);
}
