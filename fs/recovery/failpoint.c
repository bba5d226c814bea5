/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "failpoint.h"

#ifdef ANKLUME_FAILPOINTS

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const points[FAILPOINT_COUNT] = {
	[FAILPOINT_READ] = "read",
	[FAILPOINT_STARTED] = "started",
	[FAILPOINT_SYSCALL] = "syscall",
	[FAILPOINT_DONE] = "done",
	[FAILPOINT_REPLY] = "reply",
	[FAILPOINT_TAKEOVER] = "takeover",
};

static _Noreturn void spin(void)
{
	for (;;)
		__asm__ volatile("");
}

static _Noreturn void wait_for_nothing(void)
{
	for (;;)
		pause();
}

static const struct {
	const char *name;
	int signal; /* 0: HANG is called, with nothing locked */
	void (*hang)(void);
} actions[] = {
	{"kill", SIGKILL, NULL},
	{"abort", SIGABRT, NULL},
	{"stop", SIGSTOP, NULL},
	{"spin", 0, spin},
	{"wait", 0, wait_for_nothing},
};

/* What the file said; point == FAILPOINT_COUNT: nothing. */
static struct {
	pthread_mutex_t lock;
	uint32_t is_armed; /* atomic */
	enum failpoint point;
	char op[32];
	const char *action;
	int signal;
	void (*hang)(void);
	int count;
} armed = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void parse(const char *line)
{
	char point[32], op[32], action[32];
	int n = sscanf(line, "%31s %31s %31s %d", point, op, action, &armed.count);

	if (n < 4)
		armed.count = 1;
	for (int i = 0; n >= 3 && i < FAILPOINT_COUNT; i++) {
		for (size_t j = 0; j < ARRAY_SIZE(actions); j++) {
			if (strcmp(points[i], point) != 0 || strcmp(actions[j].name, action) != 0)
				continue;
			armed.point = i;
			strcpy(armed.op, op);
			armed.action = actions[j].name;
			armed.signal = actions[j].signal;
			armed.hang = actions[j].hang;
			__atomic_store_n(&armed.is_armed, 1, __ATOMIC_RELEASE);
			return;
		}
	}
	log_error("failpoint: cannot understand '%s'", line);
}

void failpoint_load(void)
{
	const char *path = getenv("ANKLUME_FAILPOINT");
	FILE *f = path ? fopen(path, "re") : NULL;
	char line[128];

	pthread_mutex_lock(&armed.lock);
	__atomic_store_n(&armed.is_armed, 0, __ATOMIC_RELEASE);
	if (f && fgets(line, sizeof(line), f))
		parse(line);
	pthread_mutex_unlock(&armed.lock);
	if (f)
		fclose(f);
}

/* One death less for those who come after. */
static void use_up(void)
{
	const char *path = getenv("ANKLUME_FAILPOINT");
	FILE *f;

	if (--armed.count <= 0) {
		unlink(path);
		return;
	}
	f = fopen(path, "we");
	if (f) {
		fprintf(f, "%s %s %s %d\n", points[armed.point], armed.op, armed.action,
			armed.count);
		fclose(f);
	}
}

void failpoint_hit(enum failpoint point, enum op op)
{
	void (*hang)(void) = NULL;

	if (!__atomic_load_n(&armed.is_armed, __ATOMIC_ACQUIRE))
		return;
	pthread_mutex_lock(&armed.lock);
	if (armed.is_armed && armed.point == point &&
		(strcmp(armed.op, "*") == 0 || strcmp(armed.op, op_names[op]) == 0)) {
		use_up();
		hang = armed.hang;
		/* Until it is over nobody else gets past a failpoint: they wait for the lock. */
		if (!hang)
			raise(armed.signal);
		__atomic_store_n(&armed.is_armed, 0, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&armed.lock);
	if (hang)
		hang();
}

#endif
