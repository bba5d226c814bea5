/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run.h"

#include <signal.h>
#include <string.h>

#include "gather.h"
#include "resource.h"
#include "run_private.h"
#include "str.h"

/*
 * Steps that are stopped, deleted and reported together. Larger groups wait less often for their
 * slowest; smaller ones lose less of the audit trail in a crash.
 */
#define GROUP_MAX 64

static volatile sig_atomic_t is_stopping;

void run_stop(void)
{
	is_stopping = 1;
}

void work_finish(struct work *work)
{
	error_finish(&work->why);
	incus_instance_finish(&work->instance);
}

void work_blame(struct work *work, const struct incus_call *call)
{
	if (!work->why.text)
		error_set(&work->why, call->r, "%s", error_text(&call->err, call->r));
}

void calls_free(struct incus_call *calls, size_t n)
{
	for (size_t i = 0; i < n; i++)
		incus_call_finish(&calls[i]);
	free(calls);
}

int calls_run(struct incus *incus, struct work *work, size_t n,
	void (*prepare)(struct incus_call *call, const struct work *work), struct incus_call **ret)
{
	struct incus_call *calls = calloc(n, sizeof(*calls));
	cleanup_free struct incus_call *sent = calloc(n, sizeof(*sent));
	size_t n_sent = 0;

	if (!calls || !sent) {
		free(calls);
		return -ENOMEM;
	}

	/* Only what is to be sent, side by side; the results go back to their places. */
	for (size_t i = 0; i < n; i++) {
		if (work[i].is_open)
			prepare(&calls[i], &work[i]);
		if (!calls[i].method)
			continue;
		calls[i].context = &calls[i];
		sent[n_sent++] = calls[i];
	}
	incus_call_all(incus, sent, n_sent, 0);
	for (size_t i = 0; i < n_sent; i++)
		*(struct incus_call *)sent[i].context = sent[i];
	*ret = calls;
	return 0;
}

static const enum incus_kind kinds[] = {
	[STEP_IMAGE] = INCUS_IMAGE,
	[STEP_PROFILE] = INCUS_PROFILE,
	[STEP_PROJECT_NETWORK] = INCUS_NETWORK,
	[STEP_PROJECT] = INCUS_PROJECT,
	[STEP_NETWORK] = INCUS_NETWORK,
};

static void prepare_delete(struct incus_call *call, const struct work *work)
{
	const struct step *s = work->step;

	if (s->kind == STEP_INSTANCE) {
		const struct incus_instance in = {.project = s->project, .name = s->name};

		incus_instance_prepare_delete(call, &in);
	} else {
		const struct incus_resource res = {
			.kind = kinds[s->kind], .project = s->project, .name = s->name};

		incus_resource_prepare_delete(call, &res);
	}
}

void prepare_look(struct incus_call *call, const struct work *work)
{
	prepare_delete(call, work); /* the same object */
	call->method = "GET";
}

/* What Incus says is one thing; whether the object is still there decides. */
static void conclude(struct work *w, const struct incus_call *look)
{
	if (look->r == -ENOENT) {
		w->step->state = STEP_DELETED;
		return;
	}
	if (look->r < 0)
		work_blame(w, look);
	step_fail(w->step,
		w->why.text ? w->why.text : "Incus reported it deleted, but it is still there");
}

static int delete_open(struct incus *incus, struct work *work, size_t n)
{
	struct incus_call *calls;
	int r = calls_run(incus, work, n, prepare_delete, &calls);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		/* Not there: Incus deletes an ephemeral instance when it stops. */
		if (calls[i].r < 0 && calls[i].r != -ENOENT)
			work_blame(&work[i], &calls[i]);
	}
	calls_free(calls, n);

	r = calls_run(incus, work, n, prepare_look, &calls);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (work[i].is_open)
			conclude(&work[i], &calls[i]);
	}
	calls_free(calls, n);
	return 0;
}

/* A project with an instance in it stays, whatever was planned, and all that belongs to it. */
static int check_project(struct incus *incus, struct work *w, const char *project)
{
	size_t n_left = 0;
	int r = gather_count_instances(incus, project, &n_left, &w->why);

	if (r == -ENOENT) /* the project itself is gone: what was in it is, too */
		return 0;
	if (r < 0) {
		w->is_open = false;
		step_fail(w->step, error_text(&w->why, r));
		return 0;
	}
	if (n_left == 0)
		return 0;
	w->is_open = false;
	return step_skip(w->step, REASON_INSTANCES_REMAIN, "%zu instance%s in project '%s'", n_left,
		n_left == 1 ? " remains" : "s remain", project);
}

static int check_projects(struct incus *incus, struct work *work, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		const struct step *s = work[i].step;
		const char *project = s->kind == STEP_PROJECT ? s->name : s->stays_with;

		/* Profiles of the default project stay only with those who use them. */
		if (work[i].is_open && project && strcmp(project, WORLD_DEFAULT) != 0)
			r = check_project(incus, &work[i], project);
	}
	return r;
}

static int run_group(const struct run *run, struct work *work, size_t n)
{
	bool has_instances = work[0].step->kind == STEP_INSTANCE;
	int r = has_instances ? instances_prepare(run->incus, work, n)
			      : check_projects(run->incus, work, n);

	if (r == 0)
		r = delete_open(run->incus, work, n);
	if (has_instances)
		instances_restore(run->incus, work, n);
	return r;
}

/* How many steps from the I-th on go together. */
static size_t group_length(const struct plan *plan, size_t i)
{
	const struct step *first = &plan->items[i];
	size_t n = 1;

	while (n < GROUP_MAX && i + n < plan->n_items && first[n].kind == first->kind &&
		first[n].stop_priority == first->stop_priority &&
		first[n].start_priority == first->start_priority)
		n++;
	return n;
}

static int begin_step(struct work *work, struct step *step)
{
	work->step = step;
	if (step->state != STEP_TO_DELETE)
		return 0;
	work->is_open = !is_stopping;
	return is_stopping ? step_skip(step, REASON_INTERRUPTED, "interrupted") : 0;
}

int run_plan(const struct run *run, struct error *err)
{
	struct plan *plan = run->plan;
	int r = 0;

	for (size_t i = 0; i < plan->n_items && plan->items[i].kind != STEP_FILE && r == 0;) {
		size_t n = group_length(plan, i);
		struct work work[GROUP_MAX] = {0};

		for (size_t j = 0; j < n && r == 0; j++)
			r = begin_step(&work[j], &plan->items[i + j]);
		if (r == 0)
			r = run_group(run, work, n);
		for (size_t j = 0; j < n; j++)
			work_finish(&work[j]);
		if (r < 0)
			return error_set(err, r, "out of memory");
		r = run->report(run->context, &plan->items[i], n, err);
		i += n;
	}
	return r;
}
