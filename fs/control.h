/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_CONTROL_H
#define ANKLUME_CONTROL_H

/*
 * The daemon's side of lib/wire, one exchange at a time in the main thread:
 *
 *	reload	take over the catalogue; answers when every request is judged by it
 *	status	what this daemon is and does
 */

#include "session.h"

/* Serve the connection that waits on LISTEN_FD. Errors are logged: the daemon lives on. */
void control_serve(struct fs *fs, struct session *session, int listen_fd);

#endif
