/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "seed.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "backup.h"
#include "datadir.h"
#include "partial.h"
#include "refill.h"
#include "rootfs.h"
#include "universal.h"

/* The order of the steps is that of refill.h; the sign that it was done stays on the volume. */
struct seeding {
	struct refill refill;
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
	const struct refill *f = &s->refill;
	cleanup_fd int fd = -1;
	int r = partial_begin(
		f->op->base_fd, f->domain->name, f->machine->name, f->volume->name, &fd, err);

	if (r < 0)
		return r;
	r = rootfs_extract(s->tar_fd, f->volume->path, fd, ret_found, err);
	if (r == 0 && !*ret_found)
		r = dress_as_volume(fd, volume_fd);
	if (r == 0 && fsetxattr(fd, SEED_XATTR, f->source, strlen(f->source), 0) < 0)
		r = error_errno(err, -errno, "cannot set attribute '" SEED_XATTR "'");
	if (r == 0)
		r = datadir_sync(fd, err);
	if (r < 0)
		partial_remove(
			f->op->base_fd, f->domain->name, f->machine->name, f->volume->name, NULL);
	return r;
}

static void put_name(const struct seeding *s, char name[VOLUME_NAME_MAX])
{
	const struct volume_ref ref = {s->refill.domain, s->refill.machine, s->refill.volume};

	volume_ref_name(&ref, name);
}

static int seed(const struct seeding *s, int volume_fd, struct error *err)
{
	char name[VOLUME_NAME_MAX];
	bool is_found = false;
	int r = fill(s, volume_fd, &is_found, err);

	if (r == 0)
		r = refill_exchange(&s->refill, err);
	put_name(s, name);
	if (r < 0)
		return error_prefix(err, r, "volume '%s' was not seeded", name);
	return report_add(&s->refill.op->report, REPORT_SEEDED, name,
		is_found ? NULL : "the instance has no such directory", err);
}

/* 1: VOLUME is to be seeded; 0: it has data, or was. */
static int wants_seed(const struct seeding *s, int *ret_fd, struct error *err)
{
	char text[SEED_TEXT_MAX];
	int r = refill_open(&s->refill, ret_fd, err);

	if (r == 0)
		r = seed_read(*ret_fd, text);
	if (r < 0)
		return r;
	if (*text)
		return s->refill.op->env->is_dry_run ? 0 : refill_mend(&s->refill, *ret_fd, err);
	return refill_is_empty(*ret_fd);
}

/* The export, once, when the first volume wants it. An unnamed file in the base. */
static int need_archive(struct seeding *s, struct incus *incus, struct error *err)
{
	const struct machine *m = s->refill.machine;
	int r;

	if (s->tar_fd >= 0)
		return 0;
	r = refill_open_archive(s->refill.op, &s->tar_fd, err);
	return r < 0 ? r : incus_backup_pull(incus, m->project, m->instance, s->tar_fd, err);
}

static int seed_volume(struct seeding *s, struct incus *incus, struct error *err)
{
	cleanup_fd int fd = -1;
	char name[VOLUME_NAME_MAX];
	int r = wants_seed(s, &fd, err);

	if (r <= 0)
		return r;
	if (s->refill.op->env->is_dry_run) {
		put_name(s, name);
		return report_add(&s->refill.op->report, REPORT_SEEDED, name, NULL, err);
	}
	r = need_archive(s, incus, err);
	return r < 0 ? r : seed(s, fd, err);
}

int seed_machine(struct volop *op, struct incus *incus, const struct domain *domain,
	const struct machine *machine, const char *source, struct error *err)
{
	struct seeding s = {{op, domain, machine, NULL, "volume.seed", source}, -1};
	int r = 0;

	for (size_t i = 0; r == 0 && i < machine->n_volumes; i++) {
		s.refill.volume = &machine->volumes[i];
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
	       refill_is_empty(fd) == 1 && seed_read(fd, text) == 0 && !*text;
}
