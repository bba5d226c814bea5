/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <time.h>

#include "confirm.h"
#include "datadir.h"
#include "partial.h"
#include "rows.h"
#include "str.h"
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

/* A row in the audit trail outlives it. */
static int record_removal(struct volop *op, const char *id, struct error *err)
{
	const struct audit_note note = {"trash.remove", id, NULL};

	return op->env->is_dry_run
		       ? 0
		       : catalog_note(op->state.catalog, &note, 1, &op->env->actor, err);
}

static int remove_entry(struct volop *op, const struct trash_entry *entry, struct error *err)
{
	char id[TRASH_ID_MAX];
	int r = op->env->is_dry_run ? 0 : trash_remove(op->base_fd, entry, err);

	if (r == 0)
		r = record_removal(op, trash_id(entry, id), err);
	return r != 0 ? r : report_add(&op->report, REPORT_REMOVED, id, "for good", err);
}

/* What is emptied without being named. What cannot go does not keep the others. */
struct emptying {
	struct volop *op;
	struct strbuf failures; /* a line for each */
	size_t n_failed;
	struct error *err; /* of what ends it */
};

static void note_failure(struct emptying *e, const char *name, int r, const struct error *why)
{
	strbuf_printf(&e->failures, "\n  %s: %s", name, error_text(why, r));
	e->n_failed++;
}

static int empty_entry(struct emptying *e, const struct trash_entry *entry)
{
	struct volop *op = e->op;
	cleanup_error struct error why = {NULL};
	char id[TRASH_ID_MAX];
	int r = op->env->is_dry_run ? 0 : trash_remove(op->base_fd, entry, &why);

	trash_id(entry, id);
	if (r < 0) {
		note_failure(e, id, r, &why);
		return 0;
	}
	r = record_removal(op, id, e->err);
	return r != 0 ? r : report_add(&op->report, REPORT_REMOVED, id, "for good", e->err);
}

/* What a killed copy or seed has left: nobody will go on with it. */
static int remove_partial(
	void *context, const char *domain, const char *machine, const char *volume)
{
	struct emptying *e = context;
	cleanup_error struct error why = {NULL};
	char name[VOLUME_NAME_MAX];
	int r = 0;

	snprintf(name, sizeof(name), "%s/%s/%s", domain, machine, volume);
	if (!e->op->env->is_dry_run)
		r = partial_remove(e->op->base_fd, domain, machine, volume, &why);
	if (r == 0)
		return report_add(
			&e->op->report, REPORT_REMOVED, name, "an unfinished copy", e->err);
	note_failure(e, name, r, &why);
	return 0;
}

static int explain_failures(struct emptying *e)
{
	cleanup_free char *lines = e->n_failed ? strbuf_steal(&e->failures) : NULL;

	if (e->n_failed == 0)
		return 0;
	return error_set(e->err, CMD_FAILED, "%zu could not be removed and stay%s:%s", e->n_failed,
		e->n_failed == 1 ? "s" : "", lines ? lines : "");
}

static int empty_due(struct volop *op, const struct trash_list *trash, struct error *err)
{
	struct emptying e = {op, STRBUF_INIT, 0, err};
	int64_t now = time(NULL);
	int r = 0;

	for (size_t i = 0; r == 0 && i < trash->n_items; i++) {
		const struct trash_entry *entry = &trash->items[i];

		if (op->env->is_all || entry->is_going || entry->until <= now)
			r = empty_entry(&e, entry);
	}
	if (r == 0)
		r = partial_each(op->base_fd, remove_partial, &e, err);
	if (r == 0)
		r = explain_failures(&e);
	strbuf_finish(&e.failures);
	return r;
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
