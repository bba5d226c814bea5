/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_MOUNTOPTS_H
#define ANKLUME_MOUNTOPTS_H

/* The comma-separated options behind -o, as mount(8) and fstab(5) write them. */

#include "errors.h"

#include <stdbool.h>

struct mountopts {
	unsigned long flags; /* MS_* of mount(2), changed in place: set the defaults before */
	bool is_remount;
	bool is_plain;
	/* Borrowed from the text, which is cut up; NULL = not given. */
	const char *plain_dir;
	const char *fsname;
	const char *subtype;
	const char *base;
	const char *catalog;
	const char *control;
	const char *workers;
	const char *wait;
	const char *watchdog;
	const char *on_hang;
};

/*
 * Read TEXT, which is modified and must outlive RET, into *RET. Options that belong to mount(8)
 * itself or that this file system always has (_netdev, allow_other ...) are dropped. -EINVAL: an
 * option is unknown, or takes a value and has none; ERR names it.
 */
int mountopts_parse(char *text, struct mountopts *ret, struct error *err);

#endif
