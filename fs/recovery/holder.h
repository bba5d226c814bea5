/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_HOLDER_H
#define ANKLUME_HOLDER_H

/*
 * The daemon's side of anklume-hold (fs/hold/), which does what systemd's service manager does
 * where the daemon was started by hand: it keeps descriptors and starts the next daemon. Each of
 * the two starts the other one again; both must die in the same instant for the mount to be lost.
 */

#include "fdstore.h"

#include <stdbool.h>
#include <stdint.h>

/* Store everything again (fdstore_put()): the holder that had it is gone. Main thread. */
typedef void (*holder_refill_fn)(void *data);

#define HOLDER_REFILLS_MAX 4

struct holder {
	int pidfd; /* poll it: readable when the holder has died; -1: there is none */
	bool is_ours; /* false: systemd holds, or nobody */
	char **argv;
	bool to_syslog;
	uint32_t watchdog_ms; /* set before the start; 0: no watchdog */
	struct {
		holder_refill_fn fn;
		void *data;
	} refills[HOLDER_REFILLS_MAX];
	size_t n_refills;
};

#define HOLDER_INIT         \
	{                   \
		.pidfd = -1 \
	}

/*
 * Start a holder beside this process, whose command line is ARGV (borrowed). Sets $NOTIFY_SOCKET:
 * call it before any thread starts and before anything is stored. From then on the death of
 * this process before notify_ready(), or after notify_stopping(), ends the holder; any other
 * death makes it start ARGV again.
 */
int holder_start(struct holder *h, char **argv, bool to_syslog, struct error *err);

/*
 * This process was started by a holder, which is among the descriptors S: take that one out. Where it has died
 * meanwhile h->pidfd is -1. False: it was not.
 */
bool holder_attach(struct holder *h, struct fdstore *s, char **argv, bool to_syslog);

/* Have FN(DATA) called when the holder was replaced. */
void holder_on_replace(struct holder *h, holder_refill_fn fn, void *data);

/* For a successor, while fdstore_collect() is on: the holder itself. */
void holder_keep(const struct holder *h);

/*
 * h->pidfd became readable: start another one and refill it. On error h->pidfd is -1, and this may be
 * called again.
 */
int holder_replace(struct holder *h, struct error *err);

/* The holder has ended; no other is started. */
void holder_forget(struct holder *h);

void holder_finish(struct holder *h);

#endif
