/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "files.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "path.h"
#include "str.h"

static int join(char **ret, const char *dir, const char *name)
{
	return asprintf(ret, "%s%s%s", dir, str_has_suffix(dir, "/") ? "" : "/", name) < 0
		       ? (*ret = NULL, -ENOMEM)
		       : 0;
}

/* 1: PATH is there, *RET_IS_DIR says what; 0: it is not; -errno. */
static int look(const char *path, bool *ret_is_dir)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	*ret_is_dir = S_ISDIR(st.st_mode);
	return 1;
}

static int look_in(const char *dir, const char *name, char **ret_path)
{
	bool is_dir = false;
	int r = join(ret_path, dir, name);

	if (r < 0)
		return r;
	r = look(*ret_path, &is_dir);
	return r < 0 ? r : r && !is_dir;
}

static const struct {
	const char *name;
	enum spec_layout layout;
	bool is_below; /* the layout's directory is one level down: the Makefile's rule */
} markers[] = {
	{"base.yml", SPEC_DIRECTORY, false},
	{"anklume.yml", SPEC_ANKLUME, false},
	{"infra/base.yml", SPEC_DIRECTORY, true},
	{"infra.yml", SPEC_FILE, false},
};

static int set_layout(struct files *f, enum spec_layout layout, char *main_path)
{
	f->layout = layout;
	f->keys = layout == SPEC_ANKLUME ? LAYOUT_ANKLUME : LAYOUT_INFRA;
	f->main_path = main_path;
	if (layout == SPEC_FILE)
		return 0;

	f->dir = strdup(main_path);
	if (!f->dir)
		return -ENOMEM;
	if (strrchr(f->dir, '/'))
		strrchr(f->dir, '/')[f->dir[0] == '/' && strrchr(f->dir, '/') == f->dir] = '\0';
	else
		strcpy(f->dir, ".");
	return 0;
}

/* What a directory is, by the file in it that decides. */
static int choose_in(struct files *f, const char *dir, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(markers); i++) {
		cleanup_free char *path = NULL;
		cleanup_free char *other = NULL;
		int r = look_in(dir, markers[i].name, &path);

		if (r < 0)
			return error_errno(err, r, "cannot read '%s'", path ? path : dir);
		if (r == 0)
			continue;
		if (i == 0 && look_in(dir, markers[1].name, &other) > 0)
			return error_set(err, -EEXIST,
				"'%s' holds both base.yml and anklume.yml: name the one to read",
				dir);
		return set_layout(f, markers[i].layout, steal_ptr(&path));
	}
	return error_set(err, -ENOENT,
		"'%s' holds no base.yml, anklume.yml, infra/base.yml or infra.yml", dir);
}

static int choose_file(struct files *f, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	enum spec_layout layout = SPEC_FILE;
	char *copy = strdup(path);

	if (!copy)
		return -ENOMEM;
	if (strcmp(name, "base.yml") == 0)
		layout = SPEC_DIRECTORY;
	if (strcmp(name, "anklume.yml") == 0)
		layout = SPEC_ANKLUME;
	return set_layout(f, layout, copy);
}

/* PATH, else as upstream X.yml for X and X for X.yml. */
static int choose(struct files *f, const char *path, struct error *err)
{
	cleanup_free char *bare = path_normalise(path);
	cleanup_free char *other = NULL;
	bool is_dir = false;
	int r;

	if (!bare)
		return -ENOMEM;
	r = look(path, &is_dir);
	if (r > 0)
		return is_dir ? choose_in(f, path, err) : choose_file(f, path);
	if (r < 0)
		return error_errno(err, r, "cannot read '%s'", path);

	if (str_has_suffix(bare, ".yml"))
		other = strndup(bare, strlen(bare) - strlen(".yml"));
	else if (asprintf(&other, "%s.yml", bare) < 0)
		other = NULL;
	if (!other)
		return -ENOMEM;
	r = look(other, &is_dir);
	if (r > 0 && is_dir == str_has_suffix(bare, ".yml"))
		return is_dir ? choose_in(f, other, err) : choose_file(f, other);
	return error_set(err, r < 0 ? r : -ENOENT, "there is no '%s' and no '%s'", path, other);
}

/* A FIFO would be waited for, and a device read to its end. */
static bool is_regular(const char *path, struct diags *diags)
{
	struct stat st;
	unsigned int file;

	if (stat(path, &st) < 0 || S_ISREG(st.st_mode))
		return true; /* opening it says what is wrong */

	file = diags_add_file(diags, path, NULL, 0);
	diags_error(diags, (struct mark){file, 0, 0}, "not a regular file");
	return false;
}

/*
 * Load PATH to *RET. 1: it did not parse and DIAGS says why; go on with the other files. Only the
 * one file of a spec may be a pipe: somebody named it.
 */
static int load(const struct files *f, const char *path, struct yamldoc **ret, struct diags *diags,
	struct error *err)
{
	int r;

	if (f->dir && !is_regular(path, diags))
		return 1;
	r = yamldoc_load(path, diags, ret, err);
	return r == -EINVAL ? 1 : r;
}

static int add_domain(struct files *f, struct yamlnode *key, struct yamlnode *value)
{
	if (f->n_domains == f->cap_domains) {
		size_t cap = f->cap_domains ? f->cap_domains * 2 : 16;
		struct yamlpair *domains = reallocarray(f->domains, cap, sizeof(*domains));

		if (!domains)
			return -ENOMEM;
		f->domains = domains;
		f->cap_domains = cap;
	}
	f->domains[f->n_domains++] = (struct yamlpair){key, value};
	return 0;
}

static int add_domains(struct files *f, const struct yamlnode *map)
{
	int r = 0;

	for (size_t i = 0; yamlnode_is(map, YAMLNODE_MAP) && r == 0 && i < map->n_pairs; i++)
		r = add_domain(f, map->pairs[i].key, map->pairs[i].value);
	return r;
}

static int load_domain_file(
	struct files *f, const char *path, const char *name, struct diags *diags, struct error *err)
{
	struct yamldoc **docs = reallocarray(f->domain_docs, f->n_domain_docs + 1, sizeof(*docs));
	struct yamlnode *root;
	struct yamlnode *key;
	int r;

	if (!docs)
		return -ENOMEM;
	f->domain_docs = docs;
	r = load(f, path, &docs[f->n_domain_docs], diags, err);
	if (r != 0)
		return r;

	root = (struct yamlnode *)yamldoc_root(docs[f->n_domain_docs]);
	f->n_domain_docs++;
	if (f->keys == LAYOUT_INFRA) {
		if (root->type == YAMLNODE_MAP || root->type == YAMLNODE_NULL)
			return add_domains(f, root);
		diags_error(diags, root->mark, "must be a mapping of domains, got %s",
			yamlnode_kind(root));
		return 0;
	}
	key = yamldoc_add_name(docs[f->n_domain_docs - 1], name);
	return key ? add_domain(f, key, root) : -ENOMEM;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_domain_file(const char *name)
{
	return name[0] != '.' && str_has_suffix(name, ".yml") && strlen(name) > strlen(".yml");
}

static int list_names(const char *dir, char ***ret, size_t *ret_n)
{
	cleanup_dir DIR *d = opendir(dir);
	struct dirent *entry;

	if (!d)
		return -errno;
	while ((errno = 0, entry = readdir(d))) {
		char **grown = reallocarray(*ret, *ret_n + 1, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		*ret = grown;
		grown[*ret_n] = strdup(entry->d_name);
		if (!grown[(*ret_n)++])
			return -ENOMEM;
	}
	if (*ret_n)
		qsort(*ret, *ret_n, sizeof(**ret), compare_names);
	return -errno;
}

static int load_entry(
	struct files *f, const char *dir, const char *entry, struct diags *diags, struct error *err)
{
	cleanup_free char *path = NULL;
	cleanup_free char *name = NULL;
	unsigned int file;
	int r = join(&path, dir, entry);

	if (r < 0)
		return r;
	if (is_domain_file(entry)) {
		name = strndup(entry, strlen(entry) - strlen(".yml"));
		return name ? load_domain_file(f, path, name, diags, err) : -ENOMEM;
	}
	if (str_has_suffix(entry, ".yaml") || str_has_suffix(entry, ".yml")) {
		file = diags_add_file(diags, path, NULL, 0);
		diags_warning(diags, (struct mark){file, 0, 0},
			"ignored: a domain's file is called <name>.yml");
	}
	return 0;
}

static int load_domains(struct files *f, struct diags *diags, struct error *err)
{
	cleanup_free char *dir = NULL;
	char **names = NULL;
	size_t n = 0;
	int broken = 0;
	int r = join(&dir, f->dir, "domains");

	if (r < 0)
		return r;
	r = list_names(dir, &names, &n);
	f->has_domains_dir = r == 0;
	if (r == -ENOENT)
		r = 0;
	else if (r < 0)
		r = error_errno(err, r, "cannot list '%s'", dir);

	for (size_t i = 0; i < n; i++) {
		if (r >= 0)
			r = load_entry(f, dir, names[i], diags, err);
		broken |= r > 0;
		free(names[i]);
	}
	free(names);
	return r < 0 ? r : broken;
}

static int compare_domains(const void *a, const void *b)
{
	const struct yamlpair *x = *(struct yamlpair *const *)a;
	const struct yamlpair *y = *(struct yamlpair *const *)b;
	int r = strcmp(x->key->text, y->key->text);

	return r ? r : x < y ? -1 : x > y;
}

/* SECOND replaces FIRST at its place, as upstream does it. */
static void redefine(struct yamlpair *first, struct yamlpair *second, struct diags *diags)
{
	cleanup_free char *place = diags_place(diags, first->key->mark);

	diags_warning(diags, second->key->mark, "domain '%s' replaces its definition at %s",
		SHOWN(second->key->text), place ? place : "?");
	*first = *second;
	second->key = NULL;
}

/* Of the definitions of one domain in several files the last wins whole. */
static int drop_redefined(struct files *f, struct diags *diags)
{
	cleanup_free struct yamlpair **order =
		reallocarray(NULL, f->n_domains + 1, sizeof(struct yamlpair *));
	size_t kept = 0;

	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < f->n_domains; i++)
		order[i] = &f->domains[i];
	qsort(order, f->n_domains, sizeof(*order), compare_domains);

	for (size_t i = 1; i < f->n_domains; i++) {
		if (strcmp(order[i - 1]->key->text, order[i]->key->text) != 0)
			continue;
		redefine(order[i - 1], order[i], diags);
		order[i] = order[i - 1];
	}
	for (size_t i = 0; i < f->n_domains; i++) {
		if (f->domains[i].key)
			f->domains[kept++] = f->domains[i];
	}
	f->n_domains = kept;
	return 0;
}

static int load_policies(struct files *f, struct diags *diags, struct error *err)
{
	cleanup_free char *path = NULL;
	bool is_dir;
	int r = join(&path, f->dir, "policies.yml");

	if (r == 0)
		r = look(path, &is_dir);
	return r > 0 ? load(f, path, &f->policies, diags, err) : r;
}

int files_load(const char *path, struct files *ret, struct diags *diags, struct error *err)
{
	const struct yamlnode *inner = NULL;
	int broken = 0;
	int r;

	*ret = (struct files){0};
	r = choose(ret, path, err);
	if (r == 0)
		r = load(ret, ret->main_path, &ret->main, diags, err);
	if (r < 0)
		return r;
	broken |= r;

	if (ret->main && ret->keys == LAYOUT_INFRA)
		inner = yamlnode_get(yamldoc_root(ret->main), "domains");
	r = add_domains(ret, inner);
	if (r == 0 && ret->dir)
		r = load_domains(ret, diags, err);
	if (r < 0)
		return r;
	broken |= r;

	r = ret->dir ? load_policies(ret, diags, err) : 0;
	if (r < 0)
		return r;
	broken |= r;

	r = drop_redefined(ret, diags);
	return r < 0 ? r : broken ? -EINVAL : 0;
}

void files_finish(struct files *files)
{
	for (size_t i = 0; i < files->n_domain_docs; i++)
		yamldoc_free(files->domain_docs[i]);
	free(files->domain_docs);
	free(files->domains);
	free(files->main_path);
	free(files->dir);
	yamldoc_free(files->main);
	yamldoc_free(files->policies);
	*files = (struct files){0};
}
