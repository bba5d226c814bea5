/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd.h"
#include "datadir.h"
#include "drift.h"
#include "fdio.h"
#include "rows.h"
#include "wire.h"

#include <fcntl.h>
#include <string.h>

static const struct out_column columns[] = {
	{"name", "NAME", OUT_TEXT, 0},
	{"kind", "KIND", OUT_TEXT, 0},
	{"since", "SINCE", OUT_TIME, OUT_IF_ANY},
	{"newest", "LAST CHANGE", OUT_TIME, OUT_IF_ANY},
	{"size_bytes", "SIZE", OUT_SIZE, OUT_IF_ANY},
	{"flags", "FLAGS", OUT_FLAGS, OUT_IF_ANY},
	{"note", "NOTE", OUT_TEXT, OUT_IF_ANY | OUT_WRAP},
};

/* The rows, and where what they name lies; -1 = not there. */
struct listing {
	json_t *rows;
	int base_fd;
};

/* What the directory NAME holds; zero for what is none, or cannot be read. */
static struct datadir_usage measure(const struct listing *l, const char *name)
{
	struct datadir_usage usage = {0};
	cleanup_fd int fd = -1;

	if (l->base_fd >= 0)
		fd = open_beneath(l->base_fd, name, O_RDONLY | O_DIRECTORY, 0);
	if (fd >= 0)
		datadir_measure(fd, &usage);
	return usage;
}

static int add_row(const struct listing *l, const char *name, const char *kind, int64_t since,
	json_t *flags, const char *note)
{
	struct datadir_usage usage = measure(l, name);

	return rows_append(l->rows,
		json_pack("{s:o s:s s:o s:o s:I s:o s:o}", "name", out_text(name), "kind", kind,
			"since", out_time(since), "newest", out_time(usage.newest), "size_bytes",
			(json_int_t)usage.size_bytes, "flags", flags, "note", out_text(note)));
}

/* True when WORD, LEN bytes, is a machine and no domain. */
static bool is_only_machine(const struct infra *infra, const char *word, size_t len)
{
	cleanup_free char *name = strndup(word, len);

	if (!name || infra_find_domain(infra, name))
		return false;
	for (size_t i = 0; i < infra->n_domains; i++) {
		if (domain_find_machine(&infra->domains[i], name))
			return true;
	}
	return false;
}

/*
 * The first layout of anklume was <base>/<machine>/<volume>: the directories of its data show one
 * level too deep, and one row is enough for all of a volume. False when PATH is not of that kind.
 */
static bool is_old_layout(const struct infra *infra, const char *path, size_t *ret_len)
{
	size_t machine = strcspn(path, "/");

	if (path[machine] == '\0' || !is_only_machine(infra, path, machine))
		return false;
	*ret_len = machine + 1 + strcspn(path + machine + 1, "/");
	return true;
}

static int add_old_layout(const struct listing *l, const char *path, size_t len)
{
	const json_t *last = json_array_get(l->rows, json_array_size(l->rows) - 1);
	cleanup_free char *name = strndup(path, len);

	if (!name)
		return -ENOMEM;
	if (last && strcmp(json_string_value(json_object_get(last, "name")), name) == 0)
		return 0;
	return add_row(
		l, name, "undeclared", 0, json_array(), "anklume's first layout (machine/volume)?");
}

static int add_found(const struct listing *l, const struct infra *infra, const struct drift *d)
{
	size_t len;

	switch (d->kind) {
	case DRIFT_UNDECLARED:
		if (is_old_layout(infra, d->path, &len))
			return add_old_layout(l, d->path, len);
		return add_row(l, d->path, "undeclared", 0, json_array(), d->detail);
	case DRIFT_UNRECORDED:
		return add_row(l, d->path, "unrecorded", 0, json_array(),
			"its record was lost: 'catalog check'");
	default:
		return add_row(l, d->path, "stray", 0, json_array(), d->detail);
	}
}

static int add_unrecorded(const struct listing *l, const struct infra *infra, struct error *err)
{
	cleanup_drift_list struct drift_list list = {NULL, 0};
	int r = drift_find_in_base(infra, l->base_fd, &list, err);

	for (size_t i = 0; i < list.n_items && r == 0; i++)
		r = add_found(l, infra, &list.items[i]);
	return r;
}

static int add_recorded(const struct listing *l, const struct infra *infra, struct error *err)
{
	cleanup_selection struct selection all = {NULL, 0};
	int r = select_all(infra, &all, err);

	for (size_t i = 0; i < all.n_items && r == 0; i++) {
		const struct volume *v = all.items[i].volume;
		char name[VOLUME_NAME_MAX];

		if (v->flags & VOLUME_ORPHAN)
			r = add_row(l, volume_ref_name(&all.items[i], name), "orphan",
				v->orphan_since, row_flags(v), NULL);
	}
	return r;
}

int cmd_orphans(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	cleanup_cmd_state struct cmd_state state = CMD_STATE_INIT;
	cleanup_json json_t *rows = json_array();
	cleanup_fd int base_fd = -1;
	struct listing listing = {.rows = rows, .base_fd = -1};
	int r;

	(void)argc;
	(void)argv;
	r = cmd_state_open(&state, env, CATALOG_READ, err);
	if (r == 0)
		r = datadir_open(env->base, false, &base_fd, err);
	listing.base_fd = base_fd;
	if (r == 0)
		r = add_recorded(&listing, &state.infra, err);
	if (r == 0)
		r = add_unrecorded(&listing, &state.infra, err);
	if (r < 0)
		return r;

	if (json_array_size(rows) == 0 && env->format == OUT_TABLE) {
		if (!env->is_quiet)
			fputs("No orphans: the spec declares everything.\n", env->words);
		return 0;
	}
	return out_rows(env->out, env->format, columns, ARRAY_SIZE(columns), rows, err);
}
