/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report.h"

#include <string.h>

#include "ctl.h"
#include "wire.h"

static const struct {
	const char *word; /* a participle: "Created: x", "Would be created: x" */
	bool is_change;
	unsigned int counts; /* enum report_counts */
} actions[] = {
	[REPORT_CREATED] = {"created", true, COUNT_APPLY},
	[REPORT_RECREATED] = {"recreated", true, COUNT_APPLY},
	[REPORT_EXISTS] = {"exists", false, COUNT_APPLY},
	[REPORT_UPDATED] = {"updated", true, COUNT_APPLY},
	[REPORT_ORPHANED] = {"orphaned", true, COUNT_APPLY},
	[REPORT_ADOPTED] = {"adopted", true, COUNT_APPLY},
	[REPORT_PROTECTED] = {"protected", true, 0},
	[REPORT_UNPROTECTED] = {"unprotected", true, 0},
	[REPORT_READONLY] = {"read-only", true, 0},
	[REPORT_WRITABLE] = {"writable", true, 0},
	[REPORT_HELD] = {"held", true, 0},
	[REPORT_RELEASED] = {"released", true, 0},
	[REPORT_REMOVED] = {"removed", true, 0},
	[REPORT_RENAMED] = {"renamed", true, 0},
	[REPORT_COPIED] = {"copied", true, 0},
	[REPORT_RESTORED] = {"restored", true, 0},
	[REPORT_SEEDED] = {"seeded", true, 0},
	[REPORT_ATTACHED] = {"attached", true, 0},
	[REPORT_DETACHED] = {"detached", true, 0},
	[REPORT_STARTED] = {"started", true, 0},
	[REPORT_STOPPED] = {"stopped", true, 0},
	[REPORT_SKIPPED] = {"skipped", false, 0},
	[REPORT_UNCHANGED] = {"unchanged", false, 0},
};

int report_init(struct report *report, struct error *err)
{
	*report = (struct report){.items = json_array()};
	return report->items ? 0 : error_set(err, -ENOMEM, "out of memory");
}

void report_finish(struct report *report)
{
	json_decref(report->items);
	json_decref(report->extra);
	report->items = report->extra = NULL;
}

int report_add(struct report *report, enum report_action action, const char *volume,
	const char *detail, struct error *err)
{
	json_t *item = json_pack("{s:o s:s s:o}", "volume", out_text(volume), "action",
		actions[action].word, "detail", out_text(detail));

	if (!item || json_array_append_new(report->items, item) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	report->n_changed += actions[action].is_change;
	return 0;
}

static size_t count(const struct report *report, const char *word)
{
	const json_t *item;
	size_t i, n = 0;

	json_array_foreach (report->items, i, item) {
		n += strcmp(json_string_value(json_object_get(item, "action")), word) == 0;
	}
	return n;
}

static bool is_change(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		if (strcmp(actions[i].word, word) == 0)
			return actions[i].is_change;
	}
	return false;
}

static void print_item(FILE *out, const json_t *item, bool is_dry_run)
{
	const char *word = json_string_value(json_object_get(item, "action"));
	const char *detail = json_string_value(json_object_get(item, "detail"));
	cleanup_free char *volume =
		out_printable(json_string_value(json_object_get(item, "volume")));
	cleanup_free char *printable = detail ? out_printable(detail) : NULL;

	if (is_dry_run && is_change(word))
		fprintf(out, "Would be %s: ", word);
	else
		fprintf(out, "%c%s: ", word[0] - 'a' + 'A', word + 1);
	fputs(volume ? volume : "?", out);
	if (printable)
		fprintf(out, " (%s)", printable);
	fputc('\n', out);
}

/* "3 created, 1 updated, 8 unchanged" in one line. */
static void print_counts(FILE *out, const struct report *report)
{
	const char *separator = "";

	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		size_t n = 0;

		if (actions[i].counts & report->counts)
			n = count(report, actions[i].word);
		if (n == 0)
			continue;
		fprintf(out, "%s%zu %s", separator, n,
			i == REPORT_EXISTS ? "unchanged" : actions[i].word);
		separator = ", ";
	}
	fputs(*separator ? "\n" : "", out);
}

static void print_text(const struct report *report, const struct cmd_env *env)
{
	const json_t *item;
	size_t i;

	if (env->is_quiet)
		return;

	json_array_foreach (report->items, i, item) {
		print_item(env->out, item, env->is_dry_run);
	}
	print_counts(env->out, report);
	if (json_array_size(report->items) == 0 && report->nothing)
		fprintf(env->out, "%s\n", report->nothing);
	if (env->is_dry_run)
		fputs("Dry run: nothing was changed.\n", env->out);
}

static int print_json(const struct report *report, const struct cmd_env *env, uint64_t generation,
	const char *daemon, const json_t *answer, struct error *err)
{
	cleanup_json json_t *object =
		json_pack("{s:b s:b s:I s:s}", "changed", report->n_changed > 0, "dry_run",
			env->is_dry_run, "generation", (json_int_t)generation, "daemon", daemon);
	json_t *writers = json_object_get(answer, "writers");

	for (size_t i = 0; object && i < ARRAY_SIZE(actions); i++) {
		if (!(actions[i].counts & report->counts))
			continue;
		json_object_set_new(
			object, actions[i].word, json_integer(count(report, actions[i].word)));
	}
	if (!object || json_object_set(object, "volumes", report->items) < 0 ||
		(report->extra && json_object_update(object, report->extra) < 0) ||
		(writers && json_object_set(object, "writers", writers) < 0))
		return error_set(err, -ENOMEM, "out of memory");
	return out_value(env->out, env->format, object, err);
}

static const struct out_column columns[] = {
	{"volume", "VOLUME", OUT_TEXT, 0},
	{"action", "ACTION", OUT_TEXT, 0},
	{"detail", "DETAIL", OUT_TEXT, 0},
};

static int print(const struct report *report, const struct cmd_env *env, uint64_t generation,
	const char *daemon, const json_t *answer, struct error *err)
{
	switch (env->format) {
	case OUT_TABLE:
		print_text(report, env);
		return 0;
	case OUT_JSON:
	case OUT_YAML:
		return print_json(report, env, generation, daemon, answer, err);
	default:
		return out_rows(
			env->out, env->format, columns, ARRAY_SIZE(columns), report->items, err);
	}
}

static bool is_listed(const struct report *report, const char *volume)
{
	const json_t *item;
	size_t i;

	json_array_foreach (report->items, i, item) {
		if (strcmp(json_string_value(json_object_get(item, "volume")), volume) == 0)
			return true;
	}
	return false;
}

/* A file that was open for writing before its volume became read-only stays writable. */
static void warn_writers(const struct report *report, const struct cmd_env *env, json_t *answer)
{
	const json_t *writer;
	size_t i;

	if (!report->shows_writers)
		return;

	json_array_foreach (json_object_get(answer, "writers"), i, writer) {
		const char *volume = json_string_value(json_object_get(writer, "volume"));
		json_int_t n = json_integer_value(json_object_get(writer, "open"));

		if (!volume || n <= 0 || !is_listed(report, volume))
			continue;
		fprintf(env->words,
			"still open for writing: %" JSON_INTEGER_FORMAT " file%s in %s\n", n,
			n == 1 ? "" : "s", volume);
	}
}

int report_end(struct report *report, struct cmd_env *env, uint64_t generation, struct error *err)
{
	cleanup_json json_t *answer = NULL;
	cleanup_error struct error why = {NULL};
	const char *daemon = "not asked";
	int told = 0;
	int r;

	/*
	 * Told even when nothing changed: a run that died between commit and here left the daemon
	 * behind, and the next one is to heal that.
	 */
	if (!env->is_dry_run) {
		told = ctl_reload(env->control, generation, &answer, &why);
		daemon = told > 0 ? "in force" : told == 0 ? "not running" : "behind";
	}

	r = print(report, env, generation, daemon, answer, err);
	if (r < 0)
		return r;
	if (told < 0)
		return error_set(err, CMD_NOT_IN_FORCE, "recorded, but not yet in force: %s",
			error_text(&why, told));
	warn_writers(report, env, answer);
	return 0;
}
