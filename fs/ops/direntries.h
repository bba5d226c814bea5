/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_DIRENTRIES_H
#define ANKLUME_DIRENTRIES_H

/*
 * One buffer of directory entries. Listings keep no state between requests: an offset is the
 * base's own (d_off), on btrfs with the end of the listing (listend.h), so a listing goes on where it was,
 * also in another process.
 */

#include "call.h"
#include "listers.h"

struct direntries {
	struct call *call;
	char *data;
	size_t size, used;
	bool is_plus; /* READDIRPLUS: an entry can be a lookup as well */
	enum listing which; /* of its entries are */
	unsigned int n_files; /* entries so far that are no directories */
};

/* Fill from the base directory DIR, starting behind COOKIE. 0 or -errno. */
int direntries_read(struct direntries *list, const struct node *dir, off_t cookie);

/* Fill from a virtual directory, starting behind entry number OFF. */
int direntries_read_virtual(struct direntries *list, fuse_ino_t ino, off_t off);

/* Take back the lookups of a buffer that the kernel did not get. */
void direntries_forget(struct direntries *list);

#endif
