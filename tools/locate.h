/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_LOCATE_H
#define ANKLUME_LOCATE_H

/* One place seen from three sides: below the base, below the mount, inside the instance. Pure. */

#include "cleanup.h"
#include "errors.h"
#include "volume.h"

/* What is behind DIR in PATH, without leading slashes ("" for DIR itself); NULL = not below it. */
const char *locate_below(const char *path, const char *dir);

/* A domain, a machine of it, a volume of that: deeper levels may be NULL. Borrowed. */
struct place {
	const struct domain *domain;
	const struct machine *machine;
	const struct volume *volume;
	char *rest; /* path inside the volume, "" = its top */
};

struct place_list {
	struct place *items;
	size_t n_items;
};

void place_list_finish(struct place_list *list);

/*
 * Everything that WORD may mean: a path below BASE or MOUNT, PROJECT/INSTANCE:/path or
 * MACHINE:/path, a path as instances see it, or the name of a domain, machine or volume.
 * -ENOENT with the reason in ERR; -ENOMEM.
 */
int locate(const struct infra *infra, const char *base, const char *mount, const char *word,
	struct place_list *ret, struct error *err);

/* PLACE below ROOT; caller frees, NULL when out of memory. */
char *place_path(const struct place *place, const char *root);

/* PLACE as its instance sees it ("/path"); NULL above a volume or when out of memory. */
char *place_inside(const struct place *place);

DEFINE_FINISH(place_list_finishp, struct place_list, place_list_finish)

#define cleanup_place_list cleanup_(place_list_finishp)

#endif
