/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reply.h"

#include "caller.h"
#include "entry.h"
#include "fdio.h"
#include "fuseproto.h"
#include "path.h"
#include "str.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* TEXT with everything that a terminal could obey as \xNN per byte; cut where BUF ends. */
static const char *printable(const char *text, char *buf, size_t len)
{
	bool is_utf8 = str_is_utf8(text);
	size_t n_escaped = 0; /* bytes of a control character still to be written so */
	size_t used = 0;

	for (size_t i = 0; text[i] && used + 5 < len; i++) {
		unsigned char c = text[i];

		if (n_escaped == 0)
			n_escaped = str_control_length(text + i);
		if (n_escaped > 0 || c == '\'' || c == '\\' || (c >= 0x80 && !is_utf8))
			used += snprintf(buf + used, len - used, "\\x%02x", c);
		else
			buf[used++] = (char)c;
		n_escaped -= n_escaped > 0;
	}
	buf[used] = '\0';
	return buf;
}

/* The path behind FD, "" when the kernel knows none. */
static const char *path_of_fd(int fd, char *buf, size_t len)
{
	ssize_t n = fd < 0 ? -1 : readlink(fd_path(fd).text, buf, len - 1);

	buf[n < 0 ? 0 : n] = '\0';
	return buf;
}

/*
 * What was to be changed, seen from the volume's top. Where the kernel has no path for the inode
 * that the handle leads to, the bare name has to do.
 */
static const char *object_path(struct call *c, char *buf, size_t len)
{
	const struct denial *d = &c->denial;
	char top[PATH_MAX], real[PATH_MAX];
	const char *below = "";
	cleanup_fd int fd = call_open_path(c, d->node);
	cleanup_fd int top_fd =
		fhandle_open(&c->fs->mounts, &d->volume->root.handle, O_PATH | O_DIRECTORY);

	path_of_fd(fd, real, sizeof(real));
	if (*path_of_fd(top_fd, top, sizeof(top)) && path_is_inside(real, top))
		below = real + strlen(top);
	below += *below == '/';

	snprintf(buf, len, "%s%s%s", below, *below && d->name ? "/" : "", d->name ? d->name : "");
	return *buf ? buf : ".";
}

static void log_flag_denial(struct call *c, const char *caller, pid_t pid)
{
	const struct denial *d = &c->denial;
	char path[PATH_MAX + NAME_MAX];
	char name[512];

	pthread_rwlock_rdlock(&c->fs->volumes.lock);
	printable(object_path(c, path, sizeof(path)), name, sizeof(name));
	log_notice("denied: %s '%s' in volume '%s': %s; caller %s[%d]; %s %s'", op_names[c->op],
		name, d->volume->name, policy_reason(d->flags, d->action), caller, (int)pid,
		policy_way_out(d->flags, d->action), d->volume->name);
	pthread_rwlock_unlock(&c->fs->volumes.lock);
}

static void log_virtual_denial(struct call *c, const char *caller, pid_t pid)
{
	char name[512];

	printable(c->denial.name ? c->denial.name : ".", name, sizeof(name));
	log_notice("denied: %s '%s': domains, machines and volumes are virtual; caller %s[%d]; "
		   "change infra.yml and run 'anklume-fsctl apply'",
		op_names[c->op], name, caller, (int)pid);
}

static void log_denial(struct call *c)
{
	pid_t pid = fuse_req_ctx(c->req)->pid;
	char command[64];
	char caller[330];
	unsigned int suppressed;

	__atomic_add_fetch(&c->fs->n_denials, 1, __ATOMIC_RELAXED);
	if (c->denial.kind == DENIED_BY_FLAG)
		__atomic_add_fetch(
			&((struct livevol *)c->denial.volume)->n_denials, 1, __ATOMIC_RELAXED);
	if (!log_limit_pass(&c->fs->denial_limit, &suppressed))
		return;

	printable(caller_command(pid, command, sizeof(command)), caller, sizeof(caller));
	if (suppressed > 0)
		log_notice("denied: %u more since the last line", suppressed);

	if (c->denial.kind == DENIED_BY_FLAG)
		log_flag_denial(c, caller, pid);
	else
		log_virtual_denial(c, caller, pid);
}

/* EMFILE is about our descriptors. The caller would look for files of its own to close. */
static int errno_for_caller(int r)
{
	return r == -EMFILE ? ENFILE : -r;
}

void reply_err(struct call *c, int r)
{
	if (r < 0 && c->denial.kind != DENIED_NOTHING)
		log_denial(c);
	call_answering(c);
	fuse_reply_err(c->req, errno_for_caller(r));
}

void reply_entry(struct call *c, int r, const struct fuse_entry_param *entry)
{
	if (r < 0) {
		reply_err(c, r);
		return;
	}
	call_answering(c);
	if (fuse_reply_entry(c->req, entry) == -ENOENT && entry->ino)
		entry_forget(c->fs, entry->ino, 1);
}

void reply_attr(struct call *c, int r, const struct node *node, const struct stat *st)
{
	if (r < 0) {
		reply_err(c, r);
		return;
	}
	call_answering(c);
	fuse_reply_attr(c->req, st, entry_attr_timeout(node, st));
}

static struct fuseproto_time to_proto(struct timespec t)
{
	return (struct fuseproto_time){.tv_sec = t.tv_sec, .tv_nsec = (uint32_t)t.tv_nsec};
}

void reply_statx(struct call *c, int r, const struct node *node, const struct stat *st,
	const struct timespec *birth)
{
	double valid_s;
	struct fuseproto_statx_out out = {0};

	if (r < 0) {
		reply_err(c, r);
		return;
	}
	valid_s = entry_attr_timeout(node, st);
	out.valid_s = (uint64_t)valid_s;
	out.valid_ns = (uint32_t)((valid_s - (double)out.valid_s) * 1e9);
	out.stat = (struct fuseproto_statx){
		.mask = STATX_BASIC_STATS | (birth ? STATX_BTIME : 0),
		.blksize = (uint32_t)st->st_blksize,
		.nlink = (uint32_t)st->st_nlink,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.mode = (uint16_t)st->st_mode,
		.ino = st->st_ino,
		.size = (uint64_t)st->st_size,
		.blocks = (uint64_t)st->st_blocks,
		.atime = to_proto(st->st_atim),
		.btime = birth ? to_proto(*birth) : (struct fuseproto_time){0},
		.ctime = to_proto(st->st_ctim),
		.mtime = to_proto(st->st_mtim),
		.rdev_major = major(st->st_rdev),
		.rdev_minor = minor(st->st_rdev),
	};
	call_answering(c);
	fuse_reply_buf(c->req, (const char *)&out, sizeof(out));
}
