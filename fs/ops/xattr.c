/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

#include "caller.h"
#include "creds.h"
#include "fdio.h"
#include "kcache.h"
#include "once.h"
#include "reply.h"
#include "str.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/xattr.h>

/* Our own marks: kept out of listings, so that nothing copies them, and out of reach. */
#define OWN_PREFIX "trusted.anklume."

/* The kernel asks for this one at the first write to every file (file_remove_privs). */
#define CAPABILITY "security.capability"

/* xattr calls take no O_PATH descriptor, but its name in /proc, which leads to any kind of file. */
struct xattr_path {
	int fd;
	struct fd_path name;
};

static void close_path(struct xattr_path *path)
{
	if (path->fd >= 0)
		close(path->fd);
}

#define cleanup_path cleanup_(close_path)

static int open_path(struct call *c, const struct node *node, struct xattr_path *ret)
{
	ret->fd = call_open_path(c, node);
	if (ret->fd < 0)
		return ret->fd;
	ret->name = fd_path(ret->fd);
	return 0;
}

/* What is known of NODE's file capabilities, unless somebody has learned more meanwhile. */
static void replace_caps(struct node *node, uint32_t before, uint32_t after)
{
	__atomic_compare_exchange_n(
		&node->file_caps, &before, after, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

/* Common to set and remove. */
static int begin_change(struct call *c, fuse_ino_t ino, const char *name, struct xattr_path *ret)
{
	struct node *node;
	int r;

	r = call_change(c, ino, name, &node);
	if (r == 0 && str_has_prefix(name, OWN_PREFIX))
		r = -EPERM;
	if (r == 0)
		r = call_allow(c, node, POLICY_CHANGE, name);
	if (r < 0)
		return r;
	if (strcmp(name, CAPABILITY) == 0)
		__atomic_store_n(&node->file_caps, NODE_CAPS_CHANGED, __ATOMIC_SEQ_CST);
	return open_path(c, node, ret);
}

/* One change of an attribute. */
struct xattr_change {
	pid_t caller;
	const struct xattr_path *path;
	const char *name;
	const char *value; /* NULL: take it away */
	size_t size;
	int flags;
};

static bool has_xattr(const struct xattr_change *ch)
{
	return getxattr(ch->path->name.text, ch->name, NULL, 0) >= 0;
}

static int change_base(const struct xattr_change *ch)
{
	const char *path = ch->path->name.text;
	int r = ch->value ? setxattr(path, ch->name, ch->value, ch->size, ch->flags)
			  : removexattr(path, ch->name);

	return r < 0 ? -errno : 0;
}

/*
 * Without its access ACL a file's mode is what it was; overlayfs asks nevertheless whether
 * set-group-id may stay, which the kernel does not say here.
 */
static int remove_access_acl(const struct xattr_change *ch)
{
	struct caller_rights rights;
	struct stat st;

	if (fstat(ch->path->fd, &st) < 0)
		return -errno;
	if ((st.st_mode & S_ISGID) && caller_rights(ch->caller, st.st_gid, &rights) == 0 &&
		!rights.is_member && !rights.has_fsetid)
		creds_in_group(st.st_gid == 0 ? CREDS_NOBODY : 0, false);
	else
		creds_in_group(st.st_gid, true);
	return change_base(ch);
}

/*
 * An access ACL changes the mode too. Whether set-group-id then goes depends on the caller's
 * groups, which only the kernel knows: it says so in the request.
 */
static int set_access_acl(const struct xattr_change *ch)
{
	const struct fuse_setxattr_in *in = call_arguments();
	struct stat st;
	int r;

	if (fstat(ch->path->fd, &st) < 0)
		return -errno;
	creds_in_group(st.st_gid, true);
	r = change_base(ch);
	if (r < 0 || !(in->setxattr_flags & FUSE_SETXATTR_ACL_KILL_SGID) || !(st.st_mode & S_ISGID))
		return r;
	if (fstat(ch->path->fd, &st) < 0 ||
		chmod(ch->path->name.text, st.st_mode & 07777 & ~S_ISGID) < 0)
		return -errno;
	return 0;
}

static int act_change(void *arg)
{
	const struct xattr_change *ch = arg;

	if (strcmp(ch->name, "system.posix_acl_access") != 0)
		return change_base(ch);
	return ch->value ? set_access_acl(ch) : remove_access_acl(ch);
}

/* Of those that would fail the second time: there is no such attribute, or there is one. */
static bool was_changed(const struct intent *before, void *arg)
{
	const struct xattr_change *ch = arg;

	if (!ch->value)
		return before->had_target && !has_xattr(ch);
	return (ch->flags & XATTR_CREATE) && !before->had_target && has_xattr(ch);
}

static int change_once(struct call *c, fuse_ino_t ino, struct xattr_change *ch)
{
	static const struct fhandle something;
	struct once once = {.c = c, .act = act_change, .was_made = was_changed, .arg = ch};
	int r;

	/* A plain setxattr() may be made twice. */
	if ((!ch->value || (ch->flags & XATTR_CREATE)) && !once_is_repeated() && has_xattr(ch))
		once.target = &something;
	r = once_run(&once);
	kcache_drop_attr(c->fs->session, call_node(c, ino), ino);
	return r;
}

static int do_setxattr(
	struct call *c, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags)
{
	cleanup_path struct xattr_path path = {.fd = -1};
	int r;

	r = begin_change(c, ino, name, &path);
	if (r < 0)
		return r;
	return change_once(c, ino,
		&(struct xattr_change){
			.caller = fuse_req_ctx(c->req)->pid,
			.path = &path,
			.name = name,
			.value = value,
			.size = size,
			.flags = flags,
		});
}

void op_setxattr(
	fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags)
{
	struct call c = call_begin(req, OP_SETXATTR);

	reply_err(&c, do_setxattr(&c, ino, name, value, size, flags));
}

static int do_removexattr(struct call *c, fuse_ino_t ino, const char *name)
{
	cleanup_path struct xattr_path path = {.fd = -1};
	int r;

	r = begin_change(c, ino, name, &path);
	if (r < 0)
		return r;
	r = change_once(c, ino,
		&(struct xattr_change){
			.caller = fuse_req_ctx(c->req)->pid,
			.path = &path,
			.name = name,
		});
	if (r == 0 && strcmp(name, CAPABILITY) == 0)
		replace_caps(call_node(c, ino), NODE_CAPS_CHANGED, NODE_CAPS_TAKEN);
	return r;
}

void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	struct call c = call_begin(req, OP_REMOVEXATTR);

	reply_err(&c, do_removexattr(&c, ino, name));
}

/* The answer of a size query is a number, of anything else the bytes themselves. */
static void reply_value(struct call *c, ssize_t n, const char *value, size_t size)
{
	if (n < 0) {
		reply_err(c, (int)n);
		return;
	}
	call_answering(c);
	if (size == 0)
		fuse_reply_xattr(c->req, (size_t)n);
	else
		fuse_reply_buf(c->req, value, (size_t)n);
}

static ssize_t do_getxattr(
	struct call *c, fuse_ino_t ino, const char *name, char *value, size_t size)
{
	cleanup_path struct xattr_path path = {.fd = -1};
	struct node *node = call_node(c, ino);
	bool is_caps = strcmp(name, CAPABILITY) == 0;
	ssize_t n;
	int r;

	if (!node)
		return call_is_virtual(c, ino) ? -ENODATA : -ESTALE;
	if (is_caps && __atomic_load_n(&node->file_caps, __ATOMIC_RELAXED) == NODE_CAPS_NONE)
		return -ENODATA;
	r = open_path(c, node, &path);
	if (r < 0)
		return r;
	n = getxattr(path.name.text, name, value, size);
	if (n < 0)
		n = -errno;
	/* Absent when asked, and nobody had begun to set it: it stays so until somebody does. */
	if (is_caps && n == -ENODATA)
		replace_caps(node, NODE_CAPS_UNKNOWN, NODE_CAPS_NONE);
	if (is_caps)
		replace_caps(node, NODE_CAPS_TAKEN, NODE_CAPS_CHANGED);
	return n;
}

void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct call c = call_begin(req, OP_GETXATTR);
	char value[XATTR_SIZE_MAX];
	size_t room = size < sizeof(value) ? size : sizeof(value);

	reply_value(&c, do_getxattr(&c, ino, name, value, room), value, size);
}

/* Take the names that begin with PREFIX out of a list of LEN bytes. Returns what is left. */
static ssize_t drop_names(char *names, ssize_t len, const char *prefix)
{
	char *out = names;

	for (char *name = names; name < names + len;) {
		size_t n = strlen(name) + 1;

		if (!str_has_prefix(name, prefix)) {
			memmove(out, name, n);
			out += n;
		}
		name += n;
	}
	return out - names;
}

static ssize_t do_listxattr(struct call *c, fuse_ino_t ino, char *names, size_t size)
{
	cleanup_path struct xattr_path path = {.fd = -1};
	struct node *node = call_node(c, ino);
	ssize_t n;
	int r;

	if (!node)
		return call_is_virtual(c, ino) ? 0 : -ESTALE;
	r = open_path(c, node, &path);
	if (r < 0)
		return r;
	n = listxattr(path.name.text, names, size);
	if (n < 0)
		return -errno;

	n = drop_names(names, n, OWN_PREFIX);
	/* The base lists for this process; the caller may not be allowed to know of these. */
	if (memmem(names, n, "trusted.", 8) && !caller_is_admin(fuse_req_ctx(c->req)->pid))
		n = drop_names(names, n, "trusted.");
	return n;
}

void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	struct call c = call_begin(req, OP_LISTXATTR);
	char names[XATTR_LIST_MAX];
	ssize_t n = do_listxattr(&c, ino, names, sizeof(names));

	if (size > 0 && n > (ssize_t)size)
		n = -ERANGE;
	reply_value(&c, n, names, size);
}
