/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec.h"

#include <string.h>

#include "enrich.h"
#include "files.h"
#include "naming.h"
#include "rules.h"
#include "str.h"

struct spec {
	struct files files;
	struct tree tree;
	struct infra infra;
	char *data_base;
};

void spec_free(struct spec *spec)
{
	if (!spec)
		return;

	infra_finish(&spec->infra);
	tree_finish(&spec->tree);
	files_finish(&spec->files);
	free(spec->data_base);
	free(spec);
}

/* Files that are no spec of the layout they were taken for, by a key that gives them away. */
static const struct {
	const char *key;
	const char *text;
} strangers[] = {
	{"live_os", "this is a live OS image description, which declares no machines for Incus: "
		    "give the infra.yml of the host"},
	{"schema_version", "this looks like an anklume.yml: name it so, beside its domains/"},
	{"machines", "this looks like the file of one domain: give the directory above domains/"},
	{"plugins", "this looks like an Ansible inventory, not an infra.yml"},
	{"services", "this looks like a Compose file, not an infra.yml"},
};

/* True when ROOT is something else, which DIAGS then tells. */
static bool is_stranger(const struct yamlnode *root, enum key_layout layout, struct diags *diags)
{
	if (layout != LAYOUT_INFRA || yamlnode_find(root, "project_name"))
		return false;

	for (size_t i = 0; i < ARRAY_SIZE(strangers); i++) {
		const struct yamlpair *pair = yamlnode_find(root, strangers[i].key);

		if (!pair)
			continue;
		diags_error(diags, pair->key->mark, "%s", strangers[i].text);
		return true;
	}
	return false;
}

static void check_main(const struct files *f, struct diags *diags)
{
	const struct yamlnode *root = yamldoc_root(f->main);
	struct where where = {NULL, "", "", {root->mark.file, 0, 0}};
	bool is_main = f->keys == LAYOUT_ANKLUME;

	if (root->type == YAMLNODE_NULL && !is_main) {
		diags_error(diags, root->mark, "the file is empty");
		return;
	}
	if (root->type != YAMLNODE_MAP) {
		if (root->type != YAMLNODE_NULL)
			diags_error(diags, root->mark, "must be a mapping, got %s",
				yamlnode_kind(root));
		return;
	}
	if (is_stranger(root, f->keys, diags))
		return;
	keys_check(root, is_main ? PLACE_MAIN : PLACE_ROOT, f->keys, &where,
		f->has_domains_dir ? "domains" : NULL, diags);
}

/* The domains of infra.yml were checked with it; those of other files stand alone. */
static void check_domain_files(const struct files *f, struct diags *diags)
{
	unsigned int main_file = f->main ? yamldoc_root(f->main)->mark.file : UINT32_MAX;

	for (size_t i = 0; i < f->n_domains; i++) {
		const struct yamlpair *pair = &f->domains[i];
		struct where where = {NULL, "", "", {pair->key->mark.file, 0, 0}};

		if (pair->key->mark.file != main_file)
			keys_check_entry(
				pair->key, pair->value, PLACE_DOMAIN, f->keys, &where, diags);
	}
}

static void check_policy_file(const struct files *f, struct diags *diags)
{
	const struct yamlnode *root = f->policies ? yamldoc_root(f->policies) : NULL;

	if (yamlnode_is(root, YAMLNODE_MAP)) {
		struct where where = {NULL, "", "", {root->mark.file, 0, 0}};

		keys_check(root, PLACE_POLICIES, f->keys, &where, NULL, diags);
	} else if (root && root->type != YAMLNODE_NULL) {
		diags_error(diags, root->mark, "must be a mapping, got %s", yamlnode_kind(root));
	}
}

/* policies.yml replaces what base.yml says, as upstream. */
static const struct yamlnode *find_policies(const struct files *f)
{
	const struct yamlnode *root = f->policies ? yamldoc_root(f->policies) : NULL;
	const struct yamlpair *pair;

	if (f->keys == LAYOUT_ANKLUME)
		return yamlnode_get(root, "policies");
	pair = yamlnode_find(root, "network_policies");
	return pair ? pair->value : yamlnode_get(yamldoc_root(f->main), "network_policies");
}

/* Rules, and when nothing is wrong, the nouns. -EINVAL or -ENOMEM. */
static int complete(struct spec *spec, const char *level_file, struct diags *diags)
{
	const struct yamlnode *root = yamldoc_root(spec->files.main);
	cleanup_free char *level_prefix =
		naming_prefix(level_file ? level_file : NAMING_LEVEL_FILE);
	const char *prefix;
	int r;

	if (!level_prefix)
		return -ENOMEM;
	prefix = enrich_prefix(spec->files.keys, root, level_prefix);
	r = tree_init(&spec->tree, spec->files.keys, root, find_policies(&spec->files),
		spec->files.domains, spec->files.n_domains);
	if (r < 0)
		return r;

	rules_check(&spec->tree, prefix, diags);
	if (diags->n_errors)
		return -EINVAL;

	spec->data_base = enrich_data_base(&spec->tree);
	return spec->data_base ? enrich_infra(&spec->tree, prefix, &spec->infra) : -ENOMEM;
}

static int load_spec(struct spec *spec, const char *path, const char *level_file,
	struct diags *diags, struct error *err)
{
	int r = files_load(path, &spec->files, diags, err);

	if (r < 0 && r != -EINVAL)
		return r;

	if (spec->files.main)
		check_main(&spec->files, diags);
	check_domain_files(&spec->files, diags);
	check_policy_file(&spec->files, diags);
	if (r < 0)
		return r;
	return complete(spec, level_file, diags);
}

int spec_load(const char *path, const char *level_file, struct diags *diags, struct spec **ret,
	struct error *err)
{
	cleanup_spec struct spec *spec = calloc(1, sizeof(*spec));
	int r;

	if (!spec)
		return error_set(err, -ENOMEM, "out of memory");

	r = load_spec(spec, path, level_file, diags, err);
	diags_sort(diags);
	if (diags->out_of_memory || r == -ENOMEM)
		return error_set(err, -ENOMEM, "out of memory");
	if (r < 0)
		return r;
	if (diags->n_errors)
		return -EINVAL;

	*ret = steal_ptr(&spec);
	return 0;
}

enum spec_layout spec_get_layout(const struct spec *spec)
{
	return spec->files.layout;
}

const struct infra *spec_get_infra(const struct spec *spec)
{
	return &spec->infra;
}

const char *spec_get_data_base(const struct spec *spec)
{
	return spec->data_base;
}

int spec_list_devices(
	const struct spec *spec, const char *domain, const char *machine, struct device_list *ret)
{
	for (size_t i = 0; i < spec->infra.n_domains; i++) {
		const struct domain *d = &spec->infra.domains[i];

		if (strcmp(d->name, domain) != 0)
			continue;
		for (size_t j = 0; j < d->n_machines; j++) {
			if (strcmp(d->machines[j].name, machine) == 0)
				return enrich_devices(
					&spec->tree, &spec->infra, spec->data_base, i, j, ret);
		}
	}
	return -ENOENT;
}
