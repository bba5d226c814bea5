/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_WORKER_H
#define ANKLUME_WORKER_H

/*
 * One thread that reads requests from the kernel and answers them, one at a time: how it waits for
 * the next one, and where it can be stopped. Who starts and ends them is session.c's.
 */

#include "awake.h"
#include "follow.h"
#include "log.h"
#include "turn.h"

#include <sys/types.h>

struct fuse_session;
struct inherited;
struct journal_entry;

/* What to do until the next request comes. */
enum worker_wait {
	WORKER_WAIT_SLEEP, /* sleep at once */
	WORKER_WAIT_SPIN, /* look again for a moment where that was worth it lately, then sleep */
	WORKER_WAIT_AWAKE, /* and keep idle CPUs awake while requests stream */
};

/* What the workers of one mount share. */
struct desk {
	struct fuse_session *session;
	struct inherited *inherited;
	struct turn turn;
	struct awake awake;
	struct follow follow;
	bool may_spin;
	uint32_t n_shared; /* atomic; long requests to come that pass the turn on */
	int stop_fd; /* eventfd, readable when the workers are to stop */
	bool is_unmounted; /* atomic: the kernel has said so */
	struct log_limit failures;
};

/* The device of SE must not block. -errno; *DESK needs desk_finish() on success only. */
int desk_init(struct desk *desk, struct fuse_session *se, struct inherited *inherited,
	enum worker_wait wait);

/* After the last worker has returned. */
void desk_finish(struct desk *desk);

/* All workers return from worker_serve() at the next boundary between two requests. */
void desk_stop(struct desk *desk);

struct worker {
	unsigned int number; /* from 0 */
	struct journal_entry *entry; /* what it reads requests into */
	uint64_t n_steps; /* atomic; odd while a request is served */
	struct journal_entry *serving; /* atomic; the request of an odd n_steps */
	uint64_t nodeid; /* atomic, as the next two: what its header says, for other threads */
	uint32_t opcode;
	uint32_t caller;
	int64_t begun_ns; /* atomic; CLOCK_MONOTONIC, of a request that is inherited */
	pid_t tid; /* atomic; 0: its thread does not run yet */
	struct desk *desk;
	unsigned int n_backlog; /* requests in a row that were there already */
	bool was_long; /* the last request */
	int spin_credit; /* what looking again was worth lately */
	int64_t spin_after_ns; /* not before: somebody else needed the CPU */
};

/*
 * Answer what an earlier process left, then read and answer requests until the file system is unmounted or desk_stop(). AFTER_EACH(ARG) is
 * called between two requests, in the worker's thread.
 */
void worker_serve(struct worker *w, void (*after_each)(void *arg), void *arg);

/* Changes with each request that is begun or answered. */
uint64_t worker_progress(const struct worker *w);

/* True when W is at the request of PROGRESS still. */
bool worker_is_serving(const struct worker *w, uint64_t progress);

#endif
