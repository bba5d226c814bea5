/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

#include "fs.h"
#include "journal.h"

/*
 * Not wanted: ATOMIC_O_TRUNC. As a SETATTR of its own, under the inode's lock, a truncation can be
 * made again after a crash; as part of OPEN it could take away what others wrote in between.
 *
 * Absent on purpose: OPENDIR, RELEASEDIR and FLUSH are answered ENOSYS by libfuse, once, and the
 * kernel asks no more (directories are then cached by default, close() costs nothing); ACCESS is
 * not sent with default_permissions; locks stay in the kernel and survive this process.
 */
static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	struct fs *fs = userdata;
	static const uint64_t wanted[] = {
		FUSE_CAP_ASYNC_READ,
		FUSE_CAP_CACHE_SYMLINKS,
		FUSE_CAP_DONT_MASK,
		FUSE_CAP_EXPIRE_ONLY,
		FUSE_CAP_HANDLE_KILLPRIV_V2,
		FUSE_CAP_NO_EXPORT_SUPPORT, /* node ids do not outlive FORGET: no NFS, say so at once */
		FUSE_CAP_NO_OPENDIR_SUPPORT,
		FUSE_CAP_PARALLEL_DIROPS,
		FUSE_CAP_POSIX_ACL,
		FUSE_CAP_READDIRPLUS,
		FUSE_CAP_READDIRPLUS_AUTO,
		FUSE_CAP_SETXATTR_EXT,
	};

	/* With passthrough there is nothing to splice, and unused pipes cost system calls. */
	conn->want_ext &=
		~(uint64_t)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE |
			    FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_ATOMIC_O_TRUNC);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		conn->want_ext |= conn->capable_ext & wanted[i];

	fs->has_passthrough = conn->capable_ext & FUSE_CAP_PASSTHROUGH;
	if (fs->has_passthrough) {
		conn->want_ext |= FUSE_CAP_PASSTHROUGH;
		/* libfuse sends one more: plain filesystems below us, overlayfs may sit on top. */
		conn->max_backing_stack_depth = 0;
	}
	if (conn->max_write > JOURNAL_WRITE_MAX)
		conn->max_write = JOURNAL_WRITE_MAX;
	conn->max_background = 64;
	conn->no_interrupt = 1; /* nothing here waits for anything but the base */
}

const struct fuse_lowlevel_ops ops_table = {
	.init = op_init,
	.lookup = op_lookup,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.readlink = op_readlink,
	.mknod = op_mknod,
	.mkdir = op_mkdir,
	.unlink = op_unlink,
	.rmdir = op_rmdir,
	.symlink = op_symlink,
	.rename = op_rename,
	.link = op_link,
	.open = op_open,
	.read = op_read,
	.write = op_write,
	.release = op_release,
	.fsync = op_fsync,
	.readdir = op_readdir,
	.readdirplus = op_readdirplus,
	.fsyncdir = op_fsyncdir,
	.statfs = op_statfs,
	.setxattr = op_setxattr,
	.getxattr = op_getxattr,
	.listxattr = op_listxattr,
	.removexattr = op_removexattr,
	.create = op_create,
	.tmpfile = op_tmpfile,
	.fallocate = op_fallocate,
	.lseek = op_lseek,
	.copy_file_range = op_copy_file_range,
	.ioctl = op_ioctl,
};
