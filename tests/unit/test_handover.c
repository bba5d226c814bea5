/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Shell scripts stand for the other executable: they hear the question and answer, or do not. */

#include "handover.h"

#include "unit.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int state_fd = -1;

static void keep(void *data)
{
	ck_assert_ptr_eq(data, &state_fd);
	ck_assert_int_eq(fdstore_put("state", state_fd), 1);
}

static char *argv_of_this[] = {
	(char *)"anklume-fs", (char *)"--base", (char *)"/b", (char *)"-f", NULL};

static void setup(void)
{
	unit_dir_setup();
	unsetenv("NOTIFY_SOCKET");
	state_fd = memfd_create("state", MFD_CLOEXEC);
	ck_assert_int_eq(pwrite(state_fd, "content\n", 8, 0), 8);
}

static void teardown(void)
{
	close(state_fd);
	unit_dir_teardown();
}

static struct handover handover(const char *script)
{
	struct handover h = {
		.binary = script,
		.argv = argv_of_this,
		.keep = keep,
		.data = &state_fd,
		.timeout_ms = 60000,
	};

	if (script[0] != '/') {
		unit_write("other", script);
		h.binary = unit_path("other");
		ck_assert_int_eq(chmod(h.binary, 0755), 0);
	}
	return h;
}

static int ask(const char *script, struct error *err)
{
	struct handover h = handover(script);

	return handover_ask(&h, err);
}

START_TEST(executable_that_can_says_so)
{
	ck_assert_int_eq(ask("#!/bin/sh\nprintf 'can 9.9' >&4\n", NULL), 0);
}
END_TEST

START_TEST(question_brings_what_is_kept_and_the_command_line)
{
	ck_assert_int_eq(
		ask("#!/bin/sh\n"
		    "read -r text <&3\n"
		    "[ \"$text\" = content ] || exit\n"
		    "[ \"$*\" = '--check-takeover --base /b -f' ] || exit\n"
		    "[ \"$LISTEN_FDNAMES $LISTEN_FDS $LISTEN_PID\" = \"state:answer 2 $$\" ] "
		    "|| exit\n"
		    "printf 'can 9.9' >&4\n",
			NULL),
		0);
}
END_TEST

START_TEST(reason_why_not_comes_back)
{
	cleanup_error struct error err = {0};

	ck_assert_int_eq(
		ask("#!/bin/sh\nprintf 'no the state is\\033 too new' >&4\n", &err), -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(err.text, "cannot take over: the state is? too new"));
}
END_TEST

START_TEST(what_is_no_daemon_is_not_believed)
{
	cleanup_error struct error err = {0};

	ck_assert_int_eq(ask("/bin/true", &err), -ENOEXEC);
	ck_assert_int_eq(ask("/nowhere/anklume-fs", NULL), -ENOEXEC);
	ck_assert_int_eq(ask("#!/bin/sh\nkill -SEGV $$\n", NULL), -ENOEXEC);
	ck_assert_int_eq(ask("#!/bin/sh\nprintf 'maybe' >&4\n", NULL), -ENOEXEC);
	ck_assert_int_eq(ask("no executable at all", NULL), -ENOEXEC);
}
END_TEST

START_TEST(silent_executable_is_given_up_and_killed)
{
	struct handover h = handover("#!/bin/sh\necho $$ >pid\nread -r forever <&4\n");
	cleanup_error struct error err = {0};
	int pid;
	FILE *f;

	ck_assert_int_eq(chdir(unit_path("")), 0);
	h.timeout_ms = 1000;
	ck_assert_int_eq(handover_ask(&h, &err), -ETIMEDOUT);
	f = fopen("pid", "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%d", &pid), 1);
	fclose(f);
	ck_assert_int_eq(kill(pid, 0), -1);
	ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

START_TEST(descriptors_are_the_same_after_the_question)
{
	char c;

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(ask("#!/bin/sh\nprintf 'no' >&4\n", NULL), -ENOEXEC);
	ck_assert_int_eq(pread(state_fd, &c, 1, 0), 1);
	ck_assert_ptr_null(getenv("LISTEN_FDS"));
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

START_TEST(exec_keeps_the_process)
{
	struct handover h =
		handover("#!/bin/sh\n"
			 "read -r text <&3\n"
			 "[ \"$text\" = content ] || exit 1\n"
			 "[ \"$*\" = '--base /b -f' ] || exit 2\n"
			 "[ \"$LISTEN_FDNAMES $LISTEN_PID\" = \"state $$\" ] || exit 3\n"
			 "[ \"$$\" = \"$EXPECTED_PID\" ] || exit 4\n"
			 "exit 42\n");
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		char text[16];

		snprintf(text, sizeof(text), "%d", (int)getpid());
		setenv("EXPECTED_PID", text, 1);
		handover_exec(&h, NULL);
		_exit(99);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 42);
}
END_TEST

Suite *unit_suite(void)
{
	int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
	Suite *s;
	TCase *t;

	/* valgrind 3.19 has none. */
	if (self < 0)
		return unit_skip("pidfd", "pidfd_open(2) is not there");
	close(self);

	s = suite_create("handover");
	t = tcase_create("handover");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, executable_that_can_says_so);
	tcase_add_test(t, question_brings_what_is_kept_and_the_command_line);
	tcase_add_test(t, reason_why_not_comes_back);
	tcase_add_test(t, what_is_no_daemon_is_not_believed);
	tcase_add_test(t, silent_executable_is_given_up_and_killed);
	tcase_add_test(t, descriptors_are_the_same_after_the_question);
	tcase_add_test(t, exec_keeps_the_process);
	suite_add_tcase(s, t);
	return s;
}
