/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_INCUS_HTTP_H
#define ANKLUME_INCUS_HTTP_H

/* HTTP over a unix socket, several requests at once. The one file that knows libcurl. */

#include "cleanup.h"
#include "errors.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http; /* opaque; one thread at a time */

struct http_header {
	const char *name;
	const char *value;
};

#define HTTP_WANTED_MAX 4

/* A reply of more bytes than this is refused with -EFBIG. */
#define HTTP_REPLY_MAX (256u * 1024 * 1024)

struct http_request {
	/* In; all borrowed until the request is done. */
	const char *method;
	const char *path; /* escaped, with the query: "/1.0/instances?project=default" */
	const void *body; /* NULL = none */
	size_t body_len;
	const char *content_type; /* of the body; NULL = application/json */
	const char *if_match; /* ETag as it was received, NULL = none */
	const struct http_header *headers;
	size_t n_headers;
	const char *wanted[HTTP_WANTED_MAX]; /* headers of the reply to keep, NULL = no more */
	unsigned int timeout_ms; /* of the whole exchange; 0 = none */
	const int *reply_fd; /* a reply of status 200 is written there, of any size; NULL = kept */
	void *context; /* the caller's */

	/* Out; http_request_finish() frees. */
	int r; /* 0: there is a whole reply, whatever its status */
	char *error; /* what failed when r < 0 */
	long status; /* 200, 404, ... */
	char *etag; /* NULL = the reply had none */
	char *values[HTTP_WANTED_MAX]; /* of wanted; NULL = not in the reply */
	char *reply; /* NUL-terminated behind reply_len bytes */
	size_t reply_len;
	uint64_t elapsed_us;
};

/* Free what the reply holds and forget it; what the caller filled in stays. */
void http_request_finish(struct http_request *req);

/* -ENOMEM; -ENAMETOOLONG: no unix socket can have such a path. */
int http_open(const char *socket_path, struct http **ret, struct error *err);
void http_close(struct http *http);

/*
 * Carry out N requests, at most PARALLEL at a time, over connections that are kept. DONE is called
 * once for each as it ends; it may finish and change the request and return true to have it sent
 * again at once. Results are in the requests: r is -ECONNREFUSED (nobody listens, no socket), -EACCES, -ETIMEDOUT, -ECONNRESET (ended in the middle), -EBADMSG (no HTTP), -EFBIG,
 * -ENOMEM or -EIO. The call itself fails only with -ENOMEM or -EIO, and then no DONE is called for
 * what is still open.
 */
int http_run(struct http *http, struct http_request *const *reqs, size_t n, unsigned int parallel,
	bool (*done)(struct http_request *req));

DEFINE_CLEANUP(http_closep, struct http *, http_close)

#define cleanup_http cleanup_(http_closep)

#endif
