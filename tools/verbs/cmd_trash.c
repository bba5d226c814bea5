/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <time.h>

#include "confirm.h"
#include "datadir.h"
#include "partial.h"
#include "rows.h"
#include "trash.h"
#include "volop.h"
#include "wire.h"

static const struct out_column columns[] = {
	{"volume", "VOLUME", OUT_TEXT, 0},
	{"deleted", "DELETED", OUT_TIME, 0},
	{"until", "KEPT UNTIL", OUT_TIME, 0},
	{"state", "STATE", OUT_TEXT, 0},
	{"size_bytes", "SIZE", OUT_SIZE, 0},
	{"entries", "FILES", OUT_NUMBER, 0},
};

static const char *state_word(const struct trash_entry *entry, int64_t now)
{
	if (entry->is_going)
		return "going";
	return entry->until <= now ? "due" : "kept";
}

static int add_row(json_t *rows, int base_fd, const struct trash_entry *entry, int64_t now)
{
	struct datadir_usage usage = {0};
	cleanup_fd int fd = -1;
	char id[TRASH_ID_MAX];

	if (trash_open(base_fd, entry, &fd) == 0)
		datadir_measure(fd, &usage);
	return rows_append(rows,
		json_pack("{s:s s:o s:o s:s s:I s:I}", "volume", trash_id(entry, id), "deleted",
			out_time(entry->deleted), "until", out_time(entry->until), "state",
			state_word(entry, now), "size_bytes", (json_int_t)usage.size_bytes,
			"entries", (json_int_t)usage.n_entries));
}

static int list(struct cmd_env *env, struct error *err)
{
	cleanup_trash_list struct trash_list trash = {0};
	cleanup_json json_t *rows = json_array();
	cleanup_fd int base_fd = -1;
	int64_t now = time(NULL);
	int r = datadir_open(env->base, false, &base_fd, err);

	if (r == 0)
		r = trash_list_load(base_fd, &trash, NULL, NULL, err);
	for (size_t i = 0; r == 0 && i < trash.n_items; i++)
		r = add_row(rows, base_fd, &trash.items[i], now);
	if (r != 0)
		return r;
	if (trash.n_items == 0 && env->format == OUT_TABLE) {
		if (!env->is_quiet)
			fputs("The trash is empty.\n", env->words);
		return 0;
	}
	return out_rows(env->out, env->format, columns, ARRAY_SIZE(columns), rows, err);
}

/* Gone for good, with a row in the audit trail that outlives it. */
static int remove_entry(struct volop *op, const struct trash_entry *entry, struct error *err)
{
	char id[TRASH_ID_MAX];
	const struct audit_note note = {"trash.remove", trash_id(entry, id), NULL};
	int r = 0;

	if (!op->env->is_dry_run)
		r = trash_remove(op->base_fd, entry, err);
	if (r == 0 && !op->env->is_dry_run)
		r = catalog_note(op->state.catalog, &note, 1, &op->env->actor, err);
	return r != 0 ? r : report_add(&op->report, REPORT_REMOVED, id, "for good", err);
}

struct leftovers {
	struct volop *op;
	struct error *err;
};

/* What a killed copy or seed has left: nobody will go on with it. */
static int remove_partial(
	void *context, const char *domain, const char *machine, const char *volume)
{
	const struct leftovers *l = context;
	char name[VOLUME_NAME_MAX];

	if (!l->op->env->is_dry_run)
		partial_remove(l->op->base_fd, domain, machine, volume);
	snprintf(name, sizeof(name), "%s/%s/%s", domain, machine, volume);
	return report_add(&l->op->report, REPORT_REMOVED, name, "an unfinished copy", l->err);
}

static int empty_due(struct volop *op, const struct trash_list *trash, struct error *err)
{
	struct leftovers leftovers = {op, err};
	int64_t now = time(NULL);
	int r = 0;

	for (size_t i = 0; r == 0 && i < trash->n_items; i++) {
		const struct trash_entry *entry = &trash->items[i];

		if (op->env->is_all || entry->is_going || entry->until <= now)
			r = remove_entry(op, entry, err);
	}
	return r != 0 ? r : partial_each(op->base_fd, remove_partial, &leftovers, err);
}

static int empty_one(
	struct volop *op, const struct trash_list *trash, const char *word, struct error *err)
{
	for (size_t i = 0; i < trash->n_items; i++) {
		cleanup_free char *prompt = NULL;
		char id[TRASH_ID_MAX];
		int r;

		if (strcmp(trash_id(&trash->items[i], id), word) != 0)
			continue;
		if (asprintf(&prompt, "'%s' goes for good.\nType that to go on: ", id) < 0) {
			prompt = NULL;
			return -ENOMEM;
		}
		r = volop_confirm(op, prompt, word, id, err);
		return r != 0 ? r : remove_entry(op, &trash->items[i], err);
	}
	return error_set(err, CMD_NO_VOLUME,
		"nothing in the trash is called '%s'; see 'anklume-fsctl trash ls'", word);
}

static int empty_named(
	struct volop *op, const struct trash_list *trash, int argc, char **argv, struct error *err)
{
	int r = 0;

	for (int i = 0; r == 0 && i < argc; i++)
		r = empty_one(op, trash, argv[i], err);
	return r;
}

/* --all takes what somebody may still want back. */
static int confirm_all(struct volop *op, struct error *err)
{
	if (!op->env->is_all || op->env->is_yes)
		return 0;
	if (!op->env->is_dry_run && !confirm_can_ask())
		return error_set(err, CMD_REFUSED,
			"no terminal to ask on whether the whole trash may go; give --yes");
	return volop_confirm(op,
		"All that is in the trash goes for good, whatever its grace.\n"
		"Type 'all' to go on: ",
		"all", "all", err);
}

static int empty(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	cleanup_trash_list struct trash_list trash = {0};
	cleanup_volop struct volop op = {.base_fd = -1};
	int r;

	if (argc > 0 && env->is_all)
		return cmd_usage(err, "name what is to go, or give --all");
	r = volop_begin(&op, env, err);
	op.report.nothing = "Nothing in the trash is due.";
	if (r == 0)
		r = trash_list_load(op.base_fd, &trash, NULL, NULL, err);
	if (r == 0)
		r = confirm_all(&op, err);
	if (r == 0)
		r = argc > 0 ? empty_named(&op, &trash, argc, argv, err)
			     : empty_due(&op, &trash, err);
	return volop_end(&op, r, err);
}

int cmd_trash(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	if (strcmp(argv[0], "ls") == 0 && argc == 1)
		return list(env, err);
	if (strcmp(argv[0], "empty") == 0)
		return empty(env, argc - 1, argv + 1, err);
	return cmd_usage(err, "usage: anklume-fsctl trash ls | trash empty [VOLUME@TIME...]");
}
