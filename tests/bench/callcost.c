/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CPU time of calls that the kernel answers by itself, on one file seen by two ways: a directory
 * and a mount of it. Prints a line "CALL<tab>RATE<tab>RATE" each: calls per second of CPU time by
 * each way. Other work on the machine takes wall time, not this; and how the page cache has cut the
 * file, which makes more of a difference than the way, is the same for both. Timed in turns, twenty
 * each; the medians count.
 *
 *	callcost DIR MOUNT
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILE_BYTES (16L << 20)
#define BYTES_MAX (1L << 20)
#define PARTS 20
#define PART_S 0.01

static int dirs[2], files[2];
static int dir_fd, file_fd; /* of the way that is timed */
static char *buffer;

static void check(long r, const char *what)
{
	if (r >= 0)
		return;
	fprintf(stderr, "callcost: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Call number N starts where no read-ahead would guess it. */
static off_t place(unsigned long n, size_t bytes)
{
	return (off_t)(n * 7919 % (FILE_BYTES / bytes) * bytes);
}

static void do_read(unsigned long n, size_t bytes)
{
	check(pread(file_fd, buffer, bytes, place(n, bytes)), "read");
}

static void do_write(unsigned long n, size_t bytes)
{
	check(pwrite(file_fd, buffer, bytes, place(n, bytes)), "write");
}

static void do_fstat(unsigned long n, size_t bytes)
{
	struct stat st;

	(void)n;
	(void)bytes;
	check(fstat(file_fd, &st), "fstat");
}

static void do_stat(unsigned long n, size_t bytes)
{
	struct stat st;

	(void)n;
	(void)bytes;
	check(fstatat(dir_fd, "file", &st, 0), "stat");
}

static void do_absent(unsigned long n, size_t bytes)
{
	struct stat st;

	(void)n;
	(void)bytes;
	if (fstatat(dir_fd, "absent", &st, 0) == 0 || errno != ENOENT)
		check(-1, "a name that is not there");
}

static const struct call {
	const char *name;
	void (*run)(unsigned long n, size_t bytes);
	size_t bytes;
} calls[] = {
	{"read 4k", do_read, 4096},
	{"read 64k", do_read, 65536},
	{"read 1M", do_read, BYTES_MAX},
	{"write 4k", do_write, 4096},
	{"write 64k", do_write, 65536},
	{"write 1M", do_write, BYTES_MAX},
	{"fstat", do_fstat, 0},
	{"stat", do_stat, 0},
	{"stat of an absent name", do_absent, 0},
};

static double cpu_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Calls per second of CPU time over at least PART_S. */
static double run_part(const struct call *call)
{
	double start = cpu_s(), spent;
	unsigned long n = 0;

	do {
		for (int i = 0; i < 16; i++)
			call->run(n++, call->bytes);
		spent = cpu_s() - start;
	} while (spent < PART_S);
	return (double)n / spent;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *rates)
{
	qsort(rates, PARTS, sizeof(*rates), compare);
	return rates[PARTS / 2];
}

static void choose(int way)
{
	dir_fd = dirs[way];
	file_fd = files[way];
}

/* The first turn warms up and is timed over. */
static void time_call(const struct call *call)
{
	double rates[2][PARTS];

	for (int turn = -1; turn < PARTS; turn++) {
		for (int way = 0; way < 2; way++) {
			choose(way);
			rates[way][turn < 0 ? 0 : turn] = run_part(call);
		}
	}
	printf("%s\t%.1f\t%.1f\n", call->name, median(rates[0]), median(rates[1]));
}

static void open_way(int way, const char *dir, int flags)
{
	dirs[way] = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(dirs[way], dir);
	files[way] = openat(dirs[way], "file", O_RDWR | O_CLOEXEC | flags, 0600);
	check(files[way], dir);
}

static void fill(int fd)
{
	for (off_t at = 0; at < FILE_BYTES; at += BYTES_MAX)
		check(pwrite(fd, buffer, BYTES_MAX, at), "write");
	check(fsync(fd), "fsync");
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: callcost DIR MOUNT\n");
		return 2;
	}
	buffer = calloc(1, BYTES_MAX);
	check(buffer ? 0 : -1, "memory");
	open_way(0, argv[1], O_CREAT | O_EXCL);
	fill(files[0]);
	open_way(1, argv[2], 0);
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		time_call(&calls[i]);
	check(unlinkat(dirs[1], "file", 0), "unlink");
	return 0;
}
