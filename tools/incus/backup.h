/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_INCUS_BACKUP_H
#define ANKLUME_INCUS_BACKUP_H

#include "client.h"

/*
 * Write INSTANCE, running or not, without its snapshots, to FD as an uncompressed tar archive: of a
 * container backup/container/rootfs/..., with the ids that the container sees. Whatever the
 * storage pool is made of, Incus reads it. It needs the space for the archive meanwhile.
 */
int incus_backup_pull(
	struct incus *incus, const char *project, const char *instance, int fd, struct error *err);

#endif
