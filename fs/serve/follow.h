/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_FOLLOW_H
#define ANKLUME_FOLLOW_H

/*
 * Where the worker runs when no CPU is idle: where its caller does. A request and its answer each
 * wake a sleeper. On another CPU, one that something runs on, that takes an interrupt there, in a
 * virtual machine longer than all the rest; on the same CPU it is a switch between two threads.
 */

#include <stdbool.h>
#include <sys/types.h>

struct follow {
	int loadavg_fd; /* /proc/loadavg; -1: it is not done */
	int n_cpus;
	pid_t caller; /* of the last look */
	unsigned int n_looks; /* in a row that saw this caller */
	int wanted_cpu; /* atomic; -1: none */
};

void follow_init(struct follow *f);
void follow_finish(struct follow *f);

/*
 * A look, from time to time, by a thread that does not serve: requests stream, the last one is of
 * the thread CALLER, and the thread WORKER serves them. True when follow_go() is to move WORKER: it
 * has been this caller alone for some looks, all CPUs are busy, and it is on another one.
 */
bool follow_look(struct follow *f, pid_t caller, pid_t worker);

/* By the worker, between two requests: goes where it is wanted, to stay until the kernel moves it. */
void follow_go(struct follow *f);

#endif
