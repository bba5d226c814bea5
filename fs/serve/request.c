/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "request.h"

#include "call.h"

int request_read(struct fuse_session *se, struct journal_entry *e)
{
	ssize_t n;

	journal_clear(e);
	n = read(fuse_session_fd(se), e->message, sizeof(e->message));
	if (n >= (ssize_t)sizeof(e->header)) {
		journal_arrived(e);
		return 1;
	}
	if (n >= 0)
		return -EIO;
	/* ENOENT: the request was taken back before it was read (Linux, fs/fuse/dev.c). */
	return errno == ENODEV ? 0 : errno == ENOENT ? -EINTR : -errno;
}

void request_serve(struct fuse_session *se, struct journal_entry *e)
{
	struct fuse_buf buf = {.size = e->header.len, .mem = e->message};

	journal_set_current(e);
	call_set_message(e->message);
	fuse_session_process_buf(se, &buf);
	call_answered();
	journal_set_current(NULL);
}
