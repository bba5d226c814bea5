/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd.h"
#include "ctl.h"
#include "fdio.h"
#include "instance.h"
#include "live.h"
#include "mountinfo.h"
#include "naming.h"
#include "path.h"
#include "resource.h"
#include "str.h"
#include "vitals.h"
#include "wire.h"

#include <dirent.h>
#include <fcntl.h>
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
	struct vitals vitals;
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
	vitals_finish(&doc->vitals);
	incus_resource_list_finish(&doc->projects);
	incus_instance_list_finish(&doc->instances);
	free(doc->incus_problem);
	incus_close(doc->incus);
}

/* A check says what it found in TEXT, for people. */
typedef enum verdict check_fn(const struct doctor *doc, struct strbuf *text);

static enum verdict check_daemon(const struct doctor *doc, struct strbuf *text)
{
	const struct vitals *v = &doc->vitals;

	if (v->status)
		return VERDICT_OK;
	if (v->reached == 0)
		strbuf_puts(text, "no daemon answers; start anklume-fs.service");
	else
		strbuf_printf(text,
			"process %d does not answer within %d s; 'doctor --restart' "
			"replaces it",
			(int)v->pid, VITALS_DEADLINE_MS / 1000);
	return VERDICT_FAIL;
}

/* Of an idmapped mount one needs the kernel, the daemon and the base: the daemon knows. */
static enum verdict check_idmap(const struct doctor *doc, struct strbuf *text)
{
	if (!doc->vitals.status)
		return VERDICT_UNKNOWN;
	if (json_is_true(json_object_get(doc->vitals.status, "idmap")))
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
	int r = doc->vitals.mount_result;

	if (r == -ETIMEDOUT)
		strbuf_printf(text, "'%s' does not answer within %d s", doc->env->mount,
			VITALS_DEADLINE_MS / 1000);
	else if (r < 0)
		strbuf_printf(text, "'%s': %s", doc->env->mount, strerror(-r));
	if (r < 0)
		return VERDICT_FAIL;
	if (m)
		return VERDICT_OK;
	strbuf_printf(text, "nothing is mounted on '%s'", doc->env->mount);
	if (!is_empty(doc->env->mount))
		strbuf_puts(text, ", and it is not empty: Incus would bind what lies there");
	return VERDICT_FAIL;
}

static const char *text_of(const json_t *object, const char *key, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : otherwise;
}

static void describe_oldest(const json_t *oldest, struct strbuf *text)
{
	strbuf_printf(text, "oldest: %s in volume '%s' for %s[%lld], %lld s",
		text_of(oldest, "operation", "request"), text_of(oldest, "volume", ""),
		text_of(oldest, "command", "process"),
		(long long)json_integer_value(json_object_get(oldest, "pid")),
		(long long)json_integer_value(json_object_get(oldest, "age_ms")) / 1000);
}

/* What is under way, and who keeps it from coming to an end. */
static enum verdict check_requests(const struct doctor *doc, struct strbuf *text)
{
	const struct vitals *v = &doc->vitals;
	const json_t *oldest = json_object_get(v->status, "oldest");
	json_int_t n = json_integer_value(json_object_get(v->status, "stuck"));

	if (!v->status && v->n_waiting <= 0)
		return VERDICT_UNKNOWN;
	if (!v->status || n > 0) {
		strbuf_printf(text, "%lld stuck", (long long)n);
		if (v->n_waiting >= 0)
			strbuf_printf(text, ", %ld wait in the kernel", v->n_waiting);
		strbuf_puts(text, "; ");
	}
	if (json_is_object(oldest))
		describe_oldest(oldest, text);
	if (v->status && n == 0)
		return VERDICT_OK;
	strbuf_puts(text, vitals_is_base_stuck(v)
				  ? "; the base does not answer: look at its disk"
				  : "; the daemon is at fault: 'doctor --restart' replaces it");
	return VERDICT_FAIL;
}

static enum verdict check_threads(const struct doctor *doc, struct strbuf *text)
{
	const struct vitals *v = &doc->vitals;
	cleanup_free char *threads = NULL;

	if (!vitals_is_stuck(v) && !vitals_is_base_stuck(v))
		return VERDICT_OK;
	threads = vitals_threads(v->pid);
	strbuf_puts(text, threads ? threads : "they cannot be read");
	return VERDICT_WARN;
}

/* What a request may take, by the kernel: then it aborts the whole connection (Linux 6.13). */
static enum verdict check_timeouts(const struct doctor *doc, struct strbuf *text)
{
	static const char *const names[] = {"default_request_timeout", "max_request_timeout"};

	(void)doc;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		cleanup_free char *value = NULL;
		char path[64];
		size_t len;

		snprintf(path, sizeof(path), "/proc/sys/fs/fuse/%s", names[i]);
		if (read_file(AT_FDCWD, path, 64, &value, &len) < 0 || atoi(value) == 0)
			continue;
		strbuf_printf(text,
			"%sfs.fuse.%s is %d: a request that takes longer ends the "
			"mount; set it to 0",
			text->len ? "; " : "", names[i], atoi(value));
	}
	return text->len ? VERDICT_WARN : VERDICT_OK;
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
	cleanup_free char *real = NULL;
	struct statfs st;

	/* Ours may hang; nothing of it needs to be asked. */
	if (!source || *source != '/' || path_is_inside(source, doc->env->mount))
		return VERDICT_OK;
	real = realpath(source, NULL);
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
	{"requests", check_requests},
	{"threads", check_threads},
	{"timeouts", check_timeouts},
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

static void look(struct doctor *doc)
{
	mountinfo_load(0, &doc->mounts);
	vitals_take(&doc->vitals, doc->env, mountinfo_at(&doc->mounts, doc->env->mount));
}

/* Kill a stuck daemon; what is examined afterwards is the next one. */
static int restart(struct doctor *doc, struct error *err)
{
	cleanup_free char *threads = NULL;
	int r;

	if (vitals_is_base_stuck(&doc->vitals))
		return error_set(err, CMD_REFUSED,
			"the base does not answer: another daemon would wait for it, too");
	if (!vitals_is_stuck(&doc->vitals)) {
		if (!doc->env->is_quiet)
			fputs("the daemon is not stuck: left alone\n", doc->env->words);
		return 0;
	}
	threads = vitals_threads(doc->vitals.pid);
	if (threads)
		fprintf(doc->env->words, "%s\n", threads);
	r = vitals_replace(&doc->vitals, doc->env, err);
	if (r != 0)
		return r;
	fprintf(doc->env->words, "daemon %d was stuck: another one serves\n", (int)doc->vitals.pid);
	mount_list_finish(&doc->mounts);
	vitals_finish(&doc->vitals);
	look(doc);
	return 0;
}

int cmd_doctor(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	cleanup_(doctor_finish) struct doctor doc = {.env = env};
	cleanup_json json_t *rows = json_array();
	size_t n_failed = 0;
	int r = 0;

	(void)argc;
	(void)argv;
	look(&doc);
	/* One that answers: a debugger waits for ever for a process that is stopped. */
	if (vitals_is_stuck(&doc.vitals) && doc.vitals.status) {
		fflush(env->words);
		vitals_write_stacks(doc.vitals.pid, fileno(env->words));
	}
	if (env->is_restarting)
		r = restart(&doc, err);
	if (r != 0)
		return r;
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
