/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_VITALS_H
#define ANKLUME_VITALS_H

/* The daemon as it looks from outside, also when it answers nobody. Nothing here waits for ever. */

#include "cmd.h"
#include "mountinfo.h"

#include <jansson.h>
#include <sys/types.h>

#define VITALS_DEADLINE_MS 5000

struct vitals {
	int reached; /* 1: it answered; 0: there is none; -errno */
	json_t *status; /* its answer, NULL */
	pid_t pid; /* 0: not known */
	int mount_result; /* of statfs(2) on the mount: 0, -ETIMEDOUT ... */
	long n_waiting; /* requests that the kernel waits for; -1: not known */
};

/* Look. Frees nothing of before. */
void vitals_take(struct vitals *v, const struct cmd_env *env, const struct mount *mount);
void vitals_finish(struct vitals *v);

/* Something that another daemon would do better; false also where only the base can help. */
bool vitals_is_stuck(const struct vitals *v);

/* The oldest request waits for the base. */
bool vitals_is_base_stuck(const struct vitals *v);

/* Where each thread of PID is, one line each, as the kernel sees it. Caller frees; NULL. */
char *vitals_threads(pid_t pid);

/* The stacks of PID by eu-stack or gdb, where installed, written to FD. */
void vitals_write_stacks(pid_t pid, int fd);

/* Kill the daemon and wait until another one answers. CMD_FAILED or -errno with ERR set. */
int vitals_replace(const struct vitals *v, const struct cmd_env *env, struct error *err);

#endif
