/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "holder.h"

#include "exepath.h"
#include "log.h"
#include "str.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#define PROGRAM "anklume-hold" /* beside our own executable */
#define HOLDER_NAME "holder"

/* Where the holder finds its descriptors. */
enum { INBOX_FD = 3, PIDFD_FD = 4, COMMAND_FD = 5, FIRST_FREE_FD };

static int program_path(const char *daemon, char **ret)
{
	const char *slash = strrchr(daemon, '/');

	if (!slash || asprintf(ret, "%.*s/" PROGRAM, (int)(slash - daemon), daemon) < 0) {
		*ret = NULL;
		return -ENOMEM;
	}
	return 0;
}

/* A name in the abstract namespace: nothing is left behind, whoever dies. */
static int choose_address(struct error *err)
{
	char name[sizeof(((struct sockaddr_un *)0)->sun_path)];
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return error_errno(err, -errno, "no random number");
	snprintf(name, sizeof(name), "@" PROGRAM "/%d-%016llx", (int)getpid(),
		(unsigned long long)number);
	if (setenv("NOTIFY_SOCKET", name, 1) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	return 0;
}

/* The socket behind $NOTIFY_SOCKET. With a holder before this one it is bound anew. */
static int bind_inbox(int *ret_fd, struct error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *name = getenv("NOTIFY_SOCKET");
	cleanup_fd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return error_errno(err, -errno, "cannot make a socket");
	if (!name || name[0] != '@' || strlen(name) > sizeof(address.sun_path))
		return error_set(err, -EINVAL, "$NOTIFY_SOCKET is not ours");
	memcpy(address.sun_path, name, strlen(name));
	address.sun_path[0] = '\0';
	if (bind(fd, (struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))) < 0)
		return error_errno(err, -errno, "cannot bind '%s'", name);
	*ret_fd = steal_fd(&fd);
	return 0;
}

/* What the holder is born with; all lie above FIRST_FREE_FD. */
struct belongings {
	int inbox, pidfd, command;
};

/* posix_spawn(3): this process may have threads. */
static int spawn(const char *program, char **args, const struct belongings *b, pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	int r;

	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attr, &none);
	r = posix_spawn_file_actions_adddup2(&actions, b->inbox, INBOX_FD);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, b->pidfd, PIDFD_FD);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, b->command, COMMAND_FD);
	if (r == 0)
		r = posix_spawn(ret, program, &actions, &attr, args, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

#define ARGS_MAX 9

/*
 * The command line of the holder, borrowed strings. It says nothing of the daemon's own: whoever
 * kills by the daemon's name (pkill -f) shall not meet the one who starts it again.
 */
static void make_args(
	const struct holder *h, char *pid, char *watchdog, bool is_again, char *args[ARGS_MAX])
{
	size_t i = 0;

	args[i++] = (char *)PROGRAM;
	args[i++] = (char *)"--inbox=3";
	args[i++] = (char *)"--pidfd=4";
	args[i++] = (char *)"--command=5";
	args[i++] = pid;
	if (is_again)
		args[i++] = (char *)"--again";
	if (h->to_syslog)
		args[i++] = (char *)"--syslog";
	if (h->watchdog_ms > 0)
		args[i++] = watchdog;
	args[i] = NULL;
}

static int move_up(int *fd)
{
	int above = fcntl(*fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);

	if (above < 0)
		return -errno;
	close(*fd);
	*fd = above;
	return 0;
}

static void close_belongings(struct belongings *b)
{
	cleanup_closep(&b->inbox);
	cleanup_closep(&b->pidfd);
	cleanup_closep(&b->command);
}

/* The words of ARGV one after the other, as in /proc/PID/cmdline: they must outlive this process. */
static int write_command(char **argv, int *ret_fd)
{
	cleanup_fd int fd = memfd_create("command", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	for (; *argv; argv++) {
		size_t len = strlen(*argv) + 1;

		if (write(fd, *argv, len) != (ssize_t)len)
			return -errno;
	}
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	*ret_fd = steal_fd(&fd);
	return 0;
}

static int pack(struct holder *h, struct belongings *b, struct error *err)
{
	int r;

	b->pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	if (b->pidfd < 0)
		return error_errno(err, -errno, "pidfd_open");
	r = bind_inbox(&b->inbox, err);
	if (r < 0)
		return r;
	r = write_command(h->argv, &b->command);
	if (r == 0)
		r = move_up(&b->inbox);
	if (r == 0)
		r = move_up(&b->pidfd);
	if (r == 0)
		r = move_up(&b->command);
	return r < 0 ? error_errno(err, r, "cannot prepare a holder") : 0;
}

static int start_program(struct holder *h, bool is_again, struct error *err)
{
	cleanup_(close_belongings) struct belongings b = {-1, -1, -1};
	cleanup_free char *program = NULL;
	char *args[ARGS_MAX];
	char pid_arg[32], watchdog_arg[32];
	pid_t pid;
	int r;

	r = pack(h, &b, err);
	if (r < 0)
		return r;

	snprintf(pid_arg, sizeof(pid_arg), "--daemon=%d", (int)getpid());
	snprintf(watchdog_arg, sizeof(watchdog_arg), "--watchdog=%u", h->watchdog_ms);
	make_args(h, pid_arg, watchdog_arg, is_again, args);
	if (program_path(exepath_get(), &program) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	r = spawn(program, args, &b, &pid);
	if (r < 0)
		return error_errno(err, r, "cannot run '%s'", program);

	/* Our child, not waited for yet: the number is still its own. */
	h->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (h->pidfd >= 0)
		return 0;
	r = error_errno(err, -errno, "pidfd_open");
	kill(pid, SIGKILL); /* one that nobody knows of would be in the next one's way */
	waitpid(pid, NULL, 0);
	return r;
}

/* As the holder tells the daemons after this one. */
static int set_watchdog(uint32_t watchdog_ms, struct error *err)
{
	char usec[24], pid[16];

	if (watchdog_ms == 0)
		return 0;
	snprintf(usec, sizeof(usec), "%u000", watchdog_ms);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	if (setenv("WATCHDOG_USEC", usec, 1) < 0 || setenv("WATCHDOG_PID", pid, 1) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	return 0;
}

int holder_start(struct holder *h, char **argv, bool to_syslog, struct error *err)
{
	int r;

	h->argv = argv;
	h->to_syslog = to_syslog;
	r = exepath_init(err);
	if (r == 0)
		r = choose_address(err);
	if (r == 0)
		r = start_program(h, false, err);
	if (r == 0)
		r = set_watchdog(h->watchdog_ms, err);
	if (r < 0) {
		unsetenv("NOTIFY_SOCKET");
		return error_prefix(err, r, "holder");
	}
	h->is_ours = true;
	return 0;
}

/* Whoever it was may be dead: this process was endowed by the daemon before it, in an upgrade. */
static bool had_holder(const struct fdstore *s)
{
	const char *address = getenv("NOTIFY_SOCKET");

	return address && str_has_prefix(address, "@" PROGRAM "/") && fdstore_has(s, "fuse");
}

bool holder_attach(struct holder *h, struct fdstore *s, char **argv, bool to_syslog)
{
	int fd = fdstore_steal(s, HOLDER_NAME);

	if ((fd < 0 && !had_holder(s)) || exepath_init(NULL) < 0)
		return false;
	h->pidfd = fd;
	h->argv = argv;
	h->to_syslog = to_syslog;
	h->is_ours = true;
	return true;
}

void holder_keep(const struct holder *h)
{
	if (h->is_ours && h->pidfd >= 0)
		fdstore_put(HOLDER_NAME, h->pidfd);
}

void holder_on_replace(struct holder *h, holder_refill_fn fn, void *data)
{
	if (h->n_refills == HOLDER_REFILLS_MAX)
		abort();
	h->refills[h->n_refills].fn = fn;
	h->refills[h->n_refills++].data = data;
}

void holder_forget(struct holder *h)
{
	/* The first one is our child; of later daemons the holder is the parent. */
	if (h->pidfd >= 0)
		waitid(P_PIDFD, (id_t)h->pidfd, NULL, WEXITED | WNOHANG);
	cleanup_closep(&h->pidfd);
	h->pidfd = -1;
}

int holder_replace(struct holder *h, struct error *err)
{
	int r;

	holder_forget(h);
	r = start_program(h, true, err);
	if (r < 0)
		return error_prefix(err, r, "the holder died and no other can be started");
	for (size_t i = 0; i < h->n_refills; i++)
		h->refills[i].fn(h->refills[i].data);
	return 0;
}

void holder_finish(struct holder *h)
{
	cleanup_closep(&h->pidfd);
	*h = (struct holder)HOLDER_INIT;
}
