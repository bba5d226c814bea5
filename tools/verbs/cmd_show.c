/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "applied.h"
#include "cmd.h"
#include "datadir.h"
#include "rows.h"
#include "str.h"
#include "volmark.h"
#include "wire.h"

#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* Keys that end in _text are for tables only. */
static const struct out_column columns[] = {
	{"volume", "Volume", OUT_TEXT, 0},
	{"description", "Description", OUT_TEXT, OUT_IF_ANY},
	{"class", "Class", OUT_TEXT, OUT_IF_ANY},
	{"path", "Path", OUT_TEXT, 0},
	{"owner_text", "Owner instance", OUT_TEXT, 0},
	{"owner_gone_since", "Owner deleted", OUT_TIME, OUT_IF_ANY},
	{"flags", "Flags", OUT_FLAGS, 0},
	{"readonly_text", "Read-only", OUT_TEXT, 0},
	{"protected_text", "Protected", OUT_TEXT, 0},
	{"holds_text", "Holds", OUT_TEXT, OUT_LINES | OUT_IF_ANY},
	{"orphan_since", "Orphan since", OUT_TIME, OUT_IF_ANY},
	{"size_bytes", "Declared size", OUT_SIZE, OUT_IF_ANY},
	{"ids_text", "Declared owner", OUT_TEXT, 0},
	{"base", "Base", OUT_TEXT, 0},
	{"directory", "Directory", OUT_TEXT, 0},
	{"directory_text", "On disk", OUT_TEXT, 0},
	{"mark_text", "Mark", OUT_TEXT, 0},
	{"source", "In the mount", OUT_TEXT, 0},
	{"device", "Device", OUT_TEXT, 0},
};

/* Csv and compact take the facts, not the words. */
static const struct out_column data_columns[] = {
	{"volume", "", OUT_TEXT, 0},
	{"path", "", OUT_TEXT, 0},
	{"owner", "", OUT_TEXT, 0},
	{"flags", "", OUT_FLAGS, 0},
	{"class", "", OUT_TEXT, 0},
	{"size_bytes", "", OUT_SIZE, 0},
	{"uid", "", OUT_NUMBER, 0},
	{"gid", "", OUT_NUMBER, 0},
	{"mode", "", OUT_TEXT, 0},
	{"directory", "", OUT_TEXT, 0},
	{"source", "", OUT_TEXT, 0},
	{"mark", "", OUT_TEXT, 0},
};

/* Set KEY of OBJECT to formatted text. */
static void set_text(json_t *object, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void set_text(json_t *object, const char *key, const char *fmt, ...)
{
	cleanup_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	json_object_set_new(object, key, out_text(text));
}

/* A flag's value, and who says so. */
static void add_flag(json_t *object, const struct volume *v, unsigned int bit, const char *name,
	enum flag_override override)
{
	bool by_spec = v->spec_flags & bit;
	bool is_on = v->flags & bit;
	char key[64];

	json_object_set_new(object, name, json_boolean(is_on));
	snprintf(key, sizeof(key), "%s_spec", name);
	json_object_set_new(object, key, json_boolean(by_spec));
	snprintf(key, sizeof(key), "%s_override", name);
	json_object_set_new(object, key, json_string(row_override(override)));
	snprintf(key, sizeof(key), "%s_text", name);
	if (override == FLAG_INHERIT)
		set_text(object, key, "%s, says the spec", is_on ? "yes" : "no");
	else
		set_text(object, key, "%s, says the administrator; the spec says %s",
			is_on ? "yes" : "no", by_spec ? "yes" : "no");
}

static void add_holds(json_t *object, const struct volume_ref *ref)
{
	json_t *holds = json_array();
	json_t *lines = json_array();
	int64_t now = time(NULL);

	for (size_t i = 0; i < ref->volume->n_holds; i++) {
		const struct hold *h = &ref->volume->holds[i];
		cleanup_free char *line = NULL;
		char until[64] = "";
		time_t t = h->until;
		struct tm tm;

		if (t && localtime_r(&t, &tm))
			strftime(until, sizeof(until), " until %Y-%m-%d %H:%M", &tm);
		rows_append(holds, row_hold(ref, h, now));
		if (asprintf(&line, "%s by %s%s%s: %s", h->tag, h->actor ? h->actor : "?", until,
			    h->until && h->until <= now ? " (expired)" : "",
			    h->reason ? h->reason : "") >= 0)
			rows_append(lines, out_text(line));
	}
	json_object_set_new(object, "holds", holds);
	json_object_set_new(object, "holds_text", lines);
}

/* "differs from what is declared" is no error: data is never chowned behind its owner's back. */
static void add_stat(json_t *object, const struct volume *v, const struct stat *st)
{
	bool is_same =
		st->st_uid == v->uid && st->st_gid == v->gid && (st->st_mode & 07777) == v->mode;
	char mode[16];

	snprintf(mode, sizeof(mode), "%04o", (unsigned int)(st->st_mode & 07777));
	json_object_set_new(object, "directory_state",
		json_pack("{s:s s:I s:I s:s s:I}", "state", "exists", "uid", (json_int_t)st->st_uid,
			"gid", (json_int_t)st->st_gid, "mode", mode, "inode",
			(json_int_t)st->st_ino));
	set_text(object, "directory_text", "owner %u:%u, mode %s%s", st->st_uid, st->st_gid, mode,
		is_same ? "" : " (not as declared)");
}

/* What the mark is, compared with the record. */
static const char *mark_word(int r)
{
	switch (r) {
	case 0:
		return "agrees";
	case 1:
		return "differs";
	case -ENODATA:
		return "missing";
	case -EBADMSG:
	case -ENOTSUP:
		return "damaged";
	default:
		return "unreadable";
	}
}

static void add_mark(json_t *object, const struct volume_ref *ref, int fd)
{
	cleanup_error struct error detail = {NULL};
	const char *word = "no directory";
	int r;

	if (fd >= 0) {
		r = volmark_compare(fd, ref->domain, ref->machine, ref->volume, &detail);
		word = mark_word(r);
	}
	json_object_set_new(object, "mark", json_string(word));
	set_text(object, "mark_text", "%s%s%s%s", word, detail.text ? " (" : "",
		detail.text ? detail.text : "", detail.text ? ")" : "");
}

static void add_directory(json_t *object, const struct cmd_env *env, const struct volume_ref *ref)
{
	cleanup_fd int base_fd = cmd_open_base(env);
	cleanup_fd int fd = -1;
	struct stat st;
	int r = -ENOENT;

	if (base_fd >= 0)
		r = datadir_open_volume(
			base_fd, ref->domain->name, ref->machine->name, ref->volume->name, &fd);
	if (r == 0 && fstat(fd, &st) == 0) {
		add_stat(object, ref->volume, &st);
	} else {
		const char *state = r == -ENOENT ? "missing" : strerror(-r);

		json_object_set_new(object, "directory_state", json_pack("{s:s}", "state", state));
		set_text(object, "directory_text", "%s", state);
	}
	add_mark(object, ref, fd);
}

static json_t *describe(const struct cmd_env *env, const struct volume_ref *ref)
{
	const struct machine *m = ref->machine;
	const struct volume *v = ref->volume;
	json_t *object = row_volume(env, ref);

	if (!object)
		return NULL;

	json_object_set_new(object, "base", out_text(env->base));
	json_object_set_new(object, "type", json_string(m->is_vm ? "vm" : "container"));
	json_object_set_new(object, "ephemeral", json_boolean(m->is_ephemeral));
	json_object_set_new(object, "domain_enabled", json_boolean(ref->domain->is_enabled));
	set_text(object, "owner_text", "%s (project %s%s%s)", m->instance ? m->instance : "?",
		m->project ? m->project : "?", m->is_vm ? ", vm" : "",
		m->is_ephemeral ? ", ephemeral" : "");
	set_text(object, "ids_text", "%u:%u, mode %04o", v->uid, v->gid, (unsigned int)v->mode);
	add_flag(object, v, VOLUME_READONLY, "readonly", v->readonly_override);
	add_flag(object, v, VOLUME_PROTECTED, "protected", v->protected_override);
	add_holds(object, ref);
	add_directory(object, env, ref);
	return object;
}

/* Since when the owner instance is known to be deleted; null while it is not. */
static int add_gone(json_t *object, struct catalog *cat, const struct machine *m, struct error *err)
{
	cleanup_gone_list struct gone_list list = {NULL, 0};
	const struct gone_instance *gone;
	int r = catalog_list_gone(cat, &list, err);

	if (r < 0)
		return r;
	gone = gone_find(&list, m->project, m->instance);
	json_object_set_new(object, "owner_gone_since", out_time(gone ? gone->since : 0));
	return 0;
}

/* Words made for tables are no data. */
static void drop_texts(json_t *object)
{
	const char *key;
	json_t *value;
	void *next;

	json_object_foreach_safe (object, next, key, value) {
		if (str_has_suffix(key, "_text"))
			json_object_del(object, key);
	}
}

int cmd_show(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	cleanup_cmd_state struct cmd_state state = CMD_STATE_INIT;
	cleanup_json json_t *object = NULL;
	struct volume_ref ref;
	int r;

	(void)argc;
	r = cmd_state_open(&state, env, CATALOG_READ, err);
	if (r == 0)
		r = cmd_select_one(env, &state.infra, argv[0], &ref, err);
	if (r != 0)
		return r;

	object = describe(env, &ref);
	if (!object)
		return error_set(err, -ENOMEM, "out of memory");
	r = add_gone(object, state.catalog, ref.machine, err);
	if (r < 0)
		return r;
	if (env->format == OUT_TABLE)
		return out_record(env->out, env->format, columns, ARRAY_SIZE(columns), object, err);
	drop_texts(object);
	return out_record(
		env->out, env->format, data_columns, ARRAY_SIZE(data_columns), object, err);
}
