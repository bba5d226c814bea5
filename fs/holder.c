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
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#define PROGRAM "anklume-fs-hold" /* beside our own executable */
#define HOLDER_NAME "holder"

/* Where the holder finds its two descriptors. */
enum { INBOX_FD = 3, PIDFD_FD = 4, FIRST_FREE_FD };

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

/* posix_spawn(3): this process may have threads. INBOX and PIDFD lie above FIRST_FREE_FD. */
static int spawn(const char *program, char **args, int inbox, int pidfd, pid_t *ret)
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
	r = posix_spawn_file_actions_adddup2(&actions, inbox, INBOX_FD);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, pidfd, PIDFD_FD);
	if (r == 0)
		r = posix_spawn(ret, program, &actions, &attr, args, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

static size_t count_args(char **argv)
{
	size_t n = 0;

	while (argv[n])
		n++;
	return n;
}

/* The command line of the holder: borrowed strings in an array to free. */
static char **make_args(const struct holder *h, char *program, char *pid, bool is_again)
{
	size_t n = count_args(h->argv);
	char **args = calloc(n + 16, sizeof(*args));
	size_t i = 0;

	if (!args)
		return NULL;
	args[i++] = program;
	args[i++] = (char *)"--inbox=3";
	args[i++] = (char *)"--pidfd=4";
	args[i++] = pid;
	args[i++] = (char *)"--path";
	args[i++] = (char *)exepath_get();
	if (is_again)
		args[i++] = (char *)"--again";
	if (h->to_syslog)
		args[i++] = (char *)"--syslog";
	args[i++] = (char *)"--";
	memcpy(&args[i], h->argv, n * sizeof(*args));
	return args;
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

static int start_program(struct holder *h, bool is_again, struct error *err)
{
	cleanup_free char *program = NULL;
	cleanup_free char **args = NULL;
	cleanup_fd int inbox = -1;
	cleanup_fd int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
	char pid_arg[32];
	pid_t pid;
	int r;

	if (self < 0)
		return error_errno(err, -errno, "pidfd_open");
	r = bind_inbox(&inbox, err);
	if (r < 0)
		return r;

	snprintf(pid_arg, sizeof(pid_arg), "--daemon=%d", (int)getpid());
	if (program_path(exepath_get(), &program) < 0 ||
		!(args = make_args(h, program, pid_arg, is_again)))
		return error_set(err, -ENOMEM, "out of memory");
	r = move_up(&inbox);
	if (r == 0)
		r = move_up(&self);
	if (r == 0)
		r = spawn(program, args, inbox, self, &pid);
	if (r < 0)
		return error_errno(err, r, "cannot run '%s'", program);

	/* Our child, not waited for yet: the number is still its own. */
	h->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	return h->pidfd < 0 ? error_errno(err, -errno, "pidfd_open") : 0;
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
	if (r < 0) {
		unsetenv("NOTIFY_SOCKET");
		return error_prefix(err, r, "holder");
	}
	h->is_ours = true;
	return 0;
}

bool holder_attach(struct holder *h, struct fdstore *s, char **argv, bool to_syslog)
{
	int fd = fdstore_steal(s, HOLDER_NAME);

	if (fd < 0 || exepath_init(NULL) < 0)
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

int holder_replace(struct holder *h, struct error *err)
{
	int r;

	/* The first one is our child; of later daemons the holder is the parent. */
	waitid(P_PIDFD, (id_t)h->pidfd, NULL, WEXITED | WNOHANG);
	cleanup_closep(&h->pidfd);
	h->pidfd = -1;

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
