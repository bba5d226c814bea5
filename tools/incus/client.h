/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_INCUS_CLIENT_H
#define ANKLUME_INCUS_CLIENT_H

/*
 * The Incus REST API over its unix socket: calls with JSON in and out, operations waited for,
 * errors as errno and Incus' own words. The nouns (instance.h, resource.h, exec.h, instfile.h) are
 * built on this; use them where they reach.
 *
 * Errors of every call: -ECONNREFUSED (no daemon, no socket: never -ENOENT, which is Incus' own
 * "there is no such thing"); -ETIMEDOUT; -ECONNRESET (the daemon went away in the middle);
 * -EBADMSG (not Incus that answers); and what Incus said: 400 -EINVAL, 401 and 403 -EACCES, 404
 * -ENOENT, 409 -EEXIST, 412 -ESTALE (If-Match), 423 and 503 -EAGAIN, 501 -ENOTSUP, others -EIO. An
 * operation that failed is -EIO, one that was cancelled -ECANCELED: Incus gives them words only.
 *
 * Each call is a line of log_debug(), which --debug shows.
 */

#include "cleanup.h"
#include "errors.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct incus; /* opaque; one thread at a time */

/*
 * Where Incus' socket is, found as its own client does: $INCUS_SOCKET, $INCUS_DIR/unix.socket,
 * /run/incus/unix.socket, /var/lib/incus/unix.socket. Caller frees; NULL when out of memory.
 */
char *incus_socket_path(void);

/*
 * A client for SOCKET (NULL = incus_socket_path()), after a first GET /1.0, so that a daemon that
 * is not there, does not answer, or does not trust the caller is an error here: ERR says "cannot
 * connect to Incus ...".
 */
int incus_open(const char *socket, struct incus **ret, struct error *err);
void incus_close(struct incus *incus);

/* True when GET /1.0 listed NAME among api_extensions. */
bool incus_has_extension(const struct incus *incus, const char *name);

/* "6.0.4"; borrowed. */
const char *incus_get_version(const struct incus *incus);

/*
 * How long one answer may take (default 30 s), and how long an operation may run before
 * -ETIMEDOUT (default 10 min; it goes on in Incus all the same).
 */
void incus_set_timeouts(struct incus *incus, unsigned int reply_ms, unsigned int operation_ms);

/* Calls made, and microseconds that this process waited for Incus (overlapping calls count once). */
struct incus_stats {
	unsigned int n_calls;
	uint64_t waited_us;
};
struct incus_stats incus_get_stats(const struct incus *incus);

/*
 * One call. Fill in the first part, run it by incus_call() or, many at once, incus_call_all();
 * finish it afterwards. When Incus answers with an operation, the call is done when that is.
 */
struct incus_call {
	const char *method; /* "GET", "PUT", "PATCH", "POST", "DELETE" */
	char *path; /* owned: from url_format() */
	json_t *body; /* owned; NULL = none */
	char *etag; /* owned; in: If-Match (NULL = none), out: the reply's ETag */
	void *context; /* the caller's */

	int r; /* 0 or the error */
	struct error err; /* what Incus said */
	json_t *metadata; /* of the reply, or of the finished operation; NULL = none */
};

void incus_call_finish(struct incus_call *call);

/* CALL's result, with ERR set to its error. -ENOMEM when CALL->path is NULL. */
int incus_call(struct incus *incus, struct incus_call *call, struct error *err);

/*
 * All N calls, at most PARALLEL at a time (0 = a sensible number), each result in its call. This
 * is the way to run many operations at once: Incus forgets an operation 5 s after its end, so who
 * starts them all and waits for one after the other loses some. Returns how many failed.
 */
size_t incus_call_all(
	struct incus *incus, struct incus_call *calls, size_t n, unsigned int parallel);

/*
 * GET PATH (owned, freed in every case): the metadata, to be released by the caller, and its ETag
 * (RET_ETAG may be NULL).
 */
int incus_get(struct incus *incus, char *path, json_t **ret, char **ret_etag, struct error *err);

/*
 * METHOD on PATH (owned) with BODY (stolen, NULL = none), operation included; what it returns is
 * dropped.
 */
int incus_send(
	struct incus *incus, const char *method, char *path, json_t *body, struct error *err);

/*
 * Change an object that others change too: GET PATH, EDIT what came, PUT it back with If-Match and
 * wait. When somebody was faster (412) it starts again with a fresh GET, at most 5 times, then
 * -ESTALE. EDIT returns 1 to have its changes written, 0 for nothing to do, or an error; it may
 * run several times. PATH is owned. Returns what EDIT returned last, or an error.
 */
int incus_edit(struct incus *incus, char *path,
	int (*edit)(json_t *object, void *context, struct error *err), void *context,
	struct error *err);

DEFINE_CLEANUP(incus_closep, struct incus *, incus_close)

DEFINE_FINISH(incus_call_finishp, struct incus_call, incus_call_finish)

DEFINE_CLEANUP(incus_json_putp, json_t *, json_decref)

#define cleanup_incus cleanup_(incus_closep)
#define cleanup_incus_call cleanup_(incus_call_finishp)
#define cleanup_incus_json cleanup_(incus_json_putp)

#endif
