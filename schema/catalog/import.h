/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_CATALOG_IMPORT_H
#define ANKLUME_CATALOG_IMPORT_H

#include "tx.h"

/*
 * Insert the volumes of INFRA, which has none that is recorded, with their overrides, holds and,
 * where they are free, row ids; missing machines and domains too. The change's generation ends
 * up above all of theirs.
 */
int import_infra(struct tx *tx, const struct infra *infra, struct error *err);

/*
 * Import every volume of WANT that has no record but a mark: a lost catalogue costs no flag and no
 * hold even where nobody rebuilt it. *RET_RESTORED says which, *RET_DAMAGED names those whose mark
 * is of no use; the caller finishes both. Nothing to do for marks that cannot be read (NULL).
 */
int import_from_marks(struct tx *tx, const struct infra *want, struct infra *ret_restored,
	struct infra *ret_damaged, struct error *err);

#endif
