/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "refill.h"

#include <fcntl.h>
#include <sys/file.h>

#include "datadir.h"
#include "dirents.h"
#include "partial.h"
#include "volmark.h"

static int stop_at_first(void *context, int fd, const char *name)
{
	(void)context;
	(void)fd;
	(void)name;
	return 1;
}

int refill_is_empty(int fd)
{
	int r = dirents_each(fd, stop_at_first, NULL);

	return r < 0 ? r : !r;
}

int refill_open(const struct refill *f, int *ret_fd, struct error *err)
{
	int r = datadir_open_volume(
		f->op->base_fd, f->domain->name, f->machine->name, f->volume->name, ret_fd);

	if (r < 0)
		return error_errno(err, r, "cannot open volume '%s/%s/%s'", f->domain->name,
			f->machine->name, f->volume->name);
	return 0;
}

int refill_open_archive(const struct volop *op, int *ret_fd, struct error *err)
{
	int fd = openat(op->base_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_errno(err, -errno, "cannot make a file in '%s'", op->env->base);
	*ret_fd = fd;
	return 0;
}

/* The tree and the empty volume change places; twice is as they were. */
static int exchange(const struct refill *f)
{
	char part[sizeof(DATADIR_PARTIAL_PREFIX) + NAME_LENGTH_MAX];
	cleanup_fd int machine_fd = -1;
	int r = datadir_open_machine(
		f->op->base_fd, f->domain->name, f->machine->name, &machine_fd);

	if (r < 0)
		return r;
	snprintf(part, sizeof(part), DATADIR_PARTIAL_PREFIX "%s", f->volume->name);
	if (flock(machine_fd, LOCK_EX) < 0 ||
		renameat2(machine_fd, part, machine_fd, f->volume->name, RENAME_EXCHANGE) < 0)
		return -errno;
	return fsync(machine_fd) < 0 ? -errno : 0;
}

static void exchange_back(void *context)
{
	exchange(context);
}

static int exchange_if_empty(void *context, struct error *err)
{
	const struct refill *f = context;
	cleanup_fd int fd = -1;
	int r = refill_open(f, &fd, err);

	if (r < 0)
		return r;
	r = exchange(f);
	if (r < 0)
		return error_errno(err, r, "cannot put the new tree in the place of the volume");
	/* Looked at when nobody can come by its name any more. */
	r = refill_is_empty(fd);
	if (r == 1)
		return 0;
	exchange(f);
	return error_set(err, r < 0 ? r : -ENOTEMPTY,
		"somebody wrote to volume '%s/%s/%s' meanwhile", f->domain->name, f->machine->name,
		f->volume->name);
}

static int renumber(const struct refill *f, const struct catalog_step *step, struct error *err)
{
	return catalog_renumber_volume(f->op->state.catalog, f->volume->id, f->action, f->source,
		&f->op->env->actor, &f->op->marks, step, err);
}

int refill_exchange(const struct refill *f, struct error *err)
{
	const struct catalog_step step = {exchange_if_empty, exchange_back, (void *)f};
	int r = renumber(f, &step, err);

	if (r < 0)
		partial_remove(
			f->op->base_fd, f->domain->name, f->machine->name, f->volume->name, NULL);
	else
		partial_remove_empty(
			f->op->base_fd, f->domain->name, f->machine->name, f->volume->name);
	return r;
}

int refill_mend(const struct refill *f, int fd, struct error *err)
{
	cleanup_error struct error ignored = {NULL};

	/* Also when only this was missing: the commit came before. */
	partial_remove_empty(f->op->base_fd, f->domain->name, f->machine->name, f->volume->name);
	if (volmark_compare(fd, f->domain, f->machine, f->volume, &ignored) == 0)
		return 0;
	return renumber(f, NULL, err);
}
