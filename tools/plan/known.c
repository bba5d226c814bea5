/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "known.h"

#include <ctype.h>
#include <string.h>

#include "array.h"
#include "str.h"
#include "world.h"

#define NETWORK_WORD "net-"

static void machine_finish(struct known_machine *m)
{
	for (size_t i = 0; i < m->n_volumes; i++)
		free(m->volumes[i]);
	free(m->volumes);
	free(m->name);
	free(m->project);
	free(m->instance);
}

void known_finish(struct known *known)
{
	for (size_t i = 0; i < known->n_domains; i++) {
		struct known_domain *d = &known->domains[i];

		for (size_t j = 0; j < d->n_places; j++) {
			free(d->places[j].project);
			free(d->places[j].network);
		}
		for (size_t j = 0; j < d->n_machines; j++)
			machine_finish(&d->machines[j]);
		free(d->places);
		free(d->machines);
		free(d->name);
	}
	free(known->domains);
	*known = (struct known){0};
}

static bool has_place(const struct known_domain *d, const char *project)
{
	for (size_t i = 0; i < d->n_places; i++) {
		if (str_equal(d->places[i].project, project))
			return true;
	}
	return false;
}

/*
 * Add the project PREFIX (its first LEN bytes) + domain. Incus' default project is everybody's,
 * whatever a domain is called.
 */
static int add_place(struct known_domain *d, const char *prefix, size_t len)
{
	cleanup_free char *project = NULL;
	cleanup_free char *network = NULL;
	struct known_place *place;

	if (asprintf(&project, "%.*s%s", (int)len, prefix, d->name) < 0 ||
		asprintf(&network, "%.*s" NETWORK_WORD "%s", (int)len, prefix, d->name) < 0)
		return -ENOMEM;
	if (has_place(d, project) || strcmp(project, WORLD_DEFAULT) == 0)
		return 0;

	place = array_append(&d->places, &d->n_places, sizeof(*place));
	if (!place)
		return -ENOMEM;
	*place = (struct known_place){steal_ptr(&project), steal_ptr(&network)};
	return 0;
}

/*
 * Bytes of the nesting prefix in the project of a machine of DOMAIN; 0 for none, and for what an
 * administrator set: that is one instance's place, not the domain's.
 */
static size_t prefix_of_machine(const char *domain, const struct machine *m)
{
	if (m->has_owner_override || !m->project || !str_has_suffix(m->project, domain))
		return 0;
	return strlen(m->project) - strlen(domain);
}

/* The longest nesting prefix of INFRA's machines, which domains without machines have, too. */
static size_t find_prefix(const struct infra *infra, const char **ret)
{
	size_t len = 0;

	*ret = "";
	for (size_t i = 0; i < infra->n_domains; i++) {
		const struct domain *d = &infra->domains[i];

		for (size_t j = 0; j < d->n_machines; j++) {
			size_t found = prefix_of_machine(d->name, &d->machines[j]);

			if (found <= len)
				continue;
			len = found;
			*ret = d->machines[j].project;
		}
	}
	return len;
}

static int fill_machine(struct known_machine *known, const struct machine *m)
{
	known->name = strdup(m->name);
	known->project = strdup(m->project ? m->project : "");
	known->instance = strdup(m->instance ? m->instance : "");
	known->is_ephemeral = m->is_ephemeral;
	if (!known->name || !known->project || !known->instance)
		return -ENOMEM;

	for (size_t i = 0; i < m->n_volumes; i++) {
		char **volume =
			array_append(&known->volumes, &known->n_volumes, sizeof(*known->volumes));

		if (!volume || !(*volume = strdup(m->volumes[i].name)))
			return -ENOMEM;
	}
	return 0;
}

static struct known_machine *find_machine(const struct known_domain *d, const char *name)
{
	for (size_t i = 0; i < d->n_machines; i++) {
		if (strcmp(d->machines[i].name, name) == 0)
			return &d->machines[i];
	}
	return NULL;
}

/* What an administrator recorded as owner wins over what is declared. */
static int take_owner(struct known_machine *known, const struct machine *m)
{
	cleanup_free char *project = strdup(m->project);
	cleanup_free char *instance = strdup(m->instance);

	if (!project || !instance)
		return -ENOMEM;
	free(known->project);
	free(known->instance);
	known->project = steal_ptr(&project);
	known->instance = steal_ptr(&instance);
	return 0;
}

static int add_machine(struct known_domain *d, const struct machine *m)
{
	struct known_machine *known = find_machine(d, m->name);

	if (known)
		return m->has_owner_override ? take_owner(known, m) : 0;

	known = array_append(&d->machines, &d->n_machines, sizeof(*known));
	return known ? fill_machine(known, m) : -ENOMEM;
}

static struct known_domain *get_domain(struct known *known, const char *name)
{
	struct known_domain *d = (struct known_domain *)known_find_domain(known, name);

	if (d)
		return d;
	d = array_append(&known->domains, &known->n_domains, sizeof(*d));
	if (!d)
		return NULL;
	d->name = strdup(name);
	return d->name ? d : NULL;
}

int known_add(struct known *known, const struct infra *infra)
{
	const char *prefix;
	size_t len = find_prefix(infra, &prefix);

	for (size_t i = 0; i < infra->n_domains; i++) {
		const struct domain *from = &infra->domains[i];
		struct known_domain *d = get_domain(known, from->name);
		int r = d ? add_place(d, prefix, len) : -ENOMEM;

		if (r == 0)
			r = add_place(d, "", 0);
		for (size_t j = 0; j < from->n_machines && r == 0; j++)
			r = add_machine(d, &from->machines[j]);
		if (r < 0)
			return r;
	}
	return 0;
}

const struct known_domain *known_find_domain(const struct known *known, const char *name)
{
	for (size_t i = 0; i < known->n_domains; i++) {
		if (str_equal(known->domains[i].name, name))
			return &known->domains[i];
	}
	return NULL;
}

/* The domain one of whose places has NAME at OFFSET. */
static const struct known_domain *find_place(
	const struct known *known, size_t offset, const char *name)
{
	for (size_t i = 0; i < known->n_domains; i++) {
		const struct known_domain *d = &known->domains[i];

		for (size_t j = 0; j < d->n_places; j++) {
			if (strcmp(*(char **)((char *)&d->places[j] + offset), name) == 0)
				return d;
		}
	}
	return NULL;
}

const struct known_domain *known_find_project(const struct known *known, const char *project)
{
	return find_place(known, offsetof(struct known_place, project), project);
}

const struct known_domain *known_find_network(const struct known *known, const char *network)
{
	return find_place(known, offsetof(struct known_place, network), network);
}

/* Where a machine's project is one of its domain's, any of those will do. */
static bool lives_in(
	const struct known_domain *d, const struct known_machine *m, const char *project)
{
	return strcmp(m->project, project) == 0 ||
	       (has_place(d, m->project) && has_place(d, project));
}

const struct known_machine *known_find_instance(const struct known *known, const char *project,
	const char *instance, const struct known_domain **ret_domain)
{
	for (size_t i = 0; i < known->n_domains; i++) {
		const struct known_domain *d = &known->domains[i];

		for (size_t j = 0; j < d->n_machines; j++) {
			const struct known_machine *m = &d->machines[j];

			if (strcmp(m->instance, instance) != 0 || !lives_in(d, m, project))
				continue;
			if (ret_domain)
				*ret_domain = d;
			return m;
		}
	}
	return NULL;
}

/* Bytes of a nesting prefix ("001-") at the front of NAME, 0 when there is none. */
static size_t prefix_length(const char *name)
{
	for (size_t i = 0; i < 3; i++) {
		if (!isdigit((unsigned char)name[i]))
			return 0;
	}
	return name[3] == '-' ? 4 : 0;
}

char *known_project_of_network(const char *network)
{
	size_t prefix = prefix_length(network);
	const char *rest = network + prefix;
	char *project;

	if (!str_has_prefix(rest, NETWORK_WORD) || rest[strlen(NETWORK_WORD)] == '\0')
		return NULL;
	if (asprintf(&project, "%.*s%s", (int)prefix, network, rest + strlen(NETWORK_WORD)) < 0)
		return NULL;
	return project;
}
