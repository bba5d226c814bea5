/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "threadstat.h"

#include "cleanup.h"
#include "fdio.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#define TEXT_MAX 4096

/* A thread in one of these waits for others of this process, or for nothing at all. */
static const long own_waits[] = {
	SYS_futex,
	SYS_nanosleep,
	SYS_clock_nanosleep,
	SYS_ppoll,
	SYS_rt_sigsuspend,
	SYS_rt_sigtimedwait,
#ifdef SYS_pause
	SYS_pause,
#endif
#ifdef SYS_poll
	SYS_poll,
#endif
};

/* "NUMBER ARGUMENT..."; "-1 ..." outside a system call, "running" on a CPU. */
static bool is_own_wait(const char *syscall_text)
{
	long number;

	if (sscanf(syscall_text, "%ld", &number) != 1)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(own_waits); i++)
		if (own_waits[i] == number)
			return true;
	return false;
}

/* Behind the second field of `stat`: the name, which may have any character in it. NULL: none. */
static const char *skip_name(const char *stat)
{
	const char *end = strrchr(stat, ')');

	return end && end[1] ? end + 1 : NULL;
}

struct threadstat threadstat_parse(const char *stat, const char *syscall_text)
{
	struct threadstat t = {.place = THREAD_GONE};
	const char *rest = skip_name(stat);
	unsigned long user, kernel;
	char state;

	if (!rest || sscanf(rest, " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lu %lu", &state,
			     &user, &kernel) != 3)
		return t;
	t.user = user;
	t.kernel = kernel;
	if (state == 'R')
		t.place = THREAD_RUNNING;
	else if (state == 'S')
		t.place = is_own_wait(syscall_text) ? THREAD_IN_DAEMON : THREAD_IN_KERNEL;
	else if (state != 'X' && state != 'Z')
		t.place = THREAD_IN_KERNEL;
	return t;
}

static char *read_text(const char *process, pid_t tid, const char *name)
{
	char path[64];
	char *text;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%s/task/%d/%s", process, (int)tid, name);
	return read_file(AT_FDCWD, path, TEXT_MAX, &text, &len) < 0 ? NULL : text;
}

struct threadstat threadstat_read(pid_t tid)
{
	cleanup_free char *stat = read_text("self", tid, "stat");
	cleanup_free char *syscall_text = read_text("self", tid, "syscall");

	return threadstat_parse(stat ? stat : "", syscall_text ? syscall_text : "");
}

int threadstat_cpu(pid_t tid)
{
	cleanup_free char *stat = NULL;
	const char *field;
	char process[16];

	snprintf(process, sizeof(process), "%d", (int)tid);
	stat = read_text(process, tid, "stat");
	field = stat ? skip_name(stat) : NULL; /* the space before the 3rd; the 39th is wanted */
	for (int i = 3; field && i < 39; i++)
		field = strchr(field + 1, ' ');
	return field ? atoi(field) : -1;
}
