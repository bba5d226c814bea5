/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "volume.h"

#include <string.h>

#include "array.h"

void infra_init(struct infra *infra)
{
	memset(infra, 0, sizeof(*infra));
}

static void volume_finish(struct volume *v)
{
	for (size_t i = 0; i < v->n_holds; i++) {
		free(v->holds[i].tag);
		free(v->holds[i].reason);
		free(v->holds[i].actor);
	}
	free(v->holds);
	free(v->name);
	free(v->path);
	free(v->class);
	free(v->description);
}

static void machine_finish(struct machine *m)
{
	for (size_t i = 0; i < m->n_volumes; i++)
		volume_finish(&m->volumes[i]);
	free(m->volumes);
	free(m->name);
	free(m->project);
	free(m->instance);
}

static void domain_finish(struct domain *d)
{
	for (size_t i = 0; i < d->n_machines; i++)
		machine_finish(&d->machines[i]);
	free(d->machines);
	free(d->name);
}

void infra_finish(struct infra *infra)
{
	for (size_t i = 0; i < infra->n_domains; i++)
		domain_finish(&infra->domains[i]);
	free(infra->domains);
	infra_init(infra);
}

struct domain *infra_add_domain(struct infra *infra, const char *name)
{
	struct domain *d = array_append(&infra->domains, &infra->n_domains, sizeof(*d));

	if (!d)
		return NULL;
	d->name = strdup(name);
	d->is_enabled = true;
	return d->name ? d : NULL;
}

struct machine *domain_add_machine(struct domain *domain, const char *name)
{
	struct machine *m = array_append(&domain->machines, &domain->n_machines, sizeof(*m));

	if (!m)
		return NULL;
	m->name = strdup(name);
	return m->name ? m : NULL;
}

struct volume *machine_add_volume(struct machine *machine, const char *name)
{
	struct volume *v = array_append(&machine->volumes, &machine->n_volumes, sizeof(*v));

	if (!v)
		return NULL;
	v->name = strdup(name);
	v->mode = DEFAULT_VOLUME_MODE;
	return v->name ? v : NULL;
}

struct hold *volume_add_hold(struct volume *volume, const char *tag)
{
	struct hold *h = array_append(&volume->holds, &volume->n_holds, sizeof(*h));

	if (!h)
		return NULL;
	h->tag = strdup(tag);
	return h->tag ? h : NULL;
}

struct domain *infra_find_domain(const struct infra *infra, const char *name)
{
	for (size_t i = 0; i < infra->n_domains; i++) {
		if (strcmp(infra->domains[i].name, name) == 0)
			return &infra->domains[i];
	}
	return NULL;
}

struct machine *domain_find_machine(const struct domain *domain, const char *name)
{
	for (size_t i = 0; i < domain->n_machines; i++) {
		if (strcmp(domain->machines[i].name, name) == 0)
			return &domain->machines[i];
	}
	return NULL;
}

struct volume *machine_find_volume(const struct machine *machine, const char *name)
{
	for (size_t i = 0; i < machine->n_volumes; i++) {
		if (strcmp(machine->volumes[i].name, name) == 0)
			return &machine->volumes[i];
	}
	return NULL;
}

size_t infra_count_volumes(const struct infra *infra)
{
	size_t n = 0;

	for (size_t i = 0; i < infra->n_domains; i++) {
		for (size_t j = 0; j < infra->domains[i].n_machines; j++)
			n += infra->domains[i].machines[j].n_volumes;
	}
	return n;
}

bool infra_walk_next(const struct infra *infra, struct infra_walk *w)
{
	while (!w->machine || w->next_volume >= w->machine->n_volumes) {
		while (!w->domain || w->next_machine >= w->domain->n_machines) {
			if (w->next_domain >= infra->n_domains)
				return false;
			w->domain = &infra->domains[w->next_domain++];
			w->next_machine = 0;
		}
		w->machine = &w->domain->machines[w->next_machine++];
		w->next_volume = 0;
	}
	w->volume = &w->machine->volumes[w->next_volume++];
	return true;
}

static unsigned int apply_override(unsigned int flags, unsigned int bit, enum flag_override o)
{
	if (o == FLAG_ON)
		return flags | bit;
	if (o == FLAG_OFF)
		return flags & ~bit;
	return flags;
}

unsigned int volume_effective_flags(const struct volume *volume, int64_t now)
{
	unsigned int flags = volume->spec_flags & (VOLUME_READONLY | VOLUME_PROTECTED);

	flags = apply_override(flags, VOLUME_READONLY, volume->readonly_override);
	flags = apply_override(flags, VOLUME_PROTECTED, volume->protected_override);
	if (volume->orphan_since)
		flags |= VOLUME_ORPHAN;

	for (size_t i = 0; i < volume->n_holds; i++) {
		if (volume->holds[i].until == 0 || volume->holds[i].until > now)
			flags |= VOLUME_HELD;
	}
	return flags;
}
