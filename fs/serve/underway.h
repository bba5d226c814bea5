/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_UNDERWAY_H
#define ANKLUME_UNDERWAY_H

/* One request under way, looked at by another thread than its worker. */

#include "fs.h"

#define UNDERWAY_COMMAND_MAX 64

struct underway {
	struct journal_entry *entry; /* what it says may be another request's by now */
	uint64_t progress; /* of the worker: the same as long as it is the same request */
	uint32_t opcode;
	uint64_t nodeid;
	pid_t caller; /* 0: the kernel itself, or a process that is not seen from here */
	pid_t tid; /* of the worker */
	int64_t age_ms; /* since the kernel gave it away, to a daemon before this one maybe */
	int64_t served_ms; /* since this daemon is at it */
};

/* False when W is at no request. NOW_NS: of CLOCK_MONOTONIC. */
bool underway_look(const struct worker *w, int64_t now_ns, struct underway *ret);

/* The name of its volume; "" above the volumes, and where that cannot be known. */
void underway_volume(struct fs *fs, const struct underway *f, char ret[VOLUME_PATH_MAX]);

/* What the caller calls itself; "" when it is gone. */
void underway_command(const struct underway *f, char ret[UNDERWAY_COMMAND_MAX]);

/* "write in volume 'pro/pro-dev/db' for dd[4711], 17 s old". Caller frees; NULL: out of memory. */
char *underway_text(struct fs *fs, const struct underway *f);

#endif
