/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "follow.h"

#include "threadstat.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A caller that these looks in a row have seen is alone. */
#define LOOKS_MIN 3

void follow_init(struct follow *f)
{
	cpu_set_t allowed;

	*f = (struct follow){.loadavg_fd = -1, .n_cpus = (int)sysconf(_SC_NPROCESSORS_ONLN)};
	if (f->n_cpus < 2 || sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		return;
	f->is_free = CPU_COUNT(&allowed) == f->n_cpus;
	f->loadavg_fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
}

void follow_finish(struct follow *f)
{
	if (f->loadavg_fd >= 0)
		close(f->loadavg_fd);
}

/* "0.20 0.18 0.12 1/80 11206": the fourth begins with the threads that can run now (proc(5)). */
static int n_runnable(const struct follow *f)
{
	char buf[80];
	ssize_t n = pread(f->loadavg_fd, buf, sizeof(buf) - 1, 0);
	int runnable = 0;

	if (n <= 0)
		return 0;
	buf[n] = '\0';
	return sscanf(buf, "%*s %*s %*s %d", &runnable) == 1 ? runnable : 0;
}

/* More can run than the CPUs and the thread that looks account for. */
static bool all_cpus_are_busy(const struct follow *f)
{
	return n_runnable(f) > f->n_cpus + 1;
}

bool follow_look(struct follow *f, pid_t caller, pid_t worker)
{
	int cpu;

	follow_end(f);
	if (f->loadavg_fd < 0 || caller == 0) /* 0: the kernel's own, as RELEASE */
		return false;
	f->n_looks = caller == f->caller ? f->n_looks + 1 : 1;
	f->caller = caller;
	if (f->n_looks < LOOKS_MIN || !all_cpus_are_busy(f))
		return false;
	f->n_looks = 0;
	cpu = threadstat_cpu(caller);
	if (cpu < 0 || cpu == threadstat_cpu(worker))
		return false;
	__atomic_store_n(&f->wanted, (uint64_t)cpu << 32 | (uint32_t)worker, __ATOMIC_RELAXED);
	return true;
}

void follow_end(struct follow *f)
{
	__atomic_store_n(&f->wanted, 0, __ATOMIC_RELAXED);
}

/* Back to where it might run. All CPUs, also those of a cpuset that grows later. */
static void run_anywhere(const cpu_set_t *allowed)
{
	cpu_set_t all;

	memset(&all, 0xff, sizeof(all));
	if (!allowed || sched_setaffinity(0, sizeof(*allowed), allowed) < 0)
		sched_setaffinity(0, sizeof(all), &all);
}

void follow_go(struct follow *f, pid_t worker)
{
	uint64_t wanted = __atomic_load_n(&f->wanted, __ATOMIC_RELAXED);
	int cpu = (int)(wanted >> 32);
	cpu_set_t allowed, one;

	if ((pid_t)(uint32_t)wanted != worker)
		return;
	follow_end(f);
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	/* Not where an administrator does not want it (taskset(1), CPUAffinity=). */
	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0 || !CPU_ISSET(cpu, &allowed))
		return;
	if (sched_setaffinity(0, sizeof(one), &one) == 0)
		run_anywhere(f->is_free ? NULL : &allowed);
}
