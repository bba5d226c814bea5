/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_RLIMITS_H
#define ANKLUME_RLIMITS_H

#include <stdint.h>

/* Once, at the start: whoever started us does not limit what the mount's users may do (setrlimit(2)). */
void rlimits_raise(void);

/* How many descriptors this process may have (RLIMIT_NOFILE), as it was when first asked for. */
uint64_t rlimits_fds(void);

#endif
