/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd.h"
#include "locate.h"
#include "path.h"
#include "rows.h"
#include "wire.h"

#include <limits.h>
#include <string.h>

static const struct out_column columns[] = {
	{"name", "Name", OUT_TEXT, 0},
	{"kind", "Kind", OUT_TEXT, 0},
	{"base", "In the base", OUT_TEXT, 0},
	{"mount", "In the mount", OUT_TEXT, 0},
	{"instance", "Instance", OUT_TEXT, OUT_IF_ANY},
	{"inside", "In the instance", OUT_TEXT, OUT_IF_ANY},
	{"flags", "Flags", OUT_FLAGS, OUT_IF_ANY},
};

static char *place_name(const struct place *p)
{
	char *text;

	if (asprintf(&text, "%s%s%s%s%s", p->domain->name, p->machine ? "/" : "",
		    p->machine ? p->machine->name : "", p->volume ? "/" : "",
		    p->volume ? p->volume->name : "") < 0)
		return NULL;
	return text;
}

static json_t *row_place(const struct cmd_env *env, const struct place *p)
{
	cleanup_free char *name = place_name(p);
	cleanup_free char *base = place_path(p, env->base);
	cleanup_free char *mount = place_path(p, env->mount);
	cleanup_free char *inside = place_inside(p);
	cleanup_free char *instance = NULL;

	if (!name || !base || !mount)
		return NULL;
	if (p->machine && p->machine->instance &&
		asprintf(&instance, "%s/%s", p->machine->project, p->machine->instance) < 0)
		return NULL;

	return json_pack("{s:s s:s s:o s:o s:o s:o s:o}", "name", name, "kind",
		p->volume    ? "volume"
		: p->machine ? "machine"
			     : "domain",
		"base", out_text(base), "mount", out_text(mount), "instance", out_text(instance),
		"inside", out_text(inside), "flags",
		p->volume ? row_flags(p->volume) : json_array());
}

/* Relative paths begin with a dot; everything else without a leading slash is a name. */
static char *absolute_word(const char *word)
{
	cleanup_free char *cwd = NULL;
	cleanup_free char *joined = NULL;

	if (strcmp(word, ".") != 0 && strncmp(word, "./", 2) != 0)
		return strdup(word);

	cwd = getcwd(NULL, 0);
	if (!cwd || asprintf(&joined, "%s/%s", cwd, word[1] ? word + 2 : "") < 0)
		return NULL;
	return path_normalise(joined);
}

/* Look for WORD as it was written, then, where that is a path, for what its symlinks lead to. */
static int find(const struct cmd_env *env, const struct infra *infra, const char *word,
	struct place_list *ret, struct error *err)
{
	cleanup_free char *real = NULL;
	cleanup_error struct error ignored = {NULL};
	int r;

	r = locate(infra, env->base, env->mount, word, ret, err);
	if (r != -ENOENT || *word != '/')
		return r;

	real = realpath(word, NULL);
	if (!real || strcmp(real, word) == 0)
		return r;
	if (locate(infra, env->base, env->mount, real, ret, &ignored) < 0)
		return r;
	error_finish(err);
	return 0;
}

static int print(const struct cmd_env *env, const json_t *rows, struct error *err)
{
	const json_t *row;
	size_t i;

	if (env->format == OUT_JSON || env->format == OUT_YAML)
		return out_value(env->out, env->format, rows, err);
	if (env->format != OUT_TABLE)
		return out_rows(env->out, env->format, columns, ARRAY_SIZE(columns), rows, err);

	json_array_foreach (rows, i, row) {
		int r;

		if (i > 0)
			fputc('\n', env->out);
		r = out_record(env->out, OUT_TABLE, columns, ARRAY_SIZE(columns), row, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int cmd_which(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	cleanup_cmd_state struct cmd_state state = CMD_STATE_INIT;
	cleanup_place_list struct place_list places = {NULL, 0};
	cleanup_free char *word = absolute_word(argv[0]);
	cleanup_json json_t *rows = json_array();
	int r;

	(void)argc;
	if (!word)
		return error_errno(err, -errno, "cannot read the current directory");

	r = cmd_state_open(&state, env, CATALOG_READ, err);
	if (r < 0)
		return r;
	r = find(env, &state.infra, word, &places, err);
	if (r == -ENOENT)
		return CMD_NO_VOLUME;
	for (size_t i = 0; i < places.n_items && r == 0; i++)
		r = rows_append(rows, row_place(env, &places.items[i]));
	return r < 0 ? r : print(env, rows, err);
}
