/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deletion.h"

#include <signal.h>
#include <string.h>

#include "genfiles.h"
#include "run.h"
#include "specfile.h"
#include "steps.h"

#define NOTES_MAX 16 /* audit rows of one transaction */

void deletion_finish(struct deletion *d)
{
	known_finish(&d->known);
	world_finish(&d->world);
	plan_finish(&d->plan);
	incus_close(d->incus);
	catalog_close(d->catalog);
	if (d->files_fd >= 0)
		close(d->files_fd);
}

/* A spec that nobody named may be missing; one that is there must be right. */
static int learn_spec(struct deletion *d, struct error *err)
{
	cleanup_error struct error none = {NULL};
	cleanup_spec struct spec *spec = NULL;
	const char *path;
	int r;

	r = specfile_find(d->env, NULL, &path, &none);
	if (r != 0)
		return r < 0 ? error_set(err, r, "%s", error_text(&none, r)) : 0;
	r = specfile_load(d->env, path, &spec, err);
	if (r != 0)
		return r;

	d->has_knowledge = true;
	r = known_add(&d->known, spec_get_infra(spec));
	return r < 0 ? error_set(err, r, "out of memory") : 0;
}

static int learn_catalog(struct deletion *d, struct error *err)
{
	cleanup_cmd_state struct cmd_state state = CMD_STATE_INIT;
	int r;

	r = cmd_state_open(&state, d->env, d->env->is_dry_run ? CATALOG_READ : CATALOG_WRITE, err);
	if (r == -ENOENT) {
		error_finish(err);
		return 0;
	}
	if (r < 0)
		return r;

	d->has_knowledge = true;
	r = known_add(&d->known, &state.infra);
	if (r < 0)
		return error_set(err, r, "out of memory");
	d->catalog = steal_ptr(&state.catalog);
	return 0;
}

int deletion_learn(struct deletion *d, struct error *err)
{
	int r = learn_spec(d, err);

	return r != 0 ? r : learn_catalog(d, err);
}

int deletion_look(struct deletion *d, enum gather_what what, struct error *err)
{
	int r = incus_open(NULL, &d->incus, err);

	return r < 0 ? r : gather_world(d->incus, what, &d->world, err);
}

/* One audit row: "instance.delete", or what was tried and failed. NULL-named: nothing happened. */
struct row {
	char action[32];
	char *object;
	const char *detail;
};

static int fill_row(struct row *row, const struct step *s)
{
	bool failed = s->state == STEP_FAILED;

	snprintf(row->action, sizeof(row->action), "%s.%s", step_kind_word(s->kind),
		failed ? "delete-failed" : "delete");
	row->detail = s->must_unprotect ? "forced: its protection was cleared" : s->detail;
	row->object = step_object(s);
	return row->object ? 0 : -ENOMEM;
}

static int record(struct deletion *d, const struct step *steps, size_t n, struct error *err)
{
	struct row rows[NOTES_MAX] = {0};
	struct audit_note notes[NOTES_MAX];
	size_t n_notes = 0;
	int r = 0;

	for (size_t i = 0; i < n && i < NOTES_MAX && r == 0; i++) {
		struct row *row = &rows[n_notes];

		if (steps[i].state != STEP_DELETED && steps[i].state != STEP_FAILED)
			continue;
		r = fill_row(row, &steps[i]);
		notes[n_notes++] = (struct audit_note){row->action, row->object, row->detail};
	}
	if (r == 0 && n_notes > 0)
		r = catalog_note(d->catalog, notes, n_notes, &d->env->actor, err);
	for (size_t i = 0; i < n_notes; i++)
		free(rows[i].object);
	return r;
}

static int report(void *context, const struct step *steps, size_t n, struct error *err)
{
	struct deletion *d = context;
	int r = 0;

	if (d->env->format == OUT_TABLE) {
		steps_print(d->env->out, steps, n, d->env->is_quiet);
		fflush(d->env->out);
	}
	for (size_t i = 0; i < n && r == 0 && d->catalog; i += NOTES_MAX)
		r = record(d, steps + i, n - i < NOTES_MAX ? n - i : NOTES_MAX, err);
	return r < 0 ? error_prefix(err, r, "stopped: the audit trail cannot be written") : 0;
}

/* What a crash in the middle leaves in the trail: that it was begun, and how much was meant. */
static int record_begin(struct deletion *d, struct error *err)
{
	size_t n = plan_count(&d->plan, STEP_TO_DELETE);
	size_t n_forced = plan_count_unprotected(&d->plan);
	cleanup_free char *detail = NULL;
	struct audit_note note = {.action = "deletion.begin", .object = "incus"};

	if (!d->catalog || n == 0)
		return 0;
	if (asprintf(&detail, "%zu to delete, %zu of them protected", n, n_forced) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	note.detail = detail;
	return catalog_note(d->catalog, &note, 1, &d->env->actor, err);
}

/* Files are the last steps of a plan. */
static int run_files(struct deletion *d, struct error *err)
{
	struct plan *plan = &d->plan;
	size_t first = 0;
	int r;

	while (first < plan->n_items && plan->items[first].kind != STEP_FILE)
		first++;
	if (first == plan->n_items)
		return 0;
	r = genfiles_run(d->files_fd, plan, plan->items + first, plan->n_items - first);
	if (r < 0)
		return error_set(err, r, "out of memory");
	return report(d, plan->items + first, plan->n_items - first, err);
}

static void on_interrupt(int number)
{
	static const char words[] =
		"\nanklume-fsctl: stopping after what is under way; once more ends it at once\n";

	(void)number;
	run_stop();
	if (write(STDERR_FILENO, words, sizeof(words) - 1) < 0)
		return;
}

/*
 * An instance whose protection is cleared and that is not deleted must not be left behind by the
 * first Ctrl-C; the second is the default's again.
 */
static void catch_interrupt(void)
{
	const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	const struct sigaction action = {
		.sa_handler = on_interrupt, .sa_flags = SA_RESETHAND | SA_RESTART};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		sigaction(numbers[i], &action, NULL);
}

int deletion_run(struct deletion *d, struct error *err)
{
	const struct run run = {d->incus, &d->plan, report, d};
	int r;

	if (d->env->is_dry_run) {
		if (d->env->format == OUT_TABLE)
			steps_print(d->env->out, d->plan.items, d->plan.n_items, false);
		return 0;
	}
	r = record_begin(d, err);
	if (r < 0)
		return r;
	if (!d->catalog && plan_count(&d->plan, STEP_TO_DELETE) > 0 && !d->env->is_quiet)
		fprintf(d->env->words,
			"anklume-fsctl: no catalogue '%s':\n"
			"  what is deleted is not recorded in an audit trail\n",
			d->env->catalog);
	catch_interrupt();
	r = run_plan(&run, err);
	return r < 0 ? r : run_files(d, err);
}

int deletion_end(struct deletion *d, json_t *extra, struct error *err)
{
	const struct cmd_env *env = d->env;
	int r = 0;

	if (env->format != OUT_TABLE) {
		r = steps_write(env, &d->plan, extra, err);
	} else {
		if (env->is_dry_run)
			fputs("Dry run: nothing was deleted.\n", env->out);
		steps_print_counts(env->out, &d->plan);
	}
	if (r < 0)
		return r;
	if (plan_count(&d->plan, STEP_FAILED) > 0 ||
		plan_count_reason(&d->plan, REASON_INTERRUPTED) > 0)
		return CMD_FAILED;
	return env->is_strict && plan_count(&d->plan, STEP_SKIPPED) > 0 ? CMD_SKIPPED : CMD_OK;
}
