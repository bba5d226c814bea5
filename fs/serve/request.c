/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "request.h"

#include "call.h"
#include "fuseproto.h"
#include "log.h"

#include <linux/limits.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE /* glibc 2.35 */
#define MADV_POPULATE_WRITE 23
#endif

/* The longest request but WRITE: an attribute's value and name. */
#define SHORT_MAX (XATTR_SIZE_MAX + 4096)

static uint32_t has_writes; /* atomic: data goes through this process */

void request_expect_writes(void)
{
	__atomic_store_n(&has_writes, 1, __ATOMIC_RELAXED);
}

/* Of this thread: where there is room, and for how much. */
static __thread const char *room_at;
static __thread size_t room_size;

/*
 * The pages that a request is copied to must be there. A process that is being killed gets no new
 * ones, and what the kernel cannot copy it answers with EIO (Linux, fs/fuse/dev.c,
 * fuse_dev_do_read()).
 */
static int make_room(const struct journal_entry *e)
{
	size_t wanted =
		__atomic_load_n(&has_writes, __ATOMIC_RELAXED) ? sizeof(e->message) : SHORT_MAX;
	uintptr_t page, start, end;

	if (room_at == e->message && room_size == wanted)
		return 0;
	page = (uintptr_t)sysconf(_SC_PAGESIZE);
	start = (uintptr_t)e->message / page * page;
	end = ((uintptr_t)e->message + wanted + page - 1) / page * page;
	/* EINVAL: a kernel that does not know it (before Linux 5.14). */
	if (madvise((void *)start, end - start, MADV_POPULATE_WRITE) < 0 && errno != EINVAL)
		return -errno;
	room_at = e->message;
	room_size = wanted;
	return 0;
}

struct getattr_request {
	struct fuse_in_header header;
	struct fuse_getattr_in in;
};

int request_read(struct fuse_session *se, struct journal_entry *e)
{
	ssize_t n;
	int r;

	journal_clear(e);
	r = make_room(e);
	if (r < 0)
		return r;
	n = read(fuse_session_fd(se), e->message, sizeof(e->message));
	if (n >= (ssize_t)sizeof(e->header)) {
		journal_arrived(e);
		return 1;
	}
	if (n >= 0)
		return -EIO;
	if (errno == EFAULT || errno == ENOMEM)
		room_at = NULL;
	/* Unmounted; aborted; taken back before it was read (Linux, fs/fuse/dev.c, fuse_dev_do_read()). */
	return errno == ENODEV || errno == ECONNABORTED ? 0 : errno == ENOENT ? -EINTR : -errno;
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
