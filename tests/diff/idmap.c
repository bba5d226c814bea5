/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "idmap.h"

#include "cleanup.h"
#include "idents.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

int idmap_private_mounts(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return -errno;
	return 0;
}

static int write_map(pid_t pid, const char *name)
{
	char path[64];
	cleanup_fd int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || dprintf(fd, "0 %d %d\n", IDMAP_SHIFT, IDMAP_RANGE) < 0)
		return -errno;
	return 0;
}

/* A child holds the namespace until we have it open; READY says that it is there. */
static pid_t start_holder(int *ret_ready)
{
	int ready[2];
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWUSER) < 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	*ret_ready = ready[0];
	return pid < 0 ? -errno : pid;
}

int idmap_userns(void)
{
	cleanup_fd int ready = -1;
	char path[64], byte;
	pid_t pid = start_holder(&ready);
	int r = -EPERM, fd = -1;

	if (pid < 0)
		return pid;
	if (read(ready, &byte, 1) == 1) {
		r = write_map(pid, "uid_map");
		if (r == 0)
			r = write_map(pid, "gid_map");
		snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
		fd = r < 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC);
		if (r == 0 && fd < 0)
			r = -errno;
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return fd >= 0 ? fd : r;
}

int idmap_bind(const char *dir, const char *target, int userns)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (unsigned)userns};
	cleanup_fd int tree = open_tree(AT_FDCWD, dir, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (tree < 0 || mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0 ||
		move_mount(tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return -errno;
	return 0;
}
