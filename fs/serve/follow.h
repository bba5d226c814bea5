/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_FOLLOW_H
#define ANKLUME_FOLLOW_H

/*
 * Where a worker runs when more threads can run than there are CPUs: where its caller does. A
 * request and its answer each wake a sleeper. On another CPU, one that something runs on, that takes
 * an interrupt there, in a virtual machine longer than all the rest; on the same CPU it is a switch
 * between two threads.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct follow {
	int loadavg_fd; /* /proc/loadavg; -1: it is not done */
	int n_cpus;
	bool is_free; /* the process may run on every CPU */
	pid_t caller; /* of the last look */
	unsigned int n_looks; /* in a row that saw this caller */
	uint64_t wanted; /* atomic; the thread that is to move, and above it the CPU; 0: none */
};

void follow_init(struct follow *f);
void follow_finish(struct follow *f);

/*
 * A look, from time to time, by a thread that does not serve: requests stream, the last one is of
 * the thread CALLER, and the thread WORKER serves them. True when WORKER is wanted elsewhere, until
 * the next look: it has been this caller alone for some looks, no CPU is idle, and it is on another.
 */
bool follow_look(struct follow *f, pid_t caller, pid_t worker);

/* Requests do not stream any more: nobody is wanted anywhere. */
void follow_end(struct follow *f);

/*
 * By the thread WORKER, which has answered: goes where it is wanted, and stays until the kernel moves
 * it. Returns when it has run there, so not before what is more important there lets it (sched(7)).
 */
void follow_go(struct follow *f, pid_t worker);

#endif
