/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_REPLY_H
#define ANKLUME_REPLY_H

/* The only callers of fuse_reply_*. Each ends the call; a refusal is logged and counted here. */

#include "call.h"

/* R is 0 or -errno; that this process has no descriptor left (EMFILE) is ENFILE to others. */
void reply_err(struct call *c, int r);

/*
 * The replies below take R as well: when it is negative they are reply_err(). When the kernel
 * took no notice of an entry (the caller was killed), its lookup is taken back.
 */
void reply_entry(struct call *c, int r, const struct fuse_entry_param *entry);
void reply_attr(struct call *c, int r, const struct node *node, const struct stat *st);

/* To a STATX. BIRTH: NULL where there is none. */
void reply_statx(struct call *c, int r, const struct node *node, const struct stat *st,
	const struct timespec *birth);

#endif
