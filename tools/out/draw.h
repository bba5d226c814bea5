/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_DRAW_H
#define ANKLUME_DRAW_H

#include "select.h"

/* Draw domains, machines and the SELECTED volumes below ROOT, flags in brackets. -ENOMEM. */
int draw_tree(FILE *out, const char *root, const struct selection *selected, struct error *err);

#endif
