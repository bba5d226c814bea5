/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rules.h"

#include <string.h>

#include "naming.h"
#include "path.h"
#include "shared.h"
#include "str.h"

/* Linux caps interface names at 15 bytes, and upstream's bridges are called net-<domain>. */
#define ANKLUME_DOMAIN_MAX 11

/* Where the data tree cannot be mounted, or should not. */
static const struct {
	const char *dir;
	bool is_error;
	const char *text;
} odd_bases[] = {
	{"/proc", true, "must not be in '/proc'"},
	{"/sys", true, "must not be in '/sys'"},
	{"/dev", true, "must not be in '/dev'"},
	{"/run", false, "is in '/run', which a restart empties"},
	{"/tmp", false, "is in '/tmp', which a restart empties"},
	{"/var/run", false, "is in '/var/run', which a restart empties"},
	{DEFAULT_BASE, false, "is the data base itself: machines would bypass the protection"},
};

static void check_odd_bases(const char *path, struct mark mark, struct diags *diags)
{
	if (strcmp(path, "/") == 0)
		diags_error(diags, mark, "persistent_data_base must not be '/'");

	for (size_t i = 0; i < ARRAY_SIZE(odd_bases); i++) {
		if (path_is_inside(path, odd_bases[i].dir))
			(odd_bases[i].is_error ? diags_error : diags_warning)(
				diags, mark, "persistent_data_base %s", odd_bases[i].text);
	}
}

static void check_data_base(const struct tree *tree, struct diags *diags)
{
	const struct yamlnode *map = tree->layout == LAYOUT_INFRA ? tree->global : tree->root;
	const struct yamlpair *pair = yamlnode_find(map, "persistent_data_base");
	cleanup_free char *path = NULL;

	if (!pair)
		return;
	if (pair->value->type == YAMLNODE_NULL) {
		diags_warning(diags, pair->key->mark,
			"persistent_data_base is empty: '" DEFAULT_MOUNT "' is used");
		return;
	}
	if (pair->value->type != YAMLNODE_STRING || !path_is_clean_absolute(pair->value->text))
		return;

	path = path_normalise(pair->value->text);
	if (path)
		check_odd_bases(path, pair->value->mark, diags);
	else
		diags->out_of_memory = true;
}

static void check_domain_names(const struct tree *tree, struct diags *diags)
{
	for (size_t i = 0; tree->layout == LAYOUT_ANKLUME && i < tree->n_domains; i++) {
		const struct yamlnode *key = tree->domains[i].key;

		if (strlen(key->text) > ANKLUME_DOMAIN_MAX)
			diags_error(diags, key->mark,
				"domain '%s': invalid name: longer than %d characters, the bridge "
				"'net-...' could not be made",
				SHOWN(key->text), ANKLUME_DOMAIN_MAX);
	}
}

static void check_unique_names(const struct tree *tree, struct diags *diags)
{
	for (size_t i = 1; i < tree->n_machines; i++) {
		const struct tree_machine *first = &tree->machines[tree->by_name[i - 1]];
		const struct tree_machine *again = &tree->machines[tree->by_name[i]];
		cleanup_free char *place = NULL;

		if (strcmp(first->name, again->name) != 0)
			continue;
		place = diags_place(diags, first->key->mark);
		diags_error(diags, again->key->mark,
			"machine '%s': duplicate, already in domain '%s' at %s", SHOWN(again->name),
			SHOWN(tree_domain_of(tree, first)->key->text), place ? place : "?");
	}
}

/* The instance is called <prefix><name>, and that has to be a host name. */
static void check_name_length(
	const struct tree_machine *machine, const char *prefix, struct diags *diags)
{
	size_t len = strlen(prefix) + strlen(machine->name);

	if (len > NAME_LENGTH_MAX && name_is_valid(machine->key->text))
		diags_error(diags, machine->key->mark,
			"machine '%s': its instance name '%s...' has %zu characters, at most %d fit",
			SHOWN(machine->name), prefix, len, NAME_LENGTH_MAX);
}

static void check_profiles(
	const struct tree *tree, const struct tree_machine *machine, struct diags *diags)
{
	const struct tree_domain *domain = tree_domain_of(tree, machine);
	const struct yamlnode *known = yamlnode_get(domain->body, "profiles");
	const struct yamlnode *names = yamlnode_get(machine->body, "profiles");

	for (size_t i = 0; yamlnode_is(names, YAMLNODE_LIST) && i < names->n_items; i++) {
		const struct yamlnode *name = names->items[i];

		if (name->type != YAMLNODE_STRING || strcmp(name->text, "default") == 0)
			continue;
		if (!yamlnode_find(known, name->text))
			diags_error(diags, name->mark,
				"machine '%s': profile '%s' not defined in domain '%s'",
				SHOWN(machine->key->text), SHOWN(name->text),
				SHOWN(domain->key->text));
	}
}

/*
 * NAME, the keys and the type of DEVICE become arguments of "incus config device add" or "incus
 * profile device add", which takes what begins with '-' for an option.
 */
static void check_option_words(const char *noun, const struct yamlnode *owner,
	const struct yamlpair *device, struct diags *diags)
{
	const struct yamlnode *name = device->key;
	const struct yamlnode *body = device->value;
	const char *type = tree_text(body, "type", "");

	if (name->text[0] == '-')
		diags_error(diags, name->mark,
			"%s '%s': device '%s': a name must not begin with '-'", noun,
			SHOWN(owner->text), SHOWN(name->text));
	if (type[0] == '-')
		diags_error(diags, yamlnode_get(body, "type")->mark,
			"%s '%s': device '%s': type must not begin with '-', got '%s'", noun,
			SHOWN(owner->text), SHOWN(name->text), SHOWN(type));

	for (size_t i = 0; yamlnode_is(body, YAMLNODE_MAP) && i < body->n_pairs; i++) {
		const struct yamlnode *key = body->pairs[i].key;

		if (key->text[0] == '-')
			diags_error(diags, key->mark,
				"%s '%s': device '%s': a key must not begin with '-', got '%s'",
				noun, SHOWN(owner->text), SHOWN(name->text), SHOWN(key->text));
	}
}

static void check_devices(const char *noun, const struct yamlnode *owner,
	const struct yamlnode *body, struct diags *diags)
{
	const struct yamlnode *devices = yamlnode_get(body, "devices");

	for (size_t i = 0; yamlnode_is(devices, YAMLNODE_MAP) && i < devices->n_pairs; i++)
		check_option_words(noun, owner, &devices->pairs[i], diags);
}

/* A profile's device would be hidden by the volume's, which is the machine's own. */
static void check_profile_devices(const struct tree_domain *domain, struct diags *diags)
{
	const struct yamlnode *profiles = yamlnode_get(domain->body, "profiles");

	for (size_t i = 0; yamlnode_is(profiles, YAMLNODE_MAP) && i < profiles->n_pairs; i++) {
		const struct yamlnode *devices = yamlnode_get(profiles->pairs[i].value, "devices");

		check_devices("profile", profiles->pairs[i].key, profiles->pairs[i].value, diags);
		for (size_t j = 0; yamlnode_is(devices, YAMLNODE_MAP) && j < devices->n_pairs;
			j++) {
			const struct yamlnode *name = devices->pairs[j].key;

			if (str_has_prefix(name->text, PERSISTENT_DEVICE_PREFIX))
				diags_error(diags, name->mark,
					"profile '%s': device '%s': names with "
					"'" PERSISTENT_DEVICE_PREFIX "' are reserved for volumes",
					SHOWN(profiles->pairs[i].key->text), SHOWN(name->text));
		}
	}
}

static bool is_true_text(const struct yamlnode *value)
{
	if (value->type == YAMLNODE_BOOL)
		return value->is_true;
	return value->type == YAMLNODE_STRING && strcasecmp(value->text, "true") == 0;
}

/* P1 refuses it on some hosts only, and those we cannot see from the spec; the newer always. */
static void check_privileged(
	const struct tree *tree, const struct tree_machine *machine, struct diags *diags)
{
	const struct yamlpair *pair =
		yamlnode_find(yamlnode_get(machine->body, "config"), "security.privileged");

	if (!pair)
		return;
	if (tree->layout == LAYOUT_ANKLUME)
		diags_error(diags, pair->key->mark,
			"machine '%s': config must not set security.privileged",
			SHOWN(machine->key->text));
	else if (is_true_text(pair->value) &&
		 strcmp(tree_text(machine->body, "type", "lxc"), "lxc") == 0)
		diags_warning(diags, pair->key->mark,
			"machine '%s': root in a privileged container is root on the host, and "
			"its volumes cannot be shifted",
			SHOWN(machine->key->text));
}

static bool has_gpu_device(const struct yamlnode *profile)
{
	const struct yamlnode *devices = yamlnode_get(profile, "devices");

	for (size_t i = 0; yamlnode_is(devices, YAMLNODE_MAP) && i < devices->n_pairs; i++) {
		if (strcmp(tree_text(devices->pairs[i].value, "type", ""), "gpu") == 0)
			return true;
	}
	return false;
}

static bool uses_gpu(const struct tree *tree, const struct tree_machine *machine)
{
	const struct yamlnode *known =
		yamlnode_get(tree_domain_of(tree, machine)->body, "profiles");
	const struct yamlnode *names = yamlnode_get(machine->body, "profiles");

	if (tree_bool(machine->body, "gpu", false))
		return true;
	for (size_t i = 0; yamlnode_is(names, YAMLNODE_LIST) && i < names->n_items; i++) {
		if (names->items[i]->type == YAMLNODE_STRING &&
			has_gpu_device(yamlnode_get(known, names->items[i]->text)))
			return true;
	}
	return false;
}

static void check_gpu(const struct tree *tree, struct diags *diags)
{
	const struct tree_machine *first = NULL;

	if (tree->layout != LAYOUT_INFRA ||
		strcmp(tree_text(tree->global, "gpu_policy", "exclusive"), "exclusive") != 0)
		return;

	for (size_t i = 0; i < tree->n_machines; i++) {
		const struct tree_machine *m = &tree->machines[i];

		if (!uses_gpu(tree, m))
			continue;
		if (first)
			diags_error(diags, m->key->mark,
				"machine '%s': the GPU is exclusive and machine '%s' has it, or "
				"set gpu_policy: shared",
				SHOWN(m->key->text), SHOWN(first->key->text));
		else
			first = m;
	}
}

void rules_check(const struct tree *tree, const char *prefix, struct diags *diags)
{
	check_data_base(tree, diags);
	check_domain_names(tree, diags);
	check_unique_names(tree, diags);
	for (size_t i = 0; i < tree->n_machines; i++) {
		check_name_length(&tree->machines[i], prefix, diags);
		check_profiles(tree, &tree->machines[i], diags);
		check_privileged(tree, &tree->machines[i], diags);
		check_devices("machine", tree->machines[i].key, tree->machines[i].body, diags);
	}
	for (size_t i = 0; i < tree->n_domains; i++)
		check_profile_devices(&tree->domains[i], diags);
	check_gpu(tree, diags);
	shared_check(tree, diags);
	rules_check_mounts(tree, diags);
	rules_check_net(tree, diags);
}
