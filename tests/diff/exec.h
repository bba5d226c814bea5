/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DIFF_EXEC_H
#define DIFF_EXEC_H

/* Carrying operations out: an actor is one process of one side, its current directory the tree. */

#include "op.h"

#include <sys/types.h>

struct actor {
	int index;
	int fds[SLOTS]; /* -1: nothing open */
	struct {
		char *addr; /* NULL: nothing mapped */
		size_t len;
	} maps[MAPS];
	int inotify;
	int userns; /* -1, or the user namespace that this actor lives in, entered by actor_init() */
	bool is_unmapped; /* outside of the user namespace that the mounts are mapped to */
};

void actor_init(struct actor *a, int index, int userns, bool is_unmapped);

/* Does OP and writes what the caller saw to OUT: "= 3", "= -1 ENOENT", and what was read. */
void exec_op(struct actor *a, const struct op *op, struct strbuf *out);

/* --- for exec_*.c --- */

#define OP(name, args, weight, help) \
	void do_##name(struct actor *a, const struct op *op, struct strbuf *out);
#include "ops.def"
#undef OP

/* "= R", or "= -1" and the name of errno. */
void out_result(struct strbuf *out, long r);

/* The name of an errno. */
const char *errno_word(int e);

/* Path argument I, expanded: good until the next call with the same I. */
const char *op_path(const struct op *op, int i);

/* Descriptor in the slot that is number argument I, -1 when nothing is open there. */
int op_fd(const struct actor *a, const struct op *op, int i);

/* Puts FD into SLOT and closes what was there. -1 leaves the slot empty. */
void slot_set(struct actor *a, int64_t slot, int fd);

/* close(2) of what is in SLOT, which is empty afterwards. */
int slot_close(struct actor *a, int64_t slot);

/* Fills BUF with bytes that depend on SEED alone; every third pattern has pages of zeros. */
void fill_pattern(char *buf, size_t len, int64_t seed);

/* A buffer for LEN bytes, aligned for O_DIRECT; one per process, at most BUFFER_MAX. */
#define BUFFER_MAX (1 << 20)
char *io_buffer(void);

/* FNV-1a, to be chained. */
#define HASH_START 0xcbf29ce484222325
uint64_t hash_bytes(uint64_t hash, const void *data, size_t len);

/* The file that storms append to, in records; made before the first operation. */
#define STORM_LOG "storm-log"
#define STORM_RECORD 64

/* In the result of lsattr and chattr of fifos, devices and sockets. */
#define SPECIAL_FILE " of a special file"

/* In the result of copy_file_range() with O_DIRECT on either side. */
#define DIRECT_COPY " directly"

/* In the result of a refused write with O_DIRECT that may have written its first blocks. */
#define TORN_WRITE " perhaps in part"

/* NAME on one line, nothing in it that the comparison or a terminal could take for its own. */
void out_name(struct strbuf *out, const char *name);

#endif
