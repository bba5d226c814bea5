/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_CTL_H
#define ANKLUME_CTL_H

/* The daemon, seen from the command line. A daemon that does not run is no error. */

#include "errors.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Make the daemon take GENERATION of the catalogue into force. 1: it did, and *RET (may be NULL)
 * is its answer, owned by the caller; 0: no daemon runs; -errno: it did not, and ERR says why.
 */
int ctl_reload(const char *control, uint64_t generation, json_t **ret, struct error *err);

/* Any other verb, with ARGS (borrowed, may be NULL). As ctl_reload(). */
int ctl_call(const char *control, const char *verb, json_t *args, int timeout_ms, json_t **ret,
	struct error *err);

/* Ask how the daemon does. As ctl_reload(). */
int ctl_status(const char *control, json_t **ret, struct error *err);

#endif
