/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_REHEARSAL_H
#define ANKLUME_REHEARSAL_H

/*
 * `anklume-fs --check-takeover`, which an upgrade starts with a copy of everything that is kept:
 * could this executable go on with it? Looks as far as the first request, on a private copy of
 * the state, and changes nothing.
 */

#include "fs.h"

/* Answer, by handover_answer(). Returns the process's exit status: 0 it can, 1 it cannot. */
int rehearsal_run(const struct fs_options *options);

#endif
