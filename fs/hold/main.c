/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The holder: keeps the daemon's descriptors where no service manager does, and starts the daemon
 * again when it dies. It is small so that it does not: no FUSE, no catalogue, no thread.
 *
 * The daemon starts it (fs/recovery/holder.c) and it ends with the daemon, when that ends on purpose.
 */

#include "cleanup.h"
#include "clock.h"
#include "ending.h"
#include "exepath.h"
#include "fdio.h"
#include "inbox.h"
#include "launch.h"
#include "log.h"
#include "restarts.h"
#include "rlimit.h"
#include "str.h"

#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>

#define COMMAND_MAX (1 << 20)
#define HOLDER_NAME "holder" /* under which the daemon finds a descriptor of this process */

struct hold {
	int inbox_fd;
	int pidfd; /* of the daemon */
	pid_t pid;
	int command_fd; /* until it is read */
	const char *path; /* of its executable */
	char *command; /* its command line, the words one after the other */
	char **argv;
	bool to_syslog;
	uint64_t watchdog_usec;

	struct store store;
	struct restarts restarts;
	int proven_fd; /* the executable that became ready last, -1: none has */
	bool is_ready; /* the daemon that runs now has said so */
	bool was_ready; /* one has */
	bool is_stopping;
	int64_t died_usec; /* when the last one died; 0: this one is the first */
	int64_t alive_usec; /* the last sign of life, for the watchdog */
};

static const char help[] = "Usage: anklume-hold OPTION...\n"
			   "Keep the descriptors of anklume-fs and start it again when it dies.\n"
			   "Started by anklume-fs itself where no service manager does this.\n"
			   "\n"
			   "      --inbox FD        the socket that $NOTIFY_SOCKET names\n"
			   "      --daemon PID      the daemon that runs\n"
			   "      --pidfd FD        a descriptor of it\n"
			   "      --command FD      its command line\n"
			   "      --again           it is ready: a holder before this one died\n"
			   "      --watchdog MS     kill it when it is silent for so long\n"
			   "      --syslog          log there, not to standard error\n"
			   "  -h, --help            show this\n"
			   "  -V, --version         show the version\n"
			   "\n"
			   "Exit status: 0 the daemon ended on purpose, or never became ready;\n"
			   "1 something failed; 2 wrong usage.\n";

static int open_process(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : fd;
}

static void keep(struct hold *h, struct message *m)
{
	if (m->is_short)
		log_error("cannot keep '%s': too many descriptors are open (%zu are kept)", m->name,
			h->store.n_items);
	for (size_t i = 0; i < m->n_fds; i++) {
		if (store_add(&h->store, m->name, m->fds[i]) < 0)
			log_error("cannot keep '%s': out of memory", m->name);
		else
			m->fds[i] = -1;
	}
}

/* The executable behind the daemon is one that works. */
static void remember_proven(struct hold *h)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)h->pid);
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return;
	cleanup_closep(&h->proven_fd);
	h->proven_fd = fd;
}

static void note_ready(struct hold *h)
{
	remember_proven(h); /* after an upgrade in the same process, another one */
	if (h->is_ready)
		return;
	if (h->died_usec > 0)
		log_notice("daemon %d serves again after %.1f ms", (int)h->pid,
			(double)(clock_us(CLOCK_MONOTONIC) - h->died_usec) / 1000);
	h->is_ready = h->was_ready = true;
	restarts_ready(&h->restarts);
}

/* An upgrade: the daemon says which process takes its place. */
static void follow(struct hold *h, pid_t pid)
{
	int fd;

	if (pid == h->pid)
		return;
	fd = open_process(pid);
	if (fd < 0) {
		log_error("daemon %d, which is to follow %d, is gone", (int)pid, (int)h->pid);
		return;
	}
	log_notice("daemon %d follows %d", (int)pid, (int)h->pid);
	cleanup_closep(&h->pidfd);
	h->pidfd = fd;
	h->pid = pid;
	h->is_ready = false;
	h->died_usec = clock_us(CLOCK_MONOTONIC);
}

static void obey(struct hold *h, struct message *m)
{
	if (m->is_store)
		keep(h, m);
	if (m->is_remove)
		store_remove(&h->store, m->name);
	if (m->is_stopping)
		h->is_stopping = true;
	if (m->is_ready)
		note_ready(h);
	if (m->main_pid > 0)
		follow(h, m->main_pid);
	h->alive_usec = clock_us(CLOCK_MONOTONIC);
}

/* Whatever waits. Only the daemon is listened to: the socket's name is no secret. */
static void read_inbox(struct hold *h)
{
	for (;;) {
		struct message m;
		int r = inbox_receive(h->inbox_fd, &m);

		if (r == -EBADMSG)
			continue;
		if (r < 0)
			return;
		if (m.pid == h->pid && m.uid == geteuid())
			obey(h, &m);
		else
			log_debug("not the daemon: process %d, uid %u", (int)m.pid, m.uid);
		message_finish(&m);
	}
}

static int start_daemon(struct hold *h)
{
	bool wants_proven = restarts_wants_proven(&h->restarts) && h->proven_fd >= 0;
	struct launch l = {
		.path = h->path,
		.exe_fd = wants_proven ? h->proven_fd : -1,
		.argv = h->argv,
		.store = &h->store,
		.watchdog_usec = h->watchdog_usec,
	};

	if (wants_proven)
		log_error("'%s' failed %u times: starting the executable that worked before",
			h->path, h->restarts.n_failed);
	h->is_ready = false;
	h->alive_usec = clock_us(CLOCK_MONOTONIC);
	return launch_daemon(&l, &h->pid, &h->pidfd);
}

static void wait_ms(int ms)
{
	struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		;
}

/* The daemon has ended. Returns false when that is the end of it all. */
static bool replace_daemon(struct hold *h)
{
	struct ending e;
	char text[64];
	int delay_ms;
	int r;

	read_inbox(h); /* what it said last */
	e = ending_of(h->pidfd);
	cleanup_closep(&h->pidfd);
	h->pidfd = -1;
	if (h->is_stopping || !h->was_ready)
		return false;

	if (h->is_ready || h->died_usec == 0)
		h->died_usec = clock_us(CLOCK_MONOTONIC);
	ending_text(&e, text, sizeof(text));
	if (h->is_ready)
		log_warning("daemon %d %s: starting another", (int)h->pid, text);
	else {
		restarts_failed(&h->restarts, &e);
		log_error("daemon %d %s before it was ready: starting another", (int)h->pid, text);
	}

	do {
		delay_ms = restarts_delay_ms(&h->restarts);
		wait_ms(delay_ms);
		r = start_daemon(h);
		if (r < 0) {
			log_error("cannot start a daemon: %s", strerror(-r));
			restarts_failed(&h->restarts, &(struct ending){0});
		}
	} while (r < 0);
	return true;
}

/* Until the watchdog barks; -1: there is none. It does not wait for the very first daemon. */
static int poll_timeout_ms(const struct hold *h)
{
	int64_t left_usec;

	if (h->watchdog_usec == 0 || !h->was_ready)
		return -1;
	left_usec = h->alive_usec + (int64_t)h->watchdog_usec - clock_us(CLOCK_MONOTONIC);
	return left_usec <= 0 ? 0 : (int)(left_usec / 1000) + 1;
}

static void bark(struct hold *h)
{
	if (h->watchdog_usec == 0 || !h->was_ready || poll_timeout_ms(h) > 0)
		return;
	log_error("daemon %d is silent for %llu s: killing it", (int)h->pid,
		(unsigned long long)(h->watchdog_usec / 1000000));
	if (!h->is_ready)
		restarts_hung(&h->restarts);
	syscall(SYS_pidfd_send_signal, h->pidfd, SIGKILL, NULL, 0);
	/* One that hangs in the kernel dies when that lets go of it. */
	h->alive_usec = clock_us(CLOCK_MONOTONIC);
}

static void loop(struct hold *h)
{
	for (;;) {
		struct pollfd fds[] = {
			{.fd = h->inbox_fd, .events = POLLIN},
			{.fd = h->pidfd, .events = POLLIN},
		};

		if (poll(fds, ARRAY_SIZE(fds), poll_timeout_ms(h)) < 0 && errno != EINTR)
			return;
		if (fds[0].revents)
			read_inbox(h);
		/* MAINPID= may have put another process there meanwhile. */
		if (fds[1].revents && fds[1].fd == h->pidfd && !replace_daemon(h))
			return;
		bark(h);
	}
}

/* How the daemon was started is how the next one is: $ANKLUME_FS_PATH, and its command line. */
static int learn_command(struct hold *h)
{
	size_t len, n = 0;
	int r;

	h->path = exepath_get();
	if (!h->path)
		return -ENOENT;
	r = read_file(AT_FDCWD, fd_path(h->command_fd).text, COMMAND_MAX, &h->command, &len);
	close(h->command_fd);
	if (r < 0 || len == 0)
		return r < 0 ? r : -EINVAL;
	h->argv = calloc(len + 1, sizeof(*h->argv));
	if (!h->argv)
		return -ENOMEM;
	for (char *word = h->command; word < h->command + len; word += strlen(word) + 1)
		h->argv[n++] = word;
	return 0;
}

static int prepare(struct hold *h)
{
	int self;
	int r;

	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	rlimit_raise(RLIMIT_NOFILE);
	/* After an upgrade the daemon is the child of one that is gone: it becomes ours. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (chdir("/") < 0)
		return -errno;

	r = inbox_init(h->inbox_fd);
	if (r == 0)
		r = learn_command(h);
	if (r < 0)
		return r;
	fcntl(h->inbox_fd, F_SETFD, FD_CLOEXEC);
	fcntl(h->pidfd, F_SETFD, FD_CLOEXEC);
	if (h->is_ready)
		remember_proven(h);
	self = open_process(getpid());
	if (self < 0)
		return self;
	r = store_add(&h->store, HOLDER_NAME, self);
	return r < 0 ? r : 0;
}

static int parse_number(const char *what, const char *text, uint32_t *ret)
{
	if (parse_u32(text, ret) == 0 && *ret <= INT_MAX)
		return 0;
	log_error("%s '%s' is not a number", what, text);
	return -EINVAL;
}

/* 0, or 1 when there is nothing to do any more. */
static int parse(int argc, char **argv, struct hold *h)
{
	static const struct option options[] = {
		{"inbox", required_argument, NULL, 'i'},
		{"daemon", required_argument, NULL, 'd'},
		{"pidfd", required_argument, NULL, 'f'},
		{"command", required_argument, NULL, 'c'},
		{"again", no_argument, NULL, 'a'},
		{"watchdog", required_argument, NULL, 'w'},
		{"syslog", no_argument, NULL, 's'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	uint32_t inbox = 0, pid = 0, pidfd = 0, command = 0, watchdog_ms = 0;
	int r = 0;
	int opt;

	while (r == 0 && (opt = getopt_long(argc, argv, "hV", options, NULL)) != -1) {
		switch (opt) {
		case 'i':
			r = parse_number("descriptor", optarg, &inbox);
			break;
		case 'd':
			r = parse_number("process", optarg, &pid);
			break;
		case 'f':
			r = parse_number("descriptor", optarg, &pidfd);
			break;
		case 'c':
			r = parse_number("descriptor", optarg, &command);
			break;
		case 'a':
			h->is_ready = h->was_ready = true;
			break;
		case 'w':
			r = parse_number("watchdog", optarg, &watchdog_ms);
			break;
		case 's':
			h->to_syslog = true;
			break;
		case 'h':
			fputs(help, stdout);
			return 1;
		case 'V':
			puts("anklume-hold " ANKLUME_VERSION);
			return 1;
		default:
			return -EINVAL;
		}
	}
	h->inbox_fd = (int)inbox;
	h->pid = (pid_t)pid;
	h->pidfd = (int)pidfd;
	h->command_fd = (int)command;
	h->alive_usec = clock_us(CLOCK_MONOTONIC);
	h->watchdog_usec = (uint64_t)watchdog_ms * 1000;
	return r < 0 || !inbox || !pid || !pidfd || !command || optind < argc ? -EINVAL : 0;
}

int main(int argc, char **argv)
{
	struct hold h = {.inbox_fd = -1, .pidfd = -1, .proven_fd = -1};
	int r;

	log_init("anklume-hold", LOG_LEVEL_INFO);
	r = parse(argc, argv, &h);
	if (r < 0) {
		log_error("see 'anklume-hold --help'");
		return 2;
	}
	if (r > 0)
		return 0;
	if (h.to_syslog) {
		log_to_syslog();
		stdio_to_null();
	}

	r = prepare(&h);
	if (r == 0)
		loop(&h);
	else
		log_error("cannot watch daemon %d: %s", (int)h.pid, strerror(-r));
	store_finish(&h.store);
	cleanup_closep(&h.inbox_fd);
	cleanup_closep(&h.pidfd);
	cleanup_closep(&h.proven_fd);
	free(h.argv);
	free(h.command);
	return r == 0 ? 0 : 1;
}
