/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_PRODUCTION_H
#define ANKLUME_PRODUCTION_H

#include "cmd.h"

/*
 * CMD_REFUSED on a production host: its nesting level (/etc/anklume/absolute_level) is 0 and the
 * file 'yolo' beside it does not say true. A host without these files is none, as upstream has it;
 * a file that is there and cannot be read is an error.
 */
int production_check(const struct cmd_env *env, struct error *err);

#endif
