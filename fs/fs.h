/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_FS_H
#define ANKLUME_FS_H

/* The one mount that this process serves: everything that lives as long as it. */

#include "fdstore.h"
#include "fhandle.h"
#include "initlog.h"
#include "journal.h"
#include "listers.h"
#include "livevol.h"
#include "log.h"
#include "node.h"
#include "openfile.h"
#include "pins.h"
#include "state.h"
#include "untold.h"
#include "vtree.h"
#include "worker.h"

struct fuse_session;

struct fs_options {
	const char *base;
	const char *catalog; /* NULL in plain mode */
	const char *mount;
	const char *control; /* NULL: no control socket */
	const char *subtype; /* "fuse.<subtype>" in /proc/mounts; NULL: "fuse" */
	const char *source; /* first column of /proc/mounts */
	unsigned long mount_flags; /* MS_* of mount(2) */
	unsigned int n_workers;
	enum worker_wait wait;
	bool is_checking; /* only look: nothing that outlives the process is changed */
	bool is_plain; /* the whole mount is one volume: the base itself, unprotected */
};

/* What a request asks for; indexes the counters and names the operation in log lines. */
enum op {
	OP_LOOKUP,
	OP_FORGET,
	OP_READDIR,
	OP_READDIRPLUS,
	OP_GETATTR,
	OP_STATX,
	OP_SETATTR,
	OP_READLINK,
	OP_CREATE,
	OP_MKNOD,
	OP_MKDIR,
	OP_SYMLINK,
	OP_TMPFILE,
	OP_UNLINK,
	OP_RMDIR,
	OP_RENAME,
	OP_LINK,
	OP_OPEN,
	OP_RELEASE,
	OP_READ,
	OP_WRITE,
	OP_FSYNC,
	OP_FSYNCDIR,
	OP_FALLOCATE,
	OP_LSEEK,
	OP_COPY_FILE_RANGE,
	OP_STATFS,
	OP_GETXATTR,
	OP_SETXATTR,
	OP_LISTXATTR,
	OP_REMOVEXATTR,
	OP_IOCTL,
	OP_COUNT,
};

extern const char *const op_names[OP_COUNT];

/* Requests that a dead process had read and not answered; filled before the workers start. */
struct inherited {
	struct journal_entry *entries[JOURNAL_ENTRIES];
	size_t n;
	size_t next; /* atomic */
};

struct fs {
	struct fs_options options;
	struct fuse_session *session;
	int base_fd; /* held with an exclusive flock(2): one daemon per base */

	/* What outlives the process, see recovery/. */
	struct state state;
	struct journal journal;
	struct init_exchange init;
	int init_fd; /* the same in a file, for the holder; -1: not made yet */
	struct inherited inherited;
	struct untold untold;
	bool is_degraded; /* the state was lost: old inodes answer ESTALE */

	struct fhandle_mounts mounts;
	struct node_table nodes;
	struct openfile_table files;
	struct livevol_table volumes;
	struct pins pins;
	struct listers listers;

	struct vtree *tree; /* tree_lock */
	uint64_t generation; /* of the catalogue that is served; tree_lock */
	size_t n_volumes; /* recorded in that generation; tree_lock */
	int64_t reload_at; /* when the next hold expires, seconds since the epoch; 0 = never */
	pthread_rwlock_t tree_lock; /* before livevol_table.lock */

	bool has_passthrough; /* what INIT agreed on; constant afterwards */
	bool has_idmap;
	bool has_resend; /* the kernel can send requests again: a crash can be survived */
	int64_t started; /* CLOCK_BOOTTIME seconds */

	uint64_t counts[OP_COUNT]; /* atomic */
	uint64_t n_denials; /* atomic */
	struct log_limit denial_limit;
};

/*
 * Open and check the base and make the tables: new ones, or those that an earlier process left
 * among the descriptors of KEPT (which it takes).
 */
int fs_init(
	struct fs *fs, const struct fs_options *options, struct fdstore *kept, struct error *err);
void fs_finish(struct fs *fs);

/* An empty state and tables in it; EPOCH as for slots_init(). For fs_init() and takeover.c. */
int fs_make_state(struct fs *fs, uint32_t epoch, struct error *err);
struct state_identity fs_identity(const struct fs *fs);

/*
 * Keep the inode of NODE alive through FD (taken) until the kernel forgets it: it has lost its
 * last name, and who still has it must find it. TICKET: of pins_announce().
 */
void fs_pin(struct fs *fs, struct node *node, int fd, uint64_t ticket);

/* NODE has a name again: linkat(2) of a file made with O_TMPFILE. */
void fs_unpin(struct fs *fs, struct node *node);

/*
 * Serve what the catalogue says now. Flags are in force for every request that starts after this
 * returns; requests under way may still be judged by the old ones (see session_quiesce()).
 */
int fs_reload(struct fs *fs, struct error *err);

/* Something stood in the way: have it done again in a while (reload_at). */
void fs_reload_soon(struct fs *fs);

#endif
