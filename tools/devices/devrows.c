/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devrows.h"

#include "clock.h"
#include "wire.h"

#include <inttypes.h>
#include <string.h>

static const struct out_column columns[] = {
	{"instance", "INSTANCE", OUT_TEXT, 0},
	{"device", "DEVICE", OUT_TEXT, 0},
	{"action", "ACTION", OUT_TEXT, 0},
	{"mark", "MARK", OUT_TEXT, OUT_IF_ANY},
	{"result", "RESULT", OUT_TEXT, OUT_IF_ANY},
	{"detail", "DETAIL", OUT_TEXT, OUT_IF_ANY | OUT_WRAP},
};

int devrows_init(struct devrows *rows, struct error *err)
{
	*rows = (struct devrows){.rows = json_array(), .begin_us = clock_us(CLOCK_MONOTONIC)};
	return rows->rows ? 0 : error_set(err, -ENOMEM, "out of memory");
}

void devrows_finish(struct devrows *rows)
{
	json_decref(rows->rows);
	rows->rows = NULL;
}

static int append(struct devrows *rows, json_t *row, struct error *err)
{
	if (!row || json_array_append_new(rows->rows, row) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	return 0;
}

int devrows_add_row(struct devrows *rows, const char *machine, const char *instance,
	const char *device, const char *action, const char *result, const char *detail,
	struct error *err)
{
	return append(rows,
		json_pack("{s:o s:o s:o s:s s:o s:o}", "machine", out_text(machine), "instance",
			out_text(instance), "device", out_text(device), "action", action, "result",
			out_text(result), "detail", out_text(detail)),
		err);
}

static void count(struct devrows *rows, enum devplan_action action, enum attach_outcome outcome)
{
	rows->n_changed += outcome == ATTACH_DONE || outcome == ATTACH_WOULD;
	rows->n_failed += outcome == ATTACH_FAILED;
	rows->n_refused += outcome == ATTACH_HELD_BACK || action == DEVPLAN_REFUSE;
}

static int add_step(struct devrows *rows, const char *machine, const char *instance,
	const struct attach_result *result, size_t i, struct error *err)
{
	const struct devplan_step *s = &result->plan.items[i];
	enum attach_outcome outcome = result->outcomes[i];
	const char *detail = outcome == ATTACH_FAILED ? result->error : s->detail;
	bool is_replug = s->is_unplug && result->is_running;

	count(rows, s->action, outcome);
	return append(rows,
		json_pack("{s:s s:s s:o s:s s:s s:b s:b s:o s:o s:o}", "machine", machine,
			"instance", instance, "device", out_text(s->name), "action",
			devplan_action_word(s->action), "origin", devplan_origin_word(s->origin),
			"replug", is_replug, "drift", s->is_drift, "mark",
			is_replug ? json_string("REPLUG") : json_null(), "result",
			out_text(attach_outcome_word(outcome)), "detail", out_text(detail)),
		err);
}

int devrows_add(struct devrows *rows, const struct target *t, const struct incus_instance *in,
	const struct attach_result *result, struct error *err)
{
	cleanup_free char *machine = NULL;
	cleanup_free char *instance = NULL;
	int r = 0;

	if (asprintf(&machine, "%s/%s", t->domain->name, t->machine->name) < 0)
		machine = NULL;
	if (asprintf(&instance, "%s/%s", in->project, in->name) < 0)
		instance = NULL;
	if (!machine || !instance)
		return error_set(err, -ENOMEM, "out of memory");

	rows->n_instances++;
	for (size_t i = 0; i < result->plan.n_items && r == 0; i++)
		r = add_step(rows, machine, instance, result, i, err);
	return r;
}

/* What went well, or is none of ours. */
static bool is_fine(const json_t *row)
{
	const char *result = json_string_value(json_object_get(row, "result"));

	return (result && strcmp(result, "done") == 0) ||
	       strcmp(json_string_value(json_object_get(row, "action")), "foreign") == 0;
}

/* What a table shows: all but what is as it should be, and machines without an instance. */
static json_t *shown_rows(const struct devrows *rows, bool is_quiet)
{
	json_t *shown = json_array();
	const json_t *row;
	size_t i;

	json_array_foreach (rows->rows, i, row) {
		const char *action = json_string_value(json_object_get(row, "action"));

		if (strcmp(action, "keep") != 0 && strcmp(action, "absent") != 0 &&
			strcmp(action, "good") != 0 && !(is_quiet && is_fine(row)))
			json_array_append(shown, (json_t *)row);
	}
	return shown;
}

static void print_counts(const struct devrows *rows, const struct cmd_env *env, uint64_t own_us,
	uint64_t incus_us, bool is_doing)
{
	fprintf(env->out, "%zu %s, %zu left, %zu failed", rows->n_changed,
		is_doing ? "changed" : "to change", rows->n_refused, rows->n_failed);
	if (rows->n_absent)
		fprintf(env->out, "; %zu machine%s without an instance", rows->n_absent,
			rows->n_absent == 1 ? "" : "s");
	fprintf(env->out, "\n%zu instance%s in %" PRIu64 " ms, and %" PRIu64 " ms of Incus\n",
		rows->n_instances, rows->n_instances == 1 ? "" : "s", own_us / 1000,
		incus_us / 1000);
}

static int print_text(const struct devrows *rows, const struct cmd_env *env, uint64_t own_us,
	uint64_t incus_us, bool is_doing, const char *says, struct error *err)
{
	cleanup_json json_t *shown = shown_rows(rows, env->is_quiet);
	int r = 0;

	if (!shown)
		return error_set(err, -ENOMEM, "out of memory");
	if (json_array_size(shown) > 0)
		r = out_rows(env->out, OUT_TABLE, columns, ARRAY_SIZE(columns), shown, err);
	else if (!env->is_quiet)
		fprintf(env->out, "%s\n", says);
	if (r == 0 && !env->is_quiet)
		print_counts(rows, env, own_us, incus_us, is_doing);
	return r;
}

static int print(const struct devrows *rows, const struct cmd_env *env, uint64_t own_us,
	uint64_t incus_us, bool is_doing, const char *says, struct error *err)
{
	cleanup_json json_t *object = NULL;

	if (env->format == OUT_TABLE)
		return print_text(rows, env, own_us, incus_us, is_doing, says, err);
	if (env->format != OUT_JSON && env->format != OUT_YAML)
		return out_rows(
			env->out, env->format, columns, ARRAY_SIZE(columns), rows->rows, err);

	object = json_pack("{s:b s:b s:I s:I s:I s:I s:O s:{s:I s:I}}", "changed",
		rows->n_changed > 0, "dry_run", !is_doing, "changes", (json_int_t)rows->n_changed,
		"left", (json_int_t)rows->n_refused, "failed", (json_int_t)rows->n_failed, "absent",
		(json_int_t)rows->n_absent, "devices", rows->rows, "time_us", "own",
		(json_int_t)own_us, "incus", (json_int_t)incus_us);
	if (!object)
		return error_set(err, -ENOMEM, "out of memory");
	return out_value(env->out, env->format, object, err);
}

int devrows_end(struct devrows *rows, const struct cmd_env *env, const struct incus *incus,
	bool is_doing, const char *says, struct error *err)
{
	uint64_t incus_us = incus_get_stats(incus).waited_us;
	uint64_t own_us = clock_us(CLOCK_MONOTONIC) - rows->begin_us - incus_us;
	int r = print(rows, env, own_us, incus_us, is_doing, says, err);

	if (r < 0 || !is_doing)
		return r;
	if (rows->n_failed)
		return error_set(err, CMD_FAILED, "%zu device%s could not be changed",
			rows->n_failed, rows->n_failed == 1 ? "" : "s");
	if (rows->n_refused)
		return error_set(err, CMD_REFUSED,
			"%zu device%s left as %s; --replug unplugs them from instances that run",
			rows->n_refused, rows->n_refused == 1 ? " was" : "s were",
			rows->n_refused == 1 ? "it was" : "they were");
	return 0;
}
