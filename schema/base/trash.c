/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "trash.h"

#include "datamove.h"
#include "fdio.h"
#include "rmtree.h"
#include "volmark.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#define STAMP "%Y%m%dT%H%M%SZ"
#define STAMP_SIZE sizeof("20300131T120000Z")

static void format_stamp(int64_t when, char buf[STAMP_SIZE])
{
	time_t t = when;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(buf, STAMP_SIZE, STAMP, &tm) == 0)
		buf[0] = '\0';
}

const char *trash_id(const struct trash_entry *entry, char buf[TRASH_ID_MAX])
{
	char stamp[STAMP_SIZE];

	format_stamp(entry->deleted, stamp);
	snprintf(buf, TRASH_ID_MAX, "%s/%s/%s@%s", entry->domain, entry->machine, entry->volume,
		stamp);
	return buf;
}

static int open_trash(int machine_fd)
{
	return open_beneath(machine_fd, DATADIR_TRASH, O_RDONLY | O_DIRECTORY, 0);
}

static int make_trash(int machine_fd)
{
	int r = mkdirat(machine_fd, DATADIR_TRASH, 0700) < 0 ? -errno : 0;
	int fd;

	if (r == 0 && fsync(machine_fd) < 0)
		return -errno;
	fd = open_trash(machine_fd);
	return fd == -ENOENT && r < 0 ? r : fd;
}

int trash_open(int base_fd, const struct trash_entry *entry, int *ret_fd)
{
	cleanup_fd int machine_fd = -1;
	cleanup_fd int trash_fd = -1;
	int r = datadir_open_machine(base_fd, entry->domain, entry->machine, &machine_fd);

	if (r < 0)
		return r;
	trash_fd = open_trash(machine_fd);
	if (trash_fd < 0)
		return trash_fd;
	r = open_beneath(trash_fd, entry->name, O_RDONLY | O_DIRECTORY, 0);
	if (r < 0)
		return r;
	*ret_fd = r;
	return 0;
}

static int64_t id_in_mark(int fd, const struct trash_move *m)
{
	cleanup_infra struct infra infra = {0};

	if (volmark_read(fd, m->domain, m->machine, m->volume, &infra, NULL) < 0)
		return 0;
	return infra.domains[0].machines[0].volumes[0].id;
}

/* 1 when the trash of the machine holds the volume with our id: a run was killed behind its move. */
static int find_moved(struct trash_move *m, struct error *err)
{
	cleanup_trash_list struct trash_list list = {0};
	int r = trash_list_load(m->base_fd, &list, NULL, NULL, err);

	for (size_t i = 0; r == 0 && i < list.n_items; i++) {
		const struct trash_entry *e = &list.items[i];
		cleanup_fd int fd = -1;

		if (e->is_going || strcmp(e->domain, m->domain) != 0 ||
			strcmp(e->machine, m->machine) != 0 || strcmp(e->volume, m->volume) != 0)
			continue;
		if (trash_open(m->base_fd, e, &fd) < 0 || id_in_mark(fd, m) != m->id)
			continue;
		snprintf(m->name, sizeof(m->name), "%s", e->name);
		return 1;
	}
	return r;
}

/* Deleted twice within a second: the next second's name is as good. */
static int put_under_free_name(struct trash_move *m, int machine_fd, int trash_fd)
{
	int r;

	do {
		char deleted[STAMP_SIZE], until[STAMP_SIZE];

		format_stamp(m->now, deleted);
		format_stamp(m->until, until);
		snprintf(m->name, sizeof(m->name), "%s.%s.%s", m->volume, deleted, until);
		r = data_rename(machine_fd, m->volume, trash_fd, m->name);
	} while (r == -EEXIST && m->now++ < m->until);
	return r;
}

static int explain_put(const struct trash_move *m, int r, struct error *err)
{
	if (r == -EBUSY || r == -EXDEV)
		return error_set(err, r,
			"cannot move '%s/%s/%s' into the trash: something is mounted on it\n"
			"  unmount it first",
			m->domain, m->machine, m->volume);
	if (r == -ENOSPC || r == -EDQUOT)
		return error_set(err, r,
			"cannot move '%s/%s/%s' into the trash: the disk is full\n"
			"  'anklume-fsctl trash empty' makes room",
			m->domain, m->machine, m->volume);
	if (r == -ENOENT)
		return error_set(err, r,
			"the directory of volume '%s/%s/%s' is missing: is the disk mounted?\n"
			"  'anklume-fsctl apply --recreate' makes it anew, empty",
			m->domain, m->machine, m->volume);
	return error_errno(
		err, r, "cannot move '%s/%s/%s' into the trash", m->domain, m->machine, m->volume);
}

int trash_put(void *move, struct error *err)
{
	struct trash_move *m = move;
	cleanup_fd int machine_fd = -1;
	cleanup_fd int trash_fd = -1;
	int r = datadir_open_machine(m->base_fd, m->domain, m->machine, &machine_fd);

	/* The lock that who makes a volume takes, too. */
	if (r == 0 && flock(machine_fd, LOCK_EX) < 0)
		r = -errno;
	if (r == 0)
		r = trash_fd = make_trash(machine_fd);
	if (r >= 0)
		r = put_under_free_name(m, machine_fd, trash_fd);
	if (r == -ENOENT) {
		int found = find_moved(m, err);

		if (found != 0)
			return found > 0 ? 0 : found;
	}
	return r < 0 ? explain_put(m, r, err) : 0;
}

void trash_put_undo(void *move)
{
	const struct trash_move *m = move;
	cleanup_fd int machine_fd = -1;
	cleanup_fd int trash_fd = -1;

	if (datadir_open_machine(m->base_fd, m->domain, m->machine, &machine_fd) < 0)
		return;
	trash_fd = open_trash(machine_fd);
	if (trash_fd >= 0)
		data_rename(trash_fd, m->name, machine_fd, m->volume);
}

int trash_take(void *move, struct error *err)
{
	struct trash_move *m = move;
	cleanup_fd int from_fd = -1;
	cleanup_fd int trash_fd = -1;
	cleanup_fd int to_fd = -1;
	int r;

	r = datadir_open_machine(m->base_fd, m->entry->domain, m->entry->machine, &from_fd);
	if (r == 0)
		r = trash_fd = open_trash(from_fd);
	if (r >= 0)
		r = datadir_open_machine(m->base_fd, m->domain, m->machine, &to_fd);
	if (r == 0 && flock(to_fd, LOCK_EX) < 0)
		r = -errno;
	if (r == 0)
		r = data_rename(trash_fd, m->entry->name, to_fd, m->volume);
	if (r == -EEXIST)
		return error_set(err, r,
			"there is a directory '%s/%s/%s' in the base\n"
			"  name another volume to bring it back as",
			m->domain, m->machine, m->volume);
	return r < 0 ? error_errno(err, r, "cannot move '%s' out of the trash", m->entry->name) : 0;
}

void trash_take_undo(void *move)
{
	const struct trash_move *m = move;
	cleanup_fd int from_fd = -1;
	cleanup_fd int trash_fd = -1;
	cleanup_fd int to_fd = -1;

	if (datadir_open_machine(m->base_fd, m->domain, m->machine, &to_fd) < 0 ||
		datadir_open_machine(m->base_fd, m->entry->domain, m->entry->machine, &from_fd) < 0)
		return;
	trash_fd = open_trash(from_fd);
	if (trash_fd >= 0)
		data_rename(to_fd, m->volume, trash_fd, m->entry->name);
}

int trash_remove(int base_fd, const struct trash_entry *entry, struct error *err)
{
	char going[sizeof(TRASH_GOING_PREFIX) + NAME_MAX];
	cleanup_fd int machine_fd = -1;
	cleanup_fd int trash_fd = -1;
	int r = datadir_open_machine(base_fd, entry->domain, entry->machine, &machine_fd);

	if (r == 0)
		r = trash_fd = open_trash(machine_fd);
	if (r < 0)
		return error_errno(
			err, r, "cannot open the trash of '%s/%s'", entry->domain, entry->machine);

	snprintf(going, sizeof(going), "%s%s", entry->is_going ? "" : TRASH_GOING_PREFIX,
		entry->name);
	r = entry->is_going ? 0 : data_rename(trash_fd, entry->name, trash_fd, going);
	if (r < 0)
		return error_errno(err, r, "cannot remove '%s' from the trash", entry->name);
	return rmtree(trash_fd, going, err);
}
