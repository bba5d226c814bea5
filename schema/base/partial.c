/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "partial.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "dirents.h"
#include "fdio.h"
#include "path.h"
#include "rmtree.h"
#include "str.h"

#define PARTIAL_NAME_SIZE (sizeof(DATADIR_PARTIAL_PREFIX) + NAME_LENGTH_MAX)

static void make_name(char buf[PARTIAL_NAME_SIZE], const char *volume)
{
	snprintf(buf, PARTIAL_NAME_SIZE, DATADIR_PARTIAL_PREFIX "%s", volume);
}

/* Open NAME with its lock. -EBUSY. */
static int open_locked(int machine_fd, const char *name, int *ret_fd)
{
	cleanup_fd int fd = open_beneath(machine_fd, name, O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0)
		return fd;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	*ret_fd = steal_fd(&fd);
	return 0;
}

static int remove_stale(int machine_fd, const char *name, struct error *err)
{
	cleanup_fd int fd = -1;
	int r = open_locked(machine_fd, name, &fd);

	if (r == -ENOENT)
		return 0;
	return r < 0 ? r : rmtree(machine_fd, name, err);
}

int partial_begin(int base_fd, const char *domain, const char *machine, const char *volume,
	int *ret_fd, struct error *err)
{
	char name[PARTIAL_NAME_SIZE];
	cleanup_fd int machine_fd = -1;
	int r = datadir_open_machine(base_fd, domain, machine, &machine_fd);

	if (r < 0)
		return error_errno(err, r, "cannot open '%s/%s' in the base", domain, machine);

	/* Until it has a lock of its own, the machine's keeps others out. */
	if (flock(machine_fd, LOCK_EX) < 0)
		return error_errno(err, -errno, "cannot lock '%s/%s'", domain, machine);
	make_name(name, volume);
	r = remove_stale(machine_fd, name, err);
	if (r == 0 && mkdirat(machine_fd, name, 0700) < 0)
		r = -errno;
	if (r == 0)
		r = open_locked(machine_fd, name, ret_fd);
	if (r == -EBUSY)
		return error_set(err, r, "somebody else is filling volume '%s/%s/%s'", domain,
			machine, volume);
	if (r < 0 && err && !err->text)
		return error_errno(err, r, "cannot make '%s/%s/%s'", domain, machine, name);
	return r;
}

int partial_finish(int fd, const char *source, struct error *err)
{
	if (fsetxattr(fd, PARTIAL_XATTR, source, strlen(source), 0) < 0)
		return error_errno(err, -errno, "cannot set attribute '" PARTIAL_XATTR "'");
	return datadir_sync(fd, err);
}

bool partial_is_from(int fd, const char *source)
{
	char value[512];
	ssize_t n = fgetxattr(fd, PARTIAL_XATTR, value, sizeof(value));

	return n >= 0 && (size_t)n == strlen(source) && memcmp(value, source, n) == 0;
}

void partial_forget(int fd)
{
	fremovexattr(fd, PARTIAL_XATTR);
}

int partial_remove(
	int base_fd, const char *domain, const char *machine, const char *volume, struct error *err)
{
	char name[PARTIAL_NAME_SIZE];
	cleanup_fd int machine_fd = -1;
	int r = datadir_open_machine(base_fd, domain, machine, &machine_fd);

	if (r < 0)
		return error_errno(err, r, "cannot open '%s/%s' in the base", domain, machine);
	make_name(name, volume);
	return rmtree(machine_fd, name, err);
}

int partial_remove_empty(int base_fd, const char *domain, const char *machine, const char *volume)
{
	char name[PARTIAL_NAME_SIZE];
	cleanup_fd int machine_fd = -1;
	int r = datadir_open_machine(base_fd, domain, machine, &machine_fd);

	if (r < 0)
		return r;
	make_name(name, volume);
	return unlinkat(machine_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

struct search {
	int (*fn)(void *context, const char *domain, const char *machine, const char *volume);
	void *context;
	const char *domain, *machine;
};

/* One that was just made has no lock of its own yet; the machine's is held meanwhile. */
static int open_abandoned(int machine_fd, const char *name, int *ret_fd)
{
	int r;

	if (flock(machine_fd, LOCK_EX) < 0)
		return -errno;
	r = open_locked(machine_fd, name, ret_fd);
	flock(machine_fd, LOCK_UN);
	return r;
}

static int found_name(void *context, int fd, const char *name)
{
	const struct search *s = context;
	cleanup_fd int part_fd = -1;

	if (!str_has_prefix(name, DATADIR_PARTIAL_PREFIX) ||
		!name_is_valid(name + strlen(DATADIR_PARTIAL_PREFIX)) ||
		open_abandoned(fd, name, &part_fd) < 0)
		return 0;
	return s->fn(s->context, s->domain, s->machine, name + strlen(DATADIR_PARTIAL_PREFIX));
}

/* Into what is a directory with a valid name; the rest is the walk's business, see datawalk.c. */
static int enter(
	void *context, int fd, const char *name, int (*fn)(void *context, int fd, const char *name))
{
	cleanup_fd int child = -1;

	if (!name_is_valid(name))
		return 0;
	child = open_beneath(fd, name, O_RDONLY | O_DIRECTORY, 0);
	return child < 0 ? 0 : dirents_each(child, fn, context);
}

static int found_machine(void *context, int fd, const char *name)
{
	((struct search *)context)->machine = name;
	return enter(context, fd, name, found_name);
}

static int found_domain(void *context, int fd, const char *name)
{
	((struct search *)context)->domain = name;
	return enter(context, fd, name, found_machine);
}

int partial_each(int base_fd,
	int (*fn)(void *context, const char *domain, const char *machine, const char *volume),
	void *context, struct error *err)
{
	struct search s = {.fn = fn, .context = context};
	int r = dirents_each(base_fd, found_domain, &s);

	if (r < 0 && err && !err->text)
		return error_errno(err, r, "cannot read the data base");
	return r;
}
