/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_WORKER_H
#define ANKLUME_WORKER_H

/*
 * One thread that reads requests from the kernel and answers them, one at a time: how it waits for
 * the next one, and where it can be stopped. Who starts and ends them is session.c's.
 */

#include <stdint.h>

struct fuse_session;

struct worker {
	unsigned int number; /* from 0; one journal slot each */
	uint64_t n_steps; /* atomic; odd while a request is served */
};

/*
 * Read and answer requests until the file system is unmounted. AFTER_EACH(ARG) is called between
 * two requests, in the worker's thread.
 */
void worker_serve(
	struct worker *w, struct fuse_session *se, void (*after_each)(void *arg), void *arg);

#endif
