/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "attached.h"
#include "str.h"
#include "trash.h"
#include "volop.h"
#include "when.h"

/*
 * The order, and what a crash leaves behind each step:
 *
 * 1. What forbids it is looked for, and the question is asked. Nothing has happened.
 * 2. In one transaction the mark is written anew, the record goes, the directory moves to the trash,
 *    durably; commit. Killed between the move and the commit, the record has no directory: the same
 *    command finds it in the trash and ends what was begun, 'volume undelete' takes it back.
 * 3. The daemon is told. Killed before, the mount shows what lies in the trash until the next
 *    reload; the same command says that it is there already, and tells the daemon.
 */

static int64_t end_of_grace(const struct cmd_env *env, int64_t now, struct error *err)
{
	int64_t until = now + TRASH_GRACE_S;

	if (env->grace && when_parse(env->grace, now, &until) < 0)
		return cmd_usage(err,
			"--grace '%s' is no time from now on, such as 30d or 2030-12-31",
			env->grace);
	return until;
}

int volume_check_trash(struct volop *op, const struct volume_ref *ref, struct error *err)
{
	char name[VOLUME_NAME_MAX];
	int r = catalog_check_removable(ref->volume, volume_ref_name(ref, name), err);

	if (r == -EPERM)
		r = CMD_REFUSED;
	return r == 0 ? attached_check(op->env, ref, err) : r;
}

static int report_trashed(
	struct volop *op, const struct volume_ref *ref, int64_t until, struct error *err)
{
	char name[VOLUME_NAME_MAX], date[32] = "?", detail[128];
	time_t t = until;
	struct tm tm;

	if (localtime_r(&t, &tm))
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M", &tm);
	snprintf(detail, sizeof(detail), "in the trash until %s%s", date,
		ref->volume->orphan_since ? "" : "; the spec declares it still");
	return report_add(&op->report, REPORT_REMOVED, volume_ref_name(ref, name), detail, err);
}

int volume_trash(struct volop *op, const struct volume_ref *ref, struct error *err)
{
	int64_t now = time(NULL);
	int64_t until = end_of_grace(op->env, now, err);
	struct trash_move move = {
		.base_fd = op->base_fd,
		.domain = ref->domain->name,
		.machine = ref->machine->name,
		.volume = ref->volume->name,
		.id = ref->volume->id,
		.now = now,
		.until = until,
	};
	const struct catalog_step step = {trash_put, trash_put_undo, &move};
	int r = 0;

	if (until == CMD_USAGE)
		return CMD_USAGE;
	if (!op->env->is_dry_run)
		r = catalog_remove_volume(op->state.catalog, ref->volume->id, "to the trash",
			&op->env->actor, &op->marks, &step, err);
	if (r == -EPERM)
		return CMD_REFUSED;
	return r != 0 ? r : report_trashed(op, ref, until, err);
}

static int confirm(
	struct volop *op, const struct volume_ref *ref, const char *word, struct error *err)
{
	cleanup_free char *prompt = NULL;
	cleanup_fd int fd = -1;
	struct datadir_usage usage = {0};
	char name[VOLUME_NAME_MAX], size[32];

	volume_ref_name(ref, name);
	if (datadir_open_volume(op->base_fd, ref->domain->name, ref->machine->name,
		    ref->volume->name, &fd) == 0)
		datadir_measure(fd, &usage);
	if (asprintf(&prompt,
		    "Volume '%s' (%s, %" PRIu64 " files and directories)\n"
		    "goes to the trash. Type its full name to go on: ",
		    name, format_size(usage.size_bytes, size, sizeof(size)), usage.n_entries) < 0) {
		prompt = NULL;
		return -ENOMEM;
	}
	return volop_confirm(op, prompt, word, name, err);
}

/* 1: WORD is the full name of what lies in the trash and is not recorded. */
static int is_trashed(struct volop *op, const char *word, struct error *err)
{
	cleanup_trash_list struct trash_list list = {0};
	struct volume_name name;
	struct volume_ref ref;
	int r;

	if (volume_name_parse(word, &name, NULL) != 0 || volop_find_volume(op, &name, &ref))
		return 0;
	r = trash_list_load(op->base_fd, &list, NULL, NULL, err);
	for (size_t i = 0; r == 0 && i < list.n_items; i++)
		r = strcmp(list.items[i].domain, name.domain) == 0 &&
		    strcmp(list.items[i].machine, name.machine) == 0 &&
		    strcmp(list.items[i].volume, name.volume) == 0;
	return r;
}

int volume_rm(struct volop *op, int argc, char **argv, struct error *err)
{
	struct volume_ref ref;
	int r;

	(void)argc;
	r = is_trashed(op, argv[0], err);
	if (r != 0)
		return r < 0 ? r
			     : report_add(&op->report, REPORT_UNCHANGED, argv[0],
				       "in the trash already", err);

	r = cmd_select_one(op->env, &op->state.infra, argv[0], &ref, err);
	if (r == 0)
		r = volume_check_trash(op, &ref, err);
	if (r == 0)
		r = confirm(op, &ref, argv[0], err);
	return r != 0 ? r : volume_trash(op, &ref, err);
}
