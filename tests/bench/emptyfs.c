/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The floor of every FUSE file system: a mount whose root answers without a system call, from one
 * thread. What `smallfile getxattr` takes here is one round trip and nothing else.
 *
 *	emptyfs MOUNTPOINT
 */
#include <errno.h>
#include <fuse_lowlevel.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static void get_attributes(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st = {.st_ino = ino, .st_mode = S_IFDIR | 0755, .st_nlink = 2};

	(void)fi;
	fuse_reply_attr(req, &st, 3600);
}

static void get_xattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	(void)ino;
	(void)name;
	(void)size;
	fuse_reply_err(req, ENODATA);
}

static const struct fuse_lowlevel_ops ops = {.getattr = get_attributes, .getxattr = get_xattr};

int main(int argc, char **argv)
{
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	struct fuse_session *session;
	int r = 1;

	if (argc != 2) {
		fprintf(stderr, "usage: emptyfs MOUNTPOINT\n");
		return 2;
	}
	session = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	if (session && fuse_set_signal_handlers(session) == 0 &&
		fuse_session_mount(session, argv[1]) == 0) {
		puts("mounted");
		fflush(stdout);
		r = fuse_session_loop(session) != 0;
		fuse_session_unmount(session);
	}
	if (session)
		fuse_session_destroy(session);
	fuse_opt_free_args(&args);
	return r;
}
