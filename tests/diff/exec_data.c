/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operations on open files and their data. */
#include "args.h"
#include "exec.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>

static size_t buffer_length(int64_t len)
{
	return len < 0 ? 0 : len > BUFFER_MAX ? BUFFER_MAX : (size_t)len;
}

void do_open(struct actor *a, const struct op *op, struct strbuf *out)
{
	int fd = open(op_path(op, 0), (int)op->num[1] | O_NONBLOCK | O_CLOEXEC, (mode_t)op->num[2]);

	out_result(out, fd < 0 ? -1 : 0);
	slot_set(a, op->num[0], fd);
}

void do_tmpfile(struct actor *a, const struct op *op, struct strbuf *out)
{
	int flags = (int)op->num[1] & ~O_CREAT;
	int fd = open(op_path(op, 0), flags | O_TMPFILE | O_CLOEXEC, (mode_t)op->num[2]);

	out_result(out, fd < 0 ? -1 : 0);
	slot_set(a, op->num[0], fd);
}

/* Never the link itself, O_PATH and O_NOFOLLOW: that is a file of /proc. */
void do_reopen(struct actor *a, const struct op *op, struct strbuf *out)
{
	int flags = ((int)op->num[2] & ~O_NOFOLLOW) | O_NONBLOCK | O_CLOEXEC;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", op_fd(a, op, 0));
	fd = open(path, flags, 0600);
	out_result(out, fd < 0 ? -1 : 0);
	slot_set(a, op->num[1], fd);
}

void do_close(struct actor *a, const struct op *op, struct strbuf *out)
{
	out_result(out, slot_close(a, op->num[0]));
}

void do_linkfd(struct actor *a, const struct op *op, struct strbuf *out)
{
	char path[64];
	int fd = op_fd(a, op, 0);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (op->num[1] % 2)
		out_result(
			out, linkat(AT_FDCWD, path, AT_FDCWD, op_path(op, 0), AT_SYMLINK_FOLLOW));
	else
		out_result(out, linkat(fd, "", AT_FDCWD, op_path(op, 0), AT_EMPTY_PATH));
}

void do_setfl(struct actor *a, const struct op *op, struct strbuf *out)
{
	int fd = op_fd(a, op, 0);
	int before = fcntl(fd, F_GETFL), after;

	out_result(out, fcntl(fd, F_SETFL, (int)op->num[1] | O_NONBLOCK));
	after = fcntl(fd, F_GETFL);
	strbuf_printf(out, " flags %#x", after);
	if (((before ^ after) & O_DIRECT) || (before & ~after & O_APPEND))
		strbuf_puts(out, ", fixed at open");
}

void do_samefile(struct actor *a, const struct op *op, struct strbuf *out)
{
	struct stat open_file, named;

	if (fstat(op_fd(a, op, 0), &open_file) < 0 || stat(op_path(op, 0), &named) < 0)
		out_result(out, -1);
	else
		out_result(
			out, open_file.st_ino == named.st_ino && open_file.st_dev == named.st_dev);
}

static void out_read(struct strbuf *out, ssize_t r)
{
	out_result(out, r);
	if (r > 0)
		strbuf_printf(out, " data %016llx",
			(unsigned long long)hash_bytes(HASH_START, io_buffer(), (size_t)r));
}

void do_read(struct actor *a, const struct op *op, struct strbuf *out)
{
	out_read(out, read(op_fd(a, op, 0), io_buffer(), buffer_length(op->num[1])));
}

void do_pread(struct actor *a, const struct op *op, struct strbuf *out)
{
	size_t len = buffer_length(op->num[2]);

	out_read(out, pread(op_fd(a, op, 0), io_buffer(), len, op->num[1]));
}

static bool is_direct(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && (flags & O_DIRECT);
}

#define SECTOR 512

/*
 * The result R of writing up to LEN bytes to FD. A direct write goes extent by extent, and the
 * first one that its alignment does not suit ends it with an error for all (Linux,
 * fs/iomap/direct-io.c): what went before has been written.
 */
static void out_write(struct strbuf *out, int fd, size_t len, ssize_t r)
{
	bool is_misaligned = r < 0 && errno == EINVAL;

	out_result(out, r);
	if (is_misaligned && len > SECTOR && is_direct(fd))
		strbuf_puts(out, TORN_WRITE);
}

void do_write(struct actor *a, const struct op *op, struct strbuf *out)
{
	size_t len = buffer_length(op->num[1]);
	int fd = op_fd(a, op, 0);

	fill_pattern(io_buffer(), len, op->num[2]);
	out_write(out, fd, len, write(fd, io_buffer(), len));
}

void do_pwrite(struct actor *a, const struct op *op, struct strbuf *out)
{
	size_t len = buffer_length(op->num[2]);
	int fd = op_fd(a, op, 0);

	fill_pattern(io_buffer(), len, op->num[3]);
	out_write(out, fd, len, pwrite(fd, io_buffer(), len, op->num[1]));
}

void do_writev(struct actor *a, const struct op *op, struct strbuf *out)
{
	size_t len = buffer_length(op->num[1]), third = len / 3;
	char *data = io_buffer();
	struct iovec pieces[] = {{data, third}, {data, 0}, {data + third, len - third}};
	int fd = op_fd(a, op, 0);

	fill_pattern(data, len, op->num[2]);
	out_write(out, fd, len, writev(fd, pieces, 3));
}

void do_pwritev2(struct actor *a, const struct op *op, struct strbuf *out)
{
	size_t len = buffer_length(op->num[2]);
	struct iovec piece = {io_buffer(), len};
	int fd = op_fd(a, op, 0);

	fill_pattern(io_buffer(), len, op->num[3]);
	out_write(out, fd, len, pwritev2(fd, &piece, 1, op->num[1], (int)op->num[4]));
}

/* Not in directories: positions there mean nothing but to seekdir(3), see do_readdir(). */
void do_lseek(struct actor *a, const struct op *op, struct strbuf *out)
{
	struct stat st;

	if (fstat(op_fd(a, op, 0), &st) == 0 && S_ISDIR(st.st_mode)) {
		strbuf_puts(out, "= directory");
		return;
	}
	out_result(out, lseek(op_fd(a, op, 0), op->num[1], (int)op->num[2]));
}

void do_truncate(struct actor *a, const struct op *op, struct strbuf *out)
{
	(void)a;
	out_result(out, truncate(op_path(op, 0), op->num[0]));
}

void do_ftruncate(struct actor *a, const struct op *op, struct strbuf *out)
{
	out_result(out, ftruncate(op_fd(a, op, 0), op->num[1]));
}

void do_fallocate(struct actor *a, const struct op *op, struct strbuf *out)
{
	out_result(out, fallocate(op_fd(a, op, 0), (int)op->num[1], op->num[2], op->num[3]));
}

void do_copyrange(struct actor *a, const struct op *op, struct strbuf *out)
{
	off_t from = op->num[2], to = op->num[3];
	int in = op_fd(a, op, 0), target = op_fd(a, op, 1);
	ssize_t r = copy_file_range(in, &from, target, &to, buffer_length(op->num[4]), 0);

	out_result(out, r);
	if (is_direct(in) || is_direct(target))
		strbuf_puts(out, DIRECT_COPY);
	strbuf_printf(out, " from %lld to %lld", (long long)from, (long long)to);
}

void do_sendfile(struct actor *a, const struct op *op, struct strbuf *out)
{
	size_t len = buffer_length(op->num[3]);
	off_t from = op->num[2];
	int fd = op_fd(a, op, 0);

	out_write(out, fd, len, sendfile(fd, op_fd(a, op, 1), &from, len));
}

void do_clone(struct actor *a, const struct op *op, struct strbuf *out)
{
	out_result(out, ioctl(op_fd(a, op, 0), FICLONE, op_fd(a, op, 1)));
}

void do_fsync(struct actor *a, const struct op *op, struct strbuf *out)
{
	out_result(out, fsync(op_fd(a, op, 0)));
}

void do_fdatasync(struct actor *a, const struct op *op, struct strbuf *out)
{
	out_result(out, fdatasync(op_fd(a, op, 0)));
}

void do_syncfs(struct actor *a, const struct op *op, struct strbuf *out)
{
	out_result(out, syncfs(op_fd(a, op, 0)));
}

void do_fadvise(struct actor *a, const struct op *op, struct strbuf *out)
{
	errno = posix_fadvise(op_fd(a, op, 0), 0, 0, POSIX_FADV_DONTNEED);
	out_result(out, errno ? -1 : 0);
}

/* --- mappings --------------------------------------------------------------------------------- */

void do_mmap(struct actor *a, const struct op *op, struct strbuf *out)
{
	static const struct {
		int protection, flags;
	} forms[] = {[MAP_READ_SHARED] = {PROT_READ, MAP_SHARED},
		[MAP_WRITE_SHARED] = {PROT_READ | PROT_WRITE, MAP_SHARED},
		[MAP_WRITE_PRIVATE] = {PROT_READ | PROT_WRITE, MAP_PRIVATE}};
	int64_t slot = op->num[0] % MAPS, form = op->num[2] % 3;
	size_t len = buffer_length(op->num[4]);
	void *addr = mmap(
		NULL, len, forms[form].protection, forms[form].flags, op_fd(a, op, 1), op->num[3]);

	out_result(out, addr == MAP_FAILED ? -1 : 0);
	if (addr == MAP_FAILED)
		return;
	if (a->maps[slot].addr)
		munmap(a->maps[slot].addr, a->maps[slot].len);
	a->maps[slot].addr = addr;
	a->maps[slot].len = len;
}

static sigjmp_buf fault_return;

static void on_fault(int number)
{
	siglongjmp(fault_return, number);
}

/* Copies LEN bytes, which may not be there: past the end of the file, or a protected mapping. */
static const char *copy_faulting(void *to, const void *from, size_t len)
{
	struct sigaction action = {.sa_handler = on_fault}, bus, segv;
	const char *volatile word = "= 0";
	int number;

	sigaction(SIGBUS, &action, &bus);
	sigaction(SIGSEGV, &action, &segv);
	number = sigsetjmp(fault_return, 1);
	if (number == 0)
		memcpy(to, from, len);
	else
		word = number == SIGBUS ? "= SIGBUS" : "= SIGSEGV";
	sigaction(SIGBUS, &bus, NULL);
	sigaction(SIGSEGV, &segv, NULL);
	return word;
}

/*
 * The part of mapping SLOT at OFFSET. One page at most: how much of a longer copy is done before
 * a fault depends on the C library, not on the filesystem.
 */
static char *map_part(struct actor *a, const struct op *op, size_t *ret_len)
{
	int64_t slot = op->num[0] % MAPS;
	size_t size = a->maps[slot].len, offset, rest;

	if (!a->maps[slot].addr || op->num[1] < 0)
		return NULL;
	offset = (size_t)op->num[1] % size;
	rest = 4096 - offset % 4096;
	if (rest > size - offset)
		rest = size - offset;
	*ret_len = op->num[2] < 0 || (size_t)op->num[2] > rest ? rest : (size_t)op->num[2];
	return a->maps[slot].addr + offset;
}

/*
 * The mount shows what a store did to the times of an open file after two ticks of the kernel's
 * clock at the latest (docs/decisions/007).
 */
static void let_ticks_pass(void)
{
	struct timespec tick, start, now;

	clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
	clock_gettime(CLOCK_MONOTONIC_COARSE, &start);
	do {
		nanosleep(&tick, NULL);
		clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	} while ((now.tv_sec - start.tv_sec) * 1000000000LL + now.tv_nsec - start.tv_nsec <
		 3 * tick.tv_nsec);
}

void do_mstore(struct actor *a, const struct op *op, struct strbuf *out)
{
	size_t len;
	char *to = map_part(a, op, &len);

	if (!to) {
		strbuf_puts(out, "= no mapping");
		return;
	}
	fill_pattern(io_buffer(), len, op->num[3]);
	strbuf_puts(out, copy_faulting(to, io_buffer(), len));
	let_ticks_pass();
}

void do_mload(struct actor *a, const struct op *op, struct strbuf *out)
{
	size_t len;
	char *from = map_part(a, op, &len);

	if (!from) {
		strbuf_puts(out, "= no mapping");
		return;
	}
	memset(io_buffer(), 0, len);
	strbuf_puts(out, copy_faulting(io_buffer(), from, len));
	strbuf_printf(
		out, " data %016llx", (unsigned long long)hash_bytes(HASH_START, io_buffer(), len));
}

void do_msync(struct actor *a, const struct op *op, struct strbuf *out)
{
	int64_t slot = op->num[0] % MAPS;

	out_result(out, msync(a->maps[slot].addr, a->maps[slot].len, MS_SYNC));
}

void do_munmap(struct actor *a, const struct op *op, struct strbuf *out)
{
	int64_t slot = op->num[0] % MAPS;

	if (a->maps[slot].addr)
		out_result(out, munmap(a->maps[slot].addr, a->maps[slot].len));
	a->maps[slot].addr = NULL;
	a->maps[slot].len = 0;
}
