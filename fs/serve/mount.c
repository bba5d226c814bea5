/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mount.h"

#include "fdio.h"
#include "fuseproto.h"
#include "ops.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

/* True when MOUNT, or the mount point REAL, is listed in /proc/self/mounts with our file system type. */
static bool is_our_mount(const char *mount, const char *real)
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	char text[PATH_MAX];
	struct mntent m;
	bool is = false;

	while (f && !is && getmntent_r(f, &m, text, sizeof(text)))
		is = strcmp(m.mnt_type, "fuse." MOUNT_SUBTYPE) == 0 &&
		     (strcmp(m.mnt_dir, mount) == 0 || (real && strcmp(m.mnt_dir, real) == 0));
	if (f)
		endmntent(f);
	return is;
}

/* The daemon behind the mount is gone: the kernel has nobody to ask. */
static bool is_dead(const char *mount)
{
	struct statfs st;

	return statfs(mount, &st) < 0 && errno == ENOTCONN;
}

static int check_empty(const char *mount, struct error *err)
{
	cleanup_dir DIR *dir = opendir(mount);
	const struct dirent *entry;

	if (!dir)
		return error_errno(err, -errno, "mount point '%s'", mount);

	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			return error_set(err, -ENOTEMPTY,
				"mount point '%s' is not empty (it holds '%s'): its content would be "
				"hidden",
				mount, entry->d_name);
	}
	return 0;
}

int mount_check_point(const char *mount, struct error *err)
{
	/* A mount whose daemon died cannot be resolved: NULL. */
	cleanup_free char *real = realpath(mount, NULL);
	struct stat st;

	if (is_our_mount(mount, real)) {
		if (!is_dead(mount))
			return error_set(err, -EBUSY,
				"'%s' is already mounted; stop that daemon first", mount);
		log_notice("'%s' is the mount of a daemon that died: taking it away", mount);
		if (umount2(mount, MNT_DETACH) < 0)
			return error_errno(err, -errno, "cannot unmount '%s'", mount);
	}
	if (stat(mount, &st) < 0)
		return errno == ENOENT ? 0 : error_errno(err, -errno, "mount point '%s'", mount);
	if (!S_ISDIR(st.st_mode))
		return error_set(err, -ENOTDIR, "mount point '%s' is not a directory", mount);
	return check_empty(mount, err);
}

int mount_make_point(const char *mount, struct error *err)
{
	int r = mkdir_parents(mount, 0755);

	if (r < 0)
		return error_errno(err, r, "cannot make the mount point '%s'", mount);
	if (chmod(mount, 0) < 0)
		return error_errno(err, -errno, "cannot close the mount point '%s'", mount);
	return 0;
}

static int do_mount(const struct fs_options *o, int fuse_fd, struct error *err)
{
	char type[64];
	char data[128];

	snprintf(type, sizeof(type), "fuse%s%s", o->subtype ? "." : "",
		o->subtype ? o->subtype : "");
	snprintf(data, sizeof(data),
		"fd=%d,rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other",
		fuse_fd);
	if (mount(o->source, o->mount, type, o->mount_flags, data) < 0)
		return error_errno(err, -errno, "cannot mount '%s'", o->mount);
	return 0;
}

int mount_change_flags(const char *mount_point, unsigned long flags, struct error *err)
{
	if (mount(NULL, mount_point, NULL, flags | MS_REMOUNT, NULL) < 0)
		return error_errno(err, -errno, "cannot remount '%s'", mount_point);
	return 0;
}

/*
 * One message each way between the kernel, our end of the socket pair, and libfuse. The kernel is
 * the real device, or, for a mount that is taken over, the record of what it said and was told.
 */
struct handshake {
	struct fs *fs;
	int fuse_fd; /* the real /dev/fuse */
	int pair[2]; /* [0] is libfuse's device for the handshake, [1] is ours */
	bool is_replay;
	struct init_exchange x;
};

static int read_init(struct handshake *h)
{
	const struct fuse_in_header *in = (const void *)h->x.request;
	ssize_t n;

	if (h->is_replay) {
		h->x = h->fs->init;
		return 0;
	}
	do
		n = read(h->fuse_fd, h->x.request, sizeof(h->x.request));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if ((size_t)n < sizeof(*in) + 8 || in->opcode != FUSE_INIT)
		return -EPROTO;
	h->x.request_len = (uint32_t)n;
	return 0;
}

static uint64_t offered_flags(const struct handshake *h)
{
	const struct fuse_in_header *in = (const void *)h->x.request;
	const struct fuse_init_in *init = (const void *)(in + 1);
	uint64_t flags = init->flags;

	if ((init->flags & FUSE_INIT_EXT) && h->x.request_len >= sizeof(*in) + sizeof(*init))
		flags |= (uint64_t)init->flags2 << 32;
	return flags;
}

/* The kernel's INIT request, passed on to libfuse, which answers it. */
static int feed_init(struct handshake *h)
{
	struct fuse_buf buf = {0};
	int r;

	if (send(h->pair[1], h->x.request, h->x.request_len, 0) != (ssize_t)h->x.request_len)
		return -errno;
	r = fuse_session_receive_buf(h->fs->session, &buf);
	if (r > 0)
		fuse_session_process_buf(h->fs->session, &buf);
	free(buf.mem);
	return r > 0 ? 0 : r == 0 ? -EPROTO : r;
}

/*
 * libfuse's answer, with what no libfuse before 3.19 can say put in: that idmapped mounts are
 * welcome. The kernel demands default_permissions with it (Linux, fs/fuse/inode.c).
 */
static int take_answer(struct handshake *h)
{
	struct fuse_out_header *out = (void *)h->x.answer;
	struct fuse_init_out *init = (void *)(out + 1);
	ssize_t n = recv(h->pair[1], h->x.answer, sizeof(h->x.answer), MSG_DONTWAIT);

	if (n < 0)
		return -errno;
	if ((size_t)n < sizeof(*out) || out->error < 0)
		return (size_t)n < sizeof(*out) ? -EPROTO : out->error;

	h->x.answer_len = (uint32_t)n;
	if ((size_t)n >= sizeof(*out) + sizeof(*init) && (init->flags & FUSE_INIT_EXT) &&
		(offered_flags(h) & FUSEPROTO_ALLOW_IDMAP)) {
		init->flags2 |= FUSEPROTO_ALLOW_IDMAP >> 32;
		h->fs->has_idmap = true;
	}
	h->fs->has_resend = offered_flags(h) & FUSEPROTO_HAS_RESEND;
	return 0;
}

/* The kernel hears the answer; one that heard it long ago must have heard the same. */
static int pass_answer(struct handshake *h)
{
	const struct init_exchange *old = &h->fs->init;
	ssize_t n;

	if (h->is_replay)
		return initlog_agrees(old, &h->x) ? 0 : -EPROTO;
	n = write(h->fuse_fd, h->x.answer, h->x.answer_len);
	if (n != (ssize_t)h->x.answer_len)
		return -errno;
	snprintf(h->x.mount_point, sizeof(h->x.mount_point), "%s", h->fs->options.mount);
	h->fs->init = h->x;
	return 0;
}

/* Of the open file, which every descriptor of the device shares: from here on readers poll it. */
static int set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

/* libfuse speaks INIT over the socket pair; then the real device takes that descriptor's place. */
static int run_handshake(struct handshake *h)
{
	char name[32];
	int r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, h->pair) < 0)
		return -errno;

	snprintf(name, sizeof(name), "/dev/fd/%d", h->pair[0]);
	if (fuse_session_mount(h->fs->session, name) != 0)
		return -EINVAL;

	r = read_init(h);
	if (r == 0)
		r = feed_init(h);
	if (r == 0)
		r = take_answer(h);
	if (r == 0)
		r = pass_answer(h);
	if (r == 0 && dup3(h->fuse_fd, h->pair[0], O_CLOEXEC) < 0)
		r = -errno;
	if (r == 0)
		r = set_nonblocking(h->fuse_fd);
	close(h->pair[1]);
	return r;
}

static int new_session(struct fs *fs, struct error *err)
{
	char *argv[] = {(char *)"anklume-fs", NULL};
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);

	fs->session = fuse_session_new(&args, &ops_table, sizeof(ops_table), fs);
	fuse_opt_free_args(&args);
	return fs->session ? 0 : error_set(err, -ENOMEM, "cannot make a FUSE session");
}

/* Of the file system that one sees at PATH; asks nobody who serves it. 0: it cannot be told. */
static uint64_t device_at(const char *path)
{
	struct statx st;

	/* Linux, fs/fuse/dir.c, fuse_update_get_attr(): no request. */
	if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT | AT_SYMLINK_NOFOLLOW, 0,
		    &st) < 0)
		return 0;
	return makedev(st.stx_dev_major, st.stx_dev_minor);
}

int mount_start(struct fs *fs, struct error *err)
{
	cleanup_fd int fuse_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	struct handshake h = {.fs = fs, .fuse_fd = fuse_fd};
	int r;

	if (fuse_fd < 0)
		return error_errno(err, -errno, "cannot open '/dev/fuse'");
	r = new_session(fs, err);
	if (r < 0)
		return r;
	r = do_mount(&fs->options, fuse_fd, err);
	if (r < 0)
		return r;

	r = run_handshake(&h);
	if (r < 0) {
		umount2(fs->options.mount, MNT_DETACH);
		return error_errno(err, r, "the kernel and libfuse do not agree (INIT)");
	}
	fs->state.header->mount_device = device_at(fs->options.mount);
	return 0;
}

int mount_resume(struct fs *fs, int taken_fd, struct error *err)
{
	cleanup_fd int fuse_fd = taken_fd;
	struct handshake h = {.fs = fs, .fuse_fd = fuse_fd, .is_replay = true};
	int r;

	r = new_session(fs, err);
	if (r < 0)
		return r;
	r = run_handshake(&h);
	if (r == -EPROTO)
		return error_set(err, r,
			"this program greets the kernel in another way than the one that mounted");
	return r < 0 ? error_errno(err, r, "cannot take over the mount") : 0;
}

/* True when it is mounted anywhere in this namespace, or where that cannot be told. */
static bool is_mounted(uint64_t device)
{
	cleanup_file FILE *f = fopen("/proc/self/mountinfo", "re");
	cleanup_free char *line = NULL;
	unsigned int major, minor;
	size_t size = 0;

	while (f && getline(&line, &size, f) > 0)
		if (sscanf(line, "%*d %*d %u:%u", &major, &minor) == 2 &&
			makedev(major, minor) == device)
			return true;
	return !f;
}

static int unmount_top(const char *mount, bool *ret_lazy)
{
	if (umount2(mount, UMOUNT_NOFOLLOW) == 0)
		return 0;
	if (errno != EBUSY || !ret_lazy)
		return -errno;

	*ret_lazy = true;
	return umount2(mount, UMOUNT_NOFOLLOW | MNT_DETACH) < 0 ? -errno : 0;
}

int mount_stop(struct fs *fs, bool *ret_lazy)
{
	const char *mount = fs->options.mount;
	uint64_t device = fs->state.header->mount_device;
	uint64_t top = device_at(mount);
	int r;

	if (ret_lazy)
		*ret_lazy = false;
	if (device != 0 && !is_mounted(device)) {
		if (ret_lazy)
			*ret_lazy = true;
		return 0;
	}
	if (device != 0 && top != 0 && top != device)
		return -EEXIST;
	/* Somebody may have bound it to its own place. */
	do
		r = unmount_top(mount, ret_lazy);
	while (r == 0 && device != 0 && device_at(mount) == device);
	return r;
}
