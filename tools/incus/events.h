/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_INCUS_EVENTS_H
#define ANKLUME_INCUS_EVENTS_H

/*
 * Incus' event stream, over a websocket: what happens to instances and projects. A listener that
 * is too slow, or whose daemon restarts, is cut off and has missed things: open again and list
 * everything anew.
 */

#include "cleanup.h"
#include "errors.h"

#include <stdint.h>

struct incus_events; /* opaque; one thread at a time */

/*
 * Listen to lifecycle events of all projects at SOCKET (NULL = incus_socket_path()). What happens
 * after the return is delivered. -ECONNREFUSED, -ETIMEDOUT, -EBADMSG.
 */
int incus_events_open(const char *socket, struct incus_events **ret, struct error *err);
void incus_events_close(struct incus_events *events);

struct incus_event {
	char *action; /* "instance-renamed", ... */
	char *project; /* where it happened */
	char *name; /* what it happened to: the last segment of its reference */
	char *old_name; /* of a rename; NULL otherwise */
};

void incus_event_finish(struct incus_event *event);

/*
 * The next event. -ETIMEDOUT: none in TIMEOUT_MS; -ECONNRESET: cut off; -EINTR: a signal, or
 * incus_events_wake().
 */
int incus_events_next(struct incus_events *events, unsigned int timeout_ms, struct incus_event *ret,
	struct error *err);

/* End a wait in incus_events_next(); for signal handlers. */
void incus_events_wake(struct incus_events *events);

DEFINE_CLEANUP(incus_events_closep, struct incus_events *, incus_events_close)

DEFINE_FINISH(incus_event_finishp, struct incus_event, incus_event_finish)

#define cleanup_incus_events cleanup_(incus_events_closep)
#define cleanup_incus_event cleanup_(incus_event_finishp)

#endif
