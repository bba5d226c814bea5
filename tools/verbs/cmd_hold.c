/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd.h"
#include "edit.h"
#include "path.h"
#include "rows.h"
#include "when.h"
#include "wire.h"

#include <string.h>
#include <time.h>

struct hold_change {
	const char *tag;
	const char *reason;
	int64_t until;
};

static const struct hold *find_hold(const struct volume *v, const char *tag)
{
	for (size_t i = 0; i < v->n_holds; i++) {
		if (strcmp(v->holds[i].tag, tag) == 0)
			return &v->holds[i];
	}
	return NULL;
}

static int add_hold(
	struct edit *edit, const struct volume_ref *ref, const void *context, struct error *err)
{
	const struct hold_change *change = context;
	char name[VOLUME_NAME_MAX];
	int r = 0;

	if (find_hold(ref->volume, change->tag))
		return error_set(err, CMD_REFUSED, "%s has a hold '%s' already",
			volume_ref_name(ref, name), change->tag);

	if (!edit->env->is_dry_run)
		r = catalog_hold(edit->state.catalog, ref->volume->id, change->tag, change->reason,
			change->until, &edit->env->actor, &edit->marks, err);
	if (r == -EEXIST || r == -E2BIG)
		return CMD_REFUSED;
	if (r == -EINVAL)
		return CMD_USAGE;
	if (r < 0)
		return r;
	return report_add(&edit->report, REPORT_HELD, volume_ref_name(ref, name), change->tag, err);
}

static int drop_hold(
	struct edit *edit, const struct volume_ref *ref, const void *context, struct error *err)
{
	const struct hold_change *change = context;
	char name[VOLUME_NAME_MAX];
	int r = 0;

	if (!find_hold(ref->volume, change->tag))
		return error_set(err, CMD_REFUSED, "%s has no hold '%s'; see 'anklume-fsctl holds'",
			volume_ref_name(ref, name), change->tag);

	if (!edit->env->is_dry_run)
		r = catalog_release(edit->state.catalog, ref->volume->id, change->tag,
			&edit->env->actor, &edit->marks, err);
	if (r < 0)
		return r == -ENOENT ? CMD_REFUSED : r;
	return report_add(
		&edit->report, REPORT_RELEASED, volume_ref_name(ref, name), change->tag, err);
}

static int parse_until(const char *text, int64_t *ret, struct error *err)
{
	int r = text ? when_parse(text, time(NULL), ret) : 0;

	if (r == -ERANGE)
		return cmd_usage(err, "--until '%s' is in the past", text);
	if (r < 0)
		return cmd_usage(err, "--until '%s' is no time; try 2030-12-31 or 30d", text);
	return 0;
}

int cmd_hold(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	struct hold_change change = {.tag = argv[0], .reason = env->reason};
	cleanup_edit struct edit edit = {.base_fd = -1};
	int r;

	if (!name_is_valid(change.tag))
		return cmd_usage(err, "tag '%s': small letters, digits and '-' only", change.tag);
	if (!env->reason || !*env->reason)
		return cmd_usage(err, "say why: --reason TEXT");
	r = parse_until(env->until, &change.until, err);
	if (r != 0)
		return r;

	r = edit_begin(&edit, env, argc - 1, argv + 1, err);
	return r != 0 ? r : edit_run(&edit, add_hold, &change, err);
}

int cmd_release(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	const struct hold_change change = {.tag = argv[0]};
	cleanup_edit struct edit edit = {.base_fd = -1};
	int r;

	r = edit_begin(&edit, env, argc - 1, argv + 1, err);
	return r != 0 ? r : edit_run(&edit, drop_hold, &change, err);
}

static const struct out_column columns[] = {
	{"volume", "VOLUME", OUT_TEXT, 0},
	{"tag", "TAG", OUT_TEXT, 0},
	{"until", "UNTIL", OUT_TIME, 0},
	{"expired", "EXPIRED", OUT_BOOL, OUT_IF_ANY},
	{"actor", "BY", OUT_TEXT, 0},
	{"reason", "REASON", OUT_TEXT, OUT_WRAP},
};

int cmd_holds(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	cleanup_cmd_state struct cmd_state state = CMD_STATE_INIT;
	cleanup_selection struct selection selected = {NULL, 0};
	cleanup_json json_t *rows = json_array();
	int64_t now = time(NULL);
	int r;

	r = cmd_state_open(&state, env, CATALOG_READ, err);
	if (r == 0 && argc == 0)
		r = select_all(&state.infra, &selected, err);
	else if (r == 0)
		r = cmd_select(env, &state.infra, argc, argv, SELECT_MANY, &selected, err);
	if (r != 0)
		return r;

	for (size_t i = 0; i < selected.n_items; i++) {
		const struct volume *v = selected.items[i].volume;

		for (size_t j = 0; j < v->n_holds && r == 0; j++)
			r = rows_append(rows, row_hold(&selected.items[i], &v->holds[j], now));
	}
	if (r < 0)
		return error_set(err, r, "out of memory");
	if (json_array_size(rows) == 0 && env->format == OUT_TABLE) {
		fputs("No holds.\n", env->words);
		return 0;
	}
	return out_rows(env->out, env->format, columns, ARRAY_SIZE(columns), rows, err);
}
