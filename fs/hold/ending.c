/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ending.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

/* Linux 6.13 and 6.15, include/uapi/linux/pidfd.h; older headers do not have them. */
struct pidfd_info_v0 {
	uint64_t mask;
	uint64_t cgroup_id;
	uint32_t ids[11];
	int32_t exit_code;
};
#define PIDFD_GET_INFO_V0 _IOWR(0xFF, 11, struct pidfd_info_v0)
#define PIDFD_INFO_HAS_EXIT (UINT64_C(1) << 3)

static struct ending from_wait_status(int status)
{
	if (WIFSIGNALED(status))
		return (struct ending){.is_known = true, .signal = WTERMSIG(status)};
	return (struct ending){.is_known = true, .status = WEXITSTATUS(status)};
}

struct ending ending_of(int pidfd)
{
	struct pidfd_info_v0 info = {.mask = PIDFD_INFO_HAS_EXIT};
	siginfo_t child = {0};

	if (waitid(P_PIDFD, (id_t)pidfd, &child, WEXITED | WNOHANG) == 0 && child.si_pid != 0)
		return child.si_code == CLD_EXITED
			       ? (struct ending){.is_known = true, .status = child.si_status}
			       : (struct ending){.is_known = true, .signal = child.si_status};

	if (ioctl(pidfd, PIDFD_GET_INFO_V0, &info) == 0 && (info.mask & PIDFD_INFO_HAS_EXIT))
		return from_wait_status(info.exit_code);
	return (struct ending){0};
}

const char *ending_text(const struct ending *e, char *buf, unsigned long size)
{
	const char *name = e->signal > 0 ? sigabbrev_np(e->signal) : NULL;

	if (!e->is_known)
		snprintf(buf, size, "ended");
	else if (name)
		snprintf(buf, size, "was killed by SIG%s", name);
	else if (e->signal > 0)
		snprintf(buf, size, "was killed by signal %d", e->signal);
	else
		snprintf(buf, size, "exited with %d", e->status);
	return buf;
}
