/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "attached.h"
#include "datadir.h"
#include "exec.h"
#include "pod.h"
#include "rows.h"
#include "seed.h"
#include "str.h"
#include "wire.h"

static int need_instance(const struct pod *pod, struct error *err)
{
	if (pod->has_instance)
		return 0;
	return error_set(err, CMD_REFUSED,
		"there is no instance '%s/%s'\n"
		"  'anklume-fsctl pod create %s --image ALIAS' makes it, over the data there is",
		pod->machine->project, pod->machine->instance, pod->machine->name);
}

/*
 * Directories and records are there since 'apply'; then instance, seed, devices, start. Whatever it
 * was killed at, the same command goes on: each step looks first whether it is done.
 */
static int pod_create_run(struct pod *pod, struct error *err)
{
	int r = 0;

	if (pod->has_instance && pod->instance.is_running && !pod_has_devices(pod, true))
		return error_set(err, CMD_REFUSED,
			"instance '%s/%s' runs without its volumes\n"
			"  'anklume-fsctl pod migrate %s' stops it and moves its files there",
			pod->machine->project, pod->machine->instance, pod->machine->name);
	if (!pod->has_instance)
		r = pod_make_instance(pod, err);
	if (r == 0 && !pod_has_devices(pod, true))
		r = pod_seed(pod, err);
	if (r == 0)
		r = pod_attach(pod, err);
	return r != 0 ? r : pod_start(pod, err);
}

/* Back to what the instance has by itself: the volumes keep theirs. */
static int undo(struct pod *pod, bool was_running, struct error *err)
{
	int r = pod_detach(pod, err);

	return r == 0 && was_running ? pod_start(pod, err) : r;
}

static int pod_migrate_run(struct pod *pod, struct error *err)
{
	bool was_running;
	int r = need_instance(pod, err);

	if (r != 0)
		return r;
	was_running = pod->instance.is_running;
	if (!pod->op.env->is_undoing && pod_has_devices(pod, true))
		return report_add(&pod->op.report, REPORT_EXISTS, pod->name, "devices", err);
	if (was_running)
		r = pod_stop(pod, err);
	if (r == 0 && pod->op.env->is_undoing)
		return undo(pod, was_running, err);
	if (r == 0)
		r = pod_seed(pod, err);
	if (r == 0)
		r = pod_attach(pod, err);
	return r == 0 && was_running ? pod_start(pod, err) : r;
}

/* An instance that starts without its volumes writes into its own files, which nobody keeps. */
static int pod_start_run(struct pod *pod, struct error *err)
{
	int r = need_instance(pod, err);

	if (r == 0 && !pod_has_devices(pod, true))
		return error_set(err, CMD_REFUSED,
			"instance '%s/%s' does not have all volumes\n"
			"  'anklume-fsctl pod migrate %s' attaches them",
			pod->machine->project, pod->machine->instance, pod->machine->name);
	return r != 0 ? r : pod_start(pod, err);
}

static int pod_stop_run(struct pod *pod, struct error *err)
{
	int r = need_instance(pod, err);

	return r != 0 ? r : pod_stop(pod, err);
}

/* Everything that would stop it halfway is looked for before anything is done. */
static int check_deletable(struct pod *pod, struct error *err)
{
	if (pod->has_instance && pod->instance.is_protected)
		return error_set(err, CMD_REFUSED,
			"instance '%s/%s' is protected (security.protection.delete)",
			pod->machine->project, pod->machine->instance);
	for (size_t i = 0; i < pod->machine->n_volumes; i++) {
		const struct volume_ref ref = {
			pod->domain, pod->machine, &pod->machine->volumes[i]};
		char name[VOLUME_NAME_MAX];
		int r = catalog_check_removable(ref.volume, volume_ref_name(&ref, name), err);

		if (r == 0)
			r = attached_check_others(pod->op.env, &ref, pod->machine->project,
				pod->machine->instance, err);
		if (r != 0)
			return r == -EPERM ? CMD_REFUSED : r;
	}
	return 0;
}

static int delete_instance(struct pod *pod, struct error *err)
{
	int r = 0;

	if (!pod->has_instance)
		return 0;
	if (pod->instance.is_running)
		r = pod_stop(pod, err);
	if (r == 0 && !pod->op.env->is_dry_run)
		r = incus_instance_delete(
			pod->incus, pod->machine->project, pod->machine->instance, err);
	return r != 0 ? r : report_add(&pod->op.report, REPORT_REMOVED, pod->name, "instance", err);
}

static int pod_delete_run(struct pod *pod, struct error *err)
{
	cleanup_free char *prompt = NULL;
	int r = check_deletable(pod, err);

	if (r != 0)
		return r;
	if (asprintf(&prompt,
		    "The instance of '%s' is deleted, its %zu volumes go to the trash.\n"
		    "Type its full name to go on: ",
		    pod->name, pod->machine->n_volumes) < 0) {
		prompt = NULL;
		return -ENOMEM;
	}
	r = volop_confirm(&pod->op, prompt, pod->name, pod->name, err);
	if (r == 0)
		r = delete_instance(pod, err);
	for (size_t i = 0; r == 0 && i < pod->machine->n_volumes; i++) {
		const struct volume_ref ref = {
			pod->domain, pod->machine, &pod->machine->volumes[i]};

		r = volume_trash(&pod->op, &ref, err);
	}
	return r;
}

static const struct out_column columns[] = {
	{"volume", "VOLUME", OUT_TEXT, 0},
	{"path", "PATH", OUT_TEXT, 0},
	{"attached", "ATTACHED", OUT_TEXT, 0},
	{"seeded", "SEEDED", OUT_TEXT, 0},
	{"note", "NOTE", OUT_TEXT, OUT_IF_ANY | OUT_WRAP},
};

/* The volume with the package database: how its seed is not what the instance is now; NULL = not. */
static const char *skew_of(const struct pod *pod, const struct volume *v, const char *seed)
{
	char now[SEED_TEXT_MAX];
	size_t image;

	if (!*seed || !pod->has_instance || !path_is_inside("/var/lib", v->path))
		return NULL;
	pod_identity(pod, now, sizeof(now));
	if (strcmp(now, seed) == 0)
		return NULL;
	image = strcspn(now + strlen("image "), " ") + strlen("image ");
	if (strncmp(now, seed, image) != 0)
		return "seeded from another image: what is in /usr now may not fit";
	return "the instance was made anew: what was installed into /usr since is gone";
}

static int add_volume(const struct pod *pod, const struct volume *v, json_t *rows)
{
	const struct volume_ref ref = {pod->domain, pod->machine, v};
	char name[VOLUME_NAME_MAX], seed[SEED_TEXT_MAX] = "";
	struct pod one = *pod;
	struct machine machine = *pod->machine;
	cleanup_fd int fd = -1;

	machine.volumes = (struct volume *)v;
	machine.n_volumes = 1;
	one.machine = &machine;
	if (datadir_open_volume(pod->op.base_fd, pod->domain->name, machine.name, v->name, &fd) ==
		0)
		seed_read(fd, seed);
	return rows_append(rows,
		json_pack("{s:s s:s s:s s:s s:o}", "volume", volume_ref_name(&ref, name), "path",
			v->path, "attached", pod_has_devices(&one, true) ? "yes" : "no", "seeded",
			*seed ? "yes" : "no", "note", out_text(skew_of(pod, v, seed))));
}

/* PATH lies in what neither a volume keeps nor a slim image leaves out on purpose. */
static bool is_unkept(const struct pod *pod, const char *path)
{
	for (size_t i = 0; i < pod->machine->n_volumes; i++) {
		if (path_is_inside(path, pod->machine->volumes[i].path))
			return false;
	}
	return !path_is_inside(path, "/usr/share");
}

/* Lines of dpkg --verify, "missing   c /path", that tell of something no volume keeps. */
static size_t count_missing(const struct pod *pod, char *text)
{
	char *line;
	size_t n = 0;

	while (text && (line = strsep(&text, "\n"))) {
		const char *path = strstr(line, " /");

		n += str_has_prefix(line, "missing") && path && is_unkept(pod, path + 1);
	}
	return n;
}

/* Ask the instance's own package manager, where it has one. */
static void warn_packages(const struct pod *pod)
{
	static const char *const argv[] = {"dpkg", "--verify", NULL};
	cleanup_free char *out = NULL;
	size_t n;
	int status;

	if (!pod->has_instance || !pod->instance.is_running ||
		incus_exec(pod->incus, pod->machine->project, pod->machine->instance, argv, &status,
			&out, NULL, NULL) < 0)
		return;
	n = count_missing(pod, out);
	if (n > 0)
		fprintf(pod->op.env->words,
			"Files of installed packages that are missing in '%s': %zu\n"
			"  the package database in /var is of another /usr; install them again\n",
			pod->name, n);
}

static int pod_check_run(struct pod *pod, struct error *err)
{
	cleanup_json json_t *rows = json_array();
	int r = 0;

	for (size_t i = 0; r == 0 && i < pod->machine->n_volumes; i++)
		r = add_volume(pod, &pod->machine->volumes[i], rows);
	if (r == 0)
		r = out_rows(pod->op.env->out, pod->op.env->format, columns, ARRAY_SIZE(columns),
			rows, err);
	if (r == 0)
		warn_packages(pod);
	return r;
}

static const struct {
	const char *name;
	int (*run)(struct pod *pod, struct error *err);
	bool is_looking; /* prints its own */
} actions[] = {
	{"create", pod_create_run, false},
	{"start", pod_start_run, false},
	{"stop", pod_stop_run, false},
	{"check", pod_check_run, true},
	{"migrate", pod_migrate_run, false},
	{"delete", pod_delete_run, false},
};

static int run(struct cmd_env *env, size_t action, const char *word, struct error *err)
{
	cleanup_pod struct pod pod;
	int r = pod_open(&pod, env, word, err);

	if (r == 0)
		r = actions[action].run(&pod, err);
	if (actions[action].is_looking)
		return r;
	return volop_end(&pod.op, r, err);
}

int cmd_pod(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	(void)argc;
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		if (strcmp(actions[i].name, argv[0]) == 0)
			return run(env, i, argv[1], err);
	}
	return cmd_usage(
		err, "no 'pod %s': there are create, start, stop, check, migrate, delete", argv[0]);
}
