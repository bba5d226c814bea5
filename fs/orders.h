/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_ORDERS_H
#define ANKLUME_ORDERS_H

/* What ends this process on purpose: taking the mount away, leaving it, or another executable. */

#include "control.h"
#include "daemon.h"

/*
 * Carry O out and answer it. Returning is no end: the mount that was taken away ends the workers, and
 * an upgrade returns only when it was refused.
 */
void orders_obey(struct daemon *d, struct control_order *o);

/*
 * Take the mount away, and detach it where it is in use: what is open is served until it is
 * closed. -errno: it stays.
 */
int orders_unmount(struct daemon *d);

/* The base hangs and callers shall not wait for it: they get errors, the mount is taken away. */
void orders_abort(struct daemon *d);

/*
 * End the workers between two requests and leave everything to the next process; ends this one
 * with STATUS.
 */
_Noreturn void orders_leave(struct daemon *d, int status);

#endif
