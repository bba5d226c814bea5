/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared.h"

#include <string.h>

#include "naming.h"
#include "path.h"
#include "str.h"

const char *shared_access(
	const struct tree *tree, const struct yamlpair *pair, const struct tree_machine *machine)
{
	const struct yamlnode *consumers = yamlnode_get(pair->value, "consumers");
	const char *access = NULL;

	if (!tree_find_domain(tree, machine->name))
		access = tree_text(consumers, machine->name, NULL);
	if (access)
		return access;
	return tree_text(consumers, tree_domain_of(tree, machine)->key->text, NULL);
}

static char *normalised(const char *dir, const char *name)
{
	cleanup_free char *path = NULL;

	if (asprintf(&path, "%s/%s", dir, name) < 0) {
		path = NULL;
		return NULL;
	}
	return path_normalise(path);
}

char *shared_path(const struct yamlpair *pair)
{
	const char *path = tree_text(pair->value, "path", "");

	return *path ? path_normalise(path) : normalised("/shared", pair->key->text);
}

static char *shared_source(const struct tree *tree, const struct yamlpair *pair)
{
	const char *source = tree_text(pair->value, "source", "");

	if (*source)
		return path_normalise(source);
	return normalised(
		tree_text(tree->global, "shared_volumes_base", DEFAULT_SHARES), pair->key->text);
}

static int add_device(const struct tree *tree, const struct yamlpair *pair, const char *access,
	struct device_list *ret)
{
	cleanup_free char *source = shared_source(tree, pair);
	cleanup_free char *path = shared_path(pair);
	cleanup_free char *name = NULL;
	struct device *d;
	int r;

	if (asprintf(&name, SHARED_DEVICE_PREFIX "%s", pair->key->text) < 0) {
		name = NULL;
		return -ENOMEM;
	}
	d = source && path ? device_list_add(ret, name, DEVICE_SHARED) : NULL;
	if (!d)
		return -ENOMEM;

	r = device_set(d, "type", "disk");
	if (r == 0)
		r = device_set(d, "source", source);
	if (r == 0)
		r = device_set(d, "path", path);
	if (r == 0 && tree_bool(pair->value, "shift", true))
		r = device_set(d, "shift", "true");
	if (r == 0 && strcmp(access, "ro") == 0)
		r = device_set(d, "readonly", "true");
	return r;
}

int shared_add_devices(
	const struct tree *tree, const struct tree_machine *machine, struct device_list *ret)
{
	for (size_t i = 0; tree->shared && i < tree->shared->n_pairs; i++) {
		const struct yamlpair *pair = &tree->shared->pairs[i];
		const char *access = shared_access(tree, pair, machine);
		int r = access ? add_device(tree, pair, access, ret) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

static void check_consumer(const struct tree *tree, const struct yamlnode *volume,
	const struct yamlpair *consumer, struct diags *diags)
{
	const struct yamlnode *name = consumer->key;
	const struct yamlnode *access = consumer->value;
	bool is_domain = tree_find_domain(tree, name->text);
	bool is_machine = tree_find_machine(tree, name->text);

	if (!is_domain && !is_machine)
		diags_error(diags, name->mark,
			"shared volume '%s': consumer '%s' is not a known domain or machine",
			SHOWN(volume->text), SHOWN(name->text));
	if (is_domain && is_machine)
		diags_warning(diags, name->mark,
			"shared volume '%s': '%s' is a domain and a machine, the domain is meant",
			SHOWN(volume->text), SHOWN(name->text));
	if (access->type != YAMLNODE_STRING ||
		(strcmp(access->text, "ro") != 0 && strcmp(access->text, "rw") != 0))
		diags_error(diags, access->type == YAMLNODE_NULL ? name->mark : access->mark,
			"shared volume '%s': access of '%s' must be 'ro' or 'rw'",
			SHOWN(volume->text), SHOWN(name->text));
}

/* No user device may have the name that the shared volume's device gets. */
static void check_device_names(const struct tree *tree, const struct yamlpair *pair,
	const struct tree_machine *machine, struct diags *diags)
{
	const struct yamlnode *devices = yamlnode_get(machine->body, "devices");
	cleanup_free char *name = NULL;
	const struct yamlpair *clash;

	if (!devices)
		return;
	if (asprintf(&name, SHARED_DEVICE_PREFIX "%s", pair->key->text) < 0) {
		name = NULL;
		diags->out_of_memory = true;
		return;
	}
	clash = yamlnode_find(devices, name);
	if (clash && shared_access(tree, pair, machine))
		diags_error(diags, clash->key->mark,
			"machine '%s': device name '%s' collision with shared volume '%s'",
			SHOWN(machine->key->text), SHOWN(name), SHOWN(pair->key->text));
}

void shared_check(const struct tree *tree, struct diags *diags)
{
	for (size_t i = 0; tree->shared && i < tree->shared->n_pairs; i++) {
		const struct yamlpair *pair = &tree->shared->pairs[i];
		const struct yamlnode *consumers = yamlnode_get(pair->value, "consumers");

		for (size_t j = 0; yamlnode_is(consumers, YAMLNODE_MAP) && j < consumers->n_pairs;
			j++)
			check_consumer(tree, pair->key, &consumers->pairs[j], diags);
		for (size_t j = 0; j < tree->n_machines; j++)
			check_device_names(tree, pair, &tree->machines[j], diags);
	}
}
