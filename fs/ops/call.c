/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "call.h"

#include "caller.h"
#include "creds.h"
#include "dircache.h"
#include "failpoint.h"
#include "fuseproto.h"
#include "once.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <string.h>

static __thread enum op current_op;

/*
 * False: it rests on capabilities alone (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE, CAP_FOWNER), or says
 * itself who it is where that matters. Those are what small files live on, and they come mixed.
 */
static bool creds_matter(enum op op)
{
	switch (op) {
	case OP_LOOKUP:
	case OP_FORGET:
	case OP_READDIR:
	case OP_READDIRPLUS:
	case OP_GETATTR:
	case OP_STATX:
	case OP_READLINK:
	case OP_GETXATTR:
	case OP_CREATE:
	case OP_MKNOD:
	case OP_MKDIR:
	case OP_SYMLINK:
	case OP_OPEN:
	case OP_READ:
	case OP_WRITE:
	case OP_RELEASE:
		return false;
	default:
		return true;
	}
}

struct call call_begin(fuse_req_t req, enum op op)
{
	struct fs *fs = fuse_req_userdata(req);

	__atomic_add_fetch(&fs->counts[op], 1, __ATOMIC_RELAXED);
	current_op = op;
	failpoint_hit(FAILPOINT_READ, op);
	if (!once_covers(op))
		failpoint_hit(FAILPOINT_STARTED, op);
	if (creds_matter(op))
		creds_rest();
	dircache_begin();
	return (struct call){.fs = fs, .req = req, .op = op};
}

void call_answering(const struct call *c)
{
	if (!once_covers(c->op)) {
		failpoint_hit(FAILPOINT_SYSCALL, c->op);
		failpoint_hit(FAILPOINT_DONE, c->op);
	}
	journal_answering();
}

void call_answered(void)
{
	failpoint_hit(FAILPOINT_REPLY, current_op);
}

static __thread const struct fuse_in_header *call_message;

void call_set_message(const void *message)
{
	call_message = message;
}

uint32_t call_opcode(void)
{
	return call_message->opcode;
}

bool call_is_resent(void)
{
	return call_message->unique & FUSEPROTO_UNIQUE_RESENT;
}

const void *call_arguments(void)
{
	return call_message + 1;
}

/* In plain mode the root of the mount is the root of its one volume. */
static bool is_plain_root(const struct call *c, fuse_ino_t ino)
{
	return ino == FUSE_ROOT_ID && c->fs->options.is_plain;
}

bool call_is_virtual(const struct call *c, fuse_ino_t ino)
{
	if (is_plain_root(c, ino))
		return false;
	return vtree_is_fixed_id(ino) && vtree_id_kind(ino) != VTREE_VOLUME;
}

struct node *call_node(struct call *c, fuse_ino_t ino)
{
	struct livevol *v;

	if (!vtree_is_fixed_id(ino))
		return node_get(&c->fs->nodes, ino);
	if (is_plain_root(c, ino))
		return &c->fs->volumes.items[1].root;
	if (vtree_id_kind(ino) != VTREE_VOLUME)
		return NULL;

	v = livevol_find(&c->fs->volumes, vtree_id_row(ino));
	return v && __atomic_load_n(&v->is_present, __ATOMIC_ACQUIRE) ? &v->root : NULL;
}

int call_open_path(struct call *c, const struct node *node)
{
	int fd = fhandle_open(&c->fs->mounts, &node->handle, O_PATH | O_NOFOLLOW);

	/* overlayfs does not open a directory without a name by its handle. */
	return fd == -ESTALE ? pins_open(&c->fs->pins, slot_id(&node->slot)) : fd;
}

int call_open_dir(struct call *c, const struct node *dir)
{
	int fd = fhandle_open(&c->fs->mounts, &dir->handle, O_RDONLY | O_DIRECTORY);
	cleanup_fd int path = -1;

	if (fd != -ESTALE)
		return fd;
	path = call_open_path(c, dir);
	if (path < 0)
		return path;
	fd = openat(path, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int call_change(struct call *c, fuse_ino_t ino, const char *name, struct node **ret)
{
	if (call_is_virtual(c, ino)) {
		c->denial = (struct denial){.kind = DENIED_VIRTUAL, .name = name};
		return -EPERM;
	}
	*ret = call_node(c, ino);
	return *ret ? 0 : -ESTALE;
}

struct livevol *call_volume(struct call *c, const struct node *node)
{
	return livevol_get(&c->fs->volumes, node->volume);
}

static enum policy_caller identify(struct call *c, const struct livevol *v)
{
	char cgroup[LIVEVOL_CGROUP_MAX];

	pthread_rwlock_rdlock(&c->fs->volumes.lock);
	strcpy(cgroup, v->owner_cgroup);
	pthread_rwlock_unlock(&c->fs->volumes.lock);

	return cgroup[0] ? caller_identify(fuse_req_ctx(c->req)->pid, cgroup) : CALLER_OTHER;
}

int call_allow(struct call *c, const struct node *node, enum policy_action action, const char *name)
{
	struct livevol *v = call_volume(c, node);
	enum policy_caller caller = CALLER_OTHER;
	unsigned int flags;
	int r;

	if (!v)
		return -ESTALE;
	/* It was allowed when it was begun; what is half done is finished. */
	if (once_is_repeated())
		return 0;

	flags = livevol_flags(v);
	if (policy_needs_caller(flags, action))
		caller = identify(c, v);

	r = policy_check(flags, action, caller);
	if (r < 0)
		c->denial = (struct denial){.kind = DENIED_BY_FLAG,
			.volume = v,
			.action = action,
			.flags = flags,
			.node = node,
			.name = name};
	return r;
}

bool call_may_deny(struct call *c, const struct node *node, enum policy_action action)
{
	const struct livevol *v = call_volume(c, node);

	return !v || policy_check(livevol_flags(v), action, CALLER_OTHER) < 0;
}
