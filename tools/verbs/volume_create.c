/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "datadir.h"
#include "volop.h"

/*
 * The order, and what a crash leaves: the directory is made as an apply makes it, and durable; then
 * one transaction records it, its mark before the commit. Killed in between, there is a directory
 * that no record names, perhaps with a mark: the same command again finds it and goes on.
 */
static int create(struct volop *op, const struct volume_name *name, struct volume *volume,
	bool *ret_was_there, struct error *err)
{
	const struct domain *domain;
	const struct machine *machine = volop_find_machine(op, name, &domain);
	enum datadir_state state;
	int r;

	r = datadir_ensure(op->base_fd, domain, machine, volume, op->env->is_dry_run, &state, err);
	*ret_was_there = r == 0 && state == DATADIR_EXISTS;
	if (r < 0 || op->env->is_dry_run)
		return r;
	r = datadir_sync(op->base_fd, err);
	if (r < 0)
		return r;
	return catalog_create_volume(op->state.catalog, name->domain, name->machine, volume,
		&op->env->actor, &op->marks, NULL, err);
}

int volume_create(struct volop *op, int argc, char **argv, struct error *err)
{
	struct volume volume = {.mode = DEFAULT_VOLUME_MODE};
	cleanup_free char *path = NULL;
	const struct domain *domain;
	struct volume_name name;
	bool was_there;
	int r;

	(void)argc;
	if (!op->env->path)
		return cmd_usage(err, "'volume create' needs --path: where the machine sees it");
	path = path_normalise(op->env->path);
	if (!path)
		return -ENOMEM;
	r = volume_name_parse(argv[0], &name, err);
	if (r == 0)
		r = volop_check_new(op, &name, err);
	if (r == 0)
		r = volop_describe(op, volop_find_machine(op, &name, &domain), name.volume, path,
			&volume, err);
	if (r == 0)
		r = create(op, &name, &volume, &was_there, err);
	if (r != 0)
		return r;
	return report_add(&op->report, REPORT_CREATED, argv[0],
		was_there ? "directory was there" : NULL, err);
}
