/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "remove.h"

#include <string.h>

#include "str.h"

/* Append the step for one instance. NULL when out of memory. */
static struct step *add_instance(
	struct plan *plan, const struct world_project *p, const struct world_instance *i)
{
	struct step *s = plan_add(plan, STEP_INSTANCE, p->name, i->name);

	if (!s)
		return NULL;
	s->stop_priority = i->stop_priority;
	s->start_priority = i->start_priority;
	s->must_unprotect = i->is_protected;
	return s;
}

/* "  pro/web, lab/web" for the message about an ambiguous name. */
static int set_ambiguous(const struct plan *found, const char *name, struct error *err)
{
	cleanup_strbuf struct strbuf b = STRBUF_INIT;
	cleanup_free char *list = NULL;

	for (size_t i = 0; i < found->n_items; i++)
		strbuf_printf(&b, "\n  %s/%s", found->items[i].project, found->items[i].name);
	list = strbuf_steal(&b);
	if (!list)
		return -ENOMEM;
	return error_set(err, -ENOTUNIQ,
		"%zu projects have an instance '%s'; name one as PROJECT/INSTANCE:%s",
		found->n_items, name, list);
}

int plan_remove_instance(const struct world *world, const char *project, const char *name,
	struct plan *ret, struct error *err)
{
	cleanup_plan struct plan plan = {0};

	for (size_t i = 0; i < world->n_projects; i++) {
		const struct world_project *p = &world->projects[i];
		const struct world_instance *found = world_find_instance(p, name);

		if (!found || (project && strcmp(project, p->name) != 0))
			continue;
		if (!add_instance(&plan, p, found))
			return error_set(err, -ENOMEM, "out of memory");
	}
	if (plan.n_items == 0 && project)
		return error_set(err, -ENOENT, "no instance '%s' in project '%s'", name, project);
	if (plan.n_items == 0)
		return error_set(err, -ENOENT, "no instance '%s' in any project", name);
	if (plan.n_items > 1)
		return set_ambiguous(&plan, name, err);

	*ret = plan;
	plan = (struct plan){0};
	return 0;
}

struct removal {
	const struct known *known;
	const struct known_domain *domain;
	enum remove_scope scope;
	bool is_forced;
	struct plan *plan;
};

static int add_of_domain(
	struct removal *r, const struct world_project *p, const struct world_instance *i)
{
	const struct known_domain *owner = NULL;
	const struct known_machine *m = known_find_instance(r->known, p->name, i->name, &owner);
	bool is_of_domain =
		owner == r->domain || (!m && known_find_project(r->known, p->name) == r->domain);
	struct step *s;

	if (!is_of_domain)
		return 0;
	s = add_instance(r->plan, p, i);
	if (!s)
		return -ENOMEM;
	if (r->scope == REMOVE_ALL)
		return 0;

	if (!m || !m->is_ephemeral)
		return step_skip(s, REASON_NOT_EPHEMERAL, "%s",
			m ? "not ephemeral" : "neither spec nor catalogue knows it");
	if (i->is_protected && !r->is_forced)
		return step_skip(s, REASON_PROTECTED, "%s",
			i->is_unreadable ? "its protection cannot be read"
					 : "security.protection.delete");
	return 0;
}

int plan_remove_domain(const struct world *world, const struct known *known, const char *domain,
	enum remove_scope scope, bool is_forced, struct plan *ret, struct error *err)
{
	cleanup_plan struct plan plan = {0};
	struct removal removal = {known, known_find_domain(known, domain), scope, is_forced, &plan};

	if (!removal.domain)
		return error_set(
			err, -ENOENT, "neither spec nor catalogue knows a domain '%s'", domain);

	for (size_t i = 0; i < world->n_projects; i++) {
		const struct world_project *p = &world->projects[i];

		for (size_t j = 0; j < p->n_instances; j++) {
			if (add_of_domain(&removal, p, &p->instances[j]) < 0)
				return error_set(err, -ENOMEM, "out of memory");
		}
	}
	plan_sort(&plan);
	*ret = plan;
	plan = (struct plan){0};
	return 0;
}
