/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd.h"
#include "ctl.h"
#include "instance.h"
#include "live.h"
#include "mountinfo.h"
#include "naming.h"
#include "path.h"
#include "resource.h"
#include "str.h"
#include "wire.h"

#include <dirent.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

/* What the checks look at; NULL and empty where it could not be had. */
struct doctor {
	const struct cmd_env *env;
	struct incus *incus;
	char *incus_problem;
	struct incus_instance_list instances;
	struct incus_resource_list projects;
	json_t *daemon; /* its status */
	struct mount_list mounts;
};

enum verdict {
	VERDICT_OK,
	VERDICT_WARN,
	VERDICT_FAIL,
	VERDICT_UNKNOWN,
};

static const char *const verdict_words[] = {
	[VERDICT_OK] = "ok",
	[VERDICT_WARN] = "warn",
	[VERDICT_FAIL] = "fail",
	[VERDICT_UNKNOWN] = "unknown",
};

static void doctor_finish(struct doctor *doc)
{
	mount_list_finish(&doc->mounts);
	json_decref(doc->daemon);
	incus_resource_list_finish(&doc->projects);
	incus_instance_list_finish(&doc->instances);
	free(doc->incus_problem);
	incus_close(doc->incus);
}

/* A check says what it found in TEXT, for people. */
typedef enum verdict check_fn(const struct doctor *doc, struct strbuf *text);

static enum verdict check_daemon(const struct doctor *doc, struct strbuf *text)
{
	if (doc->daemon)
		return VERDICT_OK;
	strbuf_puts(text, "no daemon answers; start anklume-fs.service");
	return VERDICT_FAIL;
}

/* Of an idmapped mount one needs the kernel, the daemon and the base: the daemon knows. */
static enum verdict check_idmap(const struct doctor *doc, struct strbuf *text)
{
	if (!doc->daemon)
		return VERDICT_UNKNOWN;
	if (json_is_true(json_object_get(doc->daemon, "idmap")))
		return VERDICT_OK;
	strbuf_puts(
		text, "the kernel is older than 6.12: containers cannot attach with shift=true");
	return VERDICT_FAIL;
}

static bool is_empty(const char *path)
{
	cleanup_dir DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (!str_equal(entry->d_name, ".") && !str_equal(entry->d_name, ".."))
			return false;
	}
	return true;
}

/*
 * While the mount is down its directory must be empty: a machine's directory in it would be bound
 * into its container, and filled there.
 */
static enum verdict check_mount(const struct doctor *doc, struct strbuf *text)
{
	const struct mount *m = mountinfo_at(&doc->mounts, doc->env->mount);
	struct statfs st;

	if (statfs(doc->env->mount, &st) < 0) {
		strbuf_printf(text, "'%s': %s", doc->env->mount, strerror(errno));
		return VERDICT_FAIL;
	}
	if (m)
		return VERDICT_OK;
	strbuf_printf(text, "nothing is mounted on '%s'", doc->env->mount);
	if (!is_empty(doc->env->mount))
		strbuf_puts(text, ", and it is not empty: Incus would bind what lies there");
	return VERDICT_FAIL;
}

static enum verdict check_incus(const struct doctor *doc, struct strbuf *text)
{
	static const char *const extensions[] = {
		"etag", "patch", "projects", "container_disk_shift"};

	if (!doc->incus) {
		strbuf_puts(text, doc->incus_problem ? doc->incus_problem : "no Incus");
		return VERDICT_FAIL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(extensions); i++) {
		if (!incus_has_extension(doc->incus, extensions[i]))
			strbuf_printf(
				text, "%s%s", text->len ? ", " : "the API lacks ", extensions[i]);
	}
	if (text->len)
		return VERDICT_FAIL;
	strbuf_printf(text, "version %s", incus_get_version(doc->incus));
	return VERDICT_OK;
}

static bool is_set(const struct device *d, const char *key, const char *value)
{
	const char *have = device_get(d, key);

	return have && str_equal(have, value);
}

/* Look at every disk device of every instance. */
static enum verdict each_disk(const struct doctor *doc, struct strbuf *text,
	enum verdict (*look)(const struct doctor *doc, const struct incus_instance *in,
		const struct device *d, struct strbuf *text))
{
	enum verdict worst = doc->incus ? VERDICT_OK : VERDICT_UNKNOWN;

	for (size_t i = 0; i < doc->instances.n_items; i++) {
		const struct incus_instance *in = &doc->instances.items[i];
		cleanup_device_list struct device_list devices = {NULL, 0};

		if (live_parse(in->expanded_devices, &devices) < 0)
			return VERDICT_UNKNOWN;
		for (size_t j = 0; j < devices.n_items; j++) {
			if (is_set(&devices.items[j], "type", "disk") &&
				look(doc, in, &devices.items[j], text) != VERDICT_OK)
				worst = VERDICT_WARN;
		}
	}
	return worst;
}

/*
 * Incus remembers per f_fsid whether a filesystem can be idmapped, and every FUSE has f_fsid 0:
 * one that cannot, tried first, makes ours look the same until Incus restarts.
 */
static enum verdict look_fuse(const struct doctor *doc, const struct incus_instance *in,
	const struct device *d, struct strbuf *text)
{
	const char *source = device_get(d, "source");
	cleanup_free char *real = source && *source == '/' ? realpath(source, NULL) : NULL;
	struct statfs st;

	if (!real || !is_set(d, "shift", "true") || path_is_inside(real, doc->env->mount) ||
		statfs(real, &st) < 0 || st.f_type != FUSE_SUPER_MAGIC)
		return VERDICT_OK;
	strbuf_printf(text,
		"%s'%s' of '%s/%s' is another FUSE with shift: when ours is refused (\"idmapping "
		"abilities\"), take it off and restart Incus, which remembers one answer for all",
		text->len ? "; " : "", d->name, in->project, in->name);
	return VERDICT_WARN;
}

static enum verdict check_fuse(const struct doctor *doc, struct strbuf *text)
{
	return each_disk(doc, text, look_fuse);
}

/* An instance that starts without its data fills its own root filesystem instead. */
static enum verdict look_required(const struct doctor *doc, const struct incus_instance *in,
	const struct device *d, struct strbuf *text)
{
	(void)doc;
	if (!str_has_prefix(d->name, PERSISTENT_DEVICE_PREFIX) || !is_set(d, "required", "false"))
		return VERDICT_OK;
	strbuf_printf(text, "%s'%s' of '%s/%s' is not required: it may start without its data",
		text->len ? "; " : "", d->name, in->project, in->name);
	return VERDICT_WARN;
}

static enum verdict check_required(const struct doctor *doc, struct strbuf *text)
{
	return each_disk(doc, text, look_required);
}

/* True when TREE is, or lies below, one of the comma-separated PATHS. */
static bool is_allowed(const char *paths, const char *tree)
{
	cleanup_free char *copy = strdup(paths);
	char *rest = copy;
	char *one;

	while (rest && (one = strsep(&rest, ","))) {
		cleanup_free char *normal = path_normalise(one);

		if (normal && path_is_inside(tree, normal))
			return true;
	}
	return false;
}

/* A restricted project takes host paths only when it is told which, and then without shift. */
static enum verdict check_restricted(const struct doctor *doc, struct strbuf *text)
{
	enum verdict worst = doc->incus ? VERDICT_OK : VERDICT_UNKNOWN;

	for (size_t i = 0; i < doc->projects.n_items; i++) {
		const struct incus_resource *p = &doc->projects.items[i];
		const char *restricted =
			json_string_value(json_object_get(p->config, "restricted"));
		const char *disk =
			json_string_value(json_object_get(p->config, "restricted.devices.disk"));
		const char *paths = json_string_value(
			json_object_get(p->config, "restricted.devices.disk.paths"));

		if (!restricted || !str_equal(restricted, "true"))
			continue;
		if (disk && str_equal(disk, "allow") &&
			(!paths || !*paths || is_allowed(paths, doc->env->mount)))
			continue;
		strbuf_printf(text,
			"%sproject '%s' is restricted: it needs restricted.devices.disk=allow and "
			"'%s' in restricted.devices.disk.paths",
			text->len ? "; " : "", p->name, doc->env->mount);
		worst = VERDICT_WARN;
	}
	return worst;
}

static const struct {
	const char *name;
	check_fn *run;
} checks[] = {
	{"daemon", check_daemon},
	{"mount", check_mount},
	{"idmap", check_idmap},
	{"incus", check_incus},
	{"other-fuse", check_fuse},
	{"required", check_required},
	{"restricted", check_restricted},
};

static const struct out_column columns[] = {
	{"check", "CHECK", OUT_TEXT, 0},
	{"verdict", "VERDICT", OUT_TEXT, 0},
	{"detail", "DETAIL", OUT_TEXT, OUT_WRAP},
};

/* Whatever cannot be had stays empty, and its checks say so. */
static void examine(struct doctor *doc)
{
	cleanup_error struct error err = {NULL};
	int r;

	ctl_status(doc->env->control, &doc->daemon, NULL);
	mountinfo_load(0, &doc->mounts);
	r = incus_open(NULL, &doc->incus, &err);
	if (r == 0)
		r = incus_instance_list(doc->incus, NULL, &doc->instances, &err);
	if (r == 0)
		r = incus_resource_list(doc->incus, INCUS_PROJECT, NULL, &doc->projects, &err);
	if (r < 0) {
		doc->incus_problem = strdup(error_text(&err, r));
		incus_close(doc->incus);
		doc->incus = NULL;
	}
}

int cmd_doctor(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	cleanup_(doctor_finish) struct doctor doc = {.env = env};
	cleanup_json json_t *rows = json_array();
	size_t n_failed = 0;
	int r = 0;

	(void)argc;
	(void)argv;
	examine(&doc);
	for (size_t i = 0; i < ARRAY_SIZE(checks) && r == 0; i++) {
		cleanup_strbuf struct strbuf text = STRBUF_INIT;
		enum verdict verdict = checks[i].run(&doc, &text);

		n_failed += verdict == VERDICT_FAIL;
		if (json_array_append_new(rows,
			    json_pack("{s:s s:s s:o}", "check", checks[i].name, "verdict",
				    verdict_words[verdict], "detail", out_text(text.data))) < 0)
			r = error_set(err, -ENOMEM, "out of memory");
	}
	if (r == 0)
		r = out_rows(env->out, env->format, columns, ARRAY_SIZE(columns), rows, err);
	if (r == 0 && n_failed)
		return error_set(
			err, CMD_FAILED, "%zu check%s failed", n_failed, n_failed == 1 ? "" : "s");
	return r;
}
