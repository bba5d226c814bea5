/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devplan.h"

#include "array.h"
#include "naming.h"
#include "path.h"
#include "str.h"

#include <stdarg.h>
#include <string.h>
#include <strings.h>

enum key_kind {
	KEY_TEXT,
	KEY_BOOL,
	KEY_PATH,
};

/*
 * The keys of a disk device that we decide (Incus, doc/reference/devices_disk.md). Incus changes
 * none of them in place: each is an unplug and a plug (UpdatableFields of the disk device).
 */
static const struct {
	const char *key;
	const char *fallback; /* what a missing key means */
	enum key_kind kind;
	bool is_container_only;
} keys[] = {
	{"type", "", KEY_TEXT, false},
	{"source", "", KEY_PATH, false},
	{"path", "", KEY_PATH, false},
	{"shift", "false", KEY_BOOL, true},
	{"readonly", "false", KEY_BOOL, false},
	{"required", "true", KEY_BOOL, false},
	{"propagation", "", KEY_TEXT, true},
	{"recursive", "false", KEY_BOOL, true},
	{"raw.mount.options", "", KEY_TEXT, true},
	{"pool", "", KEY_TEXT, false},
};

static const char *const action_words[] = {
	[DEVPLAN_KEEP] = "keep",
	[DEVPLAN_ADD] = "add",
	[DEVPLAN_CHANGE] = "change",
	[DEVPLAN_REMOVE] = "remove",
	[DEVPLAN_REFUSE] = "refuse",
	[DEVPLAN_UNKNOWN] = "unknown",
	[DEVPLAN_FOREIGN] = "foreign",
};

static const char *const origin_words[] = {
	[DEVPLAN_OURS] = "ours",
	[DEVPLAN_SHARED] = "shared",
	[DEVPLAN_POOL] = "pool",
	[DEVPLAN_USER] = "user",
	[DEVPLAN_PROFILE] = "profile",
};

static const struct device_list no_devices;

const char *devplan_action_word(enum devplan_action action)
{
	return action_words[action];
}

const char *devplan_origin_word(enum devplan_origin origin)
{
	return origin_words[origin];
}

void devplan_finish(struct devplan *plan)
{
	for (size_t i = 0; i < plan->n_items; i++) {
		struct devplan_step *s = &plan->items[i];

		free(s->name);
		free(s->detail);
		device_finish(&s->device);
	}
	free(plan->items);
	*plan = (struct devplan){NULL, 0};
}

size_t devplan_count(const struct devplan *plan, enum devplan_action action)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n_items; i++)
		n += plan->items[i].action == action;
	return n;
}

size_t devplan_count_changes(const struct devplan *plan)
{
	return devplan_count(plan, DEVPLAN_ADD) + devplan_count(plan, DEVPLAN_CHANGE) +
	       devplan_count(plan, DEVPLAN_REMOVE);
}

static const struct device *find(const struct device_list *list, const char *name)
{
	for (size_t i = 0; i < list->n_items; i++) {
		if (str_equal(list->items[i].name, name))
			return &list->items[i];
	}
	return NULL;
}

/* Incus' words for true (shared/util/boolean.go). */
static bool is_true(const char *value)
{
	static const char *const words[] = {"true", "1", "yes", "on"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcasecmp(value, words[i]) == 0)
			return true;
	}
	return false;
}

/* Key number I of D as a value that can be compared. Caller frees; NULL when out of memory. */
static char *value_of(const struct device *d, size_t i)
{
	const char *value = device_get(d, keys[i].key);

	if (!value || !*value)
		value = keys[i].fallback;
	if (keys[i].kind == KEY_BOOL)
		return strdup(is_true(value) ? "true" : "false");
	if (keys[i].kind == KEY_PATH && *value == '/')
		return path_normalise(value);
	return strdup(value);
}

static bool is_our_key(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (str_equal(keys[i].key, key))
			return true;
	}
	return false;
}

/* True when D's path, or with KEY "source" its source, is VALUE. */
static bool has_path(const struct device *d, const char *key, const char *value)
{
	const char *text = device_get(d, key);
	cleanup_free char *normal = text && *text == '/' ? path_normalise(text) : NULL;

	return normal && str_equal(normal, value);
}

static bool is_disk(const struct device *d)
{
	const char *type = device_get(d, "type");

	return type && str_equal(type, "disk");
}

/*
 * What differs between two devices, as "path /a -> /b, readonly false -> true". 1: something,
 * 0: nothing.
 */
static int compare(
	const struct device *from, const struct device *to, bool is_vm, struct strbuf *ret)
{
	int differs = 0;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		cleanup_free char *a = value_of(from, i);
		cleanup_free char *b = value_of(to, i);

		if (!a || !b)
			return -ENOMEM;
		if ((is_vm && keys[i].is_container_only) || strcmp(a, b) == 0)
			continue;
		strbuf_printf(ret, "%s%s %s -> %s", ret->len ? ", " : "", keys[i].key,
			*a ? a : "(none)", *b ? b : "(none)");
		differs = 1;
	}
	return ret->failed ? -ENOMEM : differs;
}

static struct devplan_step *add_step(struct devplan *plan, enum devplan_action action,
	enum devplan_origin origin, const char *name)
{
	struct devplan_step *s = array_append(&plan->items, &plan->n_items, sizeof(*s));

	if (!s)
		return NULL;
	s->action = action;
	s->origin = origin;
	s->name = strdup(name);
	return s->name ? s : NULL;
}

static int set_detail(struct devplan_step *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int set_detail(struct devplan_step *s, const char *fmt, ...)
{
	va_list ap;
	int r;

	free(s->detail);
	va_start(ap, fmt);
	r = vasprintf(&s->detail, fmt, ap);
	va_end(ap);
	if (r < 0)
		s->detail = NULL;
	return s->detail ? 0 : -ENOMEM;
}

/*
 * The device as it is to be: what WANT says, without what a VM cannot do, required in so many
 * words, and the keys of LIVE (may be NULL) that are none of ours.
 */
static int make_device(
	const struct device *want, const struct device *live, bool is_vm, struct device *ret)
{
	int r = 0;

	ret->name = strdup(want->name);
	ret->origin = DEVICE_PERSISTENT;
	if (!ret->name)
		return -ENOMEM;

	for (size_t i = 0; i < ARRAY_SIZE(keys) && r == 0; i++) {
		const char *value = device_get(want, keys[i].key);

		if (str_equal(keys[i].key, "required"))
			value = "true";
		if (value && !(is_vm && keys[i].is_container_only))
			r = device_set(ret, keys[i].key, value);
	}
	for (size_t i = 0; live && i < live->n_properties && r == 0; i++) {
		if (!is_our_key(live->properties[i].key))
			r = device_set(ret, live->properties[i].key, live->properties[i].value);
	}
	return r;
}

/* LIVE is ours: we put it there, or it shows our data. */
static bool is_ours(const struct devplan_view *view, const struct device *live)
{
	const char *source = device_get(live, "source");
	cleanup_free char *normal = source && *source == '/' ? path_normalise(source) : NULL;

	if (find(view->applied, live->name))
		return true;
	return normal && (path_is_inside(normal, view->tree) ||
				 (view->base && path_is_inside(normal, view->base)));
}

/* Another device that is to stay has the path: its name, or NULL. Borrowed. */
static const struct device *find_clash(const struct devplan_view *view, const struct device *want)
{
	const char *text = device_get(want, "path");
	cleanup_free char *path = text ? path_normalise(text) : NULL;

	for (size_t i = 0; path && i < view->expanded->n_items; i++) {
		const struct device *d = &view->expanded->items[i];
		const struct device *local = find(view->local, d->name);

		if (str_equal(d->name, want->name) || !is_disk(d) || !has_path(d, "path", path))
			continue;
		/* It is about to go or to move. */
		if (local && str_has_prefix(d->name, PERSISTENT_DEVICE_PREFIX) &&
			is_ours(view, local))
			continue;
		return d;
	}
	return NULL;
}

/* A wanted device that is not there. */
static int plan_missing(
	const struct devplan_view *view, const struct device *want, struct devplan_step *s)
{
	int r = make_device(want, NULL, view->is_vm, &s->device);

	if (r < 0)
		return r;
	s->action = DEVPLAN_ADD;
	if (find(view->applied, want->name)) {
		s->is_drift = true;
		return set_detail(s, "somebody removed it");
	}
	if (find(view->expanded, want->name))
		return set_detail(s, "hides the one of a profile");
	return 0;
}

/* A wanted device that is there, in some form. */
static int plan_present(const struct devplan_view *view, const struct device *want,
	const struct device *live, struct devplan_step *s)
{
	const struct device *applied = find(view->applied, want->name);
	cleanup_strbuf struct strbuf differences = STRBUF_INIT;
	cleanup_strbuf struct strbuf since = STRBUF_INIT;
	int r = compare(live, want, view->is_vm, &differences);

	if (r < 0)
		return r;
	if (r > 0 && !is_ours(view, live) && !view->is_adopting) {
		s->action = DEVPLAN_REFUSE;
		return set_detail(s,
			"a device of that name is there that is not ours (%s)\n"
			"rename it, or take it over with --adopt",
			differences.data);
	}
	s->action = r > 0 ? DEVPLAN_CHANGE : DEVPLAN_KEEP;
	s->is_unplug = r > 0;
	s->is_news = !applied;
	r = make_device(want, live, view->is_vm, &s->device);
	if (r < 0 || s->action == DEVPLAN_KEEP)
		return r;

	s->is_drift = applied && compare(applied, live, view->is_vm, &since) > 0;
	return set_detail(
		s, "%s%s", differences.data, s->is_drift ? " (somebody else changed it)" : "");
}

static int plan_wanted(
	const struct devplan_view *view, const struct device *want, struct devplan *plan)
{
	const struct device *live = find(view->local, want->name);
	const struct device *clash = find_clash(view, want);
	struct devplan_step *s = add_step(plan, DEVPLAN_KEEP, DEVPLAN_OURS, want->name);

	if (!s)
		return -ENOMEM;
	if (clash) {
		s->action = DEVPLAN_REFUSE;
		return set_detail(s, "path %s is taken by device '%s'%s", device_get(want, "path"),
			clash->name, find(view->local, clash->name) ? "" : " of a profile");
	}
	return live ? plan_present(view, want, live, s) : plan_missing(view, want, s);
}

static enum devplan_origin origin_of(const struct devplan_view *view, const struct device *d)
{
	const char *pool = device_get(d, "pool");

	if (!find(view->local, d->name))
		return DEVPLAN_PROFILE;
	if (str_has_prefix(d->name, SHARED_DEVICE_PREFIX))
		return DEVPLAN_SHARED;
	return pool && *pool ? DEVPLAN_POOL : DEVPLAN_USER;
}

/* The instance's root disk, which everyone knows about. */
static bool is_root(const struct device *d)
{
	return has_path(d, "path", "/");
}

/* A pd-* device of the instance that the spec does not want. */
static int plan_unwanted(
	const struct devplan_view *view, const struct device *live, struct devplan *plan)
{
	bool was_applied = find(view->applied, live->name);
	struct devplan_step *s = add_step(plan, DEVPLAN_REMOVE, DEVPLAN_OURS, live->name);

	if (!s)
		return -ENOMEM;
	s->is_unplug = true;
	if (was_applied || view->is_adopting)
		return set_detail(s, "%s",
			was_applied ? "the spec no longer has it" : "the spec does not have it");
	s->action = DEVPLAN_UNKNOWN;
	s->origin = DEVPLAN_USER;
	s->is_unplug = false;
	return set_detail(s, "nobody declared it; --adopt removes it");
}

static int plan_other(const struct devplan_view *view, const struct device *d, struct devplan *plan)
{
	const struct device *local = find(view->local, d->name);

	if (find(view->wanted, d->name) && local)
		return 0;
	if (local && str_has_prefix(d->name, PERSISTENT_DEVICE_PREFIX) && is_disk(local))
		return plan_unwanted(view, local, plan);
	if (!is_disk(d) || is_root(d) || find(view->wanted, d->name))
		return 0;
	return add_step(plan, DEVPLAN_FOREIGN, origin_of(view, d), d->name) ? 0 : -ENOMEM;
}

int devplan_make(const struct devplan_view *view, struct devplan *ret)
{
	struct devplan_view v = *view;
	int r = 0;

	v.wanted = v.wanted ? v.wanted : &no_devices;
	v.applied = v.applied ? v.applied : &no_devices;
	v.local = v.local ? v.local : &no_devices;
	v.expanded = v.expanded ? v.expanded : &no_devices;

	for (size_t i = 0; i < v.wanted->n_items && r == 0; i++)
		r = plan_wanted(&v, &v.wanted->items[i], ret);
	for (size_t i = 0; i < v.expanded->n_items && r == 0; i++)
		r = plan_other(&v, &v.expanded->items[i], ret);
	return r;
}
