/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "background.h"

#include "cleanup.h"
#include "fdio.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int background_enter(char failed, int *ret_ready_fd)
{
	char status = failed;
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid > 0) {
		close(fds[1]);
		if (read(fds[0], &status, 1) != 1)
			status = failed;
		_exit(status);
	}
	close(fds[0]);
	setsid();
	if (chdir("/") < 0)
		return -errno;
	*ret_ready_fd = fds[1];
	return 0;
}

void background_tell(int *ready_fd, char status)
{
	if (*ready_fd < 0)
		return;
	if (write(*ready_fd, &status, 1) != 1)
		log_debug("nobody waited for the start");
	cleanup_closep(ready_fd);
	*ready_fd = -1;
}

void background_leave_terminal(void)
{
	log_to_syslog();
	stdio_to_null();
}
