/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "detach.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>

/* In the child. Its exit status is an errno. */
static int unmount_there(int ns_fd, const char *path)
{
	if (setns(ns_fd, CLONE_NEWNS) < 0)
		return errno;
	return umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 ? errno : 0;
}

int detach_inside(pid_t pid, const char *path, struct error *err)
{
	char ns_path[64];
	cleanup_fd int ns_fd = -1;
	pid_t child;
	int status;

	snprintf(ns_path, sizeof(ns_path), "/proc/%d/ns/mnt", (int)pid);
	ns_fd = open(ns_path, O_RDONLY | O_CLOEXEC);
	if (ns_fd < 0)
		return error_errno(err, errno == ENOENT ? -ESRCH : -errno, "'%s'", ns_path);

	child = fork();
	if (child < 0)
		return error_errno(err, -errno, "fork");
	if (child == 0)
		_exit(unmount_there(ns_fd, path));
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return error_errno(err, -errno, "waitpid");
	}
	if (!WIFEXITED(status))
		return error_set(err, -EIO, "unmounting '%s' inside ended by a signal", path);
	return WEXITSTATUS(status)
		       ? error_errno(err, -WEXITSTATUS(status), "cannot unmount '%s' inside", path)
		       : 0;
}
