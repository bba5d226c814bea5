/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_VOLMARK_H
#define ANKLUME_VOLMARK_H

/*
 * The mark: an extended attribute on each volume's root directory that repeats its record (owner
 * instance, ids, flags, overrides, holds), so that a lost catalogue is rebuilt from the data. In
 * the trusted namespace, which only CAP_SYS_ADMIN in the initial user namespace sees (xattr(7)):
 * no container can forge it.
 */

#include "catalog.h"
#include "errors.h"
#include "volume.h"

#define VOLMARK_XATTR "trusted.anklume.volume"
#define VOLMARK_VERSION 1

/* Write the mark on the directory FD. -E2BIG, -ENOSPC, -EOPNOTSUPP (no xattrs on the base). */
int volmark_write(int fd, const struct domain *domain, const struct machine *machine,
	const struct volume *volume, struct error *err);

/*
 * Read the mark of FD and add what it says to INFRA (domain, machine, volume are created as
 * needed; names must equal the given ones). -ENODATA: no mark; -EBADMSG: not ours or damaged;
 * -ENOTSUP: a newer version's.
 */
int volmark_read(int fd, const char *domain, const char *machine, const char *volume,
	struct infra *infra, struct error *err);

/* The mark writer for catalog.h; CONTEXT is a pointer to the base's descriptor (int). */
int volmark_write_context(void *context, const struct domain *domain, const struct machine *machine,
	const struct volume *volume, struct error *err);

#endif
