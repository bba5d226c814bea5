/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_WIRE_H
#define ANKLUME_WIRE_H

/*
 * Control messages between anklume-fsctl and the daemon: one JSON object per packet of a
 * SOCK_SEQPACKET unix socket, request then answer.
 *
 *	{"version": 1, "verb": "reload"}
 *	{"version": 1, "ok": true, "generation": 42, ...}
 *	{"version": 1, "ok": false, "errno": 22, "error": "unknown verb 'x'"}
 */

#include "cleanup.h"
#include "errors.h"

#include <jansson.h>

#define WIRE_VERSION 1
#define WIRE_MESSAGE_MAX (1024 * 1024) /* bytes of one packet */

/* Listen on PATH (0600, replacing a dead socket there). -EADDRINUSE: somebody answers on it. */
int wire_listen(const char *path, int *ret_fd, struct error *err);

/* -ENOENT or -ECONNREFUSED: no daemon there. */
int wire_connect(const char *path, int *ret_fd, struct error *err);

/* Send OBJECT (borrowed) with the version added. -EMSGSIZE, -EPIPE ... */
int wire_send(int fd, json_t *object, struct error *err);

/*
 * Receive one message; the caller owns *RET. TIMEOUT_MS -1 waits for ever. -ETIMEDOUT;
 * -ECONNRESET: the peer closed; -EBADMSG: not JSON, no object; -EPROTO: another version.
 */
int wire_recv(int fd, int timeout_ms, json_t **ret, struct error *err);

/*
 * A whole exchange with the daemon at PATH: send {"verb": VERB} merged with ARGS (borrowed, may be
 * NULL), wait, turn {"ok": false} into its errno and text.
 */
int wire_call(const char *path, const char *verb, json_t *args, int timeout_ms, json_t **ret,
	struct error *err);

/* jansson brings json_decrefp() for this very use. */
#define cleanup_json cleanup_(json_decrefp)

#endif
