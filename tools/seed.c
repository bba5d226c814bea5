/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "seed.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "backup.h"
#include "datadir.h"
#include "dirents.h"
#include "partial.h"
#include "rootfs.h"
#include "universal.h"
#include "volmark.h"

/*
 * The order, and what a crash leaves: the tree is made beside the volume, where nobody sees it, is
 * on the disk whole and says what it was seeded from; killed until then, the next run begins anew.
 * Then one transaction: the record gets a new number (see lifecycle.h), the two directories change
 * places, the mark is written, commit. Killed in between, the volume has its data and a mark that
 * disagrees: the next run sees that it was seeded and makes record and mark agree. The old, empty
 * directory is removed last; 'trash empty' finds it, too.
 */
struct seeding {
	struct volop *op;
	const struct domain *domain;
	const struct machine *machine;
	const struct volume *volume;
	const char *source;
	int tar_fd;
};

int seed_read(int volume_fd, char buf[SEED_TEXT_MAX])
{
	ssize_t n = fgetxattr(volume_fd, SEED_XATTR, buf, SEED_TEXT_MAX - 1);

	if (n < 0 && errno != ENODATA)
		return -errno;
	buf[n < 0 ? 0 : n] = '\0';
	return 0;
}

static int stop_at_first(void *context, int fd, const char *name)
{
	(void)context;
	(void)fd;
	(void)name;
	return 1;
}

/* 1, 0 or -errno. */
static int is_empty(int fd)
{
	int r = dirents_each(fd, stop_at_first, NULL);

	return r < 0 ? r : !r;
}

static int open_volume(const struct seeding *s, int *ret_fd, struct error *err)
{
	int r = datadir_open_volume(
		s->op->base_fd, s->domain->name, s->machine->name, s->volume->name, ret_fd);

	if (r < 0)
		return error_errno(err, r, "cannot open volume '%s/%s/%s'", s->domain->name,
			s->machine->name, s->volume->name);
	return 0;
}

/* The seeded tree and the empty volume change places; twice is as they were. */
static int exchange(const struct seeding *s)
{
	char part[sizeof(DATADIR_PARTIAL_PREFIX) + NAME_LENGTH_MAX];
	cleanup_fd int machine_fd = -1;
	int r = datadir_open_machine(
		s->op->base_fd, s->domain->name, s->machine->name, &machine_fd);

	if (r < 0)
		return r;
	snprintf(part, sizeof(part), DATADIR_PARTIAL_PREFIX "%s", s->volume->name);
	if (flock(machine_fd, LOCK_EX) < 0 ||
		renameat2(machine_fd, part, machine_fd, s->volume->name, RENAME_EXCHANGE) < 0)
		return -errno;
	return fsync(machine_fd) < 0 ? -errno : 0;
}

static void exchange_back(void *context)
{
	exchange(context);
}

static int exchange_if_empty(void *context, struct error *err)
{
	const struct seeding *s = context;
	cleanup_fd int fd = -1;
	int r = open_volume(s, &fd, err);

	if (r < 0)
		return r;
	r = exchange(s);
	if (r < 0)
		return error_errno(err, r, "cannot put the seed in the place of the volume");
	/* Looked at when nobody can come by its name any more. */
	r = is_empty(fd);
	if (r == 1)
		return 0;
	exchange(s);
	return error_set(err, r < 0 ? r : -ENOTEMPTY,
		"somebody wrote to volume '%s/%s/%s' meanwhile", s->domain->name, s->machine->name,
		s->volume->name);
}

static int renumber(const struct seeding *s, const struct catalog_step *step, struct error *err)
{
	return catalog_renumber_volume(s->op->state.catalog, s->volume->id, "volume.seed",
		s->source, &s->op->env->actor, &s->op->marks, step, err);
}

/* The owner and mode of FD are those of the volume: of what the instance does not have. */
static int dress_as_volume(int fd, int volume_fd)
{
	struct stat st;

	if (fstat(volume_fd, &st) < 0 || fchown(fd, st.st_uid, st.st_gid) < 0 ||
		fchmod(fd, st.st_mode & 07777) < 0)
		return -errno;
	return 0;
}

static int fill(const struct seeding *s, int volume_fd, bool *ret_found, struct error *err)
{
	cleanup_fd int fd = -1;
	int r = partial_begin(
		s->op->base_fd, s->domain->name, s->machine->name, s->volume->name, &fd, err);

	if (r < 0)
		return r;
	r = rootfs_extract(s->tar_fd, s->volume->path, fd, ret_found, err);
	if (r == 0 && !*ret_found)
		r = dress_as_volume(fd, volume_fd);
	if (r == 0 && fsetxattr(fd, SEED_XATTR, s->source, strlen(s->source), 0) < 0)
		r = error_errno(err, -errno, "cannot set attribute '" SEED_XATTR "'");
	return r == 0 ? datadir_sync(fd, err) : r;
}

static int seed(const struct seeding *s, int volume_fd, struct error *err)
{
	const struct catalog_step step = {exchange_if_empty, exchange_back, (void *)s};
	char name[VOLUME_NAME_MAX];
	bool is_found = false;
	int r = fill(s, volume_fd, &is_found, err);

	if (r == 0)
		r = renumber(s, &step, err);
	if (r < 0)
		partial_remove(s->op->base_fd, s->domain->name, s->machine->name, s->volume->name);
	else
		partial_remove_empty(
			s->op->base_fd, s->domain->name, s->machine->name, s->volume->name);
	snprintf(
		name, sizeof(name), "%s/%s/%s", s->domain->name, s->machine->name, s->volume->name);
	if (r < 0)
		return error_prefix(err, r, "volume '%s' was not seeded", name);
	return report_add(&s->op->report, REPORT_SEEDED, name,
		is_found ? NULL : "the instance has no such directory", err);
}

/* Seeded, and the mark says otherwise: a run was killed before its commit. */
static int mend(const struct seeding *s, int fd, struct error *err)
{
	cleanup_error struct error ignored = {NULL};

	if (volmark_compare(fd, s->domain, s->machine, s->volume, &ignored) == 0)
		return 0;
	partial_remove_empty(s->op->base_fd, s->domain->name, s->machine->name, s->volume->name);
	return renumber(s, NULL, err);
}

/* 1: VOLUME is to be seeded; 0: it has data, or was. */
static int wants_seed(const struct seeding *s, int *ret_fd, struct error *err)
{
	char text[SEED_TEXT_MAX];
	int r = open_volume(s, ret_fd, err);

	if (r == 0)
		r = seed_read(*ret_fd, text);
	if (r < 0)
		return r;
	if (*text)
		return s->op->env->is_dry_run ? 0 : mend(s, *ret_fd, err);
	return is_empty(*ret_fd);
}

/* The export, once, when the first volume wants it. An unnamed file in the base. */
static int need_archive(struct seeding *s, struct incus *incus, struct error *err)
{
	int r;

	if (s->tar_fd >= 0)
		return 0;
	s->tar_fd = openat(s->op->base_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (s->tar_fd < 0)
		return error_errno(err, -errno, "cannot make a file in '%s'", s->op->env->base);
	r = incus_backup_pull(incus, s->machine->project, s->machine->instance, s->tar_fd, err);
	return r;
}

static int seed_volume(struct seeding *s, struct incus *incus, struct error *err)
{
	cleanup_fd int fd = -1;
	char name[VOLUME_NAME_MAX];
	int r = wants_seed(s, &fd, err);

	if (r <= 0)
		return r;
	if (s->op->env->is_dry_run) {
		snprintf(name, sizeof(name), "%s/%s/%s", s->domain->name, s->machine->name,
			s->volume->name);
		return report_add(&s->op->report, REPORT_SEEDED, name, NULL, err);
	}
	r = need_archive(s, incus, err);
	return r < 0 ? r : seed(s, fd, err);
}

int seed_machine(struct volop *op, struct incus *incus, const struct domain *domain,
	const struct machine *machine, const char *source, struct error *err)
{
	struct seeding s = {.op = op, .domain = domain, .machine = machine, .tar_fd = -1};
	int r = 0;

	s.source = source;
	for (size_t i = 0; r == 0 && i < machine->n_volumes; i++) {
		s.volume = &machine->volumes[i];
		r = seed_volume(&s, incus, err);
	}
	if (s.tar_fd >= 0)
		close(s.tar_fd);
	return r;
}

bool seed_is_missing(int base_fd, const struct domain *domain, const struct machine *machine,
	const struct volume *volume)
{
	const struct universal_volume *universal = universal_find(volume->name);
	char text[SEED_TEXT_MAX];
	cleanup_fd int fd = -1;

	return universal && strcmp(universal->path, volume->path) == 0 &&
	       datadir_open_volume(base_fd, domain->name, machine->name, volume->name, &fd) == 0 &&
	       is_empty(fd) == 1 && seed_read(fd, text) == 0 && !*text;
}
