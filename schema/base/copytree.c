/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "copytree.h"

#include "copyfile.h"
#include "copymeta.h"
#include "dirents.h"
#include "fdio.h"
#include "rlimit.h"

#include <fcntl.h>
#include <limits.h>
#include <search.h>
#include <string.h>
#include <sys/stat.h>

/* A file with several names, by its number in the source, and how to find its copy again. */
struct link {
	dev_t device;
	ino_t inode;
	union {
		struct file_handle handle;
		char space[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	};
};

struct copy {
	int top_fd; /* of the copy; open_by_handle_at(2) wants any descriptor of its mount */
	uint64_t mount; /* of the source */
	void *links; /* tsearch(3) tree of struct link */
	struct copytree_report report;
	struct error *err;
};

/* The path grows on the way up: "dir/sub/file: cannot ...". */
static int fail(struct copy *c, int r, const char *what, const char *name)
{
	if (c->err && !c->err->text)
		error_errno(c->err, r, "%s '%s'", what, name);
	return r;
}

static int add_place(struct copy *c, int r, const char *name)
{
	return c->err && c->err->text ? error_prefix(c->err, r, "'%s'", name) : r;
}

static int compare_links(const void *a, const void *b)
{
	const struct link *x = a;
	const struct link *y = b;

	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	return x->device < y->device ? -1 : x->device > y->device;
}

/* 1: NAME is another name of a file that was copied; 0: its first. */
static int link_again(struct copy *c, const struct stat *st, int to_dirfd, const char *name)
{
	const struct link key = {.device = st->st_dev, .inode = st->st_ino};
	struct link **found;
	cleanup_fd int fd = -1;

	if (st->st_nlink < 2 || S_ISDIR(st->st_mode))
		return 0;
	found = tfind(&key, &c->links, compare_links);
	if (!found)
		return 0;
	fd = open_by_handle_at(c->top_fd, &(*found)->handle, O_PATH | O_CLOEXEC);
	if (fd < 0 || linkat(fd, "", to_dirfd, name, AT_EMPTY_PATH) < 0)
		return fail(c, -errno, "cannot link", name);
	return 1;
}

static int remember_link(struct copy *c, const struct stat *st, int to_dirfd, const char *name)
{
	struct link *link;
	int mount_id;

	if (st->st_nlink < 2 || S_ISDIR(st->st_mode))
		return 0;
	link = calloc(1, sizeof(*link));
	if (!link)
		return -ENOMEM;
	link->device = st->st_dev;
	link->inode = st->st_ino;
	link->handle.handle_bytes = MAX_HANDLE_SZ;
	if (name_to_handle_at(to_dirfd, name, &link->handle, &mount_id, 0) < 0) {
		int r = fail(c, -errno, "cannot find again", name);

		free(link);
		return r;
	}
	if (!tsearch(link, &c->links, compare_links)) {
		free(link);
		return -ENOMEM;
	}
	return 0;
}

/* Open anew what O_PATH_FD stands for: that very file, whatever has its name by now. */
static int reopen(int o_path_fd, int flags)
{
	int fd = open(fd_path(o_path_fd).text, flags | O_CLOEXEC | O_NOATIME);

	return fd < 0 ? -errno : fd;
}

static int copy_regular(struct copy *c, int from_fd, int to_dirfd, const char *name)
{
	cleanup_fd int in = reopen(from_fd, O_RDONLY | O_NONBLOCK);
	cleanup_fd int out = -1;
	bool is_shared = false;
	int r;

	if (in < 0)
		return fail(c, in, "cannot open", name);
	out = openat(to_dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return fail(c, -errno, "cannot create", name);
	r = copyfile(in, out, &c->report.n_bytes, &is_shared);
	c->report.n_shared += is_shared;
	return r < 0 ? fail(c, r, "cannot copy", name) : 0;
}

static int copy_symlink(struct copy *c, int from_fd, int to_dirfd, const char *name)
{
	char target[PATH_MAX + 1];
	ssize_t n = readlinkat(from_fd, "", target, sizeof(target) - 1);

	if (n < 0)
		return fail(c, -errno, "cannot read link", name);
	target[n] = '\0';
	return symlinkat(target, to_dirfd, name) < 0 ? fail(c, -errno, "cannot create", name) : 0;
}

static int copy_node(struct copy *c, const struct stat *st, int to_dirfd, const char *name)
{
	if (mknodat(to_dirfd, name, (st->st_mode & S_IFMT) | 0600, st->st_rdev) < 0)
		return fail(c, -errno, "cannot create", name);
	return 0;
}

static int copy_children(struct copy *c, int from_fd, int to_fd);

static int copy_directory(struct copy *c, int from_fd, int to_dirfd, const char *name)
{
	cleanup_fd int in = reopen(from_fd, O_RDONLY | O_DIRECTORY);
	cleanup_fd int out = -1;
	int r;

	if (in < 0)
		return fail(c, in, "cannot open", name);
	if (mkdirat(to_dirfd, name, 0700) < 0)
		return fail(c, -errno, "cannot create", name);
	out = openat(to_dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (out < 0)
		return fail(c, -errno, "cannot open", name);
	r = copy_children(c, in, out);
	return r < 0 ? add_place(c, r, name) : 0;
}

static int copy_content(
	struct copy *c, int from_fd, const struct stat *st, int to_dirfd, const char *name)
{
	switch (st->st_mode & S_IFMT) {
	case S_IFREG:
		return copy_regular(c, from_fd, to_dirfd, name);
	case S_IFDIR:
		return copy_directory(c, from_fd, to_dirfd, name);
	case S_IFLNK:
		return copy_symlink(c, from_fd, to_dirfd, name);
	default:
		return copy_node(c, st, to_dirfd, name);
	}
}

static int check_mount(struct copy *c, int fd, const char *name)
{
	struct statx stx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) < 0)
		return fail(c, -errno, "cannot look at", name);
	return stx.stx_mnt_id == c->mount ? 0 : fail(c, -EBUSY, "something is mounted on", name);
}

static int copy_entry(struct copy *c, int from_dirfd, int to_dirfd, const char *name)
{
	cleanup_fd int fd = open_beneath(from_dirfd, name, O_PATH | O_NOFOLLOW, 0);
	struct stat st;
	int r;

	if (fd == -ENOENT)
		return 0; /* gone since it was listed */
	if (fd < 0)
		return fail(c, fd, "cannot open", name);
	r = check_mount(c, fd, name);
	if (r == 0 && fstat(fd, &st) < 0)
		r = fail(c, -errno, "cannot look at", name);
	if (r == 0)
		r = link_again(c, &st, to_dirfd, name);
	if (r != 0) {
		c->report.n_entries += r > 0;
		return r < 0 ? r : 0;
	}

	r = copy_content(c, fd, &st, to_dirfd, name);
	if (r == 0)
		r = copymeta(fd, &st, to_dirfd, name, NULL, c->err);
	if (r < 0)
		return S_ISDIR(st.st_mode) ? r : add_place(c, r, name);
	c->report.n_entries++;
	return remember_link(c, &st, to_dirfd, name);
}

/* One directory and its copy. */
struct pair {
	struct copy *copy;
	int to_fd;
};

static int copy_child(void *context, int from_fd, const char *name)
{
	const struct pair *p = context;

	return copy_entry(p->copy, from_fd, p->to_fd, name);
}

static int copy_children(struct copy *c, int from_fd, int to_fd)
{
	struct pair p = {c, to_fd};

	return dirents_each(from_fd, copy_child, &p);
}

int copytree(
	int from_fd, int to_fd, const char *skip, struct copytree_report *ret, struct error *err)
{
	struct copy c = {.top_fd = to_fd, .err = err};
	struct statx stx;
	struct stat st;
	int r = 0;

	/* Four descriptors for each level on the way down. */
	rlimit_raise(RLIMIT_NOFILE);
	if (statx(from_fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) < 0 || fstat(from_fd, &st) < 0)
		return error_errno(err, -errno, "cannot look at the directory");
	c.mount = stx.stx_mnt_id;

	r = copy_children(&c, from_fd, to_fd);
	if (r == 0)
		r = copymeta(from_fd, &st, to_fd, ".", skip, err);
	tdestroy(c.links, free);
	if (r < 0 && err && !err->text)
		return error_errno(err, r, "cannot copy");
	if (r == 0)
		*ret = c.report;
	return r;
}
