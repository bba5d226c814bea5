/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DIFF_IDENTS_H
#define DIFF_IDENTS_H

/* The users that an actor can be. */

#include "exec.h"

/*
 * An idmapped mount shows id 0 of the disk as IDMAP_SHIFT, and so on for IDMAP_RANGE ids. An actor
 * outside the user namespace is then, with ids below the shift, nobody that the mount can express.
 */
#define IDMAP_SHIFT 100000
#define IDMAP_RANGE 65536

/* Become identity I modulo their number; ends the process when the kernel refuses. */
void ident_become(struct actor *a, size_t i);

#endif
