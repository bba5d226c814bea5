/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_RLIMITS_H
#define ANKLUME_RLIMITS_H

/* Once, at the start: whoever started us does not limit what the mount's users may do (setrlimit(2)). */
void rlimits_raise(void);

#endif
