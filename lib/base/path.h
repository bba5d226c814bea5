/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_PATH_H
#define ANKLUME_PATH_H

#include <stdbool.h>

/* Longest name of a domain, machine or volume: a DNS label (RFC 1035, 2.3.4). */
#define NAME_LENGTH_MAX 63

/* ^[a-z0-9]([a-z0-9-]*[a-z0-9])?$ up to NAME_LENGTH_MAX bytes, anchored at the real end. */
bool name_is_valid(const char *name);

/* Absolute, no empty, "." or ".." component, no control character. A trailing slash is allowed. */
bool path_is_clean_absolute(const char *path);

/* PATH without trailing and doubled slashes ("/" stays). Caller frees; NULL when out of memory. */
char *path_normalise(const char *path);

/* PATH itself when absolute, else below the working directory. Caller frees; NULL with errno. */
char *path_make_absolute(const char *path);

/* True when normalised PATH equals DIR or lies below it. */
bool path_is_inside(const char *path, const char *dir);

#endif
