/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_DIRENTS_H
#define ANKLUME_DIRENTS_H

#include "cleanup.h"

/* Read the directory FD through a descriptor of its own, whose offset nobody shares; NULL: errno. */
DIR *dirents_open(int fd);

/*
 * Call FN for each name in the directory FD but "." and "..", in the order of the directory, until
 * it returns other than 0: that is returned. -errno when the directory cannot be read.
 */
int dirents_each(int fd, int (*fn)(void *context, int fd, const char *name), void *context);

#endif
