/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_INCUS_PRIVATE_H
#define ANKLUME_INCUS_PRIVATE_H

/* For the files of this folder: requests that are no JSON (files), on the client's connection. */

#include "client.h"
#include "http.h"

/* Carry out REQ and say in ERR what went wrong, be it the transport or an error of Incus. */
int incus_run_plain(struct incus *incus, struct http_request *req, struct error *err);

#endif
