/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "enrich.h"

#include <string.h>

#include "keytypes.h"
#include "path.h"
#include "shared.h"
#include "str.h"

const char *enrich_prefix(
	enum key_layout layout, const struct yamlnode *root, const char *level_prefix)
{
	if (layout == LAYOUT_INFRA)
		return tree_bool(yamlnode_get(root, "global"), "nesting_prefix", true)
			       ? level_prefix
			       : "";
	if (strcmp(level_prefix, "000-") == 0)
		return "";
	return tree_bool(yamlnode_get(root, "nesting"), "prefix", true) ? level_prefix : "";
}

char *enrich_data_base(const struct tree *tree)
{
	const struct yamlnode *map = tree->layout == LAYOUT_INFRA ? tree->global : tree->root;

	return path_normalise(tree_text(map, "persistent_data_base", DEFAULT_MOUNT));
}

static char *prefixed(const char *prefix, const char *name)
{
	char *text;

	return asprintf(&text, "%s%s", prefix, name) < 0 ? NULL : text;
}

/* Copy the string KEY of MAP to *RET when it is set and not empty. */
static int copy_text(const struct yamlnode *map, const char *key, char **ret)
{
	const char *text = tree_text(map, key, "");

	if (!*text)
		return 0;
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

/* The keys with a format of their own; they were checked, so none of these can fail. */
static void set_formatted(struct volume *v, const struct yamlnode *body)
{
	const struct yamlnode *owner = yamlnode_get_set(body, "owner");
	const struct yamlnode *mode = yamlnode_get_set(body, "mode");
	const struct yamlnode *size = yamlnode_get_set(body, "size");
	uint32_t uid = 0, gid = 0, bits = DEFAULT_VOLUME_MODE;

	if (owner)
		parse_owner(owner->text, &uid, &gid);
	if (mode)
		keytype_parse_mode(mode, &bits);
	if (size)
		parse_size(size->text, &v->size_bytes);
	v->uid = uid;
	v->gid = gid;
	v->mode = bits;
}

static int add_volume(struct machine *machine, const struct yamlpair *pair)
{
	const struct yamlnode *path = tree_volume_path(pair->value);
	const struct yamlnode *body = pair->value;
	struct volume *v = machine_add_volume(machine, pair->key->text);
	int r;

	if (!v || !path)
		return v ? -EINVAL : -ENOMEM;

	v->path = path_normalise(path->text);
	if (!v->path)
		return -ENOMEM;
	if (tree_bool(body, "readonly", false))
		v->spec_flags |= VOLUME_READONLY;
	if (tree_bool(body, "protected", !machine->is_ephemeral))
		v->spec_flags |= VOLUME_PROTECTED;
	v->flags = v->spec_flags;
	if (body->type == YAMLNODE_MAP)
		set_formatted(v, body);

	r = copy_text(body, "class", &v->class);
	return r < 0 ? r : copy_text(body, "description", &v->description);
}

static int add_machine(const struct tree *tree, const struct tree_machine *from, const char *prefix,
	struct domain *domain)
{
	const struct yamlnode *volumes = tree_volumes(tree, from);
	bool is_ephemeral = tree_bool(tree_domain_of(tree, from)->body, "ephemeral", false);
	struct machine *m = domain_add_machine(domain, from->name);
	int r = 0;

	if (!m)
		return -ENOMEM;
	m->project = prefixed(prefix, domain->name);
	m->instance = prefixed(prefix, from->name);
	if (!m->project || !m->instance)
		return -ENOMEM;
	m->is_vm = strcmp(tree_text(from->body, "type", "lxc"), "vm") == 0;
	m->is_ephemeral = tree_bool(from->body, "ephemeral", is_ephemeral);

	for (size_t i = 0; volumes && r == 0 && i < volumes->n_pairs; i++)
		r = add_volume(m, &volumes->pairs[i]);
	return r;
}

int enrich_infra(const struct tree *tree, const char *prefix, struct infra *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < tree->n_domains; i++) {
		const struct tree_domain *from = &tree->domains[i];
		struct domain *domain = infra_add_domain(ret, from->key->text);

		if (!domain)
			return -ENOMEM;
		domain->is_enabled = tree_bool(from->body, "enabled", true);
		for (size_t j = 0; r == 0 && j < from->n_machines; j++)
			r = add_machine(
				tree, &tree->machines[from->first_machine + j], prefix, domain);
	}
	return r;
}

/* Booleans as Incus writes them; other values as the spec does. */
static int set_property(struct device *device, const struct yamlpair *pair)
{
	const struct yamlnode *value = pair->value;

	if (value->type == YAMLNODE_NULL)
		return 0;
	if (value->type == YAMLNODE_BOOL)
		return device_set(device, pair->key->text, value->is_true ? "true" : "false");
	return device_set(device, pair->key->text, value->text);
}

static int add_user_devices(const struct yamlnode *devices, struct device_list *ret)
{
	for (size_t i = 0; yamlnode_is(devices, YAMLNODE_MAP) && i < devices->n_pairs; i++) {
		const struct yamlnode *body = devices->pairs[i].value;
		struct device *d = device_list_add(ret, devices->pairs[i].key->text, DEVICE_USER);

		if (!d)
			return -ENOMEM;
		for (size_t j = 0; j < body->n_pairs; j++) {
			int r = set_property(d, &body->pairs[j]);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

int enrich_devices(const struct tree *tree, const struct infra *infra, const char *data_base,
	size_t domain_index, size_t machine_index, struct device_list *ret)
{
	const struct domain *domain = &infra->domains[domain_index];
	const struct machine *machine = &domain->machines[machine_index];
	const struct tree_machine *from =
		&tree->machines[tree->domains[domain_index].first_machine + machine_index];
	int r = shared_add_devices(tree, from, ret);

	for (size_t i = 0; r == 0 && i < machine->n_volumes; i++)
		r = device_list_add_volume(ret, data_base, domain, machine, &machine->volumes[i]);
	if (r == 0)
		r = add_user_devices(yamlnode_get(from->body, "devices"), ret);
	return r;
}
