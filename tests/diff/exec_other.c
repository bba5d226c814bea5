/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Locks, events, who the actor is, and what both actors do at once. */
#include "args.h"
#include "exec.h"
#include "idents.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>

static struct flock lock_range(const struct op *op)
{
	return (struct flock){.l_type = (short)op->num[2],
		.l_whence = SEEK_SET,
		.l_start = op->num[3],
		.l_len = op->num[4]};
}

void do_lock(struct actor *a, const struct op *op, struct strbuf *out)
{
	static const int flock_ops[] = {
		[F_RDLCK] = LOCK_SH, [F_WRLCK] = LOCK_EX, [F_UNLCK] = LOCK_UN};
	struct flock range = lock_range(op);
	int fd = op_fd(a, op, 0);

	switch (op->num[1]) {
	case LOCK_POSIX:
		out_result(out, fcntl(fd, F_SETLK, &range));
		break;
	case LOCK_OFD:
		out_result(out, fcntl(fd, F_OFD_SETLK, &range));
		break;
	default:
		out_result(out, flock(fd, flock_ops[op->num[2] % 3] | LOCK_NB));
	}
}

void do_getlk(struct actor *a, const struct op *op, struct strbuf *out)
{
	struct flock range = lock_range(op);
	int r = fcntl(op_fd(a, op, 0), op->num[1] == LOCK_OFD ? F_OFD_GETLK : F_GETLK, &range);

	out_result(out, r);
	if (r == 0)
		strbuf_printf(out, " type %d from %lld length %lld by %s", range.l_type,
			(long long)range.l_start, (long long)range.l_len,
			range.l_pid == -1         ? "a file"
			: range.l_type == F_UNLCK ? "nobody"
			: range.l_pid == getpid() ? "me"
						  : "another");
}

void do_lease(struct actor *a, const struct op *op, struct strbuf *out)
{
	int fd = op_fd(a, op, 0);

	out_result(out, fcntl(fd, F_SETLEASE, (int)op->num[1]));
	strbuf_puts(out, ", then ");
	out_result(out, fcntl(fd, F_GETLEASE));
	strbuf_puts(out, ", then ");
	out_result(out, fcntl(fd, F_SETLEASE, F_UNLCK));
}

/* --- events ----------------------------------------------------------------------------------- */

void do_watch(struct actor *a, const struct op *op, struct strbuf *out)
{
	int r = inotify_add_watch(a->inotify, op_path(op, 0), IN_ALL_EVENTS | IN_DONT_FOLLOW);

	out_result(out, r);
}

void do_events(struct actor *a, const struct op *op, struct strbuf *out)
{
	static char buffer[65536] __attribute__((aligned(8)));
	ssize_t n = read(a->inotify, buffer, sizeof(buffer));
	const struct inotify_event *event;

	(void)op;
	strbuf_puts(out, n < 0 ? "= none" : "= ");
	for (ssize_t at = 0; at < n; at += (ssize_t)(sizeof(*event) + event->len)) {
		event = (const struct inotify_event *)(buffer + at);
		strbuf_printf(out, " %d:%x:", event->wd, event->mask);
		/* An O_TMPFILE file has a name of the filesystem's own, "#" and a number or "/". */
		if (event->len)
			out_name(out, strchr("#/", event->name[0]) ? "unnamed" : event->name);
	}
}

/* --- the actor -------------------------------------------------------------------------------- */

void do_ident(struct actor *a, const struct op *op, struct strbuf *out)
{
	ident_become(a, (size_t)op->num[0]);
	strbuf_printf(out, "= %u:%u", geteuid(), getegid());
}

void do_umask(struct actor *a, const struct op *op, struct strbuf *out)
{
	(void)a;
	strbuf_printf(out, "= %o", umask((mode_t)op->num[0] & 0777));
}

/* --- both at once ----------------------------------------------------------------------------- */

#define STORM_NAMES 6

static int storm_step(int dir, const char *name, const char *other, unsigned kind)
{
	switch (kind) {
	case 0:
		return mknodat(dir, name, S_IFREG | 0644, 0);
	case 1:
		return mkdirat(dir, name, 0755);
	case 2:
		return unlinkat(dir, name, 0);
	case 3:
		return unlinkat(dir, name, AT_REMOVEDIR);
	case 4:
		return renameat(dir, name, dir, other);
	case 5:
		return linkat(dir, name, dir, other, 0);
	case 6:
		return symlinkat(other, dir, name);
	default:
		return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW);
	}
}

static void storm_append(int log, int actor, uint64_t number)
{
	char record[STORM_RECORD + 1];

	snprintf(record, sizeof(record), "%d %016llx %44d\n", actor, (unsigned long long)number,
		actor);
	if (write(log, record, STORM_RECORD) != STORM_RECORD)
		warn("storm");
}

/*
 * Each actor changes names that only it uses, in one directory, and appends to one file, so the
 * result is the same whoever is faster: every call's errno, the names, and the set of records.
 */
void do_storm(struct actor *a, const struct op *op, struct strbuf *out)
{
	struct rng rng = {(uint64_t)op->num[1] * ACTORS + (uint64_t)a->index};
	cleanup_fd int dir = open(op_path(op, 0), O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int log = open(STORM_LOG, O_WRONLY | O_APPEND | O_CLOEXEC);
	uint64_t hash = HASH_START;

	/* Events of a storm come in any order. */
	close(a->inotify);
	a->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	for (int64_t i = 0; i < 10 * op->num[0]; i++) {
		char name[2][16];
		uint64_t kind = rng_below(&rng, 8);
		int result;

		for (int j = 0; j < 2; j++)
			snprintf(name[j], sizeof(name[j]), "%c%d", 'x' + a->index,
				(int)rng_below(&rng, STORM_NAMES));
		result = storm_step(dir, name[0], name[1], (unsigned)kind) < 0 ? errno : 0;
		hash = hash_bytes(hash, &result, sizeof(result));
		if (log >= 0)
			storm_append(log, a->index, rng_next(&rng));
	}
	strbuf_printf(out, "= %s, results %016llx", log < 0 ? "no log" : "done",
		(unsigned long long)hash);
}
