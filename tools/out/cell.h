/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_CELL_H
#define ANKLUME_CELL_H

/* What a JSON value is in a cell. Texts are the caller's, NULL = out of memory. */

#include "out.h"

/* For csv and compact: the bare value, nothing for null. */
char *cell_bare(const json_t *value);

/* For a person. */
char *cell_text(const struct out_column *column, const json_t *value);

/* null, "" or []. */
bool cell_is_empty(const json_t *value);

#endif
