/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_DAEMON_H
#define ANKLUME_DAEMON_H

/* The process as a whole: what main.c starts and stops, and orders.c ends otherwise. */

#include "hang.h"
#include "holder.h"
#include "options.h"
#include "proven.h"
#include "session.h"

struct daemon {
	struct options options;
	struct fs fs;
	struct session *session;
	struct session *given_up; /* with a worker that did not end in time; NULL: none */
	struct fdstore kept; /* what a process before this one left */
	struct holder holder;
	bool lacks_holder; /* it died, and no other could be started yet */
	int64_t holder_usec; /* when one died last, CLOCK_MONOTONIC */
	unsigned int n_short_lived; /* in a row that ended at once */
	struct proven proven; /* executables that served, and attempts, under a service manager */
	struct hang hang;
	bool is_resumed; /* it was serving a mount, and we go on */
	bool is_stopping; /* somebody said so; the second time is the end */
	char **argv;
	char *real_mount; /* the mount point without symlinks */
	int listen_fd;
	int signal_fd;
	int end_fd; /* eventfd of the workers */
	int ready_fd; /* pipe to the waiting parent, -1 in the foreground */
};

#endif
