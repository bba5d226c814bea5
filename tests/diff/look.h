/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DIFF_LOOK_H
#define DIFF_LOOK_H

/* One file as text: everything a program can see of it that must be equal on both sides. */

#include "str.h"

#include <sys/stat.h>

/*
 * The bytes of FD as one number, holes and zeros alike. A file named STORM_LOG is taken as a set of
 * records. Negative errno where it cannot be read.
 */
int look_content(int fd, bool is_records, uint64_t *ret_hash);

/* " xattrs name=size:hash ..." of PATH itself, sorted; nothing when it has none. */
void look_xattrs(const char *path, bool follow, struct strbuf *out);

/* Type, mode, ids, links, size of files and links, device, and what the rest of it holds. */
void look_file(const char *path, const struct statx *s, bool follow, struct strbuf *out);

/* " " and the time where it lies more than a day from now, for then it was set on purpose. */
bool look_is_explicit_time(const struct statx_timestamp *t);

int look_statx(const char *path, bool follow, struct statx *ret);

#endif
