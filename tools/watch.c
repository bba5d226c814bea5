/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "watch.h"

#include "applied.h"
#include "ctl.h"
#include "datadir.h"
#include "devplan.h"
#include "live.h"
#include "log.h"
#include "str.h"
#include "volmark.h"

/* The machine that the instance owns, by the catalogue; NULL when it owns none. */
static const struct machine *find_owned(const struct infra *infra, const char *project,
	const char *instance, const struct domain **ret_domain)
{
	for (size_t i = 0; i < infra->n_domains; i++) {
		const struct domain *d = &infra->domains[i];

		for (size_t j = 0; j < d->n_machines; j++) {
			const struct machine *m = &d->machines[j];

			if (str_equal(m->project, project) && str_equal(m->instance, instance)) {
				*ret_domain = d;
				return m;
			}
		}
	}
	return NULL;
}

/* The daemon decides by the owner: it must know before anything else happens. */
static void tell_daemon(const struct watch *w, struct catalog *cat)
{
	cleanup_error struct error err = {NULL};
	uint64_t generation;
	int r = catalog_get_generation(cat, &generation, &err);

	if (r == 0)
		r = ctl_reload(w->env->control, generation, NULL, &err);
	if (r < 0)
		log_error("the change is recorded, but not yet in force: %s", error_text(&err, r));
}

/* The volumes of the machine belong to project/instance from now on. */
static int move_owner(struct watch *w, struct catalog *cat, const struct domain *d,
	const struct machine *m, const char *project, const char *instance, struct error *err)
{
	cleanup_fd int base_fd = -1;
	struct mark_store marks = volmark_store(&base_fd);
	bool is_changed = false;
	int r = datadir_open(w->env->base, false, &base_fd, err);

	if (r == 0)
		r = catalog_set_owner_instance(
			cat, m->id, project, instance, &w->env->actor, &marks, &is_changed, err);
	if (r < 0 || !is_changed)
		return r;

	log_notice("'%s/%s' is '%s/%s' now, and stays the owner of '%s/%s'", m->project,
		m->instance, project, instance, d->name, m->name);
	tell_daemon(w, cat);
	return 0;
}

static int on_renamed(struct watch *w, struct cmd_state *state, const struct incus_event *event,
	struct error *err)
{
	const struct domain *d;
	const struct machine *m = find_owned(&state->infra, event->project, event->old_name, &d);
	int r = 0;

	if (m)
		r = move_owner(w, state->catalog, d, m, event->project, event->name, err);
	return r < 0 ? r
		     : catalog_rename_applied(state->catalog, event->project, event->old_name,
			       event->name, &w->env->actor, err);
}

/* A project's name is part of every owner in it. */
static int on_project_renamed(struct watch *w, struct cmd_state *state,
	const struct incus_event *event, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < state->infra.n_domains; i++) {
		const struct domain *d = &state->infra.domains[i];

		for (size_t j = 0; j < d->n_machines && r == 0; j++) {
			const struct machine *m = &d->machines[j];

			if (str_equal(m->project, event->old_name))
				r = move_owner(
					w, state->catalog, d, m, event->name, m->instance, err);
		}
	}
	return r;
}

static int set_gone(struct watch *w, struct cmd_state *state, const char *project,
	const char *instance, bool is_gone, struct error *err)
{
	const struct domain *d;
	const struct machine *m = find_owned(&state->infra, project, instance, &d);
	bool is_changed = false;
	int r;

	if (!m)
		return 0;
	r = catalog_set_gone(
		state->catalog, project, instance, is_gone, &w->env->actor, &is_changed, err);
	if (r < 0 || !is_changed)
		return r;

	if (is_gone)
		log_notice("instance '%s/%s' was deleted; its data stays in '%s/%s/%s'", project,
			instance, w->env->base, d->name, m->name);
	else
		log_notice("instance '%s/%s' is back", project, instance);
	return 0;
}

static int on_deleted(struct watch *w, struct cmd_state *state, const struct incus_event *event,
	struct error *err)
{
	return set_gone(w, state, event->project, event->name, true, err);
}

/*
 * Say what differs between what was applied and what is there. The plan's eyes are used with the
 * recorded devices as what is wanted: what it would change is what somebody else changed.
 */
static int check_drift(const struct watch *w, const struct applied_list *applied,
	const struct incus_instance *in, struct error *err)
{
	const struct device_list *recorded = applied_find(applied, in->project, in->name);
	cleanup_device_list struct device_list local = {NULL, 0};
	cleanup_devplan struct devplan plan = {NULL, 0};
	const struct devplan_view view = {
		.wanted = recorded,
		.applied = recorded,
		.local = &local,
		.expanded = &local,
		.tree = w->env->mount,
		.base = w->env->base,
		.is_vm = in->is_vm,
	};
	int r = live_parse(in->devices, &local);

	if (r == 0)
		r = devplan_make(&view, &plan);
	if (r < 0)
		return error_set(err, r, "out of memory");

	for (size_t i = 0; i < plan.n_items; i++) {
		const struct devplan_step *s = &plan.items[i];

		if (s->action == DEVPLAN_ADD)
			log_warning("drift: device '%s' of '%s/%s' was removed; 'anklume-fsctl "
				    "devices apply' puts it back",
				s->name, in->project, in->name);
		else if (s->action == DEVPLAN_CHANGE)
			log_warning("drift: device '%s' of '%s/%s' is not as it was applied: %s",
				s->name, in->project, in->name, s->detail);
		else if (s->action == DEVPLAN_UNKNOWN)
			log_warning("drift: device '%s' of '%s/%s' was declared by nobody; a copy, "
				    "or a restored snapshot?",
				s->name, in->project, in->name);
	}
	return 0;
}

/* Created, updated, restored, started: it is there, and how is it? */
static int on_present(struct watch *w, struct cmd_state *state, const struct incus_event *event,
	struct error *err)
{
	cleanup_applied_list struct applied_list applied = {NULL, 0};
	cleanup_incus_instance struct incus_instance in = {NULL};
	int r;

	r = incus_instance_get(w->incus, event->project, event->name, &in, err);
	if (r == -ENOENT) /* gone again: its own event is on the way */
		return 0;
	if (r == 0)
		r = set_gone(w, state, in.project, in.name, false, err);
	if (r == 0)
		r = catalog_list_applied(state->catalog, in.project, in.name, &applied, err);
	return r < 0 ? r : check_drift(w, &applied, &in, err);
}

static const struct {
	const char *action;
	int (*run)(struct watch *w, struct cmd_state *state, const struct incus_event *event,
		struct error *err);
	bool needs_old_name;
} handlers[] = {
	{"instance-renamed", on_renamed, true},
	{"instance-deleted", on_deleted, false},
	{"instance-created", on_present, false},
	{"instance-updated", on_present, false},
	{"instance-restored", on_present, false},
	{"instance-started", on_present, false},
	{"project-renamed", on_project_renamed, true},
};

int watch_event(struct watch *w, const struct incus_event *event, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(handlers); i++) {
		cleanup_cmd_state struct cmd_state state = CMD_STATE_INIT;
		int r;

		if (!str_equal(handlers[i].action, event->action) ||
			(handlers[i].needs_old_name && !event->old_name))
			continue;
		r = cmd_state_open(&state, w->env, CATALOG_WRITE, err);
		return r < 0 ? r : handlers[i].run(w, &state, event, err);
	}
	return 0;
}

/*
 * An owner that is not there was deleted while nobody watched, if something had been applied to it;
 * else it may not have been made yet.
 */
static int sync_owner(struct watch *w, struct cmd_state *state,
	const struct incus_instance_list *instances, const struct applied_list *applied,
	const struct machine *m, struct error *err)
{
	const struct incus_instance *in = incus_instance_find(instances, m->project, m->instance);
	int r;

	if (!in)
		return applied_find(applied, m->project, m->instance)
			       ? set_gone(w, state, m->project, m->instance, true, err)
			       : 0;
	r = set_gone(w, state, m->project, m->instance, false, err);
	return r < 0 ? r : check_drift(w, applied, in, err);
}

int watch_sync(struct watch *w, struct error *err)
{
	cleanup_incus_instance_list struct incus_instance_list instances = {NULL, 0};
	cleanup_applied_list struct applied_list applied = {NULL, 0};
	cleanup_cmd_state struct cmd_state state = CMD_STATE_INIT;
	int r;

	r = cmd_state_open(&state, w->env, CATALOG_WRITE, err);
	if (r == 0)
		r = incus_instance_list(w->incus, NULL, &instances, err);
	if (r == 0)
		r = catalog_list_applied(state.catalog, NULL, NULL, &applied, err);
	for (size_t i = 0; i < state.infra.n_domains && r == 0; i++) {
		const struct domain *d = &state.infra.domains[i];

		for (size_t j = 0; j < d->n_machines && r == 0; j++)
			r = sync_owner(w, &state, &instances, &applied, &d->machines[j], err);
	}
	return r;
}
