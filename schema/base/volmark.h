/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_VOLMARK_H
#define ANKLUME_VOLMARK_H

/*
 * The mark: an extended attribute on each volume's root directory that repeats its record (owner
 * instance, ids, flags, overrides, holds), so that a lost catalogue is rebuilt from the data. In
 * the trusted namespace, which only CAP_SYS_ADMIN in the initial user namespace sees (xattr(7)):
 * no container can forge it. It is read from and written to the base, never through the mount.
 *
 *	anklume-volume 1 5d41402a {"generation":7,"domain":{...},"machine":{...},...}
 *
 * A name, a version, the CRC-32 of the rest in hex, and compact JSON.
 */

#include "catalog.h"
#include "errors.h"
#include "volume.h"

#define VOLMARK_XATTR "trusted.anklume.volume"
#define VOLMARK_VERSION 1
#define VOLMARK_HEAD_SIZE (sizeof("anklume-volume 1 01234567 ") - 1)

/*
 * All attributes of a file on ext4 share one block (4 KiB less headers, ext4(5)); this leaves some
 * of it to ACLs. The limits of catalog.h keep every record below.
 */
#define VOLMARK_SIZE_MAX 3584

/*
 * Make the mark of directory FD say what VOLUME says: 1 when it was written, 0 when it said so
 * already. With DURABLE it is on the disk before the return. -E2BIG, -ENOSPC (the disk or the room
 * for attributes is full), -EOPNOTSUPP (no attributes on the base), -EPERM (not root).
 */
int volmark_write(int fd, const struct domain *domain, const struct machine *machine,
	const struct volume *volume, bool durable, struct error *err);

/*
 * Read the mark of FD and add what it says to INFRA (domain, machine, volume are created as
 * needed; where marks of one machine disagree about it, the newest is right). -ENODATA: no mark;
 * -EBADMSG: damaged, or that of a volume with another name; -ENOTSUP: a newer version's.
 */
int volmark_read(int fd, const char *domain, const char *machine, const char *volume,
	struct infra *infra, struct error *err);

/*
 * 0: the mark of FD says what VOLUME says; 1: it says something else, and ERR names the keys that
 * differ ("volume.protected_override, holds"). Errors as of volmark_read().
 */
int volmark_compare(int fd, const struct domain *domain, const struct machine *machine,
	const struct volume *volume, struct error *err);

/* The marks below the base open as *BASE_FD, which must outlive the result. */
struct mark_store volmark_store(const int *base_fd);

/* The text of the mark, without a NUL in *RET_LEN. The caller frees *RET. -E2BIG, -ENOMEM. */
int volmark_format(const struct domain *domain, const struct machine *machine,
	const struct volume *volume, char **ret, size_t *ret_len, struct error *err);

/* LEN bytes of foreign origin into an INFRA of one volume, which the caller finishes. */
int volmark_parse(const char *data, size_t len, struct infra *ret, struct error *err);

/*
 * The keys in which two marks that volmark_parse() takes differ, "" for none. The caller frees; NULL
 * when out of memory.
 */
char *volmark_list_differences(const char *a, size_t a_len, const char *b, size_t b_len);

/* The checksum in a mark over the bytes behind it. */
uint32_t volmark_checksum(const char *data, size_t len);

#endif
