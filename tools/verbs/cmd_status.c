/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd.h"
#include "ctl.h"
#include "str.h"
#include "wire.h"

#include <string.h>

/* The keys that we know, in the order of printing; others follow under their own names. */
static const struct out_column known[] = {
	{"state", "State", OUT_TEXT, 0},
	{"pid", "Daemon's pid", OUT_NUMBER, OUT_IF_ANY},
	{"release", "Version", OUT_TEXT, OUT_IF_ANY},
	{"uptime", "Running for", OUT_TEXT, OUT_IF_ANY},
	{"base", "Base", OUT_TEXT, OUT_IF_ANY},
	{"mount", "Mount", OUT_TEXT, OUT_IF_ANY},
	{"catalog", "Catalogue", OUT_TEXT, 0},
	{"catalog_generation", "Generation", OUT_NUMBER, OUT_IF_ANY},
	{"generation", "In force", OUT_NUMBER, OUT_IF_ANY},
	{"catalog_volumes", "Recorded volumes", OUT_NUMBER, OUT_IF_ANY},
	{"volumes", "Mounted volumes", OUT_NUMBER, OUT_IF_ANY},
	{"inodes", "Cached inodes", OUT_NUMBER, OUT_IF_ANY},
	{"open_files", "Open files", OUT_NUMBER, OUT_IF_ANY},
	{"requests", "Requests", OUT_NUMBER, OUT_IF_ANY},
	{"denials", "Denials", OUT_NUMBER, OUT_IF_ANY},
	{"passthrough", "Passthrough", OUT_BOOL, OUT_IF_ANY},
	{"idmap", "Idmapped mounts", OUT_BOOL, OUT_IF_ANY},
	{"takeovers", "Takeovers", OUT_NUMBER, OUT_IF_ANY},
	{"degraded", "State lost", OUT_BOOL, OUT_IF_ANY},
	{"workers", "Workers", OUT_NUMBER, OUT_IF_ANY},
	{"stuck", "Stuck requests", OUT_NUMBER, OUT_IF_ANY},
	{"oldest", "Oldest request", OUT_TEXT, OUT_IF_ANY},
	{"operations", "Operations", OUT_TEXT, OUT_IF_ANY},
};

/* Of the wire, or said otherwise above. */
static const char *const hidden[] = {"ok", "uptime_s", "version"};

static bool is_known(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (strcmp(known[i].key, key) == 0)
			return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(hidden); i++) {
		if (strcmp(hidden[i], key) == 0)
			return true;
	}
	return false;
}

/* "3 days, 4:05" or "4:05:06". */
static void format_uptime(json_int_t s, char *buf, size_t len)
{
	if (s >= 86400)
		snprintf(buf, len, "%lld day%s, %lld:%02lld", s / 86400, s / 86400 == 1 ? "" : "s",
			s / 3600 % 24, s / 60 % 60);
	else
		snprintf(buf, len, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
}

/* Why the catalogue says nothing, short enough to stand behind its name. Caller frees. */
static char *describe_failure(const struct cmd_env *env, int r, const char *why)
{
	size_t len = strcspn(why, "\n");
	char *text;

	if (r == -ENOENT)
		r = asprintf(&text, "none at '%s'", env->catalog);
	else if (str_has_prefix(why, "catalogue "))
		r = asprintf(&text, "%.*s", (int)(len - strlen("catalogue ")),
			why + strlen("catalogue "));
	else
		r = asprintf(&text, "%.*s", (int)len, why);
	return r < 0 ? NULL : text;
}

/*
 * What the catalogue says, or why it says nothing; a status report goes on either way. What to do
 * about that goes to ADVICE.
 */
static int add_catalog(
	json_t *object, const struct cmd_env *env, uint64_t *ret_generation, struct error *advice)
{
	cleanup_cmd_state struct cmd_state state = CMD_STATE_INIT;
	cleanup_error struct error why = {NULL};
	int r = cmd_state_open(&state, env, CATALOG_READ, &why);

	if (r < 0) {
		cleanup_free char *text = describe_failure(env, r, error_text(&why, r));
		const char *rest = strchr(error_text(&why, r), '\n');

		json_object_set_new(object, "catalog", out_text(text));
		if (rest)
			error_set(advice, r, "%s", rest + 1 + strspn(rest + 1, " "));
		return r;
	}
	json_object_set_new(object, "catalog", out_text(env->catalog));
	json_object_set_new(object, "catalog_generation", json_integer(state.generation));
	json_object_set_new(
		object, "catalog_volumes", json_integer(infra_count_volumes(&state.infra)));
	*ret_generation = state.generation;
	return 0;
}

/* "write in 'pro/pro-dev/db' for dd[4711], 17 s": the counters of a table are not for it. */
static void add_oldest(json_t *object, const struct cmd_env *env)
{
	json_t *oldest = json_object_get(object, "oldest");
	const char *operation, *volume, *command;
	char text[VOLUME_PATH_MAX + 256];

	if (!json_is_object(oldest) || env->format == OUT_JSON || env->format == OUT_YAML)
		return;
	operation = json_string_value(json_object_get(oldest, "operation"));
	volume = json_string_value(json_object_get(oldest, "volume"));
	command = json_string_value(json_object_get(oldest, "command"));
	snprintf(text, sizeof(text), "%s%s%s%s for %s[%lld], %lld ms",
		operation ? operation : "request", volume ? " in '" : "", volume ? volume : "",
		volume ? "'" : "", command ? command : "process",
		(long long)json_integer_value(json_object_get(oldest, "pid")),
		(long long)json_integer_value(json_object_get(oldest, "age_ms")));
	json_object_set_new(object, "oldest", json_string(text));
}

static void add_daemon(json_t *object, const json_t *answer)
{
	const json_t *uptime = json_object_get(answer, "uptime_s");
	char text[64];

	json_object_update_missing(object, (json_t *)answer);
	json_object_del(object, "ok");
	if (!json_is_integer(uptime))
		return;
	format_uptime(json_integer_value(uptime), text, sizeof(text));
	json_object_set_new(object, "uptime", json_string(text));
}

/* What the possible states are called; only "in force" is good. */
static const char *judge(
	const struct cmd_env *env, int reached, int opened, uint64_t recorded, const json_t *answer)
{
	json_int_t in_force = json_integer_value(json_object_get(answer, "generation"));
	const char *catalog = json_string_value(json_object_get(answer, "catalog"));

	if (reached < 0)
		return "no answer";
	if (reached == 0)
		return "daemon not running";
	if (opened < 0)
		return "running, catalogue unreadable";
	if (catalog && strcmp(catalog, env->catalog) != 0)
		return "running, with another catalogue";
	return (json_int_t)recorded == in_force ? "in force" : "behind";
}

static int print_record(const struct cmd_env *env, const json_t *object, struct error *err)
{
	cleanup_free struct out_column *columns =
		calloc(ARRAY_SIZE(known) + json_object_size(object), sizeof(*columns));
	size_t n = ARRAY_SIZE(known);
	const char *key;
	json_t *value;

	if (!columns)
		return error_set(err, -ENOMEM, "out of memory");

	memcpy(columns, known, sizeof(known));
	json_object_foreach ((json_t *)object, key, value) {
		if (!is_known(key))
			columns[n++] = (struct out_column){key, key, OUT_TEXT, OUT_IF_ANY};
	}
	return out_record(env->out, env->format, columns, n, object, err);
}

/* What is there differs from daemon to daemon: csv and compact have a row per key. */
static int print_pairs(const struct cmd_env *env, const json_t *object, struct error *err)
{
	static const struct out_column columns[] = {
		{"key", "KEY", OUT_TEXT, 0}, {"value", "VALUE", OUT_TEXT, 0}};
	cleanup_json json_t *rows = json_array();
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)object, key, value) {
		json_t *row = json_pack("{s:s s:O}", "key", key, "value", value);

		if (!row || json_array_append_new(rows, row) < 0)
			return error_set(err, -ENOMEM, "out of memory");
	}
	return out_rows(env->out, env->format, columns, ARRAY_SIZE(columns), rows, err);
}

int cmd_status(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	cleanup_json json_t *object = json_object();
	cleanup_json json_t *answer = NULL;
	cleanup_error struct error why = {NULL};
	cleanup_error struct error advice = {NULL};
	uint64_t recorded = 0;
	const char *state;
	int reached, opened, r;

	(void)argc;
	(void)argv;
	reached = ctl_status(env->control, &answer, &why);
	opened = add_catalog(object, env, &recorded, &advice);
	state = judge(env, reached, opened, recorded, answer);
	json_object_set_new(object, "state", json_string(state));
	if (reached > 0) {
		add_daemon(object, answer);
		add_oldest(object, env);
	}

	if (env->format == OUT_CSV || env->format == OUT_COMPACT)
		r = print_pairs(env, object, err);
	else
		r = print_record(env, object, err);
	if (r < 0)
		return r;
	if (reached < 0)
		return error_set(err, CMD_NOT_IN_FORCE, "%s", error_text(&why, reached));
	if (advice.text)
		error_set(err, opened, "%s", advice.text);
	if (opened == -EBADMSG)
		return CMD_CATALOG_DAMAGED;
	return strcmp(state, "in force") == 0 ? 0 : CMD_NOT_IN_FORCE;
}
