/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd.h"
#include "datadir.h"
#include "rebuild.h"
#include "report.h"
#include "rows.h"
#include "volmark.h"
#include "wire.h"

#include <string.h>

static const char *const finding_words[DRIFT_KINDS] = {
	[DRIFT_NO_DIRECTORY] = "no directory",
	[DRIFT_NO_MARK] = "no mark",
	[DRIFT_MARK_DIFFERS] = "mark differs",
	[DRIFT_MARK_DAMAGED] = "mark damaged",
	[DRIFT_UNDECLARED] = "not recorded",
	[DRIFT_UNRECORDED] = "record lost",
	[DRIFT_ODD] = "no directory",
};

static const struct out_column columns[] = {
	{"name", "NAME", OUT_TEXT, 0},
	{"finding", "FINDING", OUT_TEXT, 0},
	{"detail", "DETAIL", OUT_TEXT, OUT_IF_ANY | OUT_WRAP},
};

/* Records against marks, and marks without records; what nobody declared is for 'orphans'. */
static int find(const struct infra *infra, int base_fd, json_t *rows, size_t *ret_missing,
	struct error *err)
{
	cleanup_drift_list struct drift_list list = {NULL, 0};
	int r;

	json_array_clear(rows);
	r = drift_find_in_records(infra, base_fd, &list, err);
	if (r == 0)
		r = drift_find_in_base(infra, base_fd, &list, err);

	for (size_t i = 0; i < list.n_items && r == 0; i++) {
		const struct drift *d = &list.items[i];

		if (d->kind == DRIFT_UNDECLARED || d->kind == DRIFT_ODD)
			continue;
		*ret_missing += d->kind == DRIFT_NO_DIRECTORY;
		r = rows_append(
			rows, json_pack("{s:o s:s s:o}", "name", out_text(d->path), "finding",
				      finding_words[d->kind], "detail", out_text(d->detail)));
	}
	return r;
}

struct check {
	struct cmd_state state;
	json_t *rows;
	int base_fd;
	size_t n_repaired;
	size_t n_missing; /* recorded volumes without a directory */
};

static void check_finish(struct check *c)
{
	cmd_state_finish(&c->state);
	json_decref(c->rows);
	if (c->base_fd >= 0)
		close(c->base_fd);
}

static inline void check_finishp(struct check *c)
{
	int saved_errno = errno;

	check_finish(c);
	errno = saved_errno;
}

static int run_check(struct check *c, const struct cmd_env *env, struct error *err)
{
	bool writes = env->is_repairing && !env->is_dry_run;
	struct mark_store marks = volmark_store(&c->base_fd);
	int r;

	r = cmd_state_open(&c->state, env, writes ? CATALOG_WRITE : CATALOG_READ, err);
	if (r == 0)
		r = catalog_check_integrity(c->state.catalog, err);
	if (r == 0)
		r = datadir_open(env->base, false, &c->base_fd, err);
	if (r == 0 && writes)
		r = catalog_write_marks(c->state.catalog, &marks, &c->n_repaired, err);
	if (r == 0)
		r = find(&c->state.infra, c->base_fd, c->rows, &c->n_missing, err);
	return r;
}

static int print_check(const struct check *c, const struct cmd_env *env, struct error *err)
{
	size_t n_volumes = infra_count_volumes(&c->state.infra);
	size_t n_findings = json_array_size(c->rows);
	cleanup_json json_t *object = NULL;

	if (env->format == OUT_JSON || env->format == OUT_YAML) {
		object = json_pack("{s:b s:I s:I s:I s:O}", "ok", n_findings == 0, "repaired",
			(json_int_t)c->n_repaired, "generation", (json_int_t)c->state.generation,
			"volumes", (json_int_t)n_volumes, "findings", c->rows);
		if (!object)
			return error_set(err, -ENOMEM, "out of memory");
		return out_value(env->out, env->format, object, err);
	}
	if (n_findings > 0 || env->format != OUT_TABLE)
		return out_rows(env->out, env->format, columns, ARRAY_SIZE(columns), c->rows, err);

	if (!env->is_quiet && c->n_repaired > 0)
		fprintf(env->out, "%zu marks written anew.\n", c->n_repaired);
	if (!env->is_quiet)
		fprintf(env->out, "The catalogue is sound: %zu volumes, all marks agree.\n",
			n_volumes);
	return 0;
}

/* What to do about the findings. Without a disk under the base, neither side is wrong. */
static int explain_check(const struct check *c, const struct cmd_env *env, struct error *err)
{
	if (c->n_missing > 0 && c->n_missing == infra_count_volumes(&c->state.infra))
		return error_set(err, CMD_CATALOG_DAMAGED,
			"no recorded volume has a directory in '%s':\n"
			"  is the disk mounted? The catalogue itself is sound",
			env->base);
	if (env->is_repairing && !env->is_dry_run)
		return error_set(err, CMD_CATALOG_DAMAGED,
			"what is left is no matter of marks: see 'apply' and 'catalog rebuild'");
	return error_set(err, CMD_CATALOG_DAMAGED,
		"catalogue and data disagree: 'catalog check --repair' trusts the records,\n"
		"  'catalog rebuild --force' trusts the marks");
}

static int cmd_check(struct cmd_env *env, struct error *err)
{
	cleanup_(check_finishp) struct check c = {.rows = json_array(), .base_fd = -1};
	int r;

	r = run_check(&c, env, err);
	if (r == 0)
		r = print_check(&c, env, err);
	if (r < 0 || json_array_size(c.rows) == 0)
		return r;
	return explain_check(&c, env, err);
}

/* What the marks gave back, as a sentence and as data. */
static int print_rebuild(struct cmd_env *env, const struct rebuild_report *rebuilt,
	struct report *report, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < rebuilt->problems.n_items && r == 0; i++) {
		const struct drift *d = &rebuilt->problems.items[i];

		r = report_add(report, REPORT_SKIPPED, d->path,
			d->detail ? d->detail : finding_words[d->kind], err);
	}
	report->n_changed++;
	report->extra = json_pack("{s:I s:I s:I s:o}", "recovered", (json_int_t)rebuilt->n_volumes,
		"overrides", (json_int_t)rebuilt->n_overrides, "holds",
		(json_int_t)rebuilt->n_holds, "aside", out_text(rebuilt->aside));
	if (r == 0 && env->format == OUT_TABLE && !env->is_quiet)
		fprintf(env->out, "%s %zu volumes, %zu overrides, %zu holds from the marks.\n",
			env->is_dry_run ? "Would recover" : "Recovered", rebuilt->n_volumes,
			rebuilt->n_overrides, rebuilt->n_holds);
	return r;
}

static int explain_rebuild(const struct cmd_env *env, int r, struct error *err)
{
	switch (r) {
	case -EEXIST:
		return error_set(err, CMD_REFUSED,
			"the catalogue is sound; --force replaces it all the same");
	case -ENODATA:
		return error_set(err, CMD_REFUSED,
			"no marks in '%s'; --force and 'apply' make a new catalogue", env->base);
	case -ENODEV:
	case -ENOTSUP:
		return CMD_REFUSED;
	default:
		return r;
	}
}

static int cmd_rebuild(struct cmd_env *env, struct error *err)
{
	const struct rebuild_options options = {env->is_forced, env->is_dry_run, env->is_dropping};
	cleanup_rebuild_report struct rebuild_report rebuilt = {0};
	cleanup_cmd_state struct cmd_state state = CMD_STATE_INIT;
	cleanup_report struct report report = {NULL};
	cleanup_fd int base_fd = -1;
	int r;

	r = report_init(&report, err);
	if (r == 0)
		r = datadir_open(env->base, false, &base_fd, err);
	if (r < 0)
		return r;

	r = rebuild_catalog(env->catalog, base_fd, &env->actor, &options, &rebuilt, err);
	if (r < 0)
		return explain_rebuild(env, r, err);
	if (!env->is_dry_run)
		r = cmd_state_open(&state, env, CATALOG_READ, err);
	if (r == 0)
		r = print_rebuild(env, &rebuilt, &report, err);
	if (r == 0)
		r = report_end(&report, env, state.generation, err);
	if (rebuilt.aside && !env->is_quiet)
		fprintf(env->words, "The old catalogue is kept as '%s'.\n", rebuilt.aside);
	return r;
}

int cmd_catalog(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	static const struct {
		const char *name;
		int (*run)(struct cmd_env *env, struct error *err);
	} rows[] = {{"check", cmd_check}, {"rebuild", cmd_rebuild}};

	(void)argc;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strcmp(argv[0], rows[i].name) == 0)
			return rows[i].run(env, err);
	}
	return cmd_usage(err, "say 'catalog check' or 'catalog rebuild', not '%s'", argv[0]);
}
