/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_SUCCESSOR_H
#define ANKLUME_SUCCESSOR_H

/* What this process leaves to the next one, through who keeps descriptors (fdstore.h). */

/* Everything, to a holder that has nothing yet. DATA: a struct daemon. */
void successor_endow(void *data);

/* The same to an executable that may take over or may not, with the holder that we have. */
void successor_offer(void *data);

/* Nothing: the mount is gone. */
void successor_disown(void *data);

#endif
