/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "attached.h"
#include "datamove.h"
#include "volop.h"

/* NEW is a full name, or a name beside the old one. */
static int parse_new(
	const struct volume_ref *ref, const char *word, struct volume_name *ret, struct error *err)
{
	if (strchr(word, '/') || !name_is_valid(word))
		return volume_name_parse(word, ret, err);
	snprintf(ret->domain, sizeof(ret->domain), "%s", ref->domain->name);
	snprintf(ret->machine, sizeof(ret->machine), "%s", ref->machine->name);
	snprintf(ret->volume, sizeof(ret->volume), "%s", word);
	return 0;
}

/* The directory moves within the transaction: see lifecycle.h for a crash between the two. */
static int rename_volume(struct volop *op, const struct volume_ref *ref,
	const struct volume_name *to, struct error *err)
{
	struct data_move move = {
		.base_fd = op->base_fd,
		.from = {ref->domain->name, ref->machine->name, ref->volume->name},
		.to = {to->domain, to->machine, to->volume},
		.id = ref->volume->id,
	};
	const struct catalog_step step = {data_move, data_move_undo, &move};

	if (op->env->is_dry_run)
		return 0;
	return catalog_rename_volume(op->state.catalog, ref->volume->id, to->domain, to->machine,
		to->volume, &op->env->actor, &op->marks, &step, err);
}

int volume_rename(struct volop *op, int argc, char **argv, struct error *err)
{
	char from[VOLUME_NAME_MAX], to[VOLUME_NAME_MAX];
	cleanup_free char *detail = NULL;
	struct volume_name name;
	struct volume_ref ref;
	bool is_declared;
	int r;

	(void)argc;
	r = cmd_select_one(op->env, &op->state.infra, argv[0], &ref, err);
	if (r == 0)
		r = parse_new(&ref, argv[1], &name, err);
	if (r == 0)
		r = volop_check_new(op, &name, err);
	if (r == 0)
		r = attached_check(op->env, &ref, err);
	if (r == 0)
		r = rename_volume(op, &ref, &name, err);
	if (r != 0)
		return r;

	is_declared = ref.volume->orphan_since == 0;
	volume_ref_name(&ref, from);
	snprintf(to, sizeof(to), "%s/%s/%s", name.domain, name.machine, name.volume);
	if (asprintf(&detail, "to %s%s", to,
		    is_declared ? "; rename it in the spec before the next apply" : "") < 0) {
		detail = NULL;
		return -ENOMEM;
	}
	return report_add(&op->report, REPORT_RENAMED, from, detail, err);
}
