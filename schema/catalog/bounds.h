/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_CATALOG_LIMITS_H
#define ANKLUME_CATALOG_LIMITS_H

/* What a record may hold, so that it also fits into a mark. Pure. */

#include "catalog.h"

/* Names valid and unique, texts UTF-8 and short enough. -EINVAL, -E2BIG, with the place in ERR. */
int bounds_check_infra(const struct infra *infra, struct error *err);

/* PROJECT and INSTANCE of an owner. */
int bounds_check_owner(const char *project, const char *instance, struct error *err);

/* HOLD by itself. */
int bounds_check_hold(const struct hold *hold, int64_t now, struct error *err);

/* All holds of VOLUME together. */
int bounds_check_holds(const struct volume *volume, struct error *err);

#endif
