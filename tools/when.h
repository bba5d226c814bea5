/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_WHEN_H
#define ANKLUME_WHEN_H

#include <stdint.h>

/*
 * A moment: "2030-12-31" (its end, local time), "2030-12-31T18:00[:00][Z]" (a blank instead of
 * the T will do), or a time from NOW on: "90m", "12h", "30d", "8w". -EINVAL; -ERANGE: not after
 * NOW.
 */
int when_parse(const char *s, int64_t now, int64_t *ret);

#endif
