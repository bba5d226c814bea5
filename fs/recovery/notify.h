/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_NOTIFY_H
#define ANKLUME_NOTIFY_H

/*
 * What the daemon tells whoever restarts it, systemd or our own holder, in the protocol of
 * sd_notify(3). Threads may call these at will. Where $NOTIFY_SOCKET is not set nobody listens,
 * and each returns 0 and does nothing; 1: told; -errno: not told.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* True when somebody listens: $NOTIFY_SOCKET is set. */
bool notify_has_manager(void);

/* The mount is up and served; before that, the time is counted as the start. */
int notify_ready(void);

/* One line about what goes on, for `systemctl status`. */
int notify_status(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* This process ends on purpose: its end is no crash. */
int notify_stopping(void);

/* From now on PID, not this process, is the daemon. */
int notify_mainpid(pid_t pid);

/* The requests make progress. Due once per half of notify_watchdog_usec(). */
int notify_watchdog(void);

/* After how many µs without notify_watchdog() this process is killed; 0: never. */
uint64_t notify_watchdog_usec(void);

/*
 * Wait until all that was sent before has been taken in. 0 without manager, 1 when it has;
 * -ETIMEDOUT. Blocks: not for the request path.
 */
int notify_barrier(int timeout_ms);

#endif
