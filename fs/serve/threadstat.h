/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_THREADSTAT_H
#define ANKLUME_THREADSTAT_H

/* What a thread does, as /proc/PID/task/TID has it (proc(5)). */

#include <stdint.h>
#include <sys/types.h>

enum thread_place {
	THREAD_IN_KERNEL, /* sleeps in a system call that somebody else has to finish */
	THREAD_IN_DAEMON, /* sleeps until another thread of ours, or nobody, wakes it */
	THREAD_RUNNING, /* the times say where */
	THREAD_GONE,
};

struct threadstat {
	enum thread_place place;
	uint64_t user, kernel; /* clock ticks spent in each */
};

/* Of this process. */
struct threadstat threadstat_read(pid_t tid);

/* The CPU that it ran on last, of any process; -1: there is no such thread. */
int threadstat_cpu(pid_t tid);

/*
 * The same of the texts of `stat` and `syscall`; SYSCALL may be empty. THREAD_GONE where they are
 * not understood.
 */
struct threadstat threadstat_parse(const char *stat, const char *syscall);

#endif
