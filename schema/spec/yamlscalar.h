/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_YAMLSCALAR_H
#define ANKLUME_YAMLSCALAR_H

/* What a plain scalar means under YAML 1.1, to the letter of PyYAML's resolver. Pure. */

#include "yamldoc.h"

/*
 * The type of TEXT when it stands without quotes. *RET_IS_TRUE is set for BOOL, *RET_INTEGER for
 * INT (saturated at the ends of int64_t).
 */
enum yamlnode_type yamlscalar_resolve(const char *text, bool *ret_is_true, int64_t *ret_integer);

#endif
