/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_CONTROL_H
#define ANKLUME_CONTROL_H

/*
 * The daemon's side of lib/wire, one exchange at a time in the main thread:
 *
 *	reload	take over the catalogue; answers when every request is judged by it
 *	status	what this daemon is and does
 *	umount	take the mount away and end
 *	upgrade	another executable goes on in this process
 */

#include "hang.h"
#include "session.h"

enum order_kind {
	ORDER_NONE,
	ORDER_UMOUNT,
	ORDER_UPGRADE,
};

/* A request that the whole process is needed for; its answer is due. */
struct control_order {
	enum order_kind kind;
	int fd; /* of who asked */
	bool is_lazy; /* umount: although it is in use */
	char *binary; /* upgrade: NULL means the one installed */
};

/* R and ERR as the verbs' functions return; the first answer counts, later ones go nowhere. */
void control_answer(struct control_order *o, int r, const struct error *err);

void control_order_finish(struct control_order *o);

/*
 * Serve the connection that waits on LISTEN_FD. Errors are logged: the daemon lives on. What
 * it leaves in *RET_ORDER is to be carried out, answered and finished. 0, or the -errno of accept(2): it still waits.
 */
int control_serve(struct fs *fs, struct session *session, const struct hang *hang, int listen_fd,
	struct control_order *ret_order);

#endif
