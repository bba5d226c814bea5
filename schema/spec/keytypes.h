/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_KEYTYPES_H
#define ANKLUME_KEYTYPES_H

/* What each type of spec_keys.def accepts. Pure; one table for validator and documents. */

#include "keys.h"

#define KEYTYPE_TEXT_MAX 160

/*
 * NULL when VALUE is fine for KEY, else what it must be ("must be a boolean"), from the table or
 * written to BUF (KEYTYPE_TEXT_MAX bytes). Children of maps and lists of maps are not looked at.
 */
const char *keytype_check(const struct key *key, const struct yamlnode *value, char *buf);

/* "boolean", "path" ... for documents. */
const char *keytype_title(enum key_type type);

/* The regular expression that its strings match, for editors; NULL = any string, or no string. */
const char *keytype_pattern(enum key_type type);

/* The bounds of a "0..100" argument; an open end is INT64_MAX. */
void keytype_range(const char *arg, int64_t *ret_min, int64_t *ret_max);

/*
 * Permission bits of VALUE: a quoted "750" or "0750" is octal as chmod(1) reads it, a plain 0750 is
 * YAML's octal, and so is 0o750. A plain 750 is the decimal number 750: -EINVAL.
 */
int keytype_parse_mode(const struct yamlnode *value, uint32_t *ret_mode);

#endif
