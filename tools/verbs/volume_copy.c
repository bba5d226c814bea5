/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <string.h>

#include "copytree.h"
#include "ctl.h"
#include "datamove.h"
#include "partial.h"
#include "str.h"
#include "volop.h"
#include "wire.h"

/* Attributes of the top that say which volume it is: the copy gets its own. */
#define OWN_XATTRS "trusted.anklume."

/*
 * The order, and what a crash leaves: the copy is made beside its place, in a directory that nobody
 * sees, and is on the disk whole before anything else happens; killed until then, the next run
 * removes it and begins anew. Then one transaction: the directory gets its name, the mark is
 * written, commit. Killed in between, the directory still says what it is a copy of: the next run
 * records it.
 */
struct copying {
	struct volop *op;
	struct volume_ref from;
	char from_name[VOLUME_NAME_MAX];
	struct volume_name to;
	struct volume volume; /* texts borrowed */
	struct copytree_report report;
};

/* A run before this one got as far as the name. */
static bool is_in_place(const struct copying *c)
{
	cleanup_fd int fd = -1;

	return datadir_open_volume(
		       c->op->base_fd, c->to.domain, c->to.machine, c->to.volume, &fd) == 0 &&
	       partial_is_from(fd, c->from_name);
}

static int fill(struct copying *c, struct error *err)
{
	cleanup_fd int from_fd = -1;
	cleanup_fd int fd = -1;
	int r;

	r = datadir_open_volume(c->op->base_fd, c->from.domain->name, c->from.machine->name,
		c->from.volume->name, &from_fd);
	if (r < 0)
		return error_errno(err, r, "cannot open volume '%s'", c->from_name);
	r = partial_begin(c->op->base_fd, c->to.domain, c->to.machine, c->to.volume, &fd, err);
	if (r < 0)
		return r;

	r = copytree(from_fd, fd, OWN_XATTRS, &c->report, err);
	if (r == 0)
		r = partial_finish(fd, c->from_name, err);
	if (r < 0) {
		partial_remove(c->op->base_fd, c->to.domain, c->to.machine, c->to.volume, NULL);
		return error_prefix(err, r, "volume '%s' was not copied", c->from_name);
	}
	return 0;
}

static int record(struct copying *c, bool is_placed, struct error *err)
{
	char part[sizeof(DATADIR_PARTIAL_PREFIX) + NAME_LENGTH_MAX];
	struct data_move move = {
		.base_fd = c->op->base_fd,
		.from = {c->to.domain, c->to.machine, part},
		.to = {c->to.domain, c->to.machine, c->to.volume},
	};
	const struct catalog_step step = {data_move, data_move_undo, &move};
	cleanup_fd int fd = -1;
	int r;

	snprintf(part, sizeof(part), DATADIR_PARTIAL_PREFIX "%s", c->to.volume);
	r = catalog_create_volume(c->op->state.catalog, c->to.domain, c->to.machine, &c->volume,
		&c->op->env->actor, &c->op->marks, is_placed ? NULL : &step, err);
	if (r == 0 && datadir_open_volume(
			      c->op->base_fd, c->to.domain, c->to.machine, c->to.volume, &fd) == 0)
		partial_forget(fd);
	return r;
}

/* Who writes meanwhile is copied file by file, not as of one moment: a database would be broken. */
static int check_writers(const struct copying *c, struct error *err)
{
	cleanup_json json_t *answer = NULL;
	const json_t *writer;
	size_t i;

	if (c->op->env->is_forced || ctl_status(c->op->env->control, &answer, NULL) <= 0)
		return 0;
	json_array_foreach (json_object_get(answer, "writers"), i, writer) {
		if (!str_equal(json_string_value(json_object_get(writer, "volume")), c->from_name))
			continue;
		return error_set(err, CMD_REFUSED,
			"volume '%s' is being written to: the copy would not be of one moment\n"
			"  stop its machine, or copy all the same with --force",
			c->from_name);
	}
	return 0;
}

static int describe(struct copying *c, char *path, struct error *err)
{
	const struct volume *from = c->from.volume;
	const struct domain *domain;

	/* The directory's owner and mode come with the data; the record says what the source's says. */
	c->volume = (struct volume){
		.class = from->class,
		.description = from->description,
		.size_bytes = from->size_bytes,
		.uid = from->uid,
		.gid = from->gid,
		.mode = from->mode,
	};
	return volop_describe(c->op, volop_find_machine(c->op, &c->to, &domain), c->to.volume, path,
		&c->volume, err);
}

static int run(struct copying *c, struct error *err)
{
	bool is_placed = is_in_place(c);
	int r = 0;

	if (c->op->env->is_dry_run)
		return 0;
	if (!is_placed)
		r = fill(c, err);
	return r < 0 ? r : record(c, is_placed, err);
}

int volume_copy(struct volop *op, int argc, char **argv, struct error *err)
{
	struct copying c = {.op = op};
	cleanup_free char *path = NULL;
	char detail[VOLUME_NAME_MAX + 96], size[32];
	int r;

	(void)argc;
	r = cmd_select_one(op->env, &op->state.infra, argv[0], &c.from, err);
	if (r == 0)
		r = volume_name_parse(argv[1], &c.to, err);
	if (r == 0)
		r = volop_check_new(op, &c.to, err);
	if (r != 0)
		return r;
	volume_ref_name(&c.from, c.from_name);
	path = path_normalise(op->env->path ? op->env->path : c.from.volume->path);
	if (!path)
		return -ENOMEM;
	r = describe(&c, path, err);
	if (r == 0)
		r = check_writers(&c, err);
	if (r == 0)
		r = run(&c, err);
	if (r != 0)
		return r;

	snprintf(detail, sizeof(detail),
		"to %s: %" PRIu64 " entries, %s copied, %" PRIu64 " shared", argv[1],
		c.report.n_entries, format_size(c.report.n_bytes, size, sizeof(size)),
		c.report.n_shared);
	if (op->env->is_dry_run)
		snprintf(detail, sizeof(detail), "to %s", argv[1]);
	return report_add(&op->report, REPORT_COPIED, c.from_name, detail, err);
}
