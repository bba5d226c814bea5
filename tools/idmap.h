/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_IDMAP_H
#define ANKLUME_IDMAP_H

/*
 * The ids of a storage volume. Incus changes the owners on the disk to what the container that has
 * the volume is mapped to, unless the volume is security.shifted or security.unmapped, and notes
 * the map in the volume's key volatile.idmap.last; its export has the ids of the disk. Here is the
 * way back to what the container sees. Pure.
 */

#include "cleanup.h"
#include "errors.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct idmap_range {
	bool is_uid, is_gid; /* both is allowed */
	int64_t host;
	int64_t container;
	int64_t count;
};

struct idmap {
	struct idmap_range *ranges;
	size_t n_ranges; /* 0: the ids are what they are */
};

/* TEXT is volatile.idmap.last; NULL, "" and "[]" are no map. -EBADMSG, -ENOMEM. */
int idmap_parse(const char *text, struct idmap *ret, struct error *err);
void idmap_finish(struct idmap *map);

/* What the container calls ID. -ERANGE: the map does not have it. */
int idmap_uid(const struct idmap *map, int64_t id, uint32_t *ret);
int idmap_gid(const struct idmap *map, int64_t id, uint32_t *ret);

/*
 * The ids within VALUE, *LEN bytes of the extended attribute KEY, in place: users and groups of an
 * ACL, the user that file capabilities belong to (without one, when that is the container's root).
 * Other attributes have none. -ERANGE as above; -EBADMSG: no such attribute looks like that.
 */
int idmap_xattr(const struct idmap *map, const char *key, void *value, size_t *len);

DEFINE_FINISH(idmap_finishp, struct idmap, idmap_finish)

#define cleanup_idmap cleanup_(idmap_finishp)

#endif
