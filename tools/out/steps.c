/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "steps.h"

#include "rows.h"
#include "wire.h"

static const struct {
	const char *action; /* the JSON word */
	const char *words;
	bool is_quiet; /* what went well: --quiet leaves it out */
} states[] = {
	[STEP_TO_DELETE] = {"delete", "Would be deleted", false},
	[STEP_DELETED] = {"deleted", "Deleted", true},
	[STEP_SKIPPED] = {"skipped", "Skipped", false},
	[STEP_FAILED] = {"failed", "FAILED", false},
};

static const char *words_of(const struct step *s)
{
	/* Upstream's token, which scripts look for. */
	if (s->state == STEP_SKIPPED && s->reason == REASON_PROTECTED)
		return "PROTECTED (skipped)";
	return states[s->state].words;
}

static void print_step(FILE *out, const struct step *s)
{
	cleanup_free char *object = step_object(s);
	cleanup_free char *name = object ? out_printable(object) : NULL;
	cleanup_free char *detail = s->detail ? out_printable(s->detail) : NULL;
	bool failed = s->state == STEP_FAILED;

	fprintf(out, "%s: %s %s", words_of(s), step_kind_word(s->kind), name ? name : "?");
	if (detail)
		fprintf(out, failed ? ": %s" : " (%s)", detail);
	else if (s->must_unprotect)
		fprintf(out, " (%s)",
			s->state == STEP_DELETED ? "protection cleared" : "protected");
	fputc('\n', out);
}

void steps_print(FILE *out, const struct step *steps, size_t n, bool is_quiet)
{
	for (size_t i = 0; i < n; i++) {
		if (!is_quiet || !states[steps[i].state].is_quiet)
			print_step(out, &steps[i]);
	}
}

void steps_print_counts(FILE *out, const struct plan *plan)
{
	fprintf(out, "deleted=%zu skipped=%zu failed=%zu\n", plan_count(plan, STEP_DELETED),
		plan_count(plan, STEP_SKIPPED), plan_count(plan, STEP_FAILED));
}

static json_t *row_step(const struct step *s)
{
	return json_pack("{s:s s:o s:o s:s s:o s:o s:b}", "kind", step_kind_word(s->kind),
		"project", out_text(s->project), "name", out_text(s->name), "action",
		states[s->state].action, "reason", out_text(step_reason_word(s->reason)), "detail",
		out_text(s->detail), "unprotected", s->must_unprotect);
}

static const struct out_column columns[] = {
	{"action", "ACTION", OUT_TEXT, 0},
	{"kind", "KIND", OUT_TEXT, 0},
	{"project", "PROJECT", OUT_TEXT, 0},
	{"name", "NAME", OUT_TEXT, 0},
	{"reason", "REASON", OUT_TEXT, 0},
	{"detail", "DETAIL", OUT_TEXT, 0},
};

int steps_write(
	const struct cmd_env *env, const struct plan *plan, json_t *extra, struct error *err)
{
	cleanup_json json_t *rows = json_array();
	cleanup_json json_t *object = NULL;
	size_t n_deleted = plan_count(plan, STEP_DELETED);

	for (size_t i = 0; i < plan->n_items; i++) {
		if (rows_append(rows, row_step(&plan->items[i])) < 0)
			return error_set(err, -ENOMEM, "out of memory");
	}
	if (env->format != OUT_JSON && env->format != OUT_YAML)
		return out_rows(env->out, env->format, columns, ARRAY_SIZE(columns), rows, err);

	object = json_pack("{s:b s:b s:I s:I s:I s:O}", "changed", n_deleted > 0, "dry_run",
		env->is_dry_run, "deleted", (json_int_t)n_deleted, "skipped",
		(json_int_t)plan_count(plan, STEP_SKIPPED), "failed",
		(json_int_t)plan_count(plan, STEP_FAILED), "steps", rows);
	if (!object || (extra && json_object_update(object, extra) < 0))
		return error_set(err, -ENOMEM, "out of memory");
	return out_value(env->out, env->format, object, err);
}
