/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "datadir.h"

#include "fdio.h"
#include "path.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define DIRECTORY_MODE 0755

/* Three valid names and two slashes. */
#define VOLUME_PATH_SIZE (3 * (NAME_LENGTH_MAX + 1))
#define UNFINISHED_PATH_SIZE (VOLUME_PATH_SIZE + sizeof(DATADIR_UNFINISHED_PREFIX))

static int open_directory(int dirfd, const char *path)
{
	return open_beneath(dirfd, path, O_RDONLY | O_DIRECTORY, 0);
}

int datadir_open(const char *base, bool create, int *ret_fd, struct error *err)
{
	int r = create ? mkdir_parents(base, DIRECTORY_MODE) : 0;
	int fd;

	if (r < 0)
		return error_errno(err, r, "cannot create data base '%s'", base);

	fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, -errno, "cannot open data base '%s'", base);
	*ret_fd = fd;
	return 0;
}

int datadir_open_volume(
	int base_fd, const char *domain, const char *machine, const char *volume, int *ret_fd)
{
	char path[VOLUME_PATH_SIZE];
	int fd;

	if (!name_is_valid(domain) || !name_is_valid(machine) || !name_is_valid(volume))
		return -EINVAL;

	snprintf(path, sizeof(path), "%s/%s/%s", domain, machine, volume);
	fd = open_directory(base_fd, path);
	if (fd < 0)
		return fd;
	*ret_fd = fd;
	return 0;
}

int datadir_open_machine(int base_fd, const char *domain, const char *machine, int *ret_fd)
{
	char path[VOLUME_PATH_SIZE];
	int fd;

	if (!name_is_valid(domain) || !name_is_valid(machine))
		return -EINVAL;

	snprintf(path, sizeof(path), "%s/%s", domain, machine);
	fd = open_directory(base_fd, path);
	if (fd < 0)
		return fd;
	*ret_fd = fd;
	return 0;
}

/* 0 when PART, a leading part of PATH, is a directory or cannot be looked at. */
static int explain_part(int base_fd, const char *path, const char *part, struct error *err)
{
	struct stat st;

	if (fstatat(base_fd, part, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISDIR(st.st_mode))
		return 0;
	if (S_ISLNK(st.st_mode))
		return error_set(err, -ELOOP,
			"data directory '%s': '%s' is a symlink and is not followed; remove it",
			path, part);
	return error_set(err, -ENOTDIR,
		"data directory '%s': '%s' is not a directory; move it away", path, part);
}

/*
 * The name that the volume is made under may be taken by what we cannot have left there: anything
 * but an empty directory.
 */
static int explain_unfinished(int base_fd, const char *path, int r, struct error *err)
{
	const char *name = strrchr(path, '/') + 1;
	char temp[UNFINISHED_PATH_SIZE];
	struct stat st;

	snprintf(temp, sizeof(temp), "%.*s" DATADIR_UNFINISHED_PREFIX "%s", (int)(name - path),
		path, name);
	if (fstatat(base_fd, temp, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return error_set(err, r,
		"data directory '%s' cannot be made:\n"
		"  '%s' is in the way, %s; move it away",
		path, temp,
		S_ISLNK(st.st_mode)   ? "a symlink"
		: S_ISDIR(st.st_mode) ? "a directory that is not empty"
				      : "a file");
}

/* Say what R means for PATH: of symlinks and files, which level is in the way. */
static int explain(int base_fd, const char *path, int r, struct error *err)
{
	const char *end = path;

	while ((r == -ELOOP || r == -ENOTDIR) && end) {
		char part[VOLUME_PATH_SIZE];
		int found;

		end = strchr(end + 1, '/');
		snprintf(part, sizeof(part), "%.*s", end ? (int)(end - path) : -1, path);
		found = explain_part(base_fd, path, part, err);
		if (found < 0)
			return found;
	}
	if (r == -ENOTDIR || r == -ENOTEMPTY || r == -EEXIST) {
		int found = explain_unfinished(base_fd, path, r, err);

		if (found < 0)
			return found;
	}
	return error_errno(err, r, "data directory '%s'", path);
}

/*
 * Open NAME in PARENT_FD, made with the plain mode when it is missing. Losing the race against
 * somebody who makes it too is as good.
 */
static int open_level(int parent_fd, const char *name, int *ret_fd)
{
	bool is_new = mkdirat(parent_fd, name, DIRECTORY_MODE) == 0;
	cleanup_fd int fd = -1;

	if (!is_new && errno != EEXIST)
		return -errno;
	fd = open_directory(parent_fd, name);
	if (fd < 0)
		return fd;

	/* Whatever the umask is. */
	if (is_new && fchmod(fd, DIRECTORY_MODE) < 0)
		return -errno;
	*ret_fd = steal_fd(&fd);
	return 0;
}

/* Made for us alone, so owner first: what the mode allows, it allows the right one. */
static int dress(int parent_fd, const char *name, const struct volume *volume)
{
	cleanup_fd int fd = open_directory(parent_fd, name);

	if (fd < 0)
		return fd;
	if (fchown(fd, volume->uid, volume->gid) < 0 || fchmod(fd, volume->mode) < 0)
		return -errno;
	return 0;
}

/*
 * Make the volume under another name, dress it, rename it into place: whenever the machine stops,
 * a directory that has the volume's name has its owner and mode too. NOREPLACE, because something
 * that does not take our lock may have been faster.
 */
static int create_volume(int machine_fd, const struct volume *volume)
{
	char temp[sizeof(DATADIR_UNFINISHED_PREFIX) + NAME_LENGTH_MAX];
	int r;

	snprintf(temp, sizeof(temp), DATADIR_UNFINISHED_PREFIX "%s", volume->name);
	if (unlinkat(machine_fd, temp, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return -errno;
	if (mkdirat(machine_fd, temp, 0700) < 0)
		return -errno;

	r = dress(machine_fd, temp, volume);
	if (r == 0 && renameat2(machine_fd, temp, machine_fd, volume->name, RENAME_NOREPLACE) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(machine_fd, temp, AT_REMOVEDIR);
	return r;
}

/* Under the lock of the machine's directory: make the volume unless somebody just did. */
static int ensure_locked(int machine_fd, const struct volume *volume, enum datadir_state *ret)
{
	cleanup_fd int fd = -1;
	int r;

	if (flock(machine_fd, LOCK_EX) < 0)
		return -errno;

	fd = open_directory(machine_fd, volume->name);
	if (fd >= 0) {
		*ret = DATADIR_EXISTS;
		return 0;
	}
	if (fd != -ENOENT)
		return fd;

	r = create_volume(machine_fd, volume);
	if (r == 0)
		*ret = DATADIR_CREATED;
	return r;
}

static int ensure(int base_fd, const struct domain *domain, const struct machine *machine,
	const struct volume *volume, enum datadir_state *ret)
{
	cleanup_fd int domain_fd = -1;
	cleanup_fd int machine_fd = -1;
	int r;

	r = open_level(base_fd, domain->name, &domain_fd);
	if (r == 0)
		r = open_level(domain_fd, machine->name, &machine_fd);
	return r < 0 ? r : ensure_locked(machine_fd, volume, ret);
}

int datadir_ensure(int base_fd, const struct domain *domain, const struct machine *machine,
	const struct volume *volume, bool dry_run, enum datadir_state *ret, struct error *err)
{
	char path[VOLUME_PATH_SIZE];
	cleanup_fd int fd = -1;
	int r;

	r = datadir_open_volume(base_fd, domain->name, machine->name, volume->name, &fd);
	if (r == -EINVAL)
		return error_set(err, r, "data directory '%s/%s/%s': a name is not valid",
			domain->name, machine->name, volume->name);

	*ret = r == -ENOENT ? DATADIR_MISSING : DATADIR_EXISTS;
	if (r == -ENOENT)
		r = dry_run ? 0 : ensure(base_fd, domain, machine, volume, ret);
	if (r == 0)
		return 0;

	snprintf(path, sizeof(path), "%s/%s/%s", domain->name, machine->name, volume->name);
	return explain(base_fd, path, r, err);
}

int datadir_sync(int base_fd, struct error *err)
{
	if (syncfs(base_fd) < 0)
		return error_errno(err, -errno, "cannot write the data base to the disk");
	return 0;
}
