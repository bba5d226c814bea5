/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rootfs.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "array.h"
#include "idmap.h"
#include "str.h"

#define TOP "backup/container/rootfs"
#define VOLUME_TOP "backup/volume"

/* Attributes that say which volume of a base a directory is: of the top, and its own. */
#define OWN_XATTRS "trusted.anklume."

#define BLOCK_BYTES 65536

#define WRITE_FLAGS                                                            \
	(ARCHIVE_EXTRACT_OWNER | ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME | \
		ARCHIVE_EXTRACT_SPARSE | ARCHIVE_EXTRACT_SECURE_NODOTDOT |     \
		ARCHIVE_EXTRACT_SECURE_SYMLINKS | ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS)

/* A hard link whose data stands elsewhere in the archive, outside of what is extracted. */
struct stray {
	char *name; /* below the directory */
	char *target; /* in the archive */
	bool is_done;
};

/* The default ACL of a directory: what is created there would inherit it, so it comes last. */
struct default_acl {
	char *name;
	void *value;
	size_t len;
};

#define DEFAULT_ACL "system.posix_acl_default"

struct extraction {
	int tar_fd;
	int to_fd;
	const struct idmap *ids;
	char *prefix; /* in the archive, without a slash at its end */
	struct archive *disk;
	struct stray *strays;
	size_t n_strays;
	struct default_acl *acls;
	size_t n_acls;
	bool is_found;
	struct timespec times[2]; /* of the top, set when nothing changes it any more */
	struct error *err;
};

static int fail(struct extraction *x, struct archive *a, const char *name)
{
	int r = archive_errno(a) > 0 ? -archive_errno(a) : -EIO;
	const char *why = archive_error_string(a);

	return error_set(x->err, r, "'%s': %s", name, why ? why : "broken archive");
}

/* What NAME of the archive is called below PREFIX: "" for that itself, NULL = elsewhere. */
static const char *below(const char *name, const char *prefix)
{
	size_t len = strlen(prefix);

	if (strncmp(name, prefix, len) != 0)
		return NULL;
	if (name[len] == '/')
		return name + len + 1;
	return name[len] == '\0' ? "" : NULL;
}

static int open_archive(struct extraction *x, struct archive **ret)
{
	struct archive *a = archive_read_new();

	if (!a)
		return -ENOMEM;
	if (lseek(x->tar_fd, 0, SEEK_SET) < 0 || archive_read_support_format_tar(a) != ARCHIVE_OK ||
		archive_read_open_fd(a, x->tar_fd, BLOCK_BYTES) != ARCHIVE_OK) {
		int r = fail(x, a, "archive");

		archive_read_free(a);
		return r;
	}
	*ret = a;
	return 0;
}

/* ENTRY has the owner that the container sees. */
static int change_owner(struct extraction *x, struct archive_entry *entry, const char *name)
{
	int64_t uid = archive_entry_uid(entry);
	int64_t gid = archive_entry_gid(entry);
	uint32_t new_uid, new_gid;

	if (idmap_uid(x->ids, uid, &new_uid) < 0 || idmap_gid(x->ids, gid, &new_gid) < 0)
		return error_set(x->err, -ERANGE,
			"'%s' belongs to %" PRId64 ":%" PRId64 " on the disk, which no container "
			"sees\n  give it an owner inside, or remove it",
			name, uid, gid);
	archive_entry_set_uid(entry, new_uid);
	archive_entry_set_gid(entry, new_gid);
	return 0;
}

/* Never through a symlink, and from the directory's descriptor on. */
static int put_xattr(const struct extraction *x, const char *name, const char *key,
	const void *value, size_t len)
{
	cleanup_free char *path = NULL;

	if (asprintf(&path, "/proc/self/fd/%d/%s", x->to_fd, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	return lsetxattr(path, key, value, len, 0) < 0 ? -errno : 0;
}

/* VALUE is stolen on success. */
static int add_default_acl(struct extraction *x, const char *name, void *value, size_t len)
{
	struct default_acl *acl = array_append(&x->acls, &x->n_acls, sizeof(*acl));

	if (!acl)
		return -ENOMEM;
	acl->name = strdup(name);
	if (!acl->name)
		return -ENOMEM;
	acl->value = value;
	acl->len = len;
	return 0;
}

static int set_default_acls(struct extraction *x)
{
	for (size_t i = 0; i < x->n_acls; i++) {
		const struct default_acl *acl = &x->acls[i];
		int r = put_xattr(x, acl->name, DEFAULT_ACL, acl->value, acl->len);

		if (r < 0)
			return error_errno(x->err, r, "'%s': cannot set attribute '%s'", acl->name,
				DEFAULT_ACL);
	}
	return 0;
}

static int set_xattr(
	struct extraction *x, const char *name, const char *key, const void *value, size_t len)
{
	cleanup_free void *own = malloc(len + 1);
	int r;

	if (!own)
		return -ENOMEM;
	memcpy(own, value, len);
	r = idmap_xattr(x->ids, key, own, &len);
	if (r < 0 || strcmp(key, DEFAULT_ACL) != 0)
		return r < 0 ? r : put_xattr(x, name, key, own, len);
	r = add_default_acl(x, name, own, len);
	if (r == 0)
		steal_ptr(&own);
	return r;
}

/*
 * libarchive leaves ACLs out that came as attributes, so the attributes are ours to set.
 */
static int set_xattrs(struct extraction *x, struct archive_entry *entry, const char *name)
{
	const char *key;
	const void *value;
	size_t len;
	int r = 0;

	archive_entry_xattr_reset(entry);
	while (r == 0 && archive_entry_xattr_next(entry, &key, &value, &len) == ARCHIVE_OK) {
		if (strcmp(name, ".") == 0 && str_has_prefix(key, OWN_XATTRS))
			continue;
		r = set_xattr(x, name, key, value, len);
		if (r < 0)
			error_errno(x->err, r, "'%s': cannot set attribute '%s'", name, key);
	}
	return r;
}

static int copy_data(struct extraction *x, struct archive *from, const char *name)
{
	const void *block;
	la_int64_t offset;
	size_t len;
	int r;

	while ((r = archive_read_data_block(from, &block, &len, &offset)) == ARCHIVE_OK) {
		if (archive_write_data_block(x->disk, block, len, offset) < ARCHIVE_OK)
			return fail(x, x->disk, name);
	}
	return r == ARCHIVE_EOF ? 0 : fail(x, from, name);
}

/* Write ENTRY as NAME. */
static int write_entry(
	struct extraction *x, struct archive *from, struct archive_entry *entry, const char *name)
{
	int r = change_owner(x, entry, name);

	if (r < 0)
		return r;
	archive_entry_copy_pathname(entry, name);
	if (archive_write_header(x->disk, entry) != ARCHIVE_OK)
		return fail(x, x->disk, name);
	r = archive_entry_size(entry) > 0 ? copy_data(x, from, name) : 0;
	if (r == 0 && archive_write_finish_entry(x->disk) != ARCHIVE_OK)
		r = fail(x, x->disk, name);
	/* The names of one file share its attributes. */
	return r < 0 || archive_entry_hardlink(entry) ? r : set_xattrs(x, entry, name);
}

static int add_stray(struct extraction *x, const char *name, const char *target)
{
	struct stray *s = array_append(&x->strays, &x->n_strays, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->name = strdup(name);
	s->target = strdup(target);
	return s->name && s->target ? 0 : -ENOMEM;
}

/* The top exists: only what it is like comes from the archive. */
static int dress_top(struct extraction *x, struct archive_entry *entry)
{
	int r;

	if (archive_entry_filetype(entry) != AE_IFDIR)
		return 0;
	x->is_found = true;
	r = change_owner(x, entry, "the top directory");
	if (r < 0)
		return r;
	x->times[0].tv_nsec = UTIME_OMIT;
	x->times[1].tv_sec = archive_entry_mtime(entry);
	x->times[1].tv_nsec = archive_entry_mtime_nsec(entry);
	if (fchown(x->to_fd, archive_entry_uid(entry), archive_entry_gid(entry)) < 0 ||
		fchmod(x->to_fd, archive_entry_perm(entry)) < 0)
		return error_errno(x->err, -errno, "cannot set owner and mode");
	return set_xattrs(x, entry, ".");
}

static int extract_entry(struct extraction *x, struct archive *from, struct archive_entry *entry)
{
	const char *name = below(archive_entry_pathname(entry), x->prefix);
	const char *target = archive_entry_hardlink(entry);
	cleanup_free char *copy = NULL;

	if (!name)
		return 0;
	if (!*name)
		return dress_top(x, entry);
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	if (target) {
		const char *inside = below(target, x->prefix);
		cleanup_free char *link = NULL;

		if (!inside)
			return add_stray(x, copy, target);
		link = strdup(inside);
		if (!link)
			return -ENOMEM;
		archive_entry_copy_hardlink(entry, link);
	}
	return write_entry(x, from, entry, copy);
}

/* The file behind the strays that point to ENTRY: the first gets its data, the others are links. */
static int extract_target(struct extraction *x, struct archive *from, struct archive_entry *entry)
{
	cleanup_free char *target = strdup(archive_entry_pathname(entry));
	const char *first = NULL;
	int r = 0;

	if (!target)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < x->n_strays; i++) {
		struct stray *s = &x->strays[i];

		if (strcmp(s->target, target) != 0)
			continue;
		s->is_done = true;
		if (first)
			r = linkat(x->to_fd, first, x->to_fd, s->name, 0) < 0
				    ? error_errno(x->err, -errno, "cannot link '%s'", s->name)
				    : 0;
		else
			r = write_entry(x, from, entry, s->name);
		first = first ? first : s->name;
	}
	return r;
}

/* Call FN for every entry of the archive. */
static int each_entry(struct extraction *x,
	int (*fn)(struct extraction *x, struct archive *from, struct archive_entry *entry))
{
	struct archive_entry *entry;
	struct archive *from = NULL;
	int r = open_archive(x, &from);

	if (r < 0)
		return r;
	while (r == 0) {
		int got = archive_read_next_header(from, &entry);

		if (got == ARCHIVE_EOF)
			break;
		/* A warning is something that was not understood, hence lost. */
		r = got == ARCHIVE_OK || !below(archive_entry_pathname(entry), x->prefix)
			    ? fn(x, from, entry)
			    : fail(x, from, archive_entry_pathname(entry));
		if (got < ARCHIVE_WARN)
			r = fail(x, from, "archive");
	}
	archive_read_free(from);
	return r;
}

static int check_strays(const struct extraction *x)
{
	for (size_t i = 0; i < x->n_strays; i++) {
		if (!x->strays[i].is_done)
			return error_set(x->err, -EBADMSG,
				"'%s' is a link to '%s', which is not there", x->strays[i].name,
				x->strays[i].target);
	}
	return 0;
}

static int extract(struct extraction *x)
{
	int r;

	x->disk = archive_write_disk_new();
	if (!x->disk || archive_write_disk_set_options(x->disk, WRITE_FLAGS) != ARCHIVE_OK)
		return -ENOMEM;
	r = each_entry(x, extract_entry);
	if (r == 0 && x->n_strays)
		r = each_entry(x, extract_target);
	if (r == 0)
		r = check_strays(x);
	/* Modes and times of directories are set at the end. */
	if (archive_write_close(x->disk) != ARCHIVE_OK && r == 0)
		r = fail(x, x->disk, "directories");
	if (r == 0)
		r = set_default_acls(x);
	if (r == 0 && x->is_found && futimens(x->to_fd, x->times) < 0)
		r = error_errno(x->err, -errno, "cannot set the times");
	return r;
}

static void finish(struct extraction *x)
{
	archive_write_free(x->disk);
	for (size_t i = 0; i < x->n_strays; i++) {
		free(x->strays[i].name);
		free(x->strays[i].target);
	}
	free(x->strays);
	for (size_t i = 0; i < x->n_acls; i++) {
		free(x->acls[i].name);
		free(x->acls[i].value);
	}
	free(x->acls);
	free(x->prefix);
}

/* All of it, X->prefix (owned) and X->ids being set. */
static int run(struct extraction *x, bool *ret_found)
{
	cleanup_fd int cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = x->prefix ? 0 : -ENOMEM;

	if (r == 0 && (cwd < 0 || fchdir(x->to_fd) < 0))
		r = error_errno(x->err, -errno, "cannot enter the directory");
	if (r == 0)
		r = extract(x);
	if (cwd >= 0 && fchdir(cwd) < 0 && r == 0)
		r = error_errno(x->err, -errno, "cannot go back to the working directory");
	*ret_found = x->is_found;
	finish(x);
	return r;
}

int rootfs_extract(int tar_fd, const char *path, int to_fd, bool *ret_found, struct error *err)
{
	static const struct idmap none;
	struct extraction x = {.tar_fd = tar_fd, .to_fd = to_fd, .ids = &none, .err = err};

	if (asprintf(&x.prefix, TOP "%s", path) < 0)
		x.prefix = NULL;
	return run(&x, ret_found);
}

int rootfs_extract_volume(
	int tar_fd, const struct idmap *ids, int to_fd, bool *ret_found, struct error *err)
{
	struct extraction x = {.tar_fd = tar_fd, .to_fd = to_fd, .ids = ids, .err = err};

	x.prefix = strdup(VOLUME_TOP);
	return run(&x, ret_found);
}
