/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <string.h>

#include "attached.h"
#include "backup.h"
#include "datadir.h"
#include "idmap.h"
#include "partial.h"
#include "poolvol.h"
#include "refill.h"
#include "rootfs.h"
#include "str.h"
#include "url.h"

/*
 * The data of a pool's volume, out of Incus' export of it, into an empty volume of the base. The
 * order, and what a crash leaves, is that of refill.h; until it is recorded the directory says which
 * volume it is a copy of (partial.h), and the same command ends what a killed one began.
 */
struct adoption {
	struct refill refill; /* source: "project/pool/volume" */
	char name[VOLUME_NAME_MAX];
	struct incus *incus;
	struct incus_resource_list volumes;
	const struct incus_resource *from; /* in volumes; NULL = not found */
	char *source;
	int to_fd; /* the volume; -1 = not found */
	bool is_placed; /* a run before this one got as far as the exchange */

	/* What forbids it, all of it, a line or more each. */
	struct strbuf reasons;
	int code;
};

static void finish(struct adoption *a)
{
	incus_resource_list_finish(&a->volumes);
	incus_close(a->incus);
	free(a->source);
	strbuf_finish(&a->reasons);
	if (a->to_fd >= 0)
		close(a->to_fd);
}

/* An error of the system counts most, then that something is not there. */
static int weight(int code)
{
	return code < 0 ? 3 : code == CMD_NO_VOLUME ? 2 : code != 0;
}

/* Note what WHY says, when R is no success. */
static void note(struct adoption *a, int r, const struct error *why)
{
	if (r == 0)
		return;
	strbuf_printf(&a->reasons, "%s%s", a->reasons.len ? "\n" : "", error_text(why, r));
	if (weight(r) > weight(a->code))
		a->code = r;
}

__attribute__((format(printf, 2, 3))) static void refuse(struct adoption *a, const char *fmt, ...)
{
	cleanup_error struct error why = {NULL};
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&why.text, fmt, ap) < 0)
		why.text = NULL;
	va_end(ap);
	note(a, why.text ? CMD_REFUSED : -ENOMEM, &why);
}

static void find_source(struct adoption *a, const char *word)
{
	cleanup_error struct error why = {NULL};
	const struct incus_resource *from = NULL;
	int r = incus_open(NULL, &a->incus, &why);

	if (r == 0) {
		incus_set_timeouts(a->incus, INCUS_BACKUP_TIMEOUT_MS, INCUS_BACKUP_TIMEOUT_MS);
		r = incus_resource_list(a->incus, INCUS_VOLUME, NULL, &a->volumes, &why);
	}
	if (r == 0)
		r = poolvol_find(&a->volumes, word, &from, &why);
	if (r == 0 && asprintf(&a->source, "%s/%s/%s", from->project, from->pool, from->name) < 0) {
		a->source = NULL;
		r = -ENOMEM;
	}
	if (r == 0)
		a->from = from;
	a->refill.source = a->source;
	note(a, r, &why);
}

/* Who writes meanwhile is copied file by file, not as of one moment: a database would be broken. */
static int find_users(struct adoption *a, char **ret_who, struct error *err)
{
	cleanup_incus_instance_list struct incus_instance_list instances = {0};
	cleanup_incus_resource_list struct incus_resource_list projects = {NULL, 0};
	int r = incus_instance_list(a->incus, NULL, &instances, err);

	if (r == 0)
		r = incus_resource_list(a->incus, INCUS_PROJECT, NULL, &projects, err);
	return r < 0 ? r : poolvol_users(a->from, &instances, &projects, ret_who);
}

static void check_source(struct adoption *a)
{
	cleanup_error struct error why = {NULL};
	cleanup_free char *who = NULL;
	const char *type = json_string_value(json_object_get(a->from->json, "content_type"));
	int r;

	if (!type || strcmp(type, "filesystem") != 0)
		refuse(a, "volume '%s' of a pool is a disk image, no filesystem", a->source);
	if (a->refill.op->env->is_forced)
		return;
	r = find_users(a, &who, &why);
	if (r == 0 && who)
		r = error_set(&why, CMD_REFUSED,
			"volume '%s' is in use by %s:\n"
			"  the copy would not be of one moment; stop that, or copy all the same\n"
			"  with --force",
			a->source, who);
	note(a, r, &why);
}

static void find_target(struct adoption *a, char *word)
{
	cleanup_error struct error why = {NULL};
	const struct volop *op = a->refill.op;
	struct volume_ref ref;
	int r = cmd_select_one(op->env, &op->state.infra, word, &ref, &why);

	if (r == 0) {
		volume_ref_name(&ref, a->name);
		a->refill.domain = ref.domain;
		a->refill.machine = ref.machine;
		a->refill.volume = ref.volume;
		r = refill_open(&a->refill, &a->to_fd, &why);
	}
	note(a, r, &why);
}

static void check_target(struct adoption *a)
{
	const struct volume_ref ref = {a->refill.domain, a->refill.machine, a->refill.volume};
	cleanup_error struct error why = {NULL};
	int r;

	a->is_placed = a->source && partial_is_from(a->to_fd, a->source);
	if (ref.volume->orphan_since)
		refuse(a,
			"no spec declares volume '%s' (an orphan)\n"
			"  declare it and run 'anklume-fsctl apply'",
			a->name);
	if (ref.volume->flags & VOLUME_READONLY)
		refuse(a,
			"volume '%1$s' is read-only\n"
			"  lift that with 'anklume-fsctl readonly off %1$s'",
			a->name);
	r = a->is_placed ? 1 : refill_is_empty(a->to_fd);
	if (r == 0)
		refuse(a, "volume '%s' has data already", a->name);
	if (r < 0)
		note(a, error_errno(&why, r, "cannot look into volume '%s'", a->name), &why);
	r = attached_check(a->refill.op->env, &ref, &why);
	note(a, r, &why);
}

/* What the ids in the export are; again afterwards, since an attachment changes them on the disk. */
static int read_idmap(const struct adoption *a, char **ret, struct error *err)
{
	cleanup_incus_json json_t *volume = NULL;
	const char *text;
	int r = incus_get(a->incus,
		url_format("/1.0/storage-pools/%s/volumes/custom/%s?project=%s", a->from->pool,
			a->from->name, a->from->project),
		&volume, NULL, err);

	if (r < 0)
		return r;
	text = json_string_value(
		json_object_get(json_object_get(volume, "config"), "volatile.idmap.last"));
	*ret = strdup(text ? text : "");
	return *ret ? 0 : -ENOMEM;
}

static int export(const struct adoption *a, int tar_fd, struct idmap *ids, struct error *err)
{
	cleanup_free char *before = NULL;
	cleanup_free char *after = NULL;
	int r = read_idmap(a, &before, err);

	if (r == 0)
		r = idmap_parse(before, ids, err);
	if (r == 0)
		r = incus_backup_pull_volume(
			a->incus, a->from->project, a->from->pool, a->from->name, tar_fd, err);
	if (r == 0)
		r = read_idmap(a, &after, err);
	if (r == 0 && strcmp(before, after) != 0)
		r = error_set(err, -EAGAIN,
			"volume '%s' was attached meanwhile, with other ids; try again", a->source);
	return r;
}

static int fill(const struct adoption *a, struct error *err)
{
	const struct refill *f = &a->refill;
	cleanup_idmap struct idmap ids = {NULL, 0};
	cleanup_fd int tar_fd = -1;
	cleanup_fd int fd = -1;
	bool is_found = false;
	int r = refill_open_archive(f->op, &tar_fd, err);

	if (r == 0)
		r = export(a, tar_fd, &ids, err);
	if (r == 0)
		r = partial_begin(f->op->base_fd, f->domain->name, f->machine->name,
			f->volume->name, &fd, err);
	if (r < 0)
		return r;
	r = rootfs_extract_volume(tar_fd, &ids, fd, &is_found, err);
	if (r == 0 && !is_found)
		r = error_set(err, -EBADMSG, "Incus' export has no volume in it");
	if (r == 0)
		r = partial_finish(fd, a->source, err);
	if (r < 0)
		partial_remove(
			f->op->base_fd, f->domain->name, f->machine->name, f->volume->name, NULL);
	return r;
}

static int run(const struct adoption *a, struct error *err)
{
	cleanup_fd int fd = -1;
	int r;

	if (a->is_placed) {
		r = refill_mend(&a->refill, a->to_fd, err);
	} else {
		r = fill(a, err);
		if (r == 0)
			r = refill_exchange(&a->refill, err);
	}
	if (r < 0)
		return error_prefix(err, r, "volume '%s' was not adopted", a->source);
	r = refill_open(&a->refill, &fd, err);
	if (r == 0)
		partial_forget(fd);
	return r;
}

/* Nothing was taken from the pool: how to, when somebody wants to. */
static void print_way(const struct adoption *a)
{
	const struct cmd_env *env = a->refill.op->env;

	if (!env->is_quiet && !env->is_dry_run)
		fprintf(env->words,
			"The pool keeps its volume; to delete that on purpose:\n"
			"  incus --project %s storage volume delete %s %s\n",
			a->from->project, a->from->pool, a->from->name);
}

static int adopt(struct adoption *a, char **argv, struct error *err)
{
	cleanup_free char *detail = NULL;
	int r = 0;

	find_source(a, argv[0]);
	find_target(a, argv[1]);
	if (a->from)
		check_source(a);
	if (a->to_fd >= 0)
		check_target(a);
	if (a->reasons.failed)
		return -ENOMEM;
	if (a->code != 0)
		return error_set(err, a->code, "%s", a->reasons.data);

	if (!a->refill.op->env->is_dry_run)
		r = run(a, err);
	if (r == 0 && asprintf(&detail, "a copy of volume %s", a->source) < 0) {
		detail = NULL;
		r = -ENOMEM;
	}
	if (r == 0)
		r = report_add(&a->refill.op->report, REPORT_ADOPTED, a->name, detail, err);
	if (r == 0)
		print_way(a);
	return r;
}

int volume_adopt(struct volop *op, int argc, char **argv, struct error *err)
{
	struct adoption a = {.refill = {.op = op, .action = "volume.adopt"}, .to_fd = -1};
	int r;

	(void)argc;
	r = adopt(&a, argv, err);
	finish(&a);
	return r;
}
