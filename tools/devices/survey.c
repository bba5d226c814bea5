/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "survey.h"

/* A dry run before the first apply has no catalogue to compare with; that is fine. */
static int open_catalog(
	struct survey *s, const struct cmd_env *env, enum catalog_mode mode, struct error *err)
{
	int r;

	if (mode == CATALOG_READ && access(env->catalog, F_OK) < 0 && errno == ENOENT)
		return 0;
	r = cmd_state_open(&s->state, env, mode, err);
	return r < 0 ? r : catalog_list_applied(s->state.catalog, NULL, NULL, &s->applied, err);
}

int survey_open_incus(
	struct survey *s, struct cmd_env *env, enum catalog_mode mode, struct error *err)
{
	int r;

	r = open_catalog(s, env, mode, err);
	if (r == 0)
		r = incus_open(NULL, &s->incus, err);
	if (r == 0)
		r = incus_instance_list(s->incus, NULL, &s->instances, err);
	s->how = (struct attach){
		.incus = s->incus,
		.catalog = mode == CATALOG_WRITE ? s->state.catalog : NULL,
		.actor = &env->actor,
		.tree = env->mount,
		.base = env->base,
		.may_replug = env->is_replugging,
		.is_adopting = env->is_adopting,
	};
	return r;
}

int survey_open(struct survey *s, struct cmd_env *env, int argc, char **argv,
	enum catalog_mode mode, struct error *err)
{
	int r = targets_load(env, argc, argv, &s->spec, &s->targets, err);

	return r ? r : survey_open_incus(s, env, mode, err);
}

void survey_finish(struct survey *s)
{
	incus_instance_list_finish(&s->instances);
	incus_close(s->incus);
	applied_list_finish(&s->applied);
	cmd_state_finish(&s->state);
	target_list_finish(&s->targets);
	spec_free(s->spec);
	s->incus = NULL;
	s->spec = NULL;
}

const struct incus_instance *survey_find(const struct survey *s, const struct target *t)
{
	const struct domain *d = infra_find_domain(&s->state.infra, t->domain->name);
	const struct machine *m = d ? domain_find_machine(d, t->machine->name) : NULL;
	const struct incus_instance *in;

	if (m && m->has_owner_override)
		return incus_instance_find(&s->instances, m->project, m->instance);

	in = incus_instance_find(&s->instances, target_project(t), target_instance(t));
	return in ? in : incus_instance_find(&s->instances, t->domain->name, target_instance(t));
}
