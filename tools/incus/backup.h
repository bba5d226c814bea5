/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_INCUS_BACKUP_H
#define ANKLUME_INCUS_BACKUP_H

#include "client.h"

/* An export is one operation and one reply, of any size: for incus_set_timeouts(). */
#define INCUS_BACKUP_TIMEOUT_MS (4 * 3600 * 1000)

/*
 * Write INSTANCE, running or not, without its snapshots, to FD as an uncompressed tar archive: of a
 * container backup/container/rootfs/..., with the ids that the container sees. Whatever the
 * storage pool is made of, Incus reads it. It needs the space for the archive meanwhile.
 *
 * The backup that Incus makes of it is removed again, also after a failure; one that a killed
 * process left is removed by the next, or by Incus after a day.
 */
int incus_backup_pull(
	struct incus *incus, const char *project, const char *instance, int fd, struct error *err);

/*
 * The same for a custom volume that holds a filesystem: backup/volume/..., with the ids that are
 * on the disk (see idmap.h).
 */
int incus_backup_pull_volume(struct incus *incus, const char *project, const char *pool,
	const char *volume, int fd, struct error *err);

#endif
