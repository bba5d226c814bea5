/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operations on attributes. */
#include "args.h"
#include "exec.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

void do_stat(struct actor *a, const struct op *op, struct strbuf *out)
{
	struct statx s;
	int r = statx(AT_FDCWD, op_path(op, 0), (int)op->num[0], STATX_BASIC_STATS, &s);

	(void)a;
	out_result(out, r);
	if (r < 0)
		return;
	strbuf_printf(out, " mode %06o ids %u:%u links %u size %llu mask %#x blksize %u",
		s.stx_mode, s.stx_uid, s.stx_gid, s.stx_nlink, (unsigned long long)s.stx_size,
		s.stx_mask & STATX_BASIC_STATS, s.stx_blksize);
}

void do_birth(struct actor *a, const struct op *op, struct strbuf *out)
{
	struct statx s;
	int r = statx(AT_FDCWD, op_path(op, 0), AT_SYMLINK_NOFOLLOW, STATX_BTIME, &s);

	(void)a;
	out_result(out, r);
	if (r == 0)
		strbuf_printf(out, " birth %s", s.stx_mask & STATX_BTIME ? "yes" : "no");
}

void do_attributes(struct actor *a, const struct op *op, struct strbuf *out)
{
	const uint64_t of_files = STATX_ATTR_COMPRESSED | STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND |
				  STATX_ATTR_NODUMP | STATX_ATTR_ENCRYPTED;
	struct statx s;
	int r = statx(AT_FDCWD, op_path(op, 0), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &s);

	(void)a;
	out_result(out, r);
	if (r == 0)
		strbuf_printf(out, " attributes %#llx of %#llx",
			(unsigned long long)(s.stx_attributes & of_files),
			(unsigned long long)(s.stx_attributes_mask & of_files));
}

void do_access(struct actor *a, const struct op *op, struct strbuf *out)
{
	int flags = (int)op->num[1] | AT_EACCESS;

	(void)a;
	out_result(out, faccessat(AT_FDCWD, op_path(op, 0), (int)op->num[0], flags));
}

void do_statfs(struct actor *a, const struct op *op, struct strbuf *out)
{
	struct statvfs s;
	int r = statvfs(op_path(op, 0), &s);

	(void)a;
	out_result(out, r);
	if (r == 0)
		strbuf_printf(out, " bsize %lu frsize %lu blocks %llu namemax %lu flags %#lx",
			s.f_bsize, s.f_frsize, (unsigned long long)s.f_blocks, s.f_namemax,
			s.f_flag);
}

void do_chmod(struct actor *a, const struct op *op, struct strbuf *out)
{
	(void)a;
	out_result(out, chmod(op_path(op, 0), (mode_t)op->num[0]));
}

void do_fchmod(struct actor *a, const struct op *op, struct strbuf *out)
{
	out_result(out, fchmod(op_fd(a, op, 0), (mode_t)op->num[1]));
}

void do_chown(struct actor *a, const struct op *op, struct strbuf *out)
{
	(void)a;
	out_result(out, fchownat(AT_FDCWD, op_path(op, 0), (uid_t)op->num[0], (gid_t)op->num[1],
				(int)op->num[2]));
}

void do_fchown(struct actor *a, const struct op *op, struct strbuf *out)
{
	out_result(out, fchown(op_fd(a, op, 0), (uid_t)op->num[1], (gid_t)op->num[2]));
}

/* Far from now, so that an explicit time can be told from the time of a change. */
static struct timespec explicit_time(int64_t form)
{
	static const struct timespec times[] = {[TIME_NOW] = {0, UTIME_NOW},
		[TIME_OMIT] = {0, UTIME_OMIT},
		[TIME_ZERO] = {0, 0},
		[TIME_PAST] = {1000000001, 123456789},
		[TIME_BEFORE_1970] = {-1000000, 999999999},
		[TIME_FAR] = {7000000000, 1},
		[TIME_BAD] = {5, 1000000000}};

	return times[(size_t)form % (sizeof(times) / sizeof(times[0]))];
}

void do_utimens(struct actor *a, const struct op *op, struct strbuf *out)
{
	struct timespec times[2] = {explicit_time(op->num[0]), explicit_time(op->num[1])};

	(void)a;
	out_result(out, utimensat(AT_FDCWD, op_path(op, 0), times, (int)op->num[2]));
}

void do_futimens(struct actor *a, const struct op *op, struct strbuf *out)
{
	struct timespec times[2] = {explicit_time(op->num[1]), explicit_time(op->num[2])};

	out_result(out, futimens(op_fd(a, op, 0), times));
}

/* --- extended attributes ---------------------------------------------------------------------- */

void do_setxattr(struct actor *a, const struct op *op, struct strbuf *out)
{
	const char *name = arg_xattr_name(op->num[0]), *path = op_path(op, 0);
	size_t size = (size_t)op->num[1] % BUFFER_MAX;
	int flags = (int)op->num[3];

	(void)a;
	fill_pattern(io_buffer(), size, op->num[2]);
	out_result(out, op->num[4] ? lsetxattr(path, name, io_buffer(), size, flags)
				   : setxattr(path, name, io_buffer(), size, flags));
}

void do_fsetxattr(struct actor *a, const struct op *op, struct strbuf *out)
{
	const char *name = arg_xattr_name(op->num[1]);
	size_t size = (size_t)op->num[2] % BUFFER_MAX;

	fill_pattern(io_buffer(), size, op->num[3]);
	out_result(out, fsetxattr(op_fd(a, op, 0), name, io_buffer(), size, (int)op->num[4]));
}

void do_getxattr(struct actor *a, const struct op *op, struct strbuf *out)
{
	const char *name = arg_xattr_name(op->num[0]), *path = op_path(op, 0);
	size_t size = (size_t)op->num[1] % BUFFER_MAX;
	ssize_t r = op->num[2] ? lgetxattr(path, name, io_buffer(), size)
			       : getxattr(path, name, io_buffer(), size);

	(void)a;
	out_result(out, r);
	if (r > 0 && size > 0)
		strbuf_printf(out, " data %016llx",
			(unsigned long long)hash_bytes(HASH_START, io_buffer(), (size_t)r));
}

/* The order is the filesystem's own; the names are looked at afterwards, sorted. */
void do_listxattr(struct actor *a, const struct op *op, struct strbuf *out)
{
	const char *path = op_path(op, 0);
	size_t size = (size_t)op->num[0] % BUFFER_MAX;

	(void)a;
	out_result(out, op->num[1] ? llistxattr(path, io_buffer(), size)
				   : listxattr(path, io_buffer(), size));
}

void do_removexattr(struct actor *a, const struct op *op, struct strbuf *out)
{
	const char *name = arg_xattr_name(op->num[0]), *path = op_path(op, 0);

	(void)a;
	out_result(out, op->num[1] ? lremovexattr(path, name) : removexattr(path, name));
}

void do_fremovexattr(struct actor *a, const struct op *op, struct strbuf *out)
{
	out_result(out, fremovexattr(op_fd(a, op, 0), arg_xattr_name(op->num[1])));
}

#define ACL_ENTRIES 7

static const struct posix_acl_xattr_entry acls[][ACL_ENTRIES] = {
	/* Equal to mode bits: 0640. */
	{{ACL_USER_OBJ, 6, 0}, {ACL_GROUP_OBJ, 4, 0}, {ACL_OTHER, 0, 0}},
	{{ACL_USER_OBJ, 7, 0}, {ACL_USER, 7, 1000}, {ACL_GROUP_OBJ, 5, 0}, {ACL_MASK, 7, 0},
		{ACL_OTHER, 0, 0}},
	{{ACL_USER_OBJ, 6, 0}, {ACL_USER, 0, 1001}, {ACL_GROUP_OBJ, 6, 0}, {ACL_GROUP, 7, 2000},
		{ACL_MASK, 4, 0}, {ACL_OTHER, 6, 0}},
	{{ACL_USER_OBJ, 0, 0}, {ACL_GROUP_OBJ, 7, 0}, {ACL_OTHER, 7, 0}},
	/* Not valid: a named user without a mask; entries out of order; nothing for others. */
	{{ACL_USER_OBJ, 7, 0}, {ACL_USER, 7, 1000}, {ACL_GROUP_OBJ, 5, 0}, {ACL_OTHER, 0, 0}},
	{{ACL_OTHER, 7, 0}, {ACL_USER_OBJ, 7, 0}, {ACL_GROUP_OBJ, 5, 0}},
	{{ACL_USER_OBJ, 7, 0}, {ACL_GROUP_OBJ, 5, 0}},
	/* Empty: removes. */
	{{0}},
};

void do_setacl(struct actor *a, const struct op *op, struct strbuf *out)
{
	static const char *const names[] = {[ACL_ACCESS] = "system.posix_acl_access",
		[ACL_DEFAULT] = "system.posix_acl_default"};
	const struct posix_acl_xattr_entry *acl = acls[op->num[1] % 8];
	struct {
		struct posix_acl_xattr_header header;
		struct posix_acl_xattr_entry entries[ACL_ENTRIES];
	} value = {.header = {htole32(POSIX_ACL_XATTR_VERSION)}};
	size_t n = 0;

	(void)a;
	for (; n < ACL_ENTRIES && acl[n].e_tag; n++)
		value.entries[n] = (struct posix_acl_xattr_entry){htole16(acl[n].e_tag),
			htole16(acl[n].e_perm),
			acl[n].e_id ? htole32(acl[n].e_id) : htole32((uint32_t)ACL_UNDEFINED_ID)};
	out_result(out, setxattr(op_path(op, 0), names[op->num[0] % 2], &value,
				sizeof(value.header) + n * sizeof(value.entries[0]), 0));
}

void do_setcap(struct actor *a, const struct op *op, struct strbuf *out)
{
	struct vfs_cap_data cap = {
		.magic_etc = htole32(VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE),
		.data = {{htole32(1 << CAP_NET_RAW), 0}}};

	(void)a;
	out_result(out, setxattr(op_path(op, 0), "security.capability", &cap, sizeof(cap), 0));
}

static int open_for_flags(const struct op *op)
{
	return open(op_path(op, 0), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

/* The result of an ioctl on FD; known.c wants to know of which kind of file. */
static void out_ioctl(struct strbuf *out, int r, int fd)
{
	int saved_errno = errno;
	struct stat st;
	bool is_special = fstat(fd, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);

	errno = saved_errno;
	out_result(out, r);
	if (is_special)
		strbuf_puts(out, SPECIAL_FILE);
}

void do_lsattr(struct actor *a, const struct op *op, struct strbuf *out)
{
	cleanup_fd int fd = open_for_flags(op);
	int flags = 0, r = ioctl(fd, FS_IOC_GETFLAGS, &flags);

	(void)a;
	out_ioctl(out, r, fd);
	strbuf_printf(out, " flags %#x", flags);
}

void do_chattr(struct actor *a, const struct op *op, struct strbuf *out)
{
	const int ours = FS_SYNC_FL | FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NODUMP_FL | FS_NOATIME_FL;
	cleanup_fd int fd = open_for_flags(op);
	int flags = 0, r = ioctl(fd, FS_IOC_GETFLAGS, &flags);

	(void)a;
	flags = (flags & ~ours) | (int)op->num[0];
	if (r == 0)
		r = ioctl(fd, FS_IOC_SETFLAGS, &flags);
	out_ioctl(out, r, fd);
}
