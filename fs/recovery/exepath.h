/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_EXEPATH_H
#define ANKLUME_EXEPATH_H

/*
 * Where the daemon's executable is installed. A package upgrade replaces the file, and this process
 * then runs one without a name; processes that follow may be newer ones of the same name.
 */

#include "errors.h"

/* The descriptor of the executable that served last, where it is kept for the next one. */
#define EXEPATH_KEPT "exe"

/* Before any thread starts. The name that an earlier process found stays, in the environment. */
int exepath_init(struct error *err);

/* The same by who starts the daemon as PATH, from wherever. -errno. */
int exepath_set(const char *path);

/* Absolute. NULL before exepath_init(). */
const char *exepath_get(void);

#endif
