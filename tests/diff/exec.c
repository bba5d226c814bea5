/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "exec.h"

#include "args.h"
#include "idents.h"

#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>

typedef void (*do_fn)(struct actor *, const struct op *, struct strbuf *);

static const do_fn do_table[OP_COUNT] = {
#define OP(name, args, weight, help) do_##name,
#include "ops.def"
#undef OP
};

void actor_init(struct actor *a, int index, int userns, bool is_unmapped)
{
	*a = (struct actor){.index = index, .userns = userns, .is_unmapped = is_unmapped};
	for (int i = 0; i < SLOTS; i++)
		a->fds[i] = -1;
	a->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (a->inotify < 0)
		err(2, "inotify");
	if (userns >= 0 && setns(userns, CLONE_NEWUSER) < 0)
		err(2, "setns");
	if (userns >= 0 && (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0))
		err(2, "the ids of the user namespace");
	/*
	 * Root, but with CAP_FSETID only where a script asks for it: known.c says why. A root that an
	 * idmapped mount does not know could do nothing.
	 */
	ident_become(a, is_unmapped ? 2 : 1);
	umask(022);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGIO, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

void exec_op(struct actor *a, const struct op *op, struct strbuf *out)
{
	do_table[op->code](a, op, out);
}

const char *errno_word(int e)
{
	const char *name = strerrorname_np(e);

	return name ? name : "?";
}

void out_result(struct strbuf *out, long r)
{
	if (r < 0)
		strbuf_printf(out, "= -1 %s", errno_word(errno));
	else
		strbuf_printf(out, "= %ld", r);
}

const char *op_path(const struct op *op, int i)
{
	static char expanded[2][ARG_PATH_MAX];

	return arg_expand_path(op->path[i], expanded[i]);
}

int op_fd(const struct actor *a, const struct op *op, int i)
{
	return a->fds[op->num[i] % SLOTS];
}

/*
 * A mapping keeps a file open and locked after close(2), but in a passthrough mount it is the base's
 * file that it keeps: unlock first, where there may be one.
 */
static void unlock(const struct actor *a, int fd)
{
	struct flock all = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
	bool may_be_mapped = false;

	for (int i = 0; i < MAPS; i++)
		may_be_mapped |= a->maps[i].addr != NULL;
	if (!may_be_mapped)
		return;
	flock(fd, LOCK_UN);
	fcntl(fd, F_OFD_SETLK, &all);
}

int slot_close(struct actor *a, int64_t slot)
{
	int fd = a->fds[slot % SLOTS];

	a->fds[slot % SLOTS] = -1;
	if (fd >= 0)
		unlock(a, fd);
	return close(fd);
}

void slot_set(struct actor *a, int64_t slot, int fd)
{
	int saved_errno = errno;

	if (a->fds[slot % SLOTS] >= 0)
		slot_close(a, slot);
	a->fds[slot % SLOTS] = fd;
	errno = saved_errno;
}

void fill_pattern(char *buf, size_t len, int64_t seed)
{
	struct rng rng = {(uint64_t)seed};

	for (size_t i = 0; i < len; i += 8) {
		uint64_t word = rng_next(&rng);

		if (seed % 3 == 0 && i / 4096 % 2)
			word = 0;
		memcpy(buf + i, &word, len - i < 8 ? len - i : 8);
	}
}

char *io_buffer(void)
{
	static char buffer[BUFFER_MAX] __attribute__((aligned(4096)));

	return buffer;
}

uint64_t hash_bytes(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ p[i]) * 0x100000001b3;
	return hash;
}

void out_name(struct strbuf *out, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < len && (len <= 40 || i < 8); i++) {
		unsigned char c = (unsigned char)name[i];

		if (isalnum(c) || strchr("._-/", c))
			strbuf_printf(out, "%c", c);
		else
			strbuf_printf(out, "\\%02x", c);
	}
	if (len > 40)
		strbuf_printf(out, "..(%zu)", len);
}
