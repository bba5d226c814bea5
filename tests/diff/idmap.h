/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DIFF_IDMAP_H
#define DIFF_IDMAP_H

#include <stddef.h>

/* A mount namespace of our own: what is mounted from now on goes away with this process. */
int idmap_private_mounts(void);

/* A user namespace with ids 0 to IDMAP_RANGE-1 at IDMAP_SHIFT: its descriptor. */
int idmap_userns(void);

/* An idmapped bind of DIR at TARGET, which must exist. */
int idmap_bind(const char *dir, const char *target, int userns);

#endif
