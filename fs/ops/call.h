/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_CALL_H
#define ANKLUME_CALL_H

/*
 * One request under way. An op_x() unpacks the request into a struct call, lets do_x() decide and
 * act (0 or -errno, callable from a test), and replies exactly once through reply.h.
 */

#include "fs.h"
#include "policy.h"

#include <fuse_lowlevel.h>

/* Why a request was refused, for the log line that reply_err() writes. */
struct denial {
	enum { DENIED_NOTHING, DENIED_BY_FLAG, DENIED_VIRTUAL } kind;
	const struct livevol *volume;
	enum policy_action action;
	unsigned int flags;
	const struct node *node; /* the directory of name, or the inode itself */
	const char *name; /* borrowed from the request; NULL = the inode itself */
};

struct call {
	struct fs *fs;
	fuse_req_t req;
	enum op op;
	struct denial denial;
};

struct call call_begin(fuse_req_t req, enum op op);

/*
 * The request as it came from the kernel, for what libfuse's interface does not pass on. MESSAGE
 * is borrowed until the next call of the same thread.
 */
void call_set_message(const void *message);

/* Every answer is sent after this and before the request ends: where a test may let us die. */
void call_answering(const struct call *c);
void call_answered(void);

/* FUSE_*: what the kernel asked, see request_serve(). */
uint32_t call_opcode(void);

/* The kernel has sent it before, to a daemon that died with it. */
bool call_is_resent(void);

/* The arguments behind the request's header (struct fuse_open_in ...). */
const void *call_arguments(void);

/* True for the root, domains and machines; false for everything in a volume. */
bool call_is_virtual(const struct call *c, fuse_ino_t ino);

/*
 * The node of INO: a volume's root or something below it. NULL: virtual, or unknown (then the
 * answer is -ESTALE).
 */
struct node *call_node(struct call *c, fuse_ino_t ino);

/* An O_PATH descriptor of NODE, the caller's to close, or -errno. */
int call_open_path(struct call *c, const struct node *node);

/* The same of the directory DIR, to be read or synced. */
int call_open_dir(struct call *c, const struct node *dir);

/*
 * The node of INO for a change of NAME in it (NULL: of itself). -EPERM at the virtual levels
 * (remembered for the log), -ESTALE.
 */
int call_change(struct call *c, fuse_ino_t ino, const char *name, struct node **ret);

/* Ask the policy about ACTION on something of NODE's volume; a refusal is remembered. */
int call_allow(
	struct call *c, const struct node *node, enum policy_action action, const char *name);

/* True when call_allow(ACTION) could refuse: worth looking at what is there before asking. */
bool call_may_deny(struct call *c, const struct node *node, enum policy_action action);

struct livevol *call_volume(struct call *c, const struct node *node);

#endif
