/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One phase of a small file's life, for FILES files in DIR; prints operations per second. Phases
 * build on each other: create first, unlink last; rename gives names that rename-back takes away.
 * A single caller's files are timed in twenty parts, and the median part counts: what else the
 * machine does for a moment spoils a part, not the figure.
 *
 *	smallfile PHASE DIR FILES [CALLERS]
 *
 * With CALLERS that many processes do the phase at once, each with names of its own.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static int dir_fd;
static const char *dir_path;
static char payload[4096];

static void check(long r, const char *what)
{
	if (r >= 0)
		return;
	fprintf(stderr, "smallfile: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void do_create(const char *name)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	check(fd, "create");
	check(write(fd, payload, sizeof(payload)), "write");
	check(close(fd), "close");
}

static void do_stat(const char *name)
{
	struct stat st;

	check(fstatat(dir_fd, name, &st, 0), "stat");
}

static void do_absent(const char *name)
{
	struct stat st;
	char other[64];

	snprintf(other, sizeof(other), "no-%s", name);
	if (fstatat(dir_fd, other, &st, 0) == 0 || errno != ENOENT)
		check(-1, "a name that is not there");
}

static void do_read(const char *name)
{
	char buffer[sizeof(payload)];
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);

	check(fd, "open");
	check(read(fd, buffer, sizeof(buffer)), "read");
	close(fd);
}

static void do_append(const char *name)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_APPEND | O_CLOEXEC);

	check(fd, "open");
	check(write(fd, payload, 100), "append");
	check(close(fd), "close");
}

static void do_chmod(const char *name)
{
	check(fchmodat(dir_fd, name, 0600, 0), "chmod");
}

static void do_rename(const char *name)
{
	char other[64];

	snprintf(other, sizeof(other), "%s-", name);
	check(renameat(dir_fd, name, dir_fd, other), "rename");
}

static void do_rename_back(const char *name)
{
	char other[64];

	snprintf(other, sizeof(other), "%s-", name);
	check(renameat(dir_fd, other, dir_fd, name), "rename");
}

static void do_unlink(const char *name)
{
	check(unlinkat(dir_fd, name, 0), "unlink");
}

static void do_mkdir(const char *name)
{
	check(mkdirat(dir_fd, name, 0755), "mkdir");
}

static void do_rmdir(const char *name)
{
	check(unlinkat(dir_fd, name, AT_REMOVEDIR), "rmdir");
}

/* An attribute that is never there: the kernel asks each time. */
static void do_getxattr(const char *name)
{
	char value[16];

	(void)name;
	if (getxattr(dir_path, "user.absent", value, sizeof(value)) >= 0)
		check(-1, "an attribute that is not there");
}

static void do_nothing(const char *name)
{
	(void)name;
}

/* What ls -l asks for each name: coreutils looks for a security label and an ACL too. */
static void list(int with_attributes)
{
	DIR *dir = opendir(".");
	struct dirent *entry;

	check(dir ? 0 : -1, "opendir");
	while ((entry = readdir(dir))) {
		struct stat st;
		char value[256];

		if (!with_attributes)
			continue;
		check(fstatat(dir_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW), "stat");
		lgetxattr(entry->d_name, "security.selinux", value, sizeof(value));
		getxattr(entry->d_name, "system.posix_acl_access", NULL, 0);
	}
	closedir(dir);
}

static void list_long(void)
{
	list(1);
}

static void list_names(void)
{
	list(0);
}

static const struct phase {
	const char *name;
	void (*each)(const char *name);
	void (*whole)(void); /* once, for all files */
} phases[] = {
	{"create", do_create, NULL},
	{"stat", do_stat, NULL},
	{"absent", do_absent, NULL},
	{"read", do_read, NULL},
	{"append", do_append, NULL},
	{"ls", do_nothing, list_long},
	{"readdir", do_nothing, list_names},
	{"chmod", do_chmod, NULL},
	{"rename", do_rename, NULL},
	{"rename-back", do_rename_back, NULL},
	{"unlink", do_unlink, NULL},
	{"mkdir", do_mkdir, NULL},
	{"rmdir", do_rmdir, NULL},
	{"getxattr", do_getxattr, NULL},
};

static const struct phase *find_phase(const char *name)
{
	for (size_t i = 0; i < sizeof(phases) / sizeof(*phases); i++) {
		if (strcmp(phases[i].name, name) == 0)
			return &phases[i];
	}
	return NULL;
}

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void run(const struct phase *phase, int caller, int from, int to)
{
	if (phase->whole) {
		phase->whole();
		return;
	}
	for (int i = from; i < to; i++) {
		char name[48];

		snprintf(name, sizeof(name), "file-%02d-%06d", caller, i);
		phase->each(name);
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

#define PARTS 20

static double run_in_parts(const struct phase *phase, int files)
{
	int parts = phase->whole || files < PARTS ? 1 : PARTS;
	double rates[PARTS] = {0};

	for (int i = 0; i < parts; i++) {
		int from = files * i / parts, to = files * (i + 1) / parts;
		double start = now_s();

		run(phase, 0, from, to);
		rates[i] = (to - from) / (now_s() - start);
	}
	qsort(rates, parts, sizeof(*rates), compare);
	return rates[parts / 2];
}

/* All start at one moment, through a pipe that is closed; returns when the last is done. */
static double run_callers(const struct phase *phase, int callers, int files)
{
	int gate[2], failed = 0;
	double start;

	check(pipe(gate), "pipe");
	for (int i = 0; i < callers; i++) {
		pid_t pid = fork();
		char byte;

		check(pid, "fork");
		if (pid > 0)
			continue;
		close(gate[1]);
		check(read(gate[0], &byte, 1), "start");
		run(phase, i, 0, files);
		_exit(0);
	}
	close(gate[0]);
	start = now_s();
	close(gate[1]);
	for (int i = 0; i < callers; i++) {
		int status;

		check(wait(&status), "wait");
		failed |= status;
	}
	if (failed)
		exit(1);
	return callers * (double)files / (now_s() - start);
}

int main(int argc, char **argv)
{
	const struct phase *phase = argc >= 4 ? find_phase(argv[1]) : NULL;
	int files = phase ? atoi(argv[3]) : 0;
	int callers = argc > 4 ? atoi(argv[4]) : 1;

	if (files <= 0 || callers <= 0) {
		fprintf(stderr, "usage: smallfile PHASE DIR FILES [CALLERS]\n");
		return 2;
	}
	dir_path = argv[2];
	dir_fd = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(dir_fd, argv[2]);
	check(fchdir(dir_fd), argv[2]);
	dir_path = ".";
	printf("%.1f\n",
		callers > 1 ? run_callers(phase, callers, files) : run_in_parts(phase, files));
	return 0;
}
