/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_OPTIONS_H
#define ANKLUME_OPTIONS_H

/* The command line and environment of the daemon. */

#include "fs.h"

#define WATCHDOG_DEFAULT_MS 30000

struct options {
	struct fs_options fs;
	enum log_level log_level;
	bool foreground;
	bool keeps_mount; /* SIGTERM leaves the mount for the next process */
	bool no_hold; /* end with the daemon: no holder starts another one */
	uint32_t watchdog_ms; /* of our own holder; 0: none */
	bool aborts_hung; /* callers get errors when the base hangs */
	char *owned[4]; /* what the paths in fs point to, made absolute */
};

enum options_action {
	OPTIONS_RUN,
	OPTIONS_REMOUNT, /* -o remount: only change the flags of a mount that is up */
	OPTIONS_CHECK, /* an upgrade asks whether this executable can take over; see handover.h */
	OPTIONS_EXIT, /* --help or --version was printed */
};

/* Fill *RET, which borrows from ARGV; options_finish() frees the rest. -EINVAL with the reason in ERR. */
int options_parse(int argc, char **argv, struct options *ret, enum options_action *ret_action,
	struct error *err);

void options_finish(struct options *o);

#endif
