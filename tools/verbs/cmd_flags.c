/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd.h"
#include "edit.h"
#include "rows.h"

#include <string.h>

typedef int set_fn(struct catalog *cat, int64_t volume, enum flag_override value,
	const struct actor *actor, const struct mark_store *marks, bool *ret_changed,
	struct error *err);

/* A flag that an administrator may turn on or off over the spec's head. */
struct flag_kind {
	unsigned int bit;
	set_fn *set;
	enum report_action on, off;
	const char *on_word, *off_word;
};

static const struct flag_kind kind_protected = {VOLUME_PROTECTED, catalog_set_protected,
	REPORT_PROTECTED, REPORT_UNPROTECTED, "protected", "unprotected"};
static const struct flag_kind kind_readonly = {VOLUME_READONLY, catalog_set_readonly,
	REPORT_READONLY, REPORT_WRITABLE, "read-only", "writable"};

struct flag_change {
	const struct flag_kind *kind;
	enum flag_override value;
};

static enum flag_override get_override(const struct volume *v, const struct flag_kind *kind)
{
	return kind->bit == VOLUME_READONLY ? v->readonly_override : v->protected_override;
}

/* An override that says what the spec says is recorded as none (catalog.h). */
static enum flag_override recorded_value(const struct volume *v, const struct flag_change *change)
{
	enum flag_override by_spec = v->spec_flags & change->kind->bit ? FLAG_ON : FLAG_OFF;

	return change->value == by_spec ? FLAG_INHERIT : change->value;
}

static int report_flag(struct edit *edit, const struct volume_ref *ref,
	const struct flag_change *change, bool changed, struct error *err)
{
	const struct flag_kind *kind = change->kind;
	bool inherits = change->value == FLAG_INHERIT;
	bool is_on =
		inherits ? (ref->volume->spec_flags & kind->bit) != 0 : change->value == FLAG_ON;
	char name[VOLUME_NAME_MAX], detail[64];

	snprintf(detail, sizeof(detail), "%s%s%s", changed ? "" : "already ",
		changed ? ""
		: is_on ? kind->on_word
			: kind->off_word,
		inherits ? changed ? "as the spec says" : ", as the spec says" : "");
	return report_add(&edit->report,
		!changed ? REPORT_UNCHANGED
		: is_on  ? kind->on
			 : kind->off,
		volume_ref_name(ref, name), *detail ? detail : NULL, err);
}

/* A flag that does not do what the user may expect of it deserves a word. */
static void explain(
	const struct edit *edit, const struct volume_ref *ref, const struct flag_change *change)
{
	char name[VOLUME_NAME_MAX];

	if (change->kind->bit != VOLUME_PROTECTED || change->value == FLAG_ON ||
		!(ref->volume->flags & VOLUME_HELD) || edit->env->is_quiet)
		return;
	fprintf(edit->env->words, "%s is still on hold: 'anklume-fsctl holds %s'\n",
		volume_ref_name(ref, name), name);
}

static int change_flag(
	struct edit *edit, const struct volume_ref *ref, const void *context, struct error *err)
{
	const struct flag_change *change = context;
	bool changed =
		get_override(ref->volume, change->kind) != recorded_value(ref->volume, change);
	int r = 0;

	if (!edit->env->is_dry_run)
		r = change->kind->set(edit->state.catalog, ref->volume->id, change->value,
			&edit->env->actor, &edit->marks, &changed, err);
	if (r < 0)
		return r;
	explain(edit, ref, change);
	return report_flag(edit, ref, change, changed, err);
}

static int run(struct cmd_env *env, int argc, char **argv, const struct flag_kind *kind,
	enum flag_override value, struct error *err)
{
	const struct flag_change change = {kind, env->is_inherit ? FLAG_INHERIT : value};
	cleanup_edit struct edit edit = {.base_fd = -1};
	int r;

	r = edit_begin(&edit, env, argc, argv, err);
	edit.report.shows_writers = kind->bit == VOLUME_READONLY && change.value == FLAG_ON;
	return r != 0 ? r : edit_run(&edit, change_flag, &change, err);
}

int cmd_protect(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	return run(env, argc, argv, &kind_protected, FLAG_ON, err);
}

int cmd_unprotect(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	return run(env, argc, argv, &kind_protected, FLAG_OFF, err);
}

int cmd_readonly(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	enum flag_override value = FLAG_INHERIT;

	if (!env->is_inherit) {
		if (strcmp(argv[0], "on") == 0)
			value = FLAG_ON;
		else if (strcmp(argv[0], "off") == 0)
			value = FLAG_OFF;
		else
			return cmd_usage(
				err, "say 'readonly on' or 'readonly off', not '%s'", argv[0]);
		argc--;
		argv++;
	}
	if (argc == 0)
		return cmd_usage(err, "name a volume");
	return run(env, argc, argv, &kind_readonly, value, err);
}
