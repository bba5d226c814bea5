/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_RLIMIT_H
#define ANKLUME_RLIMIT_H

#include <sys/resource.h>

/* What this process may have of RESOURCE, the soft limit of getrlimit(2). */
rlim_t rlimit_get(int resource);

/* The soft limit becomes what the hard one allows (setrlimit(2)); where it cannot, it stays. */
void rlimit_raise(int resource);

#endif
