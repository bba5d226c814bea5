/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan.h"

#include <stdarg.h>
#include <string.h>

#include "array.h"
#include "str.h"

static const char *const kind_words[] = {
	[STEP_INSTANCE] = "instance",
	[STEP_IMAGE] = "image",
	[STEP_PROFILE] = "profile",
	[STEP_PROJECT_NETWORK] = "network",
	[STEP_PROJECT] = "project",
	[STEP_NETWORK] = "network",
	[STEP_FILE] = "file",
};

static const char *const reason_words[] = {
	[REASON_NONE] = NULL,
	[REASON_PROTECTED] = "protected",
	[REASON_INSTANCES_REMAIN] = "instances-remain",
	[REASON_POOL_VOLUMES] = "pool-volumes",
	[REASON_IN_USE] = "in-use",
	[REASON_NOT_EPHEMERAL] = "not-ephemeral",
	[REASON_EDITED] = "edited",
	[REASON_GONE] = "gone",
	[REASON_INTERRUPTED] = "interrupted",
};

const char *step_kind_word(enum step_kind kind)
{
	return kind_words[kind];
}

const char *step_reason_word(enum step_reason reason)
{
	return reason_words[reason];
}

void plan_finish(struct plan *plan)
{
	for (size_t i = 0; i < plan->n_items; i++) {
		struct step *s = &plan->items[i];

		free(s->project);
		free(s->name);
		free(s->detail);
		free(s->stays_with);
	}
	free(plan->items);
	*plan = (struct plan){0};
}

struct step *plan_add(struct plan *plan, enum step_kind kind, const char *project, const char *name)
{
	struct step *s = array_append(&plan->items, &plan->n_items, sizeof(*s));

	if (!s)
		return NULL;
	s->kind = kind;
	s->name = strdup(name);
	s->project = project ? strdup(project) : NULL;
	return s->name && (s->project || !project) ? s : NULL;
}

int step_skip(struct step *step, enum step_reason reason, const char *fmt, ...)
{
	char *text;
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (r < 0)
		return -ENOMEM;

	free(step->detail);
	step->detail = text;
	step->state = STEP_SKIPPED;
	step->reason = reason;
	step->must_unprotect = false;
	return 0;
}

void step_fail(struct step *step, const char *detail)
{
	free(step->detail);
	step->detail = strdup(detail);
	step->state = STEP_FAILED;
}

static int compare_texts(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int compare_numbers(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_steps(const void *left, const void *right)
{
	const struct step *a = left, *b = right;
	int r = compare_numbers(a->kind, b->kind);

	if (r == 0)
		r = -compare_numbers(a->stop_priority, b->stop_priority);
	if (r == 0)
		r = compare_numbers(a->start_priority, b->start_priority);
	if (r == 0)
		r = compare_texts(a->project, b->project);
	return r ? r : strcmp(a->name, b->name);
}

void plan_sort(struct plan *plan)
{
	if (plan->n_items > 1)
		qsort(plan->items, plan->n_items, sizeof(*plan->items), compare_steps);
}

const struct step *plan_find(
	const struct plan *plan, enum step_kind kind, const char *project, const char *name)
{
	for (size_t i = 0; i < plan->n_items; i++) {
		const struct step *s = &plan->items[i];

		if (s->kind == kind && str_equal(s->project, project) && str_equal(s->name, name))
			return s;
	}
	return NULL;
}

size_t plan_count(const struct plan *plan, enum step_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n_items; i++)
		n += plan->items[i].state == state;
	return n;
}

size_t plan_count_reason(const struct plan *plan, enum step_reason reason)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n_items; i++)
		n += plan->items[i].reason == reason;
	return n;
}

size_t plan_count_unprotected(const struct plan *plan)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n_items; i++)
		n += plan->items[i].must_unprotect;
	return n;
}

char *step_object(const struct step *step)
{
	char *text;
	int r;

	if (step->project)
		r = asprintf(&text, "%s/%s", step->project, step->name);
	else
		r = asprintf(&text, "%s", step->name);
	return r < 0 ? NULL : text;
}
