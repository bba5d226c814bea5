/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "volmark.h"

#include "datadir.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

/* The mark as it is now, at most SIZE bytes. -ENODATA; -ERANGE: more than ours ever take. */
static ssize_t get_mark(int fd, char *buf, size_t size)
{
	ssize_t n = fgetxattr(fd, VOLMARK_XATTR, buf, size);

	return n < 0 ? -errno : n;
}

static int explain_write(
	int r, const char *domain, const char *machine, const char *volume, struct error *err)
{
	const char *why = strerror(-r);

	if (r == -ENOSPC || r == -EDQUOT)
		why = "the disk, or the directory's room for extended attributes, is full";
	if (r == -EOPNOTSUPP)
		why = "the data base's file system has no trusted extended attributes";
	if (r == -EPERM)
		why = "only root may write it";
	return error_set(err, r, "cannot write the mark of volume '%s/%s/%s': %s", domain, machine,
		volume, why);
}

int volmark_write(int fd, const struct domain *domain, const struct machine *machine,
	const struct volume *volume, bool durable, struct error *err)
{
	cleanup_free char *text = NULL;
	char old[VOLMARK_SIZE_MAX];
	size_t len;
	int r;

	r = volmark_format(domain, machine, volume, &text, &len, err);
	if (r < 0)
		return r;

	/* Not worth a journal transaction, nor a new ctime. */
	if (get_mark(fd, old, sizeof(old)) == (ssize_t)len && memcmp(old, text, len) == 0)
		return 0;

	if (fsetxattr(fd, VOLMARK_XATTR, text, len, 0) < 0)
		return explain_write(-errno, domain->name, machine->name, volume->name, err);
	if (durable && fsync(fd) < 0)
		return explain_write(-errno, domain->name, machine->name, volume->name, err);
	return 1;
}

static bool has_names(
	const struct infra *infra, const char *domain, const char *machine, const char *volume)
{
	const struct domain *d = &infra->domains[0];
	const struct machine *m = &d->machines[0];

	return strcmp(d->name, domain) == 0 && strcmp(m->name, machine) == 0 &&
	       strcmp(m->volumes[0].name, volume) == 0;
}

static uint64_t newest_of(const struct machine *m)
{
	uint64_t newest = 0;

	for (size_t i = 0; i < m->n_volumes; i++) {
		if (m->volumes[i].generation > newest)
			newest = m->volumes[i].generation;
	}
	return newest;
}

static bool is_newer(const struct domain *d, uint64_t generation)
{
	for (size_t i = 0; i < d->n_machines; i++) {
		if (newest_of(&d->machines[i]) > generation)
			return false;
	}
	return true;
}

/* Hand over what ONE says about its domain, unless INFRA knows it from a newer mark. */
static struct domain *merge_domain(struct infra *infra, const struct infra *one)
{
	const struct domain *from = &one->domains[0];
	struct domain *d = infra_find_domain(infra, from->name);

	if (!d)
		d = infra_add_domain(infra, from->name);
	if (!d || !is_newer(d, from->machines[0].volumes[0].generation))
		return d;

	d->id = from->id;
	d->is_enabled = from->is_enabled;
	d->orphan_since = from->orphan_since;
	return d;
}

static struct machine *merge_machine(struct domain *domain, struct machine *from)
{
	struct machine *m = domain_find_machine(domain, from->name);
	struct machine old;

	if (!m)
		m = domain_add_machine(domain, from->name);
	if (!m || newest_of(m) > from->volumes[0].generation)
		return m;

	/* Everything but the name and the volumes changes hands; FROM frees what was there. */
	old = *m;
	*m = *from;
	m->name = old.name;
	m->volumes = old.volumes;
	m->n_volumes = old.n_volumes;
	from->project = old.project;
	from->instance = old.instance;
	return m;
}

/* Move the volume of ONE into INFRA. */
static int merge(struct infra *infra, struct infra *one)
{
	struct machine *from = &one->domains[0].machines[0];
	struct domain *d = merge_domain(infra, one);
	struct machine *m = d ? merge_machine(d, from) : NULL;
	struct volume *v = m ? machine_add_volume(m, from->volumes[0].name) : NULL;
	struct volume added;

	if (!v)
		return -ENOMEM;
	added = *v;
	*v = from->volumes[0];
	from->volumes[0] = added;
	return 0;
}

int volmark_read(int fd, const char *domain, const char *machine, const char *volume,
	struct infra *infra, struct error *err)
{
	cleanup_infra struct infra one = {0};
	char data[VOLMARK_SIZE_MAX];
	ssize_t n = get_mark(fd, data, sizeof(data));
	int r;

	if (n == -ENODATA)
		return -ENODATA;
	if (n == -ERANGE)
		r = error_set(err, -EBADMSG, "longer than any mark");
	else
		r = n < 0 ? (int)n : volmark_parse(data, n, &one, err);
	if (r == 0 && !has_names(&one, domain, machine, volume))
		r = error_set(err, -EBADMSG, "it is that of volume '%s/%s/%s'", one.domains[0].name,
			one.domains[0].machines[0].name,
			one.domains[0].machines[0].volumes[0].name);
	if (r == 0)
		r = merge(infra, &one);
	if (r < 0)
		return error_prefix(err, r, "mark of volume '%s/%s/%s'", domain, machine, volume);
	return 0;
}

int volmark_compare(int fd, const struct domain *domain, const struct machine *machine,
	const struct volume *volume, struct error *err)
{
	cleanup_free char *differences = NULL;
	cleanup_free char *want = NULL;
	cleanup_infra struct infra ignored = {0};
	char have[VOLMARK_SIZE_MAX];
	size_t len;
	ssize_t n;
	int r;

	r = volmark_format(domain, machine, volume, &want, &len, err);
	if (r < 0)
		return r;
	n = get_mark(fd, have, sizeof(have));
	if (n == (ssize_t)len && memcmp(have, want, len) == 0)
		return 0;

	r = volmark_read(fd, domain->name, machine->name, volume->name, &ignored, err);
	if (r < 0)
		return r;
	differences = n < 0 ? NULL : volmark_list_differences(have, n, want, len);
	return differences ? error_set(err, 1, "%s", differences) : -ENOMEM;
}

static int open_of(const int *base_fd, const char *domain, const char *machine, const char *volume,
	int *ret_fd, struct error *err)
{
	int r = datadir_open_volume(*base_fd, domain, machine, volume, ret_fd);

	/* No directory is an ordinary answer here. */
	if (r < 0 && r != -ENOENT)
		return error_errno(
			err, r, "cannot open volume '%s/%s/%s'", domain, machine, volume);
	return r;
}

static int store_write(void *context, const struct domain *domain, const struct machine *machine,
	const struct volume *volume, bool durable, struct error *err)
{
	cleanup_fd int fd = -1;
	int r = open_of(context, domain->name, machine->name, volume->name, &fd, err);

	return r < 0 ? r : volmark_write(fd, domain, machine, volume, durable, err);
}

static int store_read(void *context, const char *domain, const char *machine, const char *volume,
	struct infra *infra, struct error *err)
{
	cleanup_fd int fd = -1;
	int r = open_of(context, domain, machine, volume, &fd, err);

	return r < 0 ? r : volmark_read(fd, domain, machine, volume, infra, err);
}

static int store_sync(void *context, struct error *err)
{
	return datadir_sync(*(const int *)context, err);
}

struct mark_store volmark_store(const int *base_fd)
{
	return (struct mark_store){
		.write = store_write,
		.read = store_read,
		.sync = store_sync,
		.context = (void *)base_fd,
	};
}
