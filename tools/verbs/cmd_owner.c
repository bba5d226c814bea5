/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd.h"
#include "edit.h"
#include "rows.h"
#include "str.h"
#include "wire.h"

#include <string.h>

/* What 'owner' is to set: an instance of the machine, ids of the volume, or what the spec says. */
struct owner_change {
	const char *project, *instance; /* NULL = as the spec says */
	uint32_t uid, gid; /* -1 = as the spec says */
	bool has_instance, has_ids;
};

static bool is_known(const struct machine *m, const struct owner_change *change)
{
	if (!change->instance)
		return !m->has_owner_override;
	return str_equal(m->project, change->project) && str_equal(m->instance, change->instance);
}

static int set_instance(struct edit *edit, const struct volume_ref *ref,
	const struct owner_change *change, struct error *err)
{
	const struct machine *m = ref->machine;
	bool changed = !is_known(m, change);
	cleanup_free char *detail = NULL;
	int r;

	if (change->instance)
		r = asprintf(&detail, "%s/%s -> %s/%s", m->project, m->instance, change->project,
			change->instance);
	else
		r = asprintf(&detail, "owner as the spec says");
	if (r < 0)
		return error_set(err, -ENOMEM, "out of memory");

	r = 0;
	if (!edit->env->is_dry_run)
		r = catalog_set_owner_instance(edit->state.catalog, m->id, change->project,
			change->instance, &edit->env->actor, &edit->marks, &changed, err);

	/* The owner belongs to the machine: each of its volumes is one line of the report. */
	for (size_t i = 0; i < m->n_volumes && r == 0; i++) {
		const struct volume_ref each = {ref->domain, m, &m->volumes[i]};
		char name[VOLUME_NAME_MAX];

		r = report_add(&edit->report, changed ? REPORT_UPDATED : REPORT_UNCHANGED,
			volume_ref_name(&each, name), changed ? detail : NULL, err);
	}
	return r;
}

static int set_ids(struct edit *edit, const struct volume_ref *ref,
	const struct owner_change *change, struct error *err)
{
	const struct volume *v = ref->volume;
	bool inherits = change->uid == (uint32_t)-1;
	bool changed =
		inherits ? v->has_ids_override : v->uid != change->uid || v->gid != change->gid;
	char name[VOLUME_NAME_MAX], detail[64] = "ids as the spec says";
	int r = 0;

	if (!inherits)
		snprintf(detail, sizeof(detail), "%u:%u -> %u:%u", v->uid, v->gid, change->uid,
			change->gid);
	if (!edit->env->is_dry_run)
		r = catalog_set_owner_ids(edit->state.catalog, v->id, change->uid, change->gid,
			&edit->env->actor, &edit->marks, &changed, err);
	if (r < 0)
		return r;
	return report_add(&edit->report, changed ? REPORT_UPDATED : REPORT_UNCHANGED,
		volume_ref_name(ref, name), changed ? detail : NULL, err);
}

/* True for the first selected volume of its machine. */
static bool is_first_of_machine(const struct edit *edit, const struct volume_ref *ref)
{
	return ref == edit->selection.items || ref[-1].machine != ref->machine;
}

static int change_owner(
	struct edit *edit, const struct volume_ref *ref, const void *context, struct error *err)
{
	const struct owner_change *change = context;
	int r = 0;

	if (change->has_instance && is_first_of_machine(edit, ref))
		r = set_instance(edit, ref, change, err);
	if (r == 0 && change->has_ids)
		r = set_ids(edit, ref, change, err);
	return r;
}

static const struct out_column columns[] = {
	{"volume", "VOLUME", OUT_TEXT, 0},
	{"project", "PROJECT", OUT_TEXT, 0},
	{"instance", "INSTANCE", OUT_TEXT, 0},
	{"uid", "UID", OUT_NUMBER, 0},
	{"gid", "GID", OUT_NUMBER, 0},
	{"mode", "MODE", OUT_TEXT, 0},
};

static int show_owner(struct cmd_env *env, char **argv, struct error *err)
{
	cleanup_cmd_state struct cmd_state state = CMD_STATE_INIT;
	cleanup_selection struct selection selected = {NULL, 0};
	cleanup_json json_t *rows = json_array();
	int r;

	r = cmd_state_open(&state, env, CATALOG_READ, err);
	if (r == 0)
		r = cmd_select(env, &state.infra, 1, argv, SELECT_MANY, &selected, err);
	for (size_t i = 0; i < selected.n_items && r == 0; i++)
		r = rows_append(rows, row_volume(env, &selected.items[i]));
	if (r != 0)
		return r;
	return out_rows(env->out, env->format, columns, ARRAY_SIZE(columns), rows, err);
}

/* "PROJECT/INSTANCE"; the words are checked by Incus's own rule for names. */
static int parse_instance(char *word, struct owner_change *change, struct error *err)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	char *slash = strchr(word, '/');

	if (!slash || slash == word || slash[1] == '\0' || strchr(slash + 1, '/') ||
		word[strspn(word, allowed)] != '/' || slash[1 + strspn(slash + 1, allowed)])
		return cmd_usage(
			err, "owner '%s' is not PROJECT/INSTANCE, such as default/web", word);

	*slash = '\0';
	change->project = word;
	change->instance = slash + 1;
	return 0;
}

int cmd_owner(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	cleanup_free char *word = argc > 1 ? strdup(argv[1]) : NULL;
	struct owner_change change = {.has_instance = argc > 1 || env->is_inherit,
		.has_ids = env->ids || env->is_inherit,
		.uid = -1,
		.gid = -1};
	cleanup_edit struct edit edit = {.base_fd = -1};
	int r = 0;

	if (!change.has_instance && !change.has_ids)
		return show_owner(env, argv, err);
	if (env->is_inherit && (argc > 1 || env->ids))
		return cmd_usage(err, "--inherit follows the spec: it takes no owner and no --ids");
	if (argc > 1 && !word)
		return error_set(err, -ENOMEM, "out of memory");

	if (word)
		r = parse_instance(word, &change, err);
	if (r == 0 && env->ids && parse_owner(env->ids, &change.uid, &change.gid) < 0)
		r = cmd_usage(err, "--ids '%s' is not UID:GID, such as 999:999", env->ids);
	if (r != 0)
		return r;

	r = edit_begin(&edit, env, 1, argv, err);
	if (r == 0 && change.has_instance)
		r = edit_check_machines(&edit, err);
	return r != 0 ? r : edit_run(&edit, change_owner, &change, err);
}
