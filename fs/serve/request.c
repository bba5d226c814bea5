/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "request.h"

#include "call.h"
#include "fuseproto.h"

#include <string.h>

struct getattr_request {
	struct fuse_in_header header;
	struct fuse_getattr_in in;
};

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

/*
 * libfuse 3.17 knows no STATX. Its arguments begin as those of GETATTR do: libfuse is shown a
 * GETATTR, and op_getattr() looks at what it was.
 */
static struct fuse_buf as_getattr(const struct journal_entry *e, struct getattr_request *copy)
{
	*copy = (struct getattr_request){.header = e->header};
	memcpy(&copy->in, e->message + sizeof(e->header), sizeof(copy->in));
	copy->header.opcode = FUSE_GETATTR;
	copy->header.len = sizeof(*copy);
	return (struct fuse_buf){.size = sizeof(*copy), .mem = copy};
}

void request_serve(struct fuse_session *se, struct journal_entry *e)
{
	struct fuse_buf buf = {.size = e->header.len, .mem = e->message};
	struct getattr_request copy;

	if (e->header.opcode == FUSEPROTO_STATX)
		buf = as_getattr(e, &copy);
	journal_set_current(e);
	call_set_message(e->message);
	fuse_session_process_buf(se, &buf);
	call_answered();
	journal_set_current(NULL);
}
