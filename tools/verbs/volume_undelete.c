/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "str.h"
#include "trash.h"
#include "volmark.h"
#include "volop.h"

/*
 * In one transaction the record comes back from the mark and the directory from the trash. Killed
 * between the move and the commit, the directory is in its place without a record: the same command
 * finds it by its mark.
 */

/* Replace *TEXT. */
static int set_text(char **text, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	free(*text);
	*text = copy;
	return 0;
}

/* What the mark of FD, which lay at FROM, says; with the names of TO, whose machine is recorded. */
static int read_record(const struct volop *op, int fd, const struct volume_name *from,
	const struct volume_name *to, struct infra *ret, struct error *err)
{
	struct volume_ref there;
	struct domain *d;
	struct machine *m;
	int r = volmark_read(fd, from->domain, from->machine, from->volume, ret, err);

	if (r == -ENODATA)
		return error_set(err, r,
			"'%s/%s/%s' in the trash has no mark: nobody knows what it was",
			from->domain, from->machine, from->volume);
	if (r < 0)
		return r;
	d = &ret->domains[0];
	m = &d->machines[0];
	/* Another machine's record is that of the machine, not what the mark remembers of the old. */
	there.machine = volop_find_machine(op, to, &there.domain);
	if (strcmp(from->domain, to->domain) != 0 || strcmp(from->machine, to->machine) != 0) {
		if (!there.machine)
			return error_set(err, CMD_NO_VOLUME, "no machine '%s/%s' is recorded",
				to->domain, to->machine);
	}
	r = set_text(&d->name, to->domain);
	if (r == 0)
		r = set_text(&m->name, to->machine);
	return r < 0 ? r : set_text(&m->volumes[0].name, to->volume);
}

static void name_of_entry(const struct trash_entry *entry, struct volume_name *ret)
{
	snprintf(ret->domain, sizeof(ret->domain), "%s", entry->domain);
	snprintf(ret->machine, sizeof(ret->machine), "%s", entry->machine);
	snprintf(ret->volume, sizeof(ret->volume), "%s", entry->volume);
}

/* Take ENTRY back; FD is its directory, or with ENTRY NULL one that is in its place already. */
static int restore(struct volop *op, const struct trash_entry *entry, int fd,
	const struct volume_name *from, const struct volume_name *to, struct error *err)
{
	cleanup_infra struct infra record = {0};
	struct trash_move move = {
		.base_fd = op->base_fd,
		.domain = to->domain,
		.machine = to->machine,
		.volume = to->volume,
		.entry = entry,
	};
	const struct catalog_step step = {trash_take, trash_take_undo, &move};
	int r = read_record(op, fd, from, to, &record, err);

	if (r != 0 || op->env->is_dry_run)
		return r;
	r = catalog_restore_volume(
		op->state.catalog, &record, &op->env->actor, &op->marks, entry ? &step : NULL, err);
	return r == -EEXIST ? CMD_REFUSED : r;
}

/* The record is there and its directory is not: a removal was killed behind its move. */
static int put_back(struct volop *op, const struct trash_entry *entry,
	const struct volume_name *name, struct error *err)
{
	struct trash_move move = {
		.base_fd = op->base_fd,
		.domain = name->domain,
		.machine = name->machine,
		.volume = name->volume,
		.entry = entry,
	};

	return op->env->is_dry_run ? 0 : trash_take(&move, err);
}

static bool has_directory(const struct volop *op, const struct volume_name *name)
{
	cleanup_fd int fd = -1;

	return datadir_open_volume(op->base_fd, name->domain, name->machine, name->volume, &fd) ==
	       0;
}

static bool is_same(const struct volume_name *a, const struct volume_name *b)
{
	return strcmp(a->domain, b->domain) == 0 && strcmp(a->machine, b->machine) == 0 &&
	       strcmp(a->volume, b->volume) == 0;
}

static bool fits(const struct trash_entry *entry, const char *word)
{
	char id[TRASH_ID_MAX];

	trash_id(entry, id);
	if (strcmp(id, word) == 0)
		return true;
	*strchr(id, '@') = '\0';
	return strcmp(id, word) == 0 || strcmp(entry->volume, word) == 0;
}

/* The one entry that WORD means; NULL with 0 when there is none. */
static int find(const struct trash_list *list, const char *word, const struct trash_entry **ret,
	struct error *err)
{
	cleanup_strbuf struct strbuf names = STRBUF_INIT;
	char id[TRASH_ID_MAX];
	size_t n = 0;

	*ret = NULL;
	for (size_t i = 0; i < list->n_items; i++) {
		if (list->items[i].is_going || !fits(&list->items[i], word))
			continue;
		*ret = &list->items[i];
		n++;
		strbuf_printf(&names, "\n  %s", trash_id(*ret, id));
	}
	if (names.failed)
		return -ENOMEM;
	if (n > 1)
		return error_set(
			err, CMD_NO_VOLUME, "'%s' is ambiguous in the trash:%s", word, names.data);
	return 0;
}

static int undelete_entry(struct volop *op, const struct trash_entry *entry,
	const struct volume_name *to, struct error *err)
{
	cleanup_fd int fd = -1;
	struct volume_name from = {0};
	struct volume_ref ref;
	int r;

	name_of_entry(entry, &from);
	if (volop_find_volume(op, to, &ref) && !has_directory(op, to) && is_same(&from, to))
		return put_back(op, entry, to, err);

	r = trash_open(op->base_fd, entry, &fd);
	if (r < 0)
		return error_errno(err, r, "cannot open '%s' in the trash", entry->name);
	return restore(op, entry, fd, &from, to, err);
}

/* Nothing in the trash: perhaps a run before this one got as far as the move. */
static int undelete_placed(
	struct volop *op, const char *word, const struct volume_name *to, struct error *err)
{
	cleanup_fd int fd = -1;
	struct volume_ref ref;

	if (!to || volop_find_volume(op, to, &ref) ||
		datadir_open_volume(op->base_fd, to->domain, to->machine, to->volume, &fd) < 0)
		return error_set(err, CMD_NO_VOLUME,
			"nothing in the trash is called '%s'; see 'anklume-fsctl trash ls'", word);
	return restore(op, NULL, fd, to, to, err);
}

int volume_undelete(struct volop *op, int argc, char **argv, struct error *err)
{
	cleanup_trash_list struct trash_list list = {0};
	const struct trash_entry *entry;
	const char *word = argc > 1 ? argv[1] : argv[0];
	char name[VOLUME_NAME_MAX];
	struct volume_name to = {0};
	bool is_full;
	int r;

	r = trash_list_load(op->base_fd, &list, NULL, NULL, err);
	if (r == 0)
		r = find(&list, argv[0], &entry, err);
	if (r != 0)
		return r;

	is_full = volume_name_parse(word, &to, argc > 1 ? err : NULL) == 0;
	if (argc > 1 && !is_full)
		return CMD_USAGE;
	if (entry && argc == 1)
		name_of_entry(entry, &to);
	r = entry ? undelete_entry(op, entry, &to, err)
		  : undelete_placed(op, argv[0], is_full ? &to : NULL, err);
	if (r != 0)
		return r;
	snprintf(name, sizeof(name), "%s/%s/%s", to.domain, to.machine, to.volume);
	return report_add(&op->report, REPORT_RESTORED, name, NULL, err);
}
