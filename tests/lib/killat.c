/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * killat N COMMAND...: run COMMAND and kill it, as kill -9 does, in front of the Nth system call that
 * changes something: names, data, attributes, what is on the disk, what others are told. Whatever
 * order a program promises, it is killed between every two of its steps when N goes from 1 up.
 *
 * Exit status: 137 when it was killed, else COMMAND's own; 125 for trouble of our own. Only the first
 * process is stopped; COMMAND must have one thread.
 */

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <linux/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define KILLED 137
#define TROUBLE 125

static const long changing[] = {
#ifdef SYS_rename
	SYS_rename,
#endif
#ifdef SYS_renameat
	SYS_renameat,
#endif
	SYS_renameat2,
#ifdef SYS_mkdir
	SYS_mkdir,
#endif
	SYS_mkdirat,
#ifdef SYS_unlink
	SYS_unlink, SYS_rmdir,
#endif
	SYS_unlinkat, SYS_linkat, SYS_symlinkat, SYS_mknodat, SYS_write, SYS_pwrite64,
	SYS_ftruncate, SYS_fallocate, SYS_copy_file_range, SYS_ioctl, SYS_setxattr, SYS_lsetxattr,
	SYS_fsetxattr, SYS_removexattr, SYS_lremovexattr, SYS_fremovexattr, SYS_fchown,
	SYS_fchownat, SYS_fchmod, SYS_fchmodat, SYS_utimensat, SYS_fsync, SYS_fdatasync, SYS_syncfs,
	SYS_sendto, SYS_sendmsg, SYS_exit_group};

static bool is_changing(long nr)
{
	for (size_t i = 0; i < sizeof(changing) / sizeof(changing[0]); i++) {
		if (changing[i] == nr)
			return true;
	}
	return false;
}

static int trouble(const char *what)
{
	fprintf(stderr, "killat: %s: %s\n", what, strerror(errno));
	return TROUBLE;
}

static void start(char **argv)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		_exit(trouble("cannot be traced"));
	execvp(argv[0], argv);
	_exit(trouble(argv[0]));
}

/* True when PID stands in front of a call that changes something. */
static bool is_at_change(pid_t pid)
{
	struct ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) < 0)
		return false;
	return info.op == PTRACE_SYSCALL_INFO_ENTRY && is_changing((long)info.entry.nr);
}

/* Let PID run until it ends or stands in front of its Nth change. */
static int follow(pid_t pid, unsigned long n)
{
	int signal = 0;
	int status;

	for (;;) {
		if (waitpid(pid, &status, 0) < 0)
			return trouble("cannot wait");
		if (WIFEXITED(status))
			return WEXITSTATUS(status);
		if (WIFSIGNALED(status))
			return 128 + WTERMSIG(status);

		signal = WSTOPSIG(status);
		if (signal == (SIGTRAP | 0x80) && is_at_change(pid) && --n == 0) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return KILLED;
		}
		if (signal == SIGTRAP || signal == (SIGTRAP | 0x80))
			signal = 0;
		if (ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)signal) < 0)
			return trouble("cannot go on");
	}
}

int main(int argc, char **argv)
{
	unsigned long n = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
	int status;
	pid_t pid;

	if (n == 0) {
		fputs("usage: killat N COMMAND...\n", stderr);
		return TROUBLE;
	}
	pid = fork();
	if (pid < 0)
		return trouble("cannot fork");
	if (pid == 0)
		start(argv + 2);

	if (waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status))
		return WIFEXITED(status) ? WEXITSTATUS(status) : trouble("cannot trace");
	if (ptrace(PTRACE_SETOPTIONS, pid, NULL,
		    (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)) < 0 ||
		ptrace(PTRACE_SYSCALL, pid, NULL, NULL) < 0)
		return trouble("cannot trace");
	return follow(pid, n);
}
