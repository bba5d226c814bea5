/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run_private.h"

#include <string.h>

#include "str.h"

#define PROTECTION "security.protection.delete"

static int close_as(struct work *w, enum step_reason reason, const char *detail)
{
	w->is_open = false;
	return step_skip(w->step, reason, "%s", detail);
}

/* What the look before says: gone, protected by now, or to be deleted. */
static int take_look(struct work *w, const struct incus_call *look)
{
	int r = look->r;

	if (r == -ENOENT)
		return close_as(w, REASON_GONE, "it is gone already");
	if (r == 0)
		r = incus_instance_parse(look->metadata, &w->instance, &w->why);
	else
		work_blame(w, look);
	if (r < 0) {
		w->is_open = false;
		step_fail(w->step, error_text(&w->why, r));
		return 0;
	}
	if (w->instance.is_protected && !w->step->must_unprotect)
		return close_as(w, REASON_PROTECTED, "since the plan was made");
	return 0;
}

static int look_again(struct incus *incus, struct work *work, size_t n)
{
	struct incus_call *looks;
	int r = calls_run(incus, work, n, prepare_look, &looks);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n && r == 0; i++) {
		if (work[i].is_open)
			r = take_look(&work[i], &looks[i]);
	}
	calls_free(looks, n);
	return r;
}

static void unprotect(struct incus *incus, struct work *w)
{
	int r = incus_instance_unprotect(incus, w->instance.project, w->instance.name, &w->why);

	w->is_unprotected = r > 0;
	if (r < 0) {
		w->is_open = false;
		step_fail(w->step, error_text(&w->why, r));
	}
}

/* One that stands still is left as it is: the empty call says so. */
static void prepare_stop(struct incus_call *call, const struct work *w)
{
	if (w->instance.is_running)
		incus_instance_prepare_stop(call, &w->instance);
}

/*
 * A stop that failed is no reason not to try the deletion: it may have stopped by itself. If that
 * fails as well, this is why.
 */
static int stop(struct incus *incus, struct work *work, size_t n)
{
	struct incus_call *stops;
	int r = calls_run(incus, work, n, prepare_stop, &stops);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (stops[i].r < 0)
			work_blame(&work[i], &stops[i]);
	}
	calls_free(stops, n);
	return 0;
}

int instances_prepare(struct incus *incus, struct work *work, size_t n)
{
	int r = look_again(incus, work, n);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (work[i].is_open && work[i].step->must_unprotect)
			unprotect(incus, &work[i]);
	}
	return stop(incus, work, n);
}

/* Set the local key to what it was before, or take it away. CONTEXT is the instance before. */
static int edit_protection(json_t *object, void *context, struct error *err)
{
	const struct incus_instance *before = context;
	json_t *config = json_object_get(object, "config");
	json_t *value = json_object_get(before->config, PROTECTION);
	int r;

	if (!json_is_object(config))
		return error_set(err, -EBADMSG, "Incus sent an instance without config");
	r = value ? json_object_set(config, PROTECTION, value)
		  : json_object_del(config, PROTECTION);
	return r < 0 && value ? error_set(err, -ENOMEM, "out of memory") : 1;
}

static void restore(struct incus *incus, struct work *w)
{
	cleanup_error struct error err = {NULL};
	cleanup_free char *detail = NULL;
	int r = incus_instance_edit(
		incus, w->instance.project, w->instance.name, edit_protection, &w->instance, &err);

	if (r >= 0)
		return;
	if (asprintf(&detail, "%s; and it stays unprotected: %s", w->step->detail,
		    error_text(&err, r)) < 0)
		detail = NULL;
	step_fail(w->step, detail ? detail : "it stays unprotected");
}

void instances_restore(struct incus *incus, struct work *work, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (work[i].is_unprotected && work[i].step->state == STEP_FAILED)
			restore(incus, &work[i]);
	}
}
