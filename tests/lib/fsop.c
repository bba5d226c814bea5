/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One filesystem operation per line, its result by name: "OK" or "EPERM". Shell tests use it where
 * a tool would hide the errno or do more than one system call.
 *
 *	fsop unlink PATH             one operation; exit status 0 only for OK
 *	fsop --as 33:33 create PATH  as another user
 *	fsop -                       operations on stdin, one result line each; descriptors opened
 *	                             by "open" stay open until "close"
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ARGS_MAX 6
#define SLOTS 16

struct slot {
	int fd; /* plus one: zero is a free slot */
	char *map;
};

static struct slot slots[SLOTS];

static int result(long r)
{
	return r < 0 ? -errno : 0;
}

static const struct {
	const char *name;
	int flag;
} open_flags[] = {
	{"rdonly", O_RDONLY},
	{"wronly", O_WRONLY},
	{"rdwr", O_RDWR},
	{"trunc", O_TRUNC},
	{"creat", O_CREAT},
	{"excl", O_EXCL},
	{"append", O_APPEND},
	{"direct", O_DIRECT},
	{"sync", O_SYNC},
	{"dir", O_DIRECTORY},
	{"path", O_PATH},
	{"nofollow", O_NOFOLLOW},
	{"tmpfile", O_TMPFILE},
};

/* "rdwr,trunc" -> O_RDWR | O_TRUNC; -1: a word is unknown. */
static int parse_flags(const char *words)
{
	char copy[256];
	int flags = 0;

	snprintf(copy, sizeof(copy), "%s", words);
	for (char *word = strtok(copy, ","); word; word = strtok(NULL, ",")) {
		size_t i = 0;

		while (i < sizeof(open_flags) / sizeof(*open_flags) &&
			strcmp(open_flags[i].name, word))
			i++;
		if (i == sizeof(open_flags) / sizeof(*open_flags))
			return -1;
		flags |= open_flags[i].flag;
	}
	return flags;
}

/* Open, do nothing, close: what open(2) itself says. */
static int do_open_close(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0644);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int op_openas(char **a)
{
	int flags = parse_flags(a[1]);

	return flags < 0 ? -EDOM : do_open_close(a[0], flags);
}

static int op_create(char **a)
{
	return do_open_close(a[0], O_WRONLY | O_CREAT | O_EXCL);
}

static int write_text(const char *path, int flags, const char *text)
{
	int fd = open(path, flags | O_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	r = result(write(fd, text, strlen(text)));
	close(fd);
	return r;
}

static int op_write(char **a)
{
	return write_text(a[0], O_WRONLY, a[1]);
}

static int op_append(char **a)
{
	return write_text(a[0], O_WRONLY | O_APPEND, a[1]);
}

static int op_read(char **a)
{
	char buffer[4096];
	int fd = open(a[0], O_RDONLY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	r = result(read(fd, buffer, sizeof(buffer)));
	close(fd);
	return r;
}

static int op_stat(char **a)
{
	struct stat st;

	return result(lstat(a[0], &st));
}

static int op_statfs(char **a)
{
	struct statvfs st;

	return result(statvfs(a[0], &st));
}

static int op_mkdir(char **a)
{
	return result(mkdir(a[0], 0755));
}

static int op_rmdir(char **a)
{
	return result(rmdir(a[0]));
}

static int op_unlink(char **a)
{
	return result(unlink(a[0]));
}

static int op_link(char **a)
{
	return result(link(a[0], a[1]));
}

static int op_symlink(char **a)
{
	return result(symlink(a[0], a[1]));
}

static int op_mkfifo(char **a)
{
	return result(mkfifo(a[0], 0644));
}

static int op_mknod(char **a)
{
	return result(mknod(a[0], S_IFREG | 0644, 0));
}

static int op_rename(char **a)
{
	return result(rename(a[0], a[1]));
}

static int op_rename_noreplace(char **a)
{
	return result(renameat2(AT_FDCWD, a[0], AT_FDCWD, a[1], RENAME_NOREPLACE));
}

static int op_rename_exchange(char **a)
{
	return result(renameat2(AT_FDCWD, a[0], AT_FDCWD, a[1], RENAME_EXCHANGE));
}

static int op_rename_whiteout(char **a)
{
	return result(renameat2(AT_FDCWD, a[0], AT_FDCWD, a[1], RENAME_WHITEOUT));
}

static int op_truncate(char **a)
{
	return result(truncate(a[0], atoll(a[1])));
}

static int op_chmod(char **a)
{
	return result(chmod(a[0], (mode_t)strtoul(a[1], NULL, 8)));
}

static int op_chown(char **a)
{
	return result(lchown(a[0], (uid_t)atol(a[1]), (gid_t)atol(a[2])));
}

static int op_utimens(char **a)
{
	const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 2}};

	return result(utimensat(AT_FDCWD, a[0], times, AT_SYMLINK_NOFOLLOW));
}

static int op_setxattr(char **a)
{
	return result(lsetxattr(a[0], a[1], a[2], strlen(a[2]), 0));
}

static int op_removexattr(char **a)
{
	return result(lremovexattr(a[0], a[1]));
}

static const struct {
	const char *name;
	int mode;
} fallocate_modes[] = {
	{"extend", 0},
	{"keep", FALLOC_FL_KEEP_SIZE},
	{"punch", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE},
	{"collapse", FALLOC_FL_COLLAPSE_RANGE},
	{"zero", FALLOC_FL_ZERO_RANGE},
	{"zero-keep", FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE},
	{"insert", FALLOC_FL_INSERT_RANGE},
	{"unshare", FALLOC_FL_UNSHARE_RANGE},
};

static int fallocate_fd(int fd, const char *mode, const char *offset, const char *length)
{
	for (size_t i = 0; i < sizeof(fallocate_modes) / sizeof(*fallocate_modes); i++)
		if (!strcmp(fallocate_modes[i].name, mode))
			return result(fallocate(
				fd, fallocate_modes[i].mode, atoll(offset), atoll(length)));
	return -EDOM;
}

static int op_fallocate(char **a)
{
	int fd = open(a[0], O_RDWR | O_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	r = fallocate_fd(fd, a[1], a[2], a[3]);
	close(fd);
	return r;
}

static int op_mmap_write(char **a)
{
	int fd = open(a[0], O_RDWR | O_CLOEXEC);
	int r = -errno;
	char *map;

	if (fd < 0)
		return r;
	map = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	r = map == MAP_FAILED ? -errno : 0;
	if (!r) {
		map[0] = a[1][0];
		r = result(msync(map, 1, MS_SYNC));
		munmap(map, 1);
	}
	close(fd);
	return r;
}

/* An O_TMPFILE file in a[0], given the name a[1]. */
static int op_tmpfile_link(char **a)
{
	char proc[64];
	int fd = open(a[0], O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644);
	int r;

	if (fd < 0)
		return -errno;
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	r = result(linkat(AT_FDCWD, proc, AT_FDCWD, a[1], AT_SYMLINK_FOLLOW));
	close(fd);
	return r;
}

static int op_copy_range(char **a)
{
	int in = open(a[0], O_RDONLY | O_CLOEXEC);
	int out = open(a[1], O_WRONLY | O_CLOEXEC);
	int r = -errno;

	if (in >= 0 && out >= 0)
		r = result(copy_file_range(in, NULL, out, NULL, 1 << 20, 0));
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return r;
}

static int op_fsync(char **a)
{
	int fd = open(a[0], O_RDONLY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	r = result(fsync(fd));
	close(fd);
	return r;
}

static struct slot *slot_get(const char *number)
{
	int i = atoi(number);

	return isdigit((unsigned char)number[0]) && i < SLOTS ? &slots[i] : NULL;
}

static int slot_fd(const char *number)
{
	struct slot *slot = slot_get(number);

	return slot ? slot->fd - 1 : -1;
}

static int op_open(char **a)
{
	struct slot *slot = slot_get(a[0]);
	int flags = parse_flags(a[2]);
	int fd;

	if (!slot || slot->fd || flags < 0)
		return -EDOM;
	fd = open(a[1], flags | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	slot->fd = fd + 1;
	return 0;
}

static int op_close(char **a)
{
	struct slot *slot = slot_get(a[0]);
	int r;

	if (!slot)
		return -EDOM;
	if (slot->map)
		munmap(slot->map, 1);
	r = result(close(slot->fd - 1));
	*slot = (struct slot){0};
	return r;
}

static int op_fd_write(char **a)
{
	return result(pwrite(slot_fd(a[0]), a[1], strlen(a[1]), 0));
}

static int op_fd_read(char **a)
{
	char c;

	return result(pread(slot_fd(a[0]), &c, 1, 0));
}

static int op_fd_truncate(char **a)
{
	return result(ftruncate(slot_fd(a[0]), atoll(a[1])));
}

static int op_fd_fallocate(char **a)
{
	return fallocate_fd(slot_fd(a[0]), a[1], a[2], a[3]);
}

static int op_fd_fsync(char **a)
{
	return result(fsync(slot_fd(a[0])));
}

static int op_fd_flock(char **a)
{
	return result(flock(slot_fd(a[0]), LOCK_EX | LOCK_NB));
}

static int op_fd_map(char **a)
{
	struct slot *slot = slot_get(a[0]);
	void *map = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, slot_fd(a[0]), 0);

	if (map == MAP_FAILED)
		return -errno;
	slot->map = map;
	return 0;
}

static int op_fd_store(char **a)
{
	struct slot *slot = slot_get(a[0]);

	if (!slot || !slot->map)
		return -EDOM;
	slot->map[0] = a[1][0];
	return result(msync(slot->map, 1, MS_SYNC));
}

static const struct op {
	const char *name;
	int n_args;
	int (*run)(char **args);
	const char *usage;
} ops[] = {
	{"stat", 1, op_stat, "PATH"},
	{"statfs", 1, op_statfs, "PATH"},
	{"read", 1, op_read, "PATH"},
	{"openas", 2, op_openas, "PATH FLAG[,FLAG...]"},
	{"create", 1, op_create, "PATH"},
	{"write", 2, op_write, "PATH TEXT"},
	{"append", 2, op_append, "PATH TEXT"},
	{"mkdir", 1, op_mkdir, "PATH"},
	{"rmdir", 1, op_rmdir, "PATH"},
	{"unlink", 1, op_unlink, "PATH"},
	{"link", 2, op_link, "OLD NEW"},
	{"symlink", 2, op_symlink, "TEXT PATH"},
	{"mkfifo", 1, op_mkfifo, "PATH"},
	{"mknod", 1, op_mknod, "PATH"},
	{"rename", 2, op_rename, "OLD NEW"},
	{"rename-noreplace", 2, op_rename_noreplace, "OLD NEW"},
	{"rename-exchange", 2, op_rename_exchange, "OLD NEW"},
	{"rename-whiteout", 2, op_rename_whiteout, "OLD NEW"},
	{"truncate", 2, op_truncate, "PATH BYTES"},
	{"chmod", 2, op_chmod, "PATH MODE"},
	{"chown", 3, op_chown, "PATH UID GID"},
	{"utimens", 1, op_utimens, "PATH"},
	{"setxattr", 3, op_setxattr, "PATH NAME VALUE"},
	{"removexattr", 2, op_removexattr, "PATH NAME"},
	{"fallocate", 4, op_fallocate, "PATH MODE OFFSET BYTES"},
	{"mmap-write", 2, op_mmap_write, "PATH TEXT"},
	{"tmpfile-link", 2, op_tmpfile_link, "DIR PATH"},
	{"copy-range", 2, op_copy_range, "FROM TO"},
	{"fsync", 1, op_fsync, "PATH"},
	{"open", 3, op_open, "SLOT PATH FLAG[,FLAG...]"},
	{"close", 1, op_close, "SLOT"},
	{"fd-write", 2, op_fd_write, "SLOT TEXT"},
	{"fd-read", 1, op_fd_read, "SLOT"},
	{"fd-truncate", 2, op_fd_truncate, "SLOT BYTES"},
	{"fd-fallocate", 4, op_fd_fallocate, "SLOT MODE OFFSET BYTES"},
	{"fd-fsync", 1, op_fd_fsync, "SLOT"},
	{"fd-flock", 1, op_fd_flock, "SLOT"},
	{"fd-map", 1, op_fd_map, "SLOT"},
	{"fd-store", 2, op_fd_store, "SLOT TEXT"},
};

/* A wrong line of a test must never look like a result of the filesystem. */
static void die(const char *what, const char *name)
{
	fprintf(stderr, "fsop: %s '%s'; operations are:\n", what, name);
	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++)
		fprintf(stderr, "  %s %s\n", ops[i].name, ops[i].usage);
	exit(2);
}

static int run(int n, char **words)
{
	const struct op *op = ops;
	const struct op *end = ops + sizeof(ops) / sizeof(*ops);
	int r;

	while (op < end && strcmp(op->name, words[0]))
		op++;
	if (op == end)
		die("unknown operation", words[0]);
	if (n - 1 != op->n_args)
		die("wrong number of words for", words[0]);
	r = op->run(words + 1);
	if (r == -EDOM)
		die("wrong flag, mode or slot for", words[0]);
	puts(r < 0 ? strerrorname_np(-r) : "OK");
	fflush(stdout);
	return r;
}

static void run_stdin(void)
{
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, stdin) > 0) {
		char *words[ARGS_MAX] = {NULL};
		int n = 0;

		for (char *w = strtok(line, " \n"); w && n < ARGS_MAX; w = strtok(NULL, " \n"))
			words[n++] = w;
		if (n > 0)
			run(n, words);
	}
	free(line);
}

static void become(const char *ids)
{
	unsigned int uid;
	unsigned int gid;

	if (sscanf(ids, "%u:%u", &uid, &gid) != 2)
		die("no UID:GID", ids);
	if (setgroups(0, NULL) < 0 || setgid(gid) < 0 || setuid(uid) < 0) {
		perror("fsop: become");
		exit(2);
	}
}

int main(int argc, char **argv)
{
	argv++;
	argc--;
	if (argc >= 2 && !strcmp(argv[0], "--as")) {
		become(argv[1]);
		argv += 2;
		argc -= 2;
	}
	if (argc < 1)
		die("missing operation", "");
	if (!strcmp(argv[0], "-")) {
		run_stdin();
		return 0;
	}
	return run(argc, argv) < 0;
}
