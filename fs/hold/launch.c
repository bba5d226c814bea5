/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch.h"

#include "cleanup.h"
#include "log.h"
#include "rlimit.h"
#include "str.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */
#define EXIT_NO_EXEC 127

/* Whose each of the places is that are to be taken: the item's number and 1, or 0. */
static int *find_owners(const struct store *store)
{
	int n = (int)store->n_items;
	int *owners = calloc((size_t)n + 1, sizeof(*owners));

	for (int i = 0; owners && i < n; i++) {
		int place = store->items[i].fd - FIRST_FD;

		if (place >= 0 && place < n)
			owners[place] = i + 1;
	}
	return owners;
}

/* Item I to its place; the item that sits there goes to where I was. */
static int settle(const struct store *store, int *owners, int i)
{
	int n = (int)store->n_items;
	int from = store->items[i].fd;
	int other = owners[i];
	cleanup_fd int aside = -1;

	if (other == i + 1)
		return fcntl(from, F_SETFD, 0) < 0 ? -errno : 0;
	if (other) {
		aside = fcntl(FIRST_FD + i, F_DUPFD_CLOEXEC, FIRST_FD + n);
		if (aside < 0)
			return -errno;
	}
	if (dup2(from, FIRST_FD + i) < 0 || (other && dup2(aside, from) < 0))
		return -errno;
	if (other)
		store->items[other - 1].fd = from;
	else if (from >= FIRST_FD)
		close(from);
	if (from >= FIRST_FD && from < FIRST_FD + n)
		owners[from - FIRST_FD] = other;
	store->items[i].fd = FIRST_FD + i;
	return 0;
}

/*
 * The kept descriptors to 3, 4, 5 ... and every other one away but *EXE_FD, which gets a new number.
 * They may sit on each other's places. Never more than two are there twice: there may be as many as
 * the process may have.
 */
static int arrange(const struct store *store, int *exe_fd)
{
	int n = (int)store->n_items;
	int above = FIRST_FD + n;
	cleanup_free int *owners = find_owners(store);
	int r = 0;

	if (!owners)
		return -ENOMEM;
	/* dup2(2) and F_DUPFD have other numbers for that. */
	if (rlimit_get(RLIMIT_NOFILE) <= (rlim_t)above)
		return -EMFILE;
	if (*exe_fd >= 0) {
		*exe_fd = fcntl(*exe_fd, F_DUPFD_CLOEXEC, above);
		if (*exe_fd < 0)
			return -errno;
	}
	for (int i = 0; r == 0 && i < n; i++)
		r = settle(store, owners, i);
	if (r < 0)
		return r;

	/* The executable to the place right above, the rest away. */
	if (*exe_fd >= 0 && *exe_fd != above) {
		if (dup3(*exe_fd, above, O_CLOEXEC) < 0)
			return -errno;
		*exe_fd = above;
	}
	syscall(SYS_close_range, above + (*exe_fd >= 0), ~0U, 0);
	return 0;
}

static int set_number(const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return setenv(name, text, 1) < 0 ? -errno : 0;
}

static int set_environment(const struct launch *l)
{
	cleanup_strbuf struct strbuf names = STRBUF_INIT;
	cleanup_free char *text = NULL;
	int r;

	for (size_t i = 0; i < l->store->n_items; i++)
		strbuf_printf(&names, "%s%s", i > 0 ? ":" : "", l->store->items[i].name);
	text = strbuf_steal(&names);
	if (!text || setenv("LISTEN_FDNAMES", text, 1) < 0)
		return -ENOMEM;

	r = set_number("LISTEN_FDS", l->store->n_items);
	if (r == 0)
		r = set_number("LISTEN_PID", (uint64_t)getpid());
	if (r < 0 || l->watchdog_usec == 0)
		return r;
	r = set_number("WATCHDOG_USEC", l->watchdog_usec);
	return r < 0 ? r : set_number("WATCHDOG_PID", (uint64_t)getpid());
}

/* What the holder ignores and blocks is not the daemon's. */
static void reset_signals(void)
{
	sigset_t none;

	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn void launch_exec(const struct launch *l)
{
	int exe_fd = l->exe_fd;
	int r = set_environment(l);

	if (r == 0)
		r = arrange(l->store, &exe_fd);
	if (r < 0) {
		log_error("cannot hand %zu descriptors to '%s': %s", l->store->n_items, l->path,
			strerror(-r));
		_exit(EXIT_NO_EXEC);
	}
	if (exe_fd >= 0)
		fexecve(exe_fd, l->argv, environ);
	else
		execv(l->path, l->argv);
	log_error("cannot run '%s': %s", l->path, strerror(errno));
	_exit(EXIT_NO_EXEC);
}

int launch_daemon(const struct launch *l, pid_t *ret_pid, int *ret_pidfd)
{
	pid_t pid = fork();
	int fd;

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		reset_signals();
		launch_exec(l);
	}

	/* Our child: its number cannot become another's before we wait for it. */
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return -errno;
	*ret_pid = pid;
	*ret_pidfd = fd;
	return 0;
}
