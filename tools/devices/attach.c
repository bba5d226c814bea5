/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "attach.h"

#include "detach.h"
#include "live.h"
#include "path.h"
#include "str.h"

#include <string.h>

static const char *const outcome_words[] = {
	[ATTACH_NOTHING] = NULL,
	[ATTACH_WOULD] = "would",
	[ATTACH_DONE] = "done",
	[ATTACH_HELD_BACK] = "needs-replug",
	[ATTACH_FAILED] = "failed",
};

const char *attach_outcome_word(enum attach_outcome outcome)
{
	return outcome_words[outcome];
}

void attach_result_finish(struct attach_result *result)
{
	devplan_finish(&result->plan);
	free(result->outcomes);
	free(result->error);
	*result = (struct attach_result){{NULL, 0}};
}

static bool is_change(const struct devplan_step *s)
{
	return s->action == DEVPLAN_ADD || s->action == DEVPLAN_CHANGE ||
	       s->action == DEVPLAN_REMOVE;
}

static bool is_held_back(
	const struct attach *how, const struct attach_result *result, const struct devplan_step *s)
{
	return s->is_unplug && result->is_running && !how->may_replug;
}

static void set_outcomes(
	const struct attach *how, struct attach_result *result, enum attach_outcome outcome)
{
	for (size_t i = 0; i < result->plan.n_items; i++) {
		const struct devplan_step *s = &result->plan.items[i];

		if (!is_change(s))
			result->outcomes[i] = ATTACH_NOTHING;
		else
			result->outcomes[i] =
				is_held_back(how, result, s) ? ATTACH_HELD_BACK : outcome;
	}
}

int attach_plan(const struct attach *how, const struct incus_instance *in,
	const struct device_list *wanted, const struct device_list *applied,
	struct attach_result *ret)
{
	cleanup_device_list struct device_list local = {NULL, 0};
	cleanup_device_list struct device_list expanded = {NULL, 0};
	const struct devplan_view view = {
		.wanted = wanted,
		.applied = applied,
		.local = &local,
		.expanded = &expanded,
		.tree = how->tree,
		.base = how->base,
		.is_vm = in->is_vm,
		.is_adopting = how->is_adopting,
	};
	int r;

	attach_result_finish(ret);
	r = live_parse(in->devices, &local);
	if (r == 0)
		r = live_parse(in->expanded_devices, &expanded);
	if (r == 0)
		r = devplan_make(&view, &ret->plan);
	if (r < 0)
		return r;

	ret->is_running = in->is_running;
	ret->outcomes = calloc(ret->plan.n_items + 1, sizeof(*ret->outcomes));
	if (!ret->outcomes)
		return -ENOMEM;
	set_outcomes(how, ret, ATTACH_WOULD);
	return 0;
}

/* One run of attach_run(), also the context of its edit. */
struct attachment {
	const struct attach *how;
	const struct device_list *wanted, *applied;
	struct attach_result *result;
};

/* Carry out step I on the devices of the instance. 1: something changed. */
static int edit_device(json_t *devices, const struct attach_result *result, size_t i)
{
	const struct devplan_step *s = &result->plan.items[i];

	if (result->outcomes[i] != ATTACH_WOULD)
		return 0;
	if (s->action == DEVPLAN_REMOVE)
		return json_object_del(devices, s->name) == 0;
	return json_object_set_new(devices, s->name, live_format(&s->device)) < 0 ? -ENOMEM : 1;
}

/* The plan is made anew from what Incus says now: since the list was read it may have changed. */
static int edit(json_t *object, void *context, struct error *err)
{
	cleanup_incus_instance struct incus_instance in = {NULL};
	struct attachment *a = context;
	bool is_changed = false;
	int r;

	r = incus_instance_parse(object, &in, err);
	if (r < 0)
		return r;
	r = attach_plan(a->how, &in, a->wanted, a->applied, a->result);
	for (size_t i = 0; i < a->result->plan.n_items && r >= 0; i++) {
		r = edit_device(in.devices, a->result, i);
		is_changed |= r > 0;
	}
	return r < 0 ? error_set(err, r, "out of memory") : is_changed;
}

/* What the audit trail says of a step that was carried out; NULL is nothing. */
static const char *audit_word(const struct devplan_step *s)
{
	static const char *const words[N_DEVPLAN_ACTIONS] = {
		[DEVPLAN_ADD] = "device.add",
		[DEVPLAN_CHANGE] = "device.change",
		[DEVPLAN_REMOVE] = "device.remove",
	};

	return words[s->action];
}

/* The change for the catalogue that step I amounts to; false: none. */
static bool make_change(
	const struct attach_result *result, size_t i, struct applied_change *ret, char **detail)
{
	const struct devplan_step *s = &result->plan.items[i];

	*detail = NULL;
	if (result->outcomes[i] != ATTACH_DONE && !(s->action == DEVPLAN_KEEP && s->is_news))
		return false;
	if (asprintf(detail, "%s%s%s", s->name, s->detail ? ": " : "", s->detail ? s->detail : "") <
		0)
		*detail = NULL;
	*ret = (struct applied_change){
		.name = s->name,
		.device = s->action == DEVPLAN_REMOVE ? NULL : &s->device,
		.action = audit_word(s),
		.detail = *detail,
	};
	return true;
}

/* What was recorded, is not wanted and is not there either: forget it. */
static bool is_forgotten(const struct attachment *a, const char *name)
{
	for (size_t i = 0; i < a->result->plan.n_items; i++) {
		if (str_equal(a->result->plan.items[i].name, name))
			return false;
	}
	return true;
}

static int record(
	const struct attachment *a, const char *project, const char *name, struct error *err)
{
	size_t n_applied = a->applied ? a->applied->n_items : 0;
	size_t n_steps = a->result->plan.n_items;
	cleanup_free struct applied_change *changes =
		calloc(n_steps + n_applied + 1, sizeof(*changes));
	char **details = calloc(n_steps + 1, sizeof(*details));
	size_t n = 0;
	int r = changes && details ? 0 : -ENOMEM;

	for (size_t i = 0; i < n_steps && r == 0; i++)
		n += make_change(a->result, i, &changes[n], &details[i]);
	for (size_t i = 0; i < n_applied && r == 0; i++) {
		if (is_forgotten(a, a->applied->items[i].name))
			changes[n++].name = a->applied->items[i].name;
	}
	if (r == 0 && n > 0)
		r = catalog_record_devices(
			a->how->catalog, project, name, changes, n, a->how->actor, err);
	for (size_t i = 0; details && i < n_steps; i++)
		free(details[i]);
	free(details);
	return r;
}

/* The pid of the instance's init, as this process can use it. */
static int find_init(const struct attach *how, const char *project, const char *name, pid_t *ret,
	struct error *err)
{
	int r = incus_instance_get_pid(how->incus, project, name, ret, err);

	if (r == 0 && *ret <= 0)
		return error_set(err, -ESRCH, "'%s/%s' does not run", project, name);
	return r;
}

static int load_inside(
	pid_t pid, const char *project, const char *name, struct mount_list *ret, struct error *err)
{
	int r = mountinfo_load(pid, ret);

	if (r == -ENOENT || r == -ESRCH)
		return error_set(err, -ESRCH,
			"cannot look into '%s/%s': its init (%d) is not visible from here", project,
			name, (int)pid);
	return r < 0 ? error_errno(err, r, "cannot read the mounts of '%s/%s'", project, name) : 0;
}

int attach_look(const struct attach *how, const char *project, const char *name,
	const struct device *const *devices, size_t n, enum sight *ret, struct error *err)
{
	cleanup_mount_list struct mount_list inside = {NULL, 0};
	cleanup_mount_list struct mount_list outside = {NULL, 0};
	pid_t pid = 0;
	int r;

	r = find_init(how, project, name, &pid, err);
	if (r < 0)
		return r;
	r = load_inside(pid, project, name, &inside, err);
	if (r < 0)
		return r;
	r = mountinfo_load(0, &outside);
	if (r < 0)
		return error_errno(err, r, "cannot read the mounts");

	for (size_t i = 0; i < n && r == 0; i++)
		r = sight_look(devices[i], &inside, &outside, &ret[i], err);
	return r;
}

/*
 * What helps against words of Incus. It says the first of a filesystem that can be idmapped, too: it
 * remembers one answer for all that have f_fsid 0, and every FUSE has.
 */
static const struct {
	const char *words, *advice;
} advices[] = {
	{"idmapping abilities",
		"\n  if 'anklume-fsctl doctor' finds idmapped mounts working, restart Incus: it\n"
		"  remembers the answer of another FUSE filesystem for ours"},
	{"Missing source path",
		"\n  is the volume recorded ('anklume-fsctl apply'), and the data mounted\n"
		"  ('anklume-fsctl status')?"},
};

static const char *advice(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(advices); i++) {
		if (strstr(text, advices[i].words))
			return advices[i].advice;
	}
	return "";
}

static int set_error(struct attach_result *result, const char *text)
{
	free(result->error);
	if (asprintf(&result->error, "%s%s", text, advice(text)) < 0)
		result->error = NULL;
	return result->error ? 0 : -ENOMEM;
}

/* Step I was done, says Incus; is it so? */
static int verify_step(const struct attachment *a, const char *project, const char *name, size_t i)
{
	const struct device *d = &a->result->plan.items[i].device;
	cleanup_error struct error err = {NULL};
	cleanup_free char *text = NULL;
	enum sight sight = SIGHT_GOOD;
	int r;

	r = attach_look(a->how, project, name, &d, 1, &sight, &err);
	if (r == 0 && sight == SIGHT_GOOD)
		return 0;

	a->result->outcomes[i] = ATTACH_FAILED;
	if (r == 0)
		r = asprintf(&text,
			    "device '%s' was plugged, but inside it is %s; see 'devices heal'",
			    d->name, sight_word(sight)) < 0
			    ? -ENOMEM
			    : 0;
	else
		text = strdup(error_text(&err, r));
	return text ? set_error(a->result, text) : -ENOMEM;
}

static int verify(const struct attachment *a, const char *project, const char *name, bool is_vm)
{
	struct attach_result *result = a->result;
	int r = 0;

	for (size_t i = 0; result->is_running && !is_vm && i < result->plan.n_items && r == 0;
		i++) {
		if (result->outcomes[i] == ATTACH_DONE &&
			result->plan.items[i].action != DEVPLAN_REMOVE)
			r = verify_step(a, project, name, i);
	}
	return r;
}

/* Errors of one instance, with which the next one can go on. */
static bool is_of_instance(int r)
{
	return r != -ECONNREFUSED && r != -ECONNRESET && r != -EBADMSG && r != -ENOMEM &&
	       r != -EACCES;
}

int attach_run(const struct attach *how, const char *project, const char *name,
	const struct device_list *wanted, const struct device_list *applied,
	struct attach_result *ret, struct error *err)
{
	cleanup_incus_instance struct incus_instance in = {NULL};
	struct attachment a = {how, wanted, applied, ret};
	cleanup_error struct error why = {NULL};
	bool was_changed;
	int r;

	r = incus_instance_edit(how->incus, project, name, edit, &a, &why);
	if (r < 0 && !is_of_instance(r))
		return error_set(err, r, "%s", error_text(&why, r));
	set_outcomes(how, ret, r < 0 ? ATTACH_FAILED : ATTACH_DONE);
	if (r < 0)
		return set_error(ret, error_text(&why, r));

	was_changed = r > 0;
	r = record(&a, project, name, err);
	if (r < 0 && was_changed)
		return error_prefix(
			err, r, "'%s/%s' was changed, but that is not recorded", project, name);
	if (r == 0)
		r = incus_instance_get(how->incus, project, name, &in, err);
	if (r == 0)
		r = verify(&a, project, name, in.is_vm);
	return r;
}

/* The context of the two edits of a replug. */
struct plugging {
	const struct device *device;
	bool is_plugged;
};

static int edit_plug(json_t *object, void *context, struct error *err)
{
	const struct plugging *p = context;
	json_t *devices = json_object_get(object, "devices");
	json_t *device;

	if (!p->is_plugged)
		return json_object_del(devices, p->device->name) == 0;

	device = live_format(p->device);
	if (!device || json_object_set_new(devices, p->device->name, device) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	return 1;
}

/* After the unplug: a dead mount that Incus left behind would be in the way of the new one. */
static int clear_path(const struct attach *how, const char *project, const char *name,
	const struct device *device, struct error *err)
{
	cleanup_mount_list struct mount_list inside = {NULL, 0};
	const char *path = device_get(device, "path");
	cleanup_free char *normal = path ? path_normalise(path) : NULL;
	pid_t pid = 0;
	int r;

	if (!normal)
		return error_set(err, -EINVAL, "device '%s' has no path", device->name);
	r = find_init(how, project, name, &pid, err);
	if (r == 0)
		r = load_inside(pid, project, name, &inside, err);
	if (r < 0 || !mountinfo_at(&inside, normal))
		return r;
	return detach_inside(pid, normal, err);
}

int attach_replug(const struct attach *how, const char *project, const char *name,
	const struct device *device, struct error *err)
{
	const struct applied_change change = {
		.name = device->name,
		.device = device,
		.action = "device.replug",
		.detail = device->name,
	};
	struct plugging p = {.device = device};
	int r;

	r = catalog_record_devices(how->catalog, project, name, &change, 1, how->actor, err);
	if (r == 0)
		r = incus_instance_edit(how->incus, project, name, edit_plug, &p, err);
	if (r < 0)
		return r;

	p.is_plugged = true;
	r = clear_path(how, project, name, device, err);
	if (r == 0)
		r = incus_instance_edit(how->incus, project, name, edit_plug, &p, err);
	return r < 0 ? error_prefix(err, r,
			       "device '%s' was taken off and could not be put back\n"
			       "  'anklume-fsctl devices apply' tries again",
			       device->name)
		     : 0;
}
