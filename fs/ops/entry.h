/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_ENTRY_H
#define ANKLUME_ENTRY_H

/* From a name to what the kernel is told of it: node, attributes, timeouts. */

#include "call.h"

/*
 * Look NAME up in the directory DIR_FD of NODE's volume and count one lookup. -ENOENT.
 * *RET_NODE (may be NULL) is the node.
 */
int entry_lookup(struct call *c, const struct node *dir, int dir_fd, const char *name,
	struct fuse_entry_param *ret, struct node **ret_node);

/* As entry_lookup(), for the inode behind FD. */
int entry_of_fd(struct call *c, const struct node *dir, int fd, struct fuse_entry_param *ret,
	struct node **ret_node);

/* The entry of a virtual directory or a volume's root. -ENOENT: gone, or not in the base. */
int entry_of_fixed(struct call *c, uint64_t id, struct fuse_entry_param *ret);

/* The attributes of NODE, from FD (any descriptor of it). */
int entry_stat(struct node *node, int fd, struct stat *ret);

/* Seconds for which the kernel may keep NODE's attributes ST (NULL: a virtual directory). */
double entry_attr_timeout(const struct node *node, const struct stat *st);

/* Take N lookups of INO back. Fixed ids are not counted. */
void entry_forget(struct fs *fs, fuse_ino_t ino, uint64_t n);

#endif
