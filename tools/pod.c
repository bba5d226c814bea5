/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pod.h"

#include <string.h>

#include "applied.h"
#include "attach.h"
#include "backup.h"
#include "ctl.h"
#include "naming.h"
#include "seed.h"
#include "str.h"
#include "url.h"
#include "wire.h"

static bool is_meant(const struct domain *d, const struct machine *m, const char *word)
{
	size_t len = strlen(d->name);

	return strcmp(m->name, word) == 0 ||
	       (strncmp(word, d->name, len) == 0 && word[len] == '/' &&
		       strcmp(word + len + 1, m->name) == 0);
}

/* Orphans, copies for example, are none of the machine's business: their paths may clash. */
static int keep_declared(struct pod *pod)
{
	const struct machine *m = pod->machine;
	size_t n = 0;

	pod->declared = *m;
	pod->declared.volumes = calloc(m->n_volumes + 1, sizeof(*m->volumes));
	if (!pod->declared.volumes)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_volumes; i++) {
		if (m->volumes[i].orphan_since == 0)
			pod->declared.volumes[n++] = m->volumes[i];
	}
	pod->declared.n_volumes = n;
	pod->machine = &pod->declared;
	return 0;
}

static int find_machine(struct pod *pod, const char *word, struct error *err)
{
	const struct infra *infra = &pod->op.state.infra;
	size_t n = 0;

	for (size_t i = 0; i < infra->n_domains; i++) {
		const struct domain *d = &infra->domains[i];

		for (size_t j = 0; j < d->n_machines; j++) {
			if (!is_meant(d, &d->machines[j], word))
				continue;
			pod->domain = d;
			pod->machine = &d->machines[j];
			n++;
		}
	}
	if (n == 0)
		return error_set(err, CMD_NO_VOLUME,
			"no machine '%s' is recorded\n"
			"  declare it in the spec and run 'anklume-fsctl apply'",
			word);
	if (n > 1)
		return error_set(err, CMD_NO_VOLUME,
			"several domains have a machine '%s': write domain/machine", word);
	if (pod->machine->is_vm)
		return error_set(err, CMD_REFUSED,
			"machine '%s' is a virtual machine: its files are in a disk image", word);
	if (keep_declared(pod) < 0)
		return -ENOMEM;
	if (pod->machine->n_volumes == 0)
		return error_set(err, CMD_REFUSED, "the spec declares no volume for machine '%s'",
			pod->machine->name);
	snprintf(pod->name, sizeof(pod->name), "%s/%s", pod->domain->name, pod->machine->name);
	return 0;
}

int pod_refresh(struct pod *pod, struct error *err)
{
	cleanup_error struct error why = {NULL};
	int r;

	incus_instance_finish(&pod->instance);
	memset(&pod->instance, 0, sizeof(pod->instance));
	pod->has_instance = false;
	r = incus_instance_get(
		pod->incus, pod->machine->project, pod->machine->instance, &pod->instance, &why);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return error_set(err, r, "%s", error_text(&why, r));
	pod->has_instance = true;
	return 0;
}

int pod_open(struct pod *pod, struct cmd_env *env, const char *word, struct error *err)
{
	int r;

	memset(pod, 0, sizeof(*pod));
	r = volop_begin(&pod->op, env, err);
	if (r == 0)
		r = find_machine(pod, word, err);
	if (r == 0)
		r = incus_open(NULL, &pod->incus, err);
	if (r != 0)
		return r;
	incus_set_timeouts(pod->incus, INCUS_BACKUP_TIMEOUT_MS, INCUS_BACKUP_TIMEOUT_MS);
	return pod_refresh(pod, err);
}

void pod_finish(struct pod *pod)
{
	incus_instance_finish(&pod->instance);
	free(pod->declared.volumes);
	pod->declared.volumes = NULL;
	incus_close(pod->incus);
	pod->incus = NULL;
	volop_finish(&pod->op);
}

static bool has_device(const struct pod *pod, const struct volume *v)
{
	cleanup_free char *name = naming_device(v->name);
	cleanup_free char *source =
		naming_source(pod->op.env->mount, pod->domain->name, pod->machine->name, v->name);
	const json_t *device;

	if (!name || !source || !pod->has_instance)
		return false;
	device = json_object_get(pod->instance.expanded_devices, name);
	return str_equal(json_string_value(json_object_get(device, "source")), source);
}

bool pod_has_devices(const struct pod *pod, bool all)
{
	size_t n = 0;

	for (size_t i = 0; i < pod->machine->n_volumes; i++)
		n += has_device(pod, &pod->machine->volumes[i]);
	return all ? n == pod->machine->n_volumes : n > 0;
}

static const char *config_text(const struct pod *pod, const char *key)
{
	const char *text = json_string_value(json_object_get(pod->instance.config, key));

	return text ? text : "?";
}

void pod_identity(const struct pod *pod, char *buf, size_t size)
{
	snprintf(buf, size, "image %s instance %s", config_text(pod, "volatile.base_image"),
		config_text(pod, "volatile.uuid"));
}

int pod_make_instance(struct pod *pod, struct error *err)
{
	const struct machine *m = pod->machine;
	int r;

	if (!pod->op.env->image)
		return error_set(err, CMD_REFUSED,
			"there is no instance '%s/%s': name its image with --image", m->project,
			m->instance);
	if (!pod->op.env->is_dry_run) {
		r = incus_send(pod->incus, "POST",
			url_format("/1.0/instances?project=%s", m->project),
			json_pack("{s:s s:s s:{s:s s:s}}", "name", m->instance, "type", "container",
				"source", "type", "image", "alias", pod->op.env->image),
			err);
		if (r < 0)
			return error_prefix(
				err, r, "cannot create '%s/%s'", m->project, m->instance);
		r = pod_refresh(pod, err);
		if (r < 0)
			return r;
	}
	return report_add(&pod->op.report, REPORT_CREATED, pod->name, "instance", err);
}

/* Incus opens the volumes through the mount: what has changed must be in force there. */
static int tell_daemon(struct pod *pod, struct error *err)
{
	cleanup_json json_t *answer = NULL;
	uint64_t generation;
	int r = catalog_get_generation(pod->op.state.catalog, &generation, err);

	if (r == 0)
		r = ctl_reload(pod->op.env->control, generation, &answer, err);
	return r < 0 ? r : 0;
}

int pod_seed(struct pod *pod, struct error *err)
{
	char source[SEED_TEXT_MAX];
	int r;

	if (!pod->has_instance) /* a dry run */
		return 0;
	pod_identity(pod, source, sizeof(source));
	r = seed_machine(&pod->op, pod->incus, pod->domain, pod->machine, source, err);
	return r != 0 || pod->op.env->is_dry_run ? r : tell_daemon(pod, err);
}

static int run_attach(struct pod *pod, const struct device_list *wanted, struct error *err)
{
	const struct attach how = {
		.incus = pod->incus,
		.catalog = pod->op.state.catalog,
		.actor = &pod->op.env->actor,
		.tree = pod->op.env->mount,
		.base = pod->op.env->base,
	};
	cleanup_attach_result struct attach_result result = {{NULL, 0}};
	cleanup_applied_list struct applied_list applied = {0};
	int r;

	r = catalog_list_applied(pod->op.state.catalog, pod->machine->project,
		pod->machine->instance, &applied, err);
	if (r == 0)
		r = attach_run(&how, pod->machine->project, pod->machine->instance, wanted,
			applied_find(&applied, pod->machine->project, pod->machine->instance),
			&result, err);
	if (r == 0 && result.error)
		r = error_set(err, CMD_FAILED, "instance '%s/%s': %s", pod->machine->project,
			pod->machine->instance, result.error);
	return r < 0 ? r : r == 0 ? pod_refresh(pod, err) : r;
}

int pod_attach(struct pod *pod, struct error *err)
{
	cleanup_device_list struct device_list wanted = {0};
	int r = 0;

	if (pod->has_instance && pod_has_devices(pod, true))
		return report_add(&pod->op.report, REPORT_EXISTS, pod->name, "devices", err);
	device_list_init(&wanted);
	for (size_t i = 0; r == 0 && i < pod->machine->n_volumes; i++)
		r = device_list_add_volume(&wanted, pod->op.env->mount, pod->domain, pod->machine,
			&pod->machine->volumes[i]);
	if (r == 0 && !pod->op.env->is_dry_run)
		r = run_attach(pod, &wanted, err);
	if (r == 0 && !pod->op.env->is_dry_run && !pod_has_devices(pod, true))
		r = error_set(err, CMD_REFUSED,
			"not all volumes of '%s' could be attached\n"
			"  see 'anklume-fsctl devices diff'",
			pod->name);
	return r != 0 ? r : report_add(&pod->op.report, REPORT_ATTACHED, pod->name, NULL, err);
}

int pod_detach(struct pod *pod, struct error *err)
{
	const struct device_list none = {0};
	int r = pod->op.env->is_dry_run ? 0 : run_attach(pod, &none, err);

	if (r == 0 && !pod->op.env->is_dry_run && pod_has_devices(pod, false))
		r = error_set(err, CMD_REFUSED,
			"volumes of '%s' are still attached: not by anklume-fsctl, or by a profile",
			pod->name);
	return r != 0 ? r : report_add(&pod->op.report, REPORT_DETACHED, pod->name, NULL, err);
}

static int set_state(
	struct pod *pod, const char *action, enum report_action done, bool force, struct error *err)
{
	int r = 0;

	if (!pod->op.env->is_dry_run)
		r = incus_instance_set_state(pod->incus, pod->machine->project,
			pod->machine->instance, action, force, err);
	if (r == 0 && !pod->op.env->is_dry_run)
		r = pod_refresh(pod, err);
	return r != 0 ? r : report_add(&pod->op.report, done, pod->name, NULL, err);
}

int pod_start(struct pod *pod, struct error *err)
{
	if (pod->has_instance && pod->instance.is_running)
		return report_add(&pod->op.report, REPORT_EXISTS, pod->name, "it runs", err);
	return set_state(pod, "start", REPORT_STARTED, false, err);
}

int pod_stop(struct pod *pod, struct error *err)
{
	if (!pod->has_instance || !pod->instance.is_running)
		return report_add(
			&pod->op.report, REPORT_UNCHANGED, pod->name, "it does not run", err);
	return set_state(pod, "stop", REPORT_STOPPED, pod->op.env->is_forced, err);
}
