/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Small-file work in one directory, timed by phase, as JSON: operations per second.
 *
 *	smallfile DIR FILES
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int dir_fd;
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

static void do_read(const char *name)
{
	char buffer[sizeof(payload)];
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);

	check(fd, "open");
	check(read(fd, buffer, sizeof(buffer)), "read");
	close(fd);
}

static void do_rename(const char *name)
{
	char other[64];

	snprintf(other, sizeof(other), "%s-", name);
	check(renameat(dir_fd, name, dir_fd, other), "rename");
	check(renameat(dir_fd, other, dir_fd, name), "rename");
}

static void do_unlink(const char *name)
{
	check(unlinkat(dir_fd, name, 0), "unlink");
}

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double run_phase(void (*run)(const char *name), int files)
{
	double start = now_s();

	for (int i = 0; i < files; i++) {
		char name[32];

		snprintf(name, sizeof(name), "file-%06d", i);
		run(name);
	}
	return files / (now_s() - start);
}

/* Entries listed per second, with the attributes that `ls -l` asks for. */
static double run_list(const char *path)
{
	double start = now_s();
	DIR *dir = opendir(path);
	struct dirent *entry;
	long n = 0;

	check(dir ? 0 : -1, "opendir");
	for (; (entry = readdir(dir)); n++) {
		struct stat st;

		check(fstatat(dir_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW), "stat");
	}
	closedir(dir);
	return (double)n / (now_s() - start);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(const char *name);
	} phases[] = {
		{"create", do_create},
		{"stat", do_stat},
		{"stat-again", do_stat},
		{"open-read", do_read},
		{"rename", do_rename},
		{"unlink", do_unlink},
	};
	int files = argc == 3 ? atoi(argv[2]) : 0;

	if (files <= 0) {
		fprintf(stderr, "usage: smallfile DIR FILES\n");
		return 2;
	}
	dir_fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(dir_fd, argv[1]);
	printf("{");
	for (size_t i = 0; i < sizeof(phases) / sizeof(*phases); i++) {
		if (phases[i].run == do_unlink)
			printf("\"list\": %.0f, ", run_list(argv[1]));
		printf("\"%s\": %.0f%s", phases[i].name, run_phase(phases[i].run, files),
			i + 1 < sizeof(phases) / sizeof(*phases) ? ", " : "}\n");
	}
	return 0;
}
