/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd.h"
#include "confirm.h"
#include "deletion.h"
#include "remove.h"
#include "rows.h"
#include "steps.h"
#include "str.h"
#include "wire.h"

#include <string.h>

/* What is to be removed: one instance, or instances of a domain. */
struct target {
	char *project; /* NULL = of any */
	const char *instance; /* NULL = of a domain */
	const char *domain;
	enum remove_scope scope;
};

static int parse_scope(const char *word, enum remove_scope *ret, struct error *err)
{
	if (str_equal(word, "ephemeral"))
		*ret = REMOVE_EPHEMERAL;
	else if (str_equal(word, "all"))
		*ret = REMOVE_ALL;
	else if (word)
		return cmd_usage(err, "--scope is 'ephemeral' or 'all', not '%s'", word);
	else
		return cmd_usage(err, "--domain wants --scope ephemeral or --scope all");
	return 0;
}

static int parse_target(const struct cmd_env *env, struct target *ret, struct error *err)
{
	const char *slash = env->instance ? strchr(env->instance, '/') : NULL;

	if (!env->instance == !env->domain)
		return cmd_usage(err, "name an instance (--instance NAME) or a domain\n"
				      "  (--domain NAME --scope ephemeral|all)");
	if (env->instance && env->scope)
		return cmd_usage(err, "--scope is for --domain");

	ret->domain = env->domain;
	ret->instance = slash ? slash + 1 : env->instance;
	if (slash) {
		ret->project = strndup(env->instance, slash - env->instance);
		if (!ret->project)
			return error_set(err, -ENOMEM, "out of memory");
	}
	return env->domain ? parse_scope(env->scope, &ret->scope, err) : 0;
}

static int plan(struct deletion *d, const struct target *t, struct error *err)
{
	int r;

	if (t->instance)
		r = plan_remove_instance(&d->world, t->project, t->instance, &d->plan, err);
	else
		r = plan_remove_domain(&d->world, &d->known, t->domain, t->scope, d->env->is_forced,
			&d->plan, err);
	if (r == -ENOTUNIQ)
		return CMD_USAGE;
	return r == -ENOENT ? CMD_NO_VOLUME : r;
}

static int refuse(const struct deletion *d, const struct target *t, struct error *err)
{
	size_t n = plan_count_unprotected(&d->plan);

	if (t->instance)
		return error_set(err, CMD_REFUSED,
			"nothing was removed: '%s' is protected, and stdin is no terminal\n"
			"  where its name could be typed; --force removes it all the same",
			t->instance);
	if (n > 0)
		return error_set(err, CMD_REFUSED,
			"nothing was removed: %zu protected instance%s in '%s', and\n"
			"  stdin is no terminal where the domain's name could be typed;\n"
			"  --force removes them all the same",
			n, n == 1 ? "" : "s", t->domain);
	return error_set(err, CMD_REFUSED,
		"nothing was removed: stdin is no terminal to ask on; --yes answers");
}

/* 0: go on. Protected instances, and whole domains, want their name typed. */
static int ask(const struct deletion *d, const struct target *t, struct error *err)
{
	const struct cmd_env *env = d->env;
	const char *name = t->instance ? t->instance : t->domain;
	bool has_protected = plan_count_unprotected(&d->plan) > 0;
	bool is_whole = !t->instance && t->scope == REMOVE_ALL;
	cleanup_free char *prompt = NULL;
	int r;

	if (env->is_forced || (!has_protected && (!is_whole || env->is_yes)))
		return 0;
	if (!confirm_can_ask())
		return refuse(d, t, err);

	steps_print(env->words, d->plan.items, d->plan.n_items, false);
	if (asprintf(&prompt, "Type the name of the %s to remove %s: ",
		    t->instance ? "instance" : "domain", t->instance ? "it" : "all of it") < 0)
		return error_set(err, -ENOMEM, "out of memory");
	r = confirm_ask(env->words, prompt, name);
	return r == 1 ? 0
		      : error_set(err, CMD_REFUSED, "nothing was removed: that is not '%s'", name);
}

/* The directories of a machine's volumes that are there: {"machine", "path", "volumes"}. */
static json_t *row_data(
	const struct cmd_env *env, const struct known_domain *d, const struct known_machine *m)
{
	cleanup_free char *path = NULL;
	cleanup_free char *name = NULL;
	cleanup_json json_t *volumes = json_array();

	if (asprintf(&path, "%s/%s/%s", env->base, d->name, m->name) < 0 ||
		asprintf(&name, "%s/%s", d->name, m->name) < 0)
		return NULL;
	for (size_t i = 0; i < m->n_volumes; i++) {
		cleanup_free char *volume = NULL;

		if (asprintf(&volume, "%s/%s", path, m->volumes[i]) < 0)
			return NULL;
		if (access(volume, F_OK) == 0 && rows_append(volumes, out_text(m->volumes[i])) < 0)
			return NULL;
	}
	return json_pack("{s:o s:o s:O}", "machine", out_text(name), "path", out_text(path),
		"volumes", volumes);
}

/* The data of every machine whose instance is gone. */
static int collect_data(const struct deletion *d, json_t *rows)
{
	for (size_t i = 0; i < d->plan.n_items; i++) {
		const struct step *s = &d->plan.items[i];
		const struct known_domain *domain;
		const struct known_machine *m =
			known_find_instance(&d->known, s->project, s->name, &domain);
		json_t *row;

		if (s->state != STEP_DELETED || !m)
			continue;
		row = row_data(d->env, domain, m);
		if (rows_append(rows, row) < 0)
			return -ENOMEM;
	}
	return 0;
}

static void print_data(const struct cmd_env *env, const json_t *rows)
{
	const json_t *row, *volume;
	size_t i, j;

	json_array_foreach (rows, i, row) {
		const char *machine = json_string_value(json_object_get(row, "machine"));
		const json_t *volumes = json_object_get(row, "volumes");

		if (json_array_size(volumes) == 0)
			continue;
		fprintf(env->out, "Data of %s stays in '%s'.\n", machine,
			json_string_value(json_object_get(row, "path")));
		fputs("  To delete it on purpose:\n", env->out);
		json_array_foreach (volumes, j, volume) {
			fprintf(env->out, "  anklume-fsctl volume rm %s/%s\n", machine,
				json_string_value(volume));
		}
	}
}

static int remove_planned(struct deletion *d, struct error *err)
{
	cleanup_json json_t *data = json_array();
	cleanup_json json_t *extra = json_pack("{s:O}", "data", data);
	int r = deletion_run(d, err);

	if (r == 0 && (!extra || collect_data(d, data) < 0))
		r = error_set(err, -ENOMEM, "out of memory");
	if (r != 0)
		return r;

	if (d->env->format == OUT_TABLE && !d->env->is_quiet) {
		if (d->plan.n_items == 0)
			fputs("Nothing to remove.\n", d->env->out);
		print_data(d->env, data);
	}
	return deletion_end(d, extra, err);
}

int cmd_remove(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	cleanup_deletion struct deletion d = DELETION_INIT(env);
	struct target target = {NULL};
	cleanup_free char *project = NULL;
	int r;

	(void)argc;
	(void)argv;
	r = parse_target(env, &target, err);
	project = target.project;
	if (r == 0)
		r = deletion_learn(&d, err);
	if (r == 0)
		r = deletion_look(&d, GATHER_INSTANCES, err);
	if (r == 0)
		r = plan(&d, &target, err);
	if (r != 0)
		return r;

	if (!env->is_dry_run && plan_count(&d.plan, STEP_TO_DELETE) > 0)
		r = ask(&d, &target, err);
	return r != 0 ? r : remove_planned(&d, err);
}
