/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_ROWS_H
#define ANKLUME_ROWS_H

/* The nouns as JSON, with the keys that the man page lists. NULL when out of memory. */

#include "cmd.h"

#include <jansson.h>

/* Everything about a volume that is known without looking at its directory. */
json_t *row_volume(const struct cmd_env *env, const struct volume_ref *ref);

/* "readonly", "protected", "held", "orphan": an array. */
json_t *row_flags(const struct volume *volume);

/* One hold, with the name of its volume. NOW decides whether it is still in force. */
json_t *row_hold(const struct volume_ref *ref, const struct hold *hold, int64_t now);

/* Words of VOLUME's flags for tables: "ro, protected"; "" for none. BUF is returned. */
const char *row_flag_words(const struct volume *volume, char buf[64]);

/* "inherit", "on", "off". */
const char *row_override(enum flag_override value);

/* -ENOMEM, consuming ITEM, when ITEM is NULL or cannot be appended. */
int rows_append(json_t *rows, json_t *item);

#endif
