/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "flush.h"

#include <string.h>

#include "str.h"

struct flush {
	const struct world *world;
	const struct known *known;
	const struct flush_options *options;
	struct plan *plan;
};

static bool is_default(const struct world_project *p)
{
	return strcmp(p->name, WORLD_DEFAULT) == 0;
}

static bool is_chosen(const struct flush *f, const struct world_project *p)
{
	return f->options->is_everywhere || known_find_project(f->known, p->name);
}

static int add_instance(
	struct flush *f, const struct world_project *p, const struct world_instance *i)
{
	struct step *s = plan_add(f->plan, STEP_INSTANCE, p->name, i->name);

	if (!s)
		return -ENOMEM;
	s->stop_priority = i->stop_priority;
	s->start_priority = i->start_priority;
	if (i->is_protected && !f->options->is_forced)
		return step_skip(s, REASON_PROTECTED, "%s",
			i->is_unreadable ? "its protection cannot be read"
					 : "security.protection.delete");
	s->must_unprotect = i->is_protected;
	return 0;
}

static int add_instances(struct flush *f, const struct world_project *p)
{
	int r = 0;

	for (size_t i = 0; i < p->n_instances && r == 0; i++)
		r = add_instance(f, p, &p->instances[i]);
	return r;
}

static size_t count_spared(const struct flush *f, const struct world_project *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_instances; i++) {
		const struct step *s =
			plan_find(f->plan, STEP_INSTANCE, p->name, p->instances[i].name);

		n += !s || s->state != STEP_TO_DELETE;
	}
	return n;
}

/* Something in the project stays, and all that it needs with it. The default one's volumes are
 * nobody's reason: it is not deleted. */
static bool is_spared(const struct flush *f, const struct world_project *p)
{
	return !is_chosen(f, p) || count_spared(f, p) > 0 ||
	       (!is_default(p) && p->volumes.n_items > 0);
}

/* The step for PROJECT itself, with the reason why it stays. */
static int add_project(struct flush *f, const struct world_project *p)
{
	size_t n_spared = count_spared(f, p);
	size_t n_volumes = p->volumes.n_items;
	struct step *s;

	if (is_default(p))
		return 0;
	s = plan_add(f->plan, STEP_PROJECT, NULL, p->name);
	if (!s)
		return -ENOMEM;
	if (n_spared > 0)
		return step_skip(s, REASON_INSTANCES_REMAIN,
			"%zu instance%s: images, profiles and networks stay, too", n_spared,
			n_spared == 1 ? " remains" : "s remain");
	if (n_volumes > 0)
		return step_skip(s, REASON_POOL_VOLUMES,
			"it holds %zu volume%s of a storage pool, such as '%s'", n_volumes,
			n_volumes == 1 ? "" : "s", p->volumes.items[0].name);
	return 0;
}

/* True when what is planned takes USER away. */
static bool is_going(const struct flush *f, const struct world_user *user)
{
	const struct step *s = NULL;

	switch (user->kind) {
	case WORLD_USER_INSTANCE:
		s = plan_find(f->plan, STEP_INSTANCE, user->project, user->name);
		break;
	case WORLD_USER_PROFILE:
		s = plan_find(f->plan, STEP_PROFILE, user->project, user->name);
		/* The default profile goes with its project. */
		if (!s && strcmp(user->name, WORLD_DEFAULT) == 0)
			s = plan_find(f->plan, STEP_PROJECT, NULL, user->project);
		break;
	case WORLD_USER_OTHER:
		break;
	}
	return s && s->state == STEP_TO_DELETE;
}

static int skip_if_used(struct flush *f, struct step *s, const struct world_object *o)
{
	for (size_t i = 0; i < o->n_users; i++) {
		const struct world_user *u = &o->users[i];

		if (is_going(f, u))
			continue;
		return step_skip(s, REASON_IN_USE, "used by %s%s/%s, which stays",
			u->kind == WORLD_USER_PROFILE ? "profile " : "", u->project, u->name);
	}
	return 0;
}

/* One object of a project, used by nothing that stays. */
static int add_object(struct flush *f, enum step_kind kind, const char *project,
	const char *stays_with, const struct world_object *o)
{
	struct step *s = plan_add(f->plan, kind, project, o->name);

	if (!s)
		return -ENOMEM;
	if (stays_with && !(s->stays_with = strdup(stays_with)))
		return -ENOMEM;
	return skip_if_used(f, s, o);
}

static int add_images(struct flush *f, const struct world_project *p)
{
	int r = 0;

	for (size_t i = 0; i < p->images.n_items && r == 0 && !is_default(p); i++)
		r = add_object(f, STEP_IMAGE, p->name, p->name, &p->images.items[i]);
	return r;
}

static int add_profiles(struct flush *f, const struct world_project *p)
{
	int r = 0;

	for (size_t i = 0; i < p->profiles.n_items && r == 0; i++) {
		const struct world_object *o = &p->profiles.items[i];

		if (strcmp(o->name, WORLD_DEFAULT) != 0)
			r = add_object(f, STEP_PROFILE, p->name, p->name, o);
	}
	return r;
}

static int add_own_networks(struct flush *f, const struct world_project *p)
{
	int r = 0;

	for (size_t i = 0; i < p->networks.n_items && r == 0 && !is_default(p); i++) {
		const struct world_object *o = &p->networks.items[i];

		if (o->is_managed)
			r = add_object(f, STEP_PROJECT_NETWORK, p->name, p->name, o);
	}
	return r;
}

/* A bridge of the default project goes with the project that it is named after. */
static int add_bridge(struct flush *f, const struct world_object *o)
{
	cleanup_free char *project = known_project_of_network(o->name);
	const struct world_project *p = project ? world_find_project(f->world, project) : NULL;

	if (!project || !o->is_managed)
		return 0;
	if (!f->options->is_everywhere && !known_find_network(f->known, o->name))
		return 0;
	if (p && is_spared(f, p))
		return 0;
	return add_object(f, STEP_NETWORK, WORLD_DEFAULT, project, o);
}

static int add_bridges(struct flush *f)
{
	const struct world_project *p = world_find_project(f->world, WORLD_DEFAULT);
	int r = 0;

	for (size_t i = 0; p && i < p->networks.n_items && r == 0; i++)
		r = add_bridge(f, &p->networks.items[i]);
	return r;
}

/* Call ADD for every chosen project, or only for those of which nothing stays. */
static int for_each_project(struct flush *f, bool spared_too,
	int (*add)(struct flush *f, const struct world_project *p))
{
	int r = 0;

	for (size_t i = 0; i < f->world->n_projects && r == 0; i++) {
		const struct world_project *p = &f->world->projects[i];

		if (is_chosen(f, p) && (spared_too || !is_spared(f, p)))
			r = add(f, p);
	}
	return r;
}

static size_t count_foreign(const struct flush *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->world->n_projects; i++)
		n += !is_chosen(f, &f->world->projects[i]) && f->world->projects[i].n_instances > 0;
	return n;
}

int plan_flush(const struct world *world, const struct known *known,
	const struct flush_options *options, struct plan *ret)
{
	cleanup_plan struct plan plan = {0};
	struct flush f = {world, known, options, &plan};
	int r;

	/* Each kind is decided by what was decided about the kinds before it. */
	r = for_each_project(&f, true, add_instances);
	if (r == 0)
		r = for_each_project(&f, true, add_project);
	if (r == 0)
		r = for_each_project(&f, false, add_images);
	if (r == 0)
		r = for_each_project(&f, false, add_profiles);
	if (r == 0)
		r = for_each_project(&f, false, add_own_networks);
	if (r == 0)
		r = add_bridges(&f);
	if (r < 0)
		return r;

	plan.n_foreign = count_foreign(&f);
	plan_sort(&plan);
	*ret = plan;
	plan = (struct plan){0};
	return 0;
}
