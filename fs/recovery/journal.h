/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_JOURNAL_H
#define ANKLUME_JOURNAL_H

/*
 * What every request under way has done so far, in memory that outlives the process. After a crash
 * the kernel sends again what was read and not answered (FUSE_NOTIFY_RESEND); the journal tells
 * the next process what must not be done a second time.
 *
 * One entry per request under way, written by its worker alone, never locked. A process that is
 * killed leaves a prefix of its stores in program order: what is announced before a step and
 * committed after it can be finished by whoever comes next.
 */

#include "errors.h"
#include "fhandle.h"

#include "fuseproto.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* The bit that the kernel sets in `unique` of what it sends again. */
#define JOURNAL_RESENT FUSEPROTO_UNIQUE_RESENT

/* The kernel asks for room for a write of this many bytes, and a header of less than a page. */
#define JOURNAL_WRITE_MAX (UINT32_C(1) << 20)
#define JOURNAL_MESSAGE_MAX (JOURNAL_WRITE_MAX + 4096)

/* Entries of a listing are the smallest things counted: 160 bytes each in an answer of 1 MiB. */
#define JOURNAL_COUNTED_MAX 8192

#define JOURNAL_ENTRIES 1024

enum intent_state {
	INTENT_NONE, /* nothing has been done to the base */
	INTENT_STARTED, /* the system call may have been made, or not */
	INTENT_DONE, /* it was made; `result` is what came of it */
};

/* What a request that must happen once was about to do, and what was there before. */
struct intent {
	uint32_t state; /* atomic: enum intent_state */
	int32_t result; /* 0 or -errno */
	int64_t started_ns; /* CLOCK_REALTIME_COARSE: the clock of inode times */
	uint32_t had_source, had_target;
	struct fhandle source; /* the inode under the old name */
	struct fhandle target; /* the inode under the new name, about to lose it */
};

/*
 * A count of lookups that is about to change, and what the entry says afterwards. Under way while
 * `announced` is ahead of `done`; to finish it is to store the rest once more.
 */
struct count_step {
	uint64_t announced, done;
	uint64_t node;
	uint64_t nlookup;
	uint32_t n_counted, n_forgotten;
};

struct journal_entry {
	uint32_t is_claimed; /* atomic */
	uint32_t n_crashes; /* how often this request brought a process down */
	uint32_t is_answering; /* atomic: the kernel has the answer, or is about to get it */
	int64_t read_ns; /* atomic, CLOCK_MONOTONIC; 0: no request */
	uint64_t file; /* the open file made for it, 0 = none */
	struct intent intent;

	struct count_step step;
	uint32_t n_forgotten; /* of a FORGET request, how many of its nodes are done */
	uint32_t n_counted; /* lookups counted for the answer */
	uint64_t counted[JOURNAL_COUNTED_MAX]; /* node ids */

	/* The request, as the kernel wrote it: header.len == 0 when there is none. */
	union {
		struct fuse_in_header header;
		_Alignas(16) char message[JOURNAL_MESSAGE_MAX];
	};
};

struct journal {
	struct journal_entry *entries; /* JOURNAL_ENTRIES */
};

/* MEMORY: zeroed, or as another process left it. */
void journal_init(struct journal *j, void *memory);

/* An entry for the caller alone; NULL when all are taken. Taken ones keep what they say. */
struct journal_entry *journal_claim(struct journal *j);
void journal_release(struct journal_entry *e);

/* How many are taken: one by each worker, when nothing is under way. */
unsigned int journal_n_claimed(const struct journal *j);

/* Forget the last request: the entry is ready to be read into. */
void journal_clear(struct journal_entry *e);

/* A request has been read into E. */
void journal_arrived(struct journal_entry *e);

/* A request without an answer, which the kernel never sends again. */
bool journal_is_forget(const struct journal_entry *e);

/* The entry that holds the request UNIQUE (resent or not); NULL. The one that got furthest. */
struct journal_entry *journal_find(struct journal *j, uint64_t unique);

/* The entry of the request that the calling thread serves; NULL: none, nothing is recorded. */
void journal_set_current(struct journal_entry *e);
struct journal_entry *journal_current(void);

/*
 * Change *NLOOKUP of NODE to VALUE, so that it happens once; the caller keeps others from changing
 * it meanwhile. Up: counted for the answer of the current request. Down: what a FORGET request
 * says, or else the last lookup that was counted is taken back.
 */
void journal_count(uint64_t node, uint64_t *nlookup, uint64_t value);
void journal_uncount(uint64_t node, uint64_t *nlookup, uint64_t value);

/* The next count that goes down is number INDEX of the FORGET request. */
void journal_forgetting(uint32_t index);

/* Finish the step that a dead process left in E, if any. NLOOKUP: of the node, NULL: it is gone. */
bool journal_step_node(const struct journal_entry *e, uint64_t *ret_node);
void journal_finish_step(struct journal_entry *e, uint64_t *nlookup);

/* The open file FH is about to be made for the current request. */
void journal_opening(uint64_t fh);

/* The answer to the current request comes next. */
void journal_answering(void);

/* Announce a system call that must not be made twice. NULL: there was none. */
void journal_start(const struct fhandle *source, const struct fhandle *target);
void journal_finish(int result);

/*
 * The signal handler of a crash: the request of the calling thread brought the process down.
 * Async-signal-safe.
 */
void journal_blame(void);

/* The request in E is about to bring this process down. */
void journal_blame_entry(struct journal_entry *e);

#endif
