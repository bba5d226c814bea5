/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "proven.h"

#include "clock.h"
#include "exepath.h"
#include "log.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

void proven_take(struct proven *p, struct fdstore *kept)
{
	p->exe_fd = fdstore_steal(kept, EXEPATH_KEPT);
	p->attempts_fd = fdstore_steal(kept, ATTEMPTS_NAME);
	if (p->attempts_fd >= 0 && attempts_map(p->attempts_fd, &p->attempts) < 0)
		log_warning("who starts the daemon cannot be told that it is ready");
}

static bool is_same_file(int a, int b)
{
	struct stat st_a, st_b;

	return fstat(a, &st_a) == 0 && fstat(b, &st_b) == 0 && st_a.st_dev == st_b.st_dev &&
	       st_a.st_ino == st_b.st_ino;
}

void proven_ready(struct proven *p)
{
	cleanup_fd int exe_fd = open("/proc/self/exe", O_PATH | O_CLOEXEC);

	if (p->attempts)
		attempts_ready(p->attempts);
	/* Most daemons follow one of the same build: at no moment shall nothing be kept. */
	if (exe_fd < 0 || (p->exe_fd >= 0 && is_same_file(exe_fd, p->exe_fd)))
		return;
	fdstore_drop(EXEPATH_KEPT);
	fdstore_put(EXEPATH_KEPT, exe_fd);
	cleanup_closep(&p->exe_fd);
	p->exe_fd = steal_fd(&exe_fd);
}

void proven_hand_over(const struct proven *p)
{
	if (p->attempts)
		attempts_begin(p->attempts, clock_ms(CLOCK_BOOTTIME));
}

void proven_keep(const struct proven *p)
{
	if (p->exe_fd >= 0)
		fdstore_put(EXEPATH_KEPT, p->exe_fd);
	if (p->attempts_fd >= 0)
		fdstore_put(ATTEMPTS_NAME, p->attempts_fd);
}

void proven_forget(void)
{
	fdstore_drop(EXEPATH_KEPT);
	fdstore_drop(ATTEMPTS_NAME);
}

void proven_finish(struct proven *p)
{
	if (p->attempts)
		munmap(p->attempts, sizeof(*p->attempts));
	cleanup_closep(&p->exe_fd);
	cleanup_closep(&p->attempts_fd);
	*p = (struct proven)PROVEN_INIT;
}
