/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rules.h"

#include <arpa/inet.h>
#include <string.h>

#include "str.h"

#define N_SUBNETS 255 /* 0-254 */
#define STATIC_ADDRESSES 99 /* upstream gives .1 to .99 */
#define NO_SUBNET (-1)

/* Upstream's zones (ADR-038): second octet above zone_base. */
static const struct {
	const char *trust_level;
	int offset;
} zones[] = {
	{"admin", 0},
	{"trusted", 10},
	{"semi-trusted", 20},
	{"untrusted", 40},
	{"disposable", 50},
};

#define DEFAULT_ZONE 2

struct net {
	const struct tree *tree;
	struct diags *diags;
	const struct yamlnode *addressing; /* NULL: by base_subnet and subnet_id */
	int *subnets; /* per domain: third octet, or NO_SUBNET */
	/* Who has a subnet of a zone; without addressing there is one zone. */
	const struct tree_domain *owners[ARRAY_SIZE(zones)][N_SUBNETS];
};

static size_t zone_of(const struct net *net, const struct tree_domain *domain)
{
	const char *trust_level = tree_text(domain->body, "trust_level", "");

	if (!net->addressing)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(zones); i++) {
		if (strcmp(zones[i].trust_level, trust_level) == 0)
			return i;
	}
	return DEFAULT_ZONE;
}

/* The subnet that DOMAIN asks for, once per zone. */
static void claim_subnet(struct net *net, size_t index)
{
	const struct tree_domain *domain = &net->tree->domains[index];
	const struct yamlnode *id = yamlnode_get_set(domain->body, "subnet_id");
	size_t zone = zone_of(net, domain);

	net->subnets[index] = NO_SUBNET;
	if (!id && !net->addressing)
		diags_error(net->diags, domain->key->mark,
			"domain '%s': missing subnet_id, which is needed without addressing",
			SHOWN(domain->key->text));
	if (!yamlnode_is(id, YAMLNODE_INT) || id->integer < 0 || id->integer >= N_SUBNETS)
		return;

	net->subnets[index] = (int)id->integer;
	if (net->owners[zone][id->integer])
		diags_error(net->diags, id->mark,
			"domain '%s': subnet_id %d already used by domain '%s'",
			SHOWN(domain->key->text), (int)id->integer,
			SHOWN(net->owners[zone][id->integer]->key->text));
	else
		net->owners[zone][id->integer] = domain;
}

/* With addressing, domains without subnet_id get the free ones of their zone by name. */
static void assign_subnets(struct net *net)
{
	int next[ARRAY_SIZE(zones)] = {0};

	for (size_t i = 0; net->addressing && i < net->tree->n_domains; i++) {
		size_t index = net->tree->domains_by_name[i];
		const struct tree_domain *domain = &net->tree->domains[index];
		size_t zone = zone_of(net, domain);

		if (yamlnode_get_set(domain->body, "subnet_id"))
			continue;
		while (next[zone] < N_SUBNETS && net->owners[zone][next[zone]])
			next[zone]++;
		if (next[zone] < N_SUBNETS) {
			net->subnets[index] = next[zone];
			net->owners[zone][next[zone]] = domain;
			continue;
		}
		diags_warning(net->diags, domain->key->mark,
			"domain '%s': zone '%s' has no network left for it",
			SHOWN(domain->key->text), zones[zone].trust_level);
	}
}

static int int_or(const struct yamlnode *map, const char *key, int fallback)
{
	const struct yamlnode *value = yamlnode_get(map, key);

	return yamlnode_is(value, YAMLNODE_INT) ? (int)value->integer : fallback;
}

/* "10.110.3." in BUF; false when the domain has no network. */
static bool network_prefix(const struct net *net, size_t index, char *buf, size_t len)
{
	const struct tree_domain *domain = &net->tree->domains[index];
	const struct yamlnode *base = yamlnode_get_set(net->tree->global, "base_subnet");

	if (net->subnets[index] == NO_SUBNET)
		return false;
	if (net->addressing)
		snprintf(buf, len, "%d.%d.%d.", int_or(net->addressing, "base_octet", 10),
			int_or(net->addressing, "zone_base", 100) +
				zones[zone_of(net, domain)].offset,
			net->subnets[index]);
	else if (base && base->type >= YAMLNODE_LIST)
		return false;
	else
		snprintf(buf, len, "%.32s.%d.", base ? base->text : "10.100", net->subnets[index]);
	return true;
}

static void check_address(struct net *net, const struct tree_machine *machine)
{
	const struct yamlnode *ip = yamlnode_get(machine->body, "ip");
	char prefix[64];

	struct in_addr address;

	if (!yamlnode_is(ip, YAMLNODE_STRING) || inet_pton(AF_INET, ip->text, &address) != 1)
		return;
	if (!network_prefix(net, machine->domain, prefix, sizeof(prefix)))
		return;
	if (!str_has_prefix(ip->text, prefix))
		diags_error(net->diags, ip->mark, "machine '%s': IP %s not in subnet %s0/24",
			SHOWN(machine->key->text), SHOWN(ip->text), prefix);
}

struct address {
	const struct yamlnode *ip;
	const struct tree_machine *machine;
};

static int compare_addresses(const void *a, const void *b)
{
	const struct address *x = a;
	const struct address *y = b;
	int r = strcmp(x->ip->text, y->ip->text);

	return r ? r : x->machine < y->machine ? -1 : x->machine > y->machine;
}

static void check_unique_addresses(const struct tree *tree, struct diags *diags)
{
	cleanup_free struct address *all = reallocarray(NULL, tree->n_machines + 1, sizeof(*all));
	size_t n = 0;

	if (!all) {
		diags->out_of_memory = true;
		return;
	}
	for (size_t i = 0; i < tree->n_machines; i++) {
		const struct yamlnode *ip = yamlnode_get(tree->machines[i].body, "ip");

		if (yamlnode_is(ip, YAMLNODE_STRING) && *ip->text)
			all[n++] = (struct address){ip, &tree->machines[i]};
	}
	qsort(all, n, sizeof(*all), compare_addresses);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(all[i - 1].ip->text, all[i].ip->text) == 0)
			diags_error(diags, all[i].ip->mark,
				"machine '%s': IP %s already used by machine '%s'",
				SHOWN(all[i].machine->key->text), SHOWN(all[i].ip->text),
				SHOWN(all[i - 1].machine->key->text));
	}
}

/* Upstream's enrichment fails on the hundredth machine without an address. */
static void check_room(struct net *net, const struct tree_domain *domain)
{
	size_t n = 0;

	for (size_t i = 0; i < domain->n_machines; i++) {
		const struct tree_machine *m = &net->tree->machines[domain->first_machine + i];

		n += !yamlnode_get_set(m->body, "ip");
	}
	if (net->addressing && n > STATIC_ADDRESSES)
		diags_warning(net->diags, domain->key->mark,
			"domain '%s': %zu machines without ip, upstream has %d addresses for them",
			SHOWN(domain->key->text), n, STATIC_ADDRESSES);
}

static bool is_known_end(const struct tree *tree, const char *name)
{
	return strcmp(name, "host") == 0 || tree_find_domain(tree, name) ||
	       tree_find_machine(tree, name);
}

static void check_policies(const struct tree *tree, struct diags *diags)
{
	static const char *const ends[] = {"from", "to"};

	for (size_t i = 0; tree->policies && i < tree->policies->n_items; i++) {
		for (size_t j = 0; j < ARRAY_SIZE(ends); j++) {
			const struct yamlnode *end =
				yamlnode_get(tree->policies->items[i], ends[j]);
			const struct tree_domain *domain;

			if (!yamlnode_is(end, YAMLNODE_STRING))
				continue;
			domain = tree_find_domain(tree, end->text);
			if (!is_known_end(tree, end->text))
				diags_error(diags, end->mark,
					"policy: %s '%s' is not a known domain, machine or 'host'",
					ends[j], SHOWN(end->text));
			else if (domain && !tree_bool(domain->body, "enabled", true))
				diags_warning(diags, end->mark,
					"policy: %s '%s' is a disabled domain", ends[j],
					SHOWN(end->text));
		}
	}
}

#define AI_DOMAIN "ai-tools"

static const struct yamlnode *second_ai_policy(const struct tree *tree)
{
	size_t n = 0;

	for (size_t i = 0; tree->policies && i < tree->policies->n_items; i++) {
		const struct yamlnode *policy = tree->policies->items[i];

		if (strcmp(tree_text(policy, "to", ""), AI_DOMAIN) == 0 && ++n == 2)
			return policy;
	}
	return NULL;
}

static void check_ai_access(const struct tree *tree, struct diags *diags)
{
	const struct yamlpair *policy = yamlnode_find(tree->global, "ai_access_policy");
	const struct yamlnode *client = yamlnode_get_set(tree->global, "ai_access_default");
	const struct yamlnode *second = second_ai_policy(tree);

	if (!policy || strcmp(tree_text(tree->global, "ai_access_policy", ""), "exclusive") != 0)
		return;

	if (!client)
		diags_error(diags, policy->key->mark,
			"global: ai_access_policy 'exclusive' needs ai_access_default");
	else if (client->type == YAMLNODE_STRING &&
		 (strcmp(client->text, AI_DOMAIN) == 0 || !tree_find_domain(tree, client->text)))
		diags_error(diags, client->mark,
			"global: ai_access_default '%s' is not a domain that may use " AI_DOMAIN,
			SHOWN(client->text));
	if (!tree_find_domain(tree, AI_DOMAIN))
		diags_error(diags, policy->key->mark,
			"global: ai_access_policy 'exclusive' needs a domain '" AI_DOMAIN "'");
	if (second)
		diags_error(diags, second->mark,
			"policy: a second one to " AI_DOMAIN ", with exclusive access");
}

static void check_firewall(const struct tree *tree, struct diags *diags)
{
	const struct yamlpair *mode = yamlnode_find(tree->global, "firewall_mode");

	if (strcmp(tree_text(tree->global, "firewall_mode", ""), "vm") != 0)
		return;
	if (tree_find_domain(tree, "anklume") || tree_find_machine(tree, "anklume-firewall") ||
		tree_find_machine(tree, "sys-firewall"))
		return;
	diags_error(diags, mode->key->mark,
		"global: firewall_mode 'vm' needs a domain 'anklume' for its machine");
}

void rules_check_net(const struct tree *tree, struct diags *diags)
{
	cleanup_free struct net *net = calloc(1, sizeof(*net));
	cleanup_free int *subnets = reallocarray(NULL, tree->n_domains + 1, sizeof(*subnets));

	if (!net || !subnets) {
		diags->out_of_memory = true;
		return;
	}
	*net = (struct net){.tree = tree, .diags = diags, .subnets = subnets};
	net->addressing = yamlnode_get(tree->global, "addressing");

	if (tree->layout == LAYOUT_INFRA) {
		for (size_t i = 0; i < tree->n_domains; i++)
			claim_subnet(net, i);
		assign_subnets(net);
		for (size_t i = 0; i < tree->n_domains; i++)
			check_room(net, &tree->domains[i]);
		for (size_t i = 0; i < tree->n_machines; i++)
			check_address(net, &tree->machines[i]);
		check_ai_access(tree, diags);
		check_firewall(tree, diags);
	}
	check_unique_addresses(tree, diags);
	check_policies(tree, diags);
}
