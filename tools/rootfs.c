/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rootfs.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "array.h"
#include "str.h"

#define TOP "backup/container/rootfs"
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

struct extraction {
	int tar_fd;
	int to_fd;
	char *prefix; /* in the archive, without a slash at its end */
	struct archive *disk;
	struct stray *strays;
	size_t n_strays;
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

/*
 * libarchive leaves ACLs out that came as attributes, so the attributes are ours to set; through
 * the directory's descriptor, and never through a symlink.
 */
static int set_xattrs(struct extraction *x, struct archive_entry *entry, const char *name)
{
	cleanup_free char *path = NULL;
	const char *key;
	const void *value;
	size_t len;

	if (asprintf(&path, "/proc/self/fd/%d/%s", x->to_fd, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	archive_entry_xattr_reset(entry);
	while (archive_entry_xattr_next(entry, &key, &value, &len) == ARCHIVE_OK) {
		if (lsetxattr(path, key, value, len, 0) < 0)
			return error_errno(
				x->err, -errno, "'%s': cannot set attribute '%s'", name, key);
	}
	return 0;
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
	int r;

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
	if (archive_entry_filetype(entry) != AE_IFDIR)
		return 0;
	x->is_found = true;
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
	free(x->prefix);
}

int rootfs_extract(int tar_fd, const char *path, int to_fd, bool *ret_found, struct error *err)
{
	struct extraction x = {.tar_fd = tar_fd, .to_fd = to_fd, .err = err};
	cleanup_fd int cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = 0;

	if (asprintf(&x.prefix, TOP "%s", path) < 0)
		return -ENOMEM;
	if (cwd < 0 || fchdir(to_fd) < 0)
		r = error_errno(err, -errno, "cannot enter the directory");
	if (r == 0)
		r = extract(&x);
	if (cwd >= 0 && fchdir(cwd) < 0 && r == 0)
		r = error_errno(err, -errno, "cannot go back to the working directory");
	*ret_found = x.is_found;
	finish(&x);
	return r;
}
