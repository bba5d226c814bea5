/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vitals.h"

#include "clock.h"
#include "ctl.h"
#include "fdio.h"
#include "str.h"
#include "wire.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>

#define STACKS_DEADLINE_MS 10000
#define SUCCESSOR_DEADLINE_MS 60000
#define LOOK_AGAIN_MS 20
#define PROC_TEXT_MAX 65536

/*
 * FN(ARG)'s result, 0 to 255, from a child. -ETIMEDOUT: it is killed, but not waited for: who waits
 * for an answer of FUSE may not even die.
 */
static int run_in_time(int (*fn)(const void *arg), const void *arg, int timeout_ms)
{
	cleanup_fd int pidfd = -1;
	struct pollfd p;
	siginfo_t info = {0};
	pid_t pid = fork();
	int n;

	if (pid < 0)
		return -errno;
	if (pid == 0)
		_exit(fn(arg));
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return -errno;
	p = (struct pollfd){.fd = pidfd, .events = POLLIN};
	do
		n = poll(&p, 1, timeout_ms);
	while (n < 0 && errno == EINTR);
	if (n <= 0) {
		kill(pid, SIGKILL);
		return -ETIMEDOUT;
	}
	if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) < 0 || info.si_code != CLD_EXITED)
		return -EIO;
	return info.si_status;
}

static int try_statfs(const void *path)
{
	struct statfs st;

	return statfs(path, &st) < 0 ? errno : 0;
}

/* Who listens on the control socket: connecting needs nobody to accept. 0: not known. */
static pid_t find_listener(const char *control)
{
	struct ucred peer = {0};
	socklen_t len = sizeof(peer);
	cleanup_fd int fd = -1;

	if (wire_connect(control, &fd, NULL) < 0 ||
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return 0;
	return peer.pid;
}

static long read_waiting(const struct mount *mount)
{
	cleanup_free char *text = NULL;
	char path[64];
	uint32_t n;
	size_t len;

	if (!mount)
		return -1;
	/* The connection has the number of the device (Linux, fs/fuse/control.c). */
	snprintf(path, sizeof(path), "/sys/fs/fuse/connections/%u/waiting", mount->minor);
	if (read_file(AT_FDCWD, path, 64, &text, &len) < 0)
		return -1;
	text[strcspn(text, "\n")] = '\0';
	return parse_u32(text, &n) < 0 ? -1 : (long)n;
}

void vitals_take(struct vitals *v, const struct cmd_env *env, const struct mount *mount)
{
	int r = run_in_time(try_statfs, env->mount, VITALS_DEADLINE_MS);

	*v = (struct vitals){.mount_result = r > 0 ? -r : r, .n_waiting = read_waiting(mount)};
	v->reached = ctl_call(env->control, "status", NULL, VITALS_DEADLINE_MS, &v->status, NULL);
	if (v->status)
		v->pid = (pid_t)json_integer_value(json_object_get(v->status, "pid"));
	else if (v->reached < 0)
		v->pid = find_listener(env->control);
}

void vitals_finish(struct vitals *v)
{
	json_decref(v->status);
	*v = (struct vitals){0};
}

bool vitals_is_base_stuck(const struct vitals *v)
{
	const json_t *oldest = json_object_get(v->status, "oldest");
	const char *place = json_string_value(json_object_get(oldest, "place"));

	return json_integer_value(json_object_get(v->status, "stuck")) > 0 && place &&
	       str_equal(place, "base");
}

bool vitals_is_stuck(const struct vitals *v)
{
	if (v->reached == 0 || vitals_is_base_stuck(v))
		return false;
	return v->reached < 0 || v->mount_result == -ETIMEDOUT ||
	       json_integer_value(json_object_get(v->status, "stuck")) > 0;
}

static char *read_proc(pid_t pid, const char *tid, const char *name)
{
	char path[320];
	char *text;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/task/%s/%s", (int)pid, tid, name);
	return read_file(AT_FDCWD, path, PROC_TEXT_MAX, &text, &len) < 0 ? NULL : text;
}

/* "[<0>] name+0x1/0x2" per line becomes "name < name". */
static void add_stack(struct strbuf *b, char *stack)
{
	char *save = NULL;
	const char *between = " in ";

	for (char *l = strtok_r(stack, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		const char *name = strstr(l, "] ");

		if (!name)
			continue;
		name += 2;
		strbuf_printf(b, "%s%.*s", between, (int)strcspn(name, "+ "), name);
		between = " < ";
	}
}

static void add_thread(struct strbuf *b, pid_t pid, const char *tid)
{
	cleanup_free char *comm = read_proc(pid, tid, "comm");
	cleanup_free char *stat = read_proc(pid, tid, "stat");
	cleanup_free char *wchan = read_proc(pid, tid, "wchan");
	cleanup_free char *call = read_proc(pid, tid, "syscall");
	cleanup_free char *stack = read_proc(pid, tid, "stack");
	const char *state = stat ? strrchr(stat, ')') : NULL;

	if (!comm || !state)
		return;
	strbuf_printf(b, "%sthread %s (%.*s) %c", b->len ? "\n" : "", tid, (int)strcspn(comm, "\n"),
		comm, state[1] ? state[2] : '?');
	if (call)
		strbuf_printf(b, ", system call %.*s", (int)strcspn(call, " \n"), call);
	if (stack && *stack)
		add_stack(b, stack);
	else if (wchan && !str_equal(wchan, "0"))
		strbuf_printf(b, " in %s", wchan);
}

char *vitals_threads(pid_t pid)
{
	cleanup_strbuf struct strbuf b = STRBUF_INIT;
	char path[32];
	cleanup_dir DIR *dir = NULL;
	const struct dirent *entry;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = pid > 0 ? opendir(path) : NULL;
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			add_thread(&b, pid, entry->d_name);
	}
	return strbuf_steal(&b);
}

struct stacks_target {
	pid_t pid;
	int fd;
};

static int exec_debugger(const void *arg)
{
	const struct stacks_target *t = arg;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", (int)t->pid);
	if (null < 0 || dup2(null, 0) < 0 || dup2(t->fd, 1) < 0 || dup2(null, 2) < 0)
		return 1;
	execlp("eu-stack", "eu-stack", "-p", pid, (char *)NULL);
	execlp("gdb", "gdb", "-nx", "-batch", "-ex", "thread apply all bt", "-p", pid,
		(char *)NULL);
	return 1;
}

void vitals_write_stacks(pid_t pid, int fd)
{
	const struct stacks_target t = {pid, fd};

	run_in_time(exec_debugger, &t, STACKS_DEADLINE_MS);
}

static bool is_another_there(const struct vitals *v, const struct cmd_env *env)
{
	cleanup_json json_t *status = NULL;

	return ctl_call(env->control, "status", NULL, VITALS_DEADLINE_MS, &status, NULL) > 0 &&
	       json_integer_value(json_object_get(status, "pid")) != v->pid;
}

int vitals_replace(const struct vitals *v, const struct cmd_env *env, struct error *err)
{
	const struct timespec pause = {.tv_nsec = LOOK_AGAIN_MS * 1000000};
	int64_t deadline = clock_ms(CLOCK_MONOTONIC) + SUCCESSOR_DEADLINE_MS;

	if (v->pid <= 0)
		return error_set(err, CMD_FAILED, "nobody knows which process the daemon is");
	if (kill(v->pid, SIGKILL) < 0 && errno != ESRCH)
		return error_errno(err, -errno, "cannot kill daemon %d", (int)v->pid);
	while (clock_ms(CLOCK_MONOTONIC) < deadline) {
		if (is_another_there(v, env))
			return 0;
		nanosleep(&pause, NULL);
	}
	return error_set(err, CMD_FAILED,
		"daemon %d was killed, and no other serves after %d s\n"
		"  one with a thread in the kernel dies when that lets go of it",
		(int)v->pid, SUCCESSOR_DEADLINE_MS / 1000);
}
