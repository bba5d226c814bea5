/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "datamove.h"

#include <fcntl.h>
#include <sys/file.h>

#include "volmark.h"

int data_rename(int from_fd, const char *from, int to_fd, const char *to)
{
	if (renameat2(from_fd, from, to_fd, to, RENAME_NOREPLACE) < 0)
		return -errno;
	return fsync(to_fd) < 0 || fsync(from_fd) < 0 ? -errno : 0;
}

static int open_parent(const struct data_move *m, const struct data_place *place, int *ret_fd)
{
	return datadir_open_machine(m->base_fd, place->domain, place->machine, ret_fd);
}

static int move(
	const struct data_move *m, const struct data_place *from, const struct data_place *to)
{
	cleanup_fd int from_fd = -1;
	cleanup_fd int to_fd = -1;
	int r = open_parent(m, from, &from_fd);

	if (r == 0)
		r = open_parent(m, to, &to_fd);
	/* The lock that who makes a volume takes, too. */
	if (r == 0 && flock(to_fd, LOCK_EX) < 0)
		r = -errno;
	return r < 0 ? r : data_rename(from_fd, from->name, to_fd, to->name);
}

/* The mark is as it was before the move, or says the new name already. */
static bool is_marked(int fd, const struct data_place *as, int64_t id)
{
	cleanup_infra struct infra infra = {0};

	return volmark_read(fd, as->domain, as->machine, as->name, &infra, NULL) == 0 &&
	       infra.domains[0].machines[0].volumes[0].id == id;
}

static bool is_moved(const struct data_move *m)
{
	cleanup_fd int fd = -1;

	if (m->id == 0 ||
		datadir_open_volume(m->base_fd, m->to.domain, m->to.machine, m->to.name, &fd) < 0)
		return false;
	return is_marked(fd, &m->from, m->id) || is_marked(fd, &m->to, m->id);
}

int data_move(void *data, struct error *err)
{
	const struct data_move *m = data;
	const struct data_place *from = &m->from;
	const struct data_place *to = &m->to;
	int r = move(m, from, to);

	if (r == 0 || (r == -ENOENT && is_moved(m)))
		return 0;
	if (r == -EEXIST)
		return error_set(err, r,
			"there is a directory '%s/%s/%s' in the base; move it away", to->domain,
			to->machine, to->name);
	if (r == -EXDEV)
		return error_set(err, r,
			"'%s/%s' and '%s/%s' lie on different disks\n"
			"  use 'anklume-fsctl volume copy', then 'volume rm'",
			from->domain, from->machine, to->domain, to->machine);
	return error_errno(err, r, "cannot move '%s/%s/%s' to '%s/%s/%s'", from->domain,
		from->machine, from->name, to->domain, to->machine, to->name);
}

void data_move_undo(void *data)
{
	const struct data_move *m = data;

	move(m, &m->to, &m->from);
}
