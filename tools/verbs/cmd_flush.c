/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd.h"
#include "confirm.h"
#include "deletion.h"
#include "flush.h"
#include "genfiles.h"
#include "path.h"
#include "production.h"
#include "steps.h"
#include "wire.h"

#include <fcntl.h>
#include <string.h>

static void print_volume(FILE *out, const char *name)
{
	cleanup_free char *printable = out_printable(name);

	fprintf(out, "  volume '%s'\n", printable ? printable : "?");
}

/* What a flush cannot take away, and what is not its business, said before anything happens. */
static void warn(const struct deletion *d)
{
	const struct cmd_env *env = d->env;

	for (size_t i = 0; i < d->plan.n_items; i++) {
		const struct step *s = &d->plan.items[i];
		const struct world_project *p = world_find_project(&d->world, s->name);

		if (s->kind != STEP_PROJECT || !p || p->volumes.n_items == 0)
			continue;
		fprintf(env->words,
			"anklume-fsctl: warning: project '%s' holds data in storage pools:\n",
			s->name);
		for (size_t j = 0; j < p->volumes.n_items; j++)
			print_volume(env->words, p->volumes.items[j].name);
		fprintf(env->words,
			"  they and the project stay; a project would take them along\n"
			"  'anklume-fsctl volume adopt %s/POOL/NAME VOLUME' copies one\n"
			"  into a volume that the spec declares\n",
			s->name);
	}
	if (d->plan.n_foreign > 0 && !env->is_quiet)
		fprintf(env->words,
			"anklume-fsctl: %zu project%s with instances that neither spec nor\n"
			"  catalogue knows left alone; --all-projects means them, too\n",
			d->plan.n_foreign, d->plan.n_foreign == 1 ? "" : "s");
}

/* *RET_GO tells; the result is the exit code where it does not go on. As upstream: "no" is 0. */
static int ask(const struct deletion *d, bool *ret_go, struct error *err)
{
	const struct cmd_env *env = d->env;
	int r;

	*ret_go = env->is_forced || env->is_yes;
	if (*ret_go)
		return CMD_OK;
	if (!confirm_can_ask())
		return error_set(err, CMD_REFUSED,
			"flush asks before it deletes, and stdin is no terminal\n"
			"  --yes answers; --force answers, and deletes what is protected, too");

	steps_print(env->words, d->plan.items, d->plan.n_items, false);
	r = confirm_ask(env->words, "Type 'yes' to delete this: ", "yes");
	*ret_go = r == 1;
	if (!*ret_go)
		fputs("Aborted.\n", env->words);
	return r < 0 ? CMD_FAILED : CMD_OK;
}

static int plan(struct deletion *d, struct error *err)
{
	const struct flush_options options = {
		.is_forced = d->env->is_forced,
		.is_everywhere = d->env->is_everywhere,
	};
	int r = plan_flush(&d->world, &d->known, &options, &d->plan);

	if (r < 0)
		return error_set(err, r, "out of memory");
	return d->files_fd < 0 ? 0
			       : genfiles_plan(d->files_fd, &d->known, &d->world, &d->plan, err);
}

/* Nothing was generated where data is: in the base, in the mount, in the shares. */
static int check_files(const struct cmd_env *env, const char *path, struct error *err)
{
	const char *const places[] = {env->base, env->mount, DEFAULT_SHARES};

	for (size_t i = 0; i < ARRAY_SIZE(places) * N_GENFILES_DIRS; i++) {
		cleanup_free char *place = realpath(places[i / N_GENFILES_DIRS], NULL);
		cleanup_free char *dir = NULL;

		if (asprintf(&dir, "%s/%s", path, genfiles_dirs[i % N_GENFILES_DIRS]) < 0)
			return error_set(err, -ENOMEM, "out of memory");
		if (place && path_is_inside(dir, place))
			return error_set(err, CMD_REFUSED, "--files '%s': '%s' is where data is",
				env->files, place);
	}
	return 0;
}

static int open_files(struct deletion *d, struct error *err)
{
	const char *name = d->env->files;
	cleanup_free char *path = name ? realpath(name, NULL) : NULL;
	int r;

	if (!name)
		return 0;
	if (!path)
		return error_errno(err, -errno, "--files '%s'", name);
	r = check_files(d->env, path, err);
	if (r != 0)
		return r;

	d->files_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return d->files_fd < 0 ? error_errno(err, -errno, "--files '%s'", name) : 0;
}

static int flush(struct deletion *d, struct error *err)
{
	int r = deletion_run(d, err);

	if (r != 0)
		return r;
	if (d->plan.n_items == 0 && d->env->format == OUT_TABLE && !d->env->is_quiet)
		fputs("Nothing to flush.\n", d->env->out);
	return deletion_end(d, NULL, err);
}

int cmd_flush(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	cleanup_deletion struct deletion d = DELETION_INIT(env);
	bool go = false;
	int r;

	(void)argc;
	(void)argv;
	if (!env->is_dry_run && !env->is_forced) {
		r = production_check(env, err);
		if (r != 0)
			return r;
	}
	r = open_files(&d, err);
	if (r == 0)
		r = deletion_learn(&d, err);
	if (r == 0 && !d.has_knowledge && !env->is_everywhere)
		r = cmd_usage(err, "no spec and no catalogue say what is ours to flush;\n"
				   "  --spec names a spec, --all-projects means everything");
	if (r == 0)
		r = deletion_look(&d, GATHER_ALL, err);
	if (r == 0)
		r = plan(&d, err);
	if (r != 0)
		return r;

	warn(&d);
	if (env->is_dry_run || plan_count(&d.plan, STEP_TO_DELETE) == 0)
		return flush(&d, err);
	r = ask(&d, &go, err);
	return go ? flush(&d, err) : r;
}
