/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_INCUS_REPLY_H
#define ANKLUME_INCUS_REPLY_H

/* What Incus answers, as result, words and JSON (doc/rest-api.md). Pure. */

#include "errors.h"
#include "http.h"

#include <jansson.h>

enum reply_kind {
	REPLY_SYNC, /* done, *RET is the metadata */
	REPLY_OPERATION, /* begun, *RET is the operation */
};

/*
 * What REQ's reply says. On success *RET is JSON that the caller releases (NULL = none). An error
 * is -errno as client.h lists them, in Incus' words.
 */
int reply_parse(
	const struct http_request *req, enum reply_kind *ret_kind, json_t **ret, struct error *err);

enum {
	OPERATION_RUNNING = 1,
};

/*
 * How the operation OP went: OPERATION_RUNNING, 0 with *RET (released by the caller, NULL = none)
 * as what it leaves behind, or -errno in Incus' words.
 */
int reply_operation(json_t *op, json_t **ret, struct error *err);

/* -errno for a status code of HTTP and of Incus; 0 below 400. */
int reply_errno(long code);

#endif
