/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operations on names and directories. */
#include "args.h"
#include "exec.h"
#include "listing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

void do_unlink(struct actor *a, const struct op *op, struct strbuf *out)
{
	(void)a;
	out_result(out, unlink(op_path(op, 0)));
}

void do_rmdir(struct actor *a, const struct op *op, struct strbuf *out)
{
	(void)a;
	out_result(out, rmdir(op_path(op, 0)));
}

void do_rename(struct actor *a, const struct op *op, struct strbuf *out)
{
	unsigned flags = (unsigned)op->num[0];
	struct stat target;

	/*
	 * Without a mapping Linux would make a whiteout whose owner is nobody at all, and that nobody
	 * can remove. And where ext4 finds a directory in the way that is not empty, it has made the
	 * whiteout and undoes it, so the call fails and still moves times; the kernel keeps what it
	 * has cached of a FUSE directory when a call fails.
	 */
	if (a->is_unmapped || (stat(op_path(op, 1), &target) == 0 && S_ISDIR(target.st_mode)))
		flags &= ~(unsigned)RENAME_WHITEOUT;
	out_result(out, renameat2(AT_FDCWD, op_path(op, 0), AT_FDCWD, op_path(op, 1), flags));
}

void do_link(struct actor *a, const struct op *op, struct strbuf *out)
{
	int flags = op->num[0] ? 0 : AT_SYMLINK_FOLLOW;

	(void)a;
	out_result(out, linkat(AT_FDCWD, op_path(op, 0), AT_FDCWD, op_path(op, 1), flags));
}

void do_symlink(struct actor *a, const struct op *op, struct strbuf *out)
{
	(void)a;
	out_result(out, symlink(op_path(op, 0), op_path(op, 1)));
}

void do_readlink(struct actor *a, const struct op *op, struct strbuf *out)
{
	char target[ARG_PATH_MAX];
	ssize_t r = readlink(op_path(op, 0), target, sizeof(target) - 1);

	(void)a;
	out_result(out, r);
	if (r < 0)
		return;
	target[r] = '\0';
	strbuf_puts(out, " ");
	out_name(out, target);
}

void do_mkdir(struct actor *a, const struct op *op, struct strbuf *out)
{
	(void)a;
	out_result(out, mkdir(op_path(op, 0), (mode_t)op->num[0]));
}

void do_mknod(struct actor *a, const struct op *op, struct strbuf *out)
{
	mode_t type = (mode_t)op->num[0];
	dev_t dev = S_ISCHR(type) || S_ISBLK(type) ? makedev(1, op->num[1] & 7) : 0;

	(void)a;
	out_result(out, mknod(op_path(op, 0), type | ((mode_t)op->num[1] & 07777), dev));
}

static int unix_address(struct sockaddr_un *address, const char *path)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(address->sun_path) || !*path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address->sun_path, path);
	return 0;
}

void do_bind(struct actor *a, const struct op *op, struct strbuf *out)
{
	struct sockaddr_un address;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), r;

	r = unix_address(&address, op_path(op, 0));
	if (r == 0)
		r = bind(fd, (struct sockaddr *)&address, sizeof(address));
	if (r == 0)
		r = listen(fd, 1);
	out_result(out, r);
	slot_set(a, op->num[0], fd);
}

void do_connect(struct actor *a, const struct op *op, struct strbuf *out)
{
	struct sockaddr_un address;
	cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r = unix_address(&address, op_path(op, 0));

	(void)a;
	if (r == 0)
		r = connect(fd, (struct sockaddr *)&address, sizeof(address));
	out_result(out, r);
}

/* --- directories ------------------------------------------------------------------------------ */

/*
 * Entry by entry, back to the position after COUNT entries, and to the end again: what follows
 * must be the same, and nothing may come twice.
 */
void do_readdir(struct actor *a, const struct op *op, struct strbuf *out)
{
	cleanup_dir DIR *dir = opendir(op_path(op, 0));
	cleanup_listing struct listing first = {0}, again = {0};
	long position = 0;

	(void)a;
	if (!dir) {
		out_result(out, -1);
		return;
	}
	listing_read(&first, dir, (size_t)op->num[0]);
	position = telldir(dir);
	again = listing_copy(&first);
	listing_read(&first, dir, SIZE_MAX);
	seekdir(dir, position);
	listing_read(&again, dir, SIZE_MAX);
	listing_sort(&first);
	listing_sort(&again);
	strbuf_printf(out, "= %zu", first.n);
	if (listing_has_twice(&first))
		strbuf_puts(out, " TWICE");
	if (!listing_equal(&first, &again))
		strbuf_puts(out, " SEEKDIR DIFFERS");
	listing_print(&first, out);
}

static void touch(const char *dir, const char *name, int i)
{
	char path[2 * OP_PATH_LEN + 600];

	snprintf(path, sizeof(path), "%s/%s%d", dir, name, i);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0666));
}

static void drop(const char *dir, const char *name, int i)
{
	char path[2 * OP_PATH_LEN + 600];

	snprintf(path, sizeof(path), "%s/%s%d", dir, name, i);
	unlink(path);
}

/*
 * A listing while files of DIR come and go: of 40 "keep" files every one is seen once, wherever
 * the "come" and "gone" files are. The listing is longer than what one call returns only for the
 * long names, so half of the walks use them.
 */
void do_dirwalk(struct actor *a, const struct op *op, struct strbuf *out)
{
	static const char *const keep[] = {"keep",
		"keep-a-name-that-is-so-long-that-a-directory-of-these-needs-more-than-one-call-"
		"keep-a-name-that-is-so-long-that-a-directory-of-these-needs-more-than-one-call-"
		"keep-a-name-that-is-so-long-that-a-directory-of-these-needs-"};
	const char *dir_path = op_path(op, 0), *name = keep[op->num[1] % 2];
	int n = op->num[1] % 2 ? 300 : 40;
	cleanup_listing struct listing seen = {0};
	cleanup_dir DIR *dir = NULL;

	(void)a;
	if (strlen(dir_path) > 300) {
		strbuf_puts(out, "= too long");
		return;
	}
	for (int i = 0; i < n; i++)
		touch(dir_path, i % 3 ? name : "gone", i);
	dir = opendir(dir_path);
	if (dir) {
		listing_read(&seen, dir, (size_t)op->num[2] % 60);
		for (int i = 0; i < n; i++) {
			drop(dir_path, "gone", i);
			if (i % 4 == 0)
				touch(dir_path, "come", i);
		}
		listing_read(&seen, dir, SIZE_MAX);
		listing_sort(&seen);
	}
	out_result(out, dir ? 0 : -1);
	strbuf_printf(out, " kept %zu%s", listing_count_prefix(&seen, name),
		listing_has_twice(&seen) ? " TWICE" : "");
	for (int i = 0; i < n; i++) {
		drop(dir_path, i % 3 ? name : "gone", i);
		if (i % 4 == 0)
			drop(dir_path, "come", i);
	}
}
