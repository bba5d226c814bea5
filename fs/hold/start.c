/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the service manager starts: it becomes the daemon, the installed executable or, where that
 * one fails with a mount to go on with, the one that served last. systemd itself knows one
 * executable and would start it for ever. As small as the holder, which does the same elsewhere.
 */

#include "attempts.h"
#include "clock.h"
#include "exepath.h"
#include "fdstore.h"
#include "launch.h"
#include "log.h"
#include "restarts.h"

#include <string.h>
#include <systemd/sd-daemon.h>

#define FIRST_START_USEC "300000000"
#define STATUS_USAGE 2

static const char help[] =
	"Usage: anklume-fs-start EXECUTABLE [ARGUMENT...]\n"
	"Become the daemon EXECUTABLE or, when that fails with a mount to go on\n"
	"with, the executable that served last. Started by the service manager.\n";

/* How many daemons failed since one was ready; this one is counted. Nothing known: none. */
static unsigned int count_attempt(struct fdstore *kept, bool is_takeover, int *ret_fd)
{
	struct attempts *a;
	int fd = fdstore_steal(kept, ATTEMPTS_NAME);
	int r = fd < 0 ? fd : attempts_map(fd, &a);

	if (r < 0) {
		cleanup_closep(&fd);
		fdstore_drop(ATTEMPTS_NAME);
		r = attempts_make(&fd, &a);
		if (r == 0)
			fdstore_put(ATTEMPTS_NAME, fd);
	}
	if (r < 0) {
		log_error("cannot count attempts: %s", strerror(-r));
		return 0;
	}
	*ret_fd = fd;
	if (!is_takeover)
		attempts_ready(a);
	return attempts_begin(a, clock_ms(CLOCK_BOOTTIME));
}

/* The installed one, unless it has had its tries or is not there. */
static bool choose_proven(const char *installed, int exe_fd, unsigned int n_failed)
{
	const struct restarts so_far = {.n_failed = n_failed};

	if (exe_fd < 0)
		return false;
	if (access(installed, X_OK) < 0) {
		log_error("cannot run '%s': %s: starting the executable that worked before",
			installed, strerror(errno));
		return true;
	}
	if (!restarts_wants_proven(&so_far))
		return false;
	log_error("'%s' failed %u times or hung: starting the executable that worked before",
		installed, n_failed);
	return true;
}

/* What was kept, and the count: as the daemon would get them from the service manager. */
static int pack(struct fdstore *kept, int attempts_fd, struct store *ret)
{
	struct store_item *items = calloc(kept->n_items + 1, sizeof(*items));
	size_t n = 0;

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < kept->n_items; i++) {
		if (kept->items[i].fd >= 0)
			items[n++] = (struct store_item){kept->items[i].name, kept->items[i].fd};
	}
	if (attempts_fd >= 0)
		items[n++] = (struct store_item){(char *)ATTEMPTS_NAME, attempts_fd};
	*ret = (struct store){.items = items, .n_items = n};
	return 0;
}

static int become_daemon(char **argv)
{
	cleanup_error struct error err = {0};
	struct fdstore kept;
	struct launch l = {.path = argv[0], .exe_fd = -1, .argv = argv};
	struct store store;
	int attempts_fd = -1, exe_fd;
	bool is_takeover;
	unsigned int n_failed;
	int r = fdstore_take(&kept, &err);

	if (r < 0)
		log_error("%s", error_text(&err, r));
	is_takeover = fdstore_has(&kept, "fuse");
	/* The short patience of the unit is for those who wait; at first nobody does. */
	if (!is_takeover)
		sd_notify(0, "EXTEND_TIMEOUT_USEC=" FIRST_START_USEC);
	n_failed = count_attempt(&kept, is_takeover, &attempts_fd);
	exe_fd = fdstore_get(&kept, EXEPATH_KEPT);
	if (is_takeover && choose_proven(argv[0], exe_fd, n_failed))
		l.exe_fd = exe_fd;
	r = exepath_set(argv[0]);
	if (r == 0)
		r = pack(&kept, attempts_fd, &store);
	if (r < 0) {
		log_error("cannot start '%s': %s", argv[0], strerror(-r));
		return 1;
	}
	l.store = &store;
	launch_exec(&l);
}

int main(int argc, char **argv)
{
	log_init("anklume-fs-start", LOG_LEVEL_INFO);
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(help, stdout);
		return 0;
	}
	if (argc < 2 || argv[1][0] != '/') {
		fputs(help, stderr);
		return STATUS_USAGE;
	}
	return become_daemon(argv + 1);
}
