/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker.h"

#include "call.h"

static void step(struct worker *w)
{
	__atomic_add_fetch(&w->n_steps, 1, __ATOMIC_SEQ_CST);
}

void worker_serve(
	struct worker *w, struct fuse_session *se, void (*after_each)(void *arg), void *arg)
{
	struct fuse_buf buf = {0};

	while (!fuse_session_exited(se)) {
		int r = fuse_session_receive_buf(se, &buf);

		if (r == -EINTR)
			continue;
		if (r <= 0)
			break;
		step(w);
		call_set_message(buf.mem);
		fuse_session_process_buf(se, &buf);
		step(w);
		after_each(arg);
	}
	free(buf.mem);
}
