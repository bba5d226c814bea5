/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_TAKEOVER_H
#define ANKLUME_TAKEOVER_H

/*
 * Go on where a dead process stopped: its tables, its connection, and the requests that it had
 * read and not answered.
 */

#include "fs.h"

/*
 * Make FS's tables from the state behind FD (taken). A damaged state is left aside for a new one:
 * FS is then degraded, see docs/decisions/052-*.md. Other errors refuse: -EPROTO, -EXDEV.
 */
int takeover_tables(struct fs *fs, int fd, struct error *err);

/*
 * FS has its session and its flags. Finish what was half done, have the requests sent again, and
 * collect them in FS->inherited for the workers. Single-threaded.
 */
int takeover_requests(struct fs *fs, struct error *err);

/* A request to serve before any other: one at a time, any thread; NULL: none is left. */
struct journal_entry *takeover_next(struct inherited *list);

#endif
