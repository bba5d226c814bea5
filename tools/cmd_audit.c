/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd.h"
#include "rows.h"
#include "str.h"
#include "wire.h"

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

/* The name under which the changes of WORD were recorded: a volume, or as it was written. */
static const char *object_name(
	const struct cmd_env *env, const struct infra *infra, char *word, char buf[VOLUME_NAME_MAX])
{
	struct volume_ref ref;

	/* Objects that are no volumes (machines, the catalogue) have their trail too. */
	if (cmd_select_one(env, infra, word, &ref, NULL) != 0)
		return word;
	return volume_ref_name(&ref, buf);
}

int cmd_audit(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	cleanup_cmd_state struct cmd_state state = CMD_STATE_INIT;
	cleanup_audit_list struct audit_list list = {NULL, 0};
	cleanup_json json_t *rows = json_array();
	uint32_t lines = DEFAULT_LINES;
	char name[VOLUME_NAME_MAX];
	const char *object = NULL;
	int r;

	if (env->lines && parse_u32(env->lines, &lines) < 0)
		return cmd_usage(err, "--lines '%s' is not a number", env->lines);

	r = cmd_state_open(&state, env, CATALOG_READ, err);
	if (r < 0)
		return r;
	if (argc > 0)
		object = object_name(env, &state.infra, argv[0], name);
	r = catalog_list_audit(state.catalog, object, lines, &list, err);
	if (r < 0)
		return r;
	if (list.n_items == 0 && object)
		return error_set(err, CMD_NO_VOLUME, "no changes of '%s' are recorded", object);

	for (size_t i = 0; i < list.n_items; i++) {
		if (rows_append(rows, row_audit(&list.items[i])) < 0)
			return error_set(err, -ENOMEM, "out of memory");
	}
	return out_rows(env->out, env->format, columns, ARRAY_SIZE(columns), rows, err);
}
