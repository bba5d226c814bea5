/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_OUT_YAML_H
#define ANKLUME_OUT_YAML_H

#include "errors.h"

#include <jansson.h>

/* Print VALUE (borrowed) as a YAML document, keys in their order. -ENOMEM, -EIO. */
int out_yaml(FILE *out, const json_t *value, struct error *err);

#endif
