/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Against a real datagram socket, as systemd listens on one, and real execs. */

#include "fdstore.h"
#include "notify.h"
#include "unit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

static int manager_fd = -1;

/* The manager's end: $NOTIFY_SOCKET with the sender's credentials, as systemd wants them. */
static void manager_setup(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int on = 1;

	unit_dir_setup();
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", unit_path("notify"));
	manager_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(manager_fd, 0);
	ck_assert_int_eq(bind(manager_fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(setsockopt(manager_fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
	setenv("NOTIFY_SOCKET", address.sun_path, 1);
}

static void manager_teardown(void)
{
	close(manager_fd);
	unsetenv("NOTIFY_SOCKET");
	unit_dir_teardown();
}

struct heard {
	char text[512];
	pid_t pid;
	int fd; /* -1: none came along */
};

static struct heard hear(void)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(4 * sizeof(int))];
	} control;
	struct heard h = {.fd = -1};
	struct iovec iov = {.iov_base = h.text, .iov_len = sizeof(h.text) - 1};
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	ck_assert_int_gt(recvmsg(manager_fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC), 0);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
		if (c->cmsg_type == SCM_CREDENTIALS) {
			struct ucred ucred;

			memcpy(&ucred, CMSG_DATA(c), sizeof(ucred));
			h.pid = ucred.pid;
		} else if (c->cmsg_type == SCM_RIGHTS) {
			ck_assert_uint_eq(c->cmsg_len, CMSG_LEN(sizeof(int)));
			memcpy(&h.fd, CMSG_DATA(c), sizeof(int));
		}
	}
	return h;
}

static bool is_same_file(int a, int b)
{
	struct stat sa, sb;

	return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
	       sa.st_ino == sb.st_ino;
}

START_TEST(stored_descriptor_travels_with_its_name)
{
	int fd = memfd_create("state", MFD_CLOEXEC);
	struct heard h;

	ck_assert_int_eq(fdstore_put("state", fd), 1);
	h = hear();
	ck_assert_str_eq(h.text, "FDSTORE=1\nFDNAME=state\nFDPOLL=0");
	ck_assert_int_eq(h.pid, getpid());
	ck_assert(is_same_file(h.fd, fd));
	close(h.fd);
	close(fd);
}
END_TEST

START_TEST(dropped_name_is_sent_alone)
{
	struct heard h;

	ck_assert_int_eq(fdstore_drop("pin-1f"), 1);
	h = hear();
	ck_assert_str_eq(h.text, "FDSTOREREMOVE=1\nFDNAME=pin-1f");
	ck_assert_int_eq(h.fd, -1);
}
END_TEST

START_TEST(stored_descriptor_outlives_its_sender)
{
	int status;
	struct heard h;
	char text[4] = "";
	pid_t pid = fork();

	if (pid == 0) {
		int fd = memfd_create("state", MFD_CLOEXEC);

		if (write(fd, "all", 3) == 3 && fdstore_put("state", fd) == 1)
			kill(getpid(), SIGKILL);
		_exit(1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));

	h = hear();
	ck_assert_int_eq(h.pid, pid);
	ck_assert_int_eq(pread(h.fd, text, 3, 0), 3);
	ck_assert_str_eq(text, "all");
	close(h.fd);
}
END_TEST

START_TEST(names_that_systemd_refuses_are_not_sent)
{
	char long_name[257];

	memset(long_name, 'x', 256);
	long_name[256] = '\0';
	ck_assert_int_eq(fdstore_put("", 0), -EINVAL);
	ck_assert_int_eq(fdstore_put("a:b", 0), -EINVAL);
	ck_assert_int_eq(fdstore_put("a\nREADY=1", 0), -EINVAL);
	ck_assert_int_eq(fdstore_put("caf\xc3\xa9", 0), -EINVAL);
	ck_assert_int_eq(fdstore_drop(long_name), -EINVAL);
	ck_assert_int_eq(recv(manager_fd, long_name, 1, MSG_DONTWAIT), -1);

	long_name[255] = '\0';
	ck_assert_int_eq(fdstore_drop(long_name), 1);
}
END_TEST

START_TEST(closed_descriptor_is_ebadf)
{
	ck_assert_int_eq(fdstore_put("fuse", 1000000), -EBADF);
}
END_TEST

START_TEST(manager_that_is_gone_is_an_error)
{
	unlink(getenv("NOTIFY_SOCKET"));
	ck_assert_int_eq(fdstore_put("fuse", 0), -ENOENT);
	ck_assert_int_eq(notify_ready(), -ENOENT);
}
END_TEST

START_TEST(without_manager_nothing_happens)
{
	unsetenv("NOTIFY_SOCKET");
	ck_assert(!notify_has_manager());
	ck_assert_int_eq(fdstore_put("fuse", 0), 0);
	ck_assert_int_eq(fdstore_drop("fuse"), 0);
	ck_assert_int_eq(notify_ready(), 0);
	ck_assert_int_eq(notify_status("%d", 1), 0);
	ck_assert_int_eq(notify_stopping(), 0);
	ck_assert_int_eq(notify_mainpid(1), 0);
	ck_assert_int_eq(notify_watchdog(), 0);
	ck_assert_int_eq(notify_barrier(1000), 0);
}
END_TEST

START_TEST(states_are_spelled_as_sd_notify_says)
{
	ck_assert(notify_has_manager());
	ck_assert_int_eq(notify_ready(), 1);
	ck_assert_str_eq(hear().text, "READY=1");
	ck_assert_int_eq(notify_stopping(), 1);
	ck_assert_str_eq(hear().text, "STOPPING=1");
	ck_assert_int_eq(notify_mainpid(42), 1);
	ck_assert_str_eq(hear().text, "MAINPID=42");
	ck_assert_int_eq(notify_watchdog(), 1);
	ck_assert_str_eq(hear().text, "WATCHDOG=1");
}
END_TEST

START_TEST(status_cannot_smuggle_another_assignment)
{
	ck_assert_int_eq(notify_status("serving '%s'", "a\nREADY=1"), 1);
	ck_assert_str_eq(hear().text, "STATUS=serving 'a READY=1'");
}
END_TEST

START_TEST(barrier_waits_for_the_manager)
{
	struct heard h;
	int status;
	pid_t pid;

	ck_assert_int_eq(notify_barrier(1), -ETIMEDOUT);
	h = hear();
	ck_assert_str_eq(h.text, "BARRIER=1");
	close(h.fd);

	pid = fork();
	if (pid == 0)
		_exit(notify_barrier(60000) == 1 ? 0 : 1);
	while (recv(manager_fd, h.text, 1, MSG_PEEK) < 0)
		ck_assert_int_eq(errno, EINTR);
	h = hear();
	close(h.fd);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(watchdog_time_comes_from_the_environment)
{
	char pid[16];

	ck_assert_uint_eq(notify_watchdog_usec(), 0);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("WATCHDOG_USEC", "30000000", 1);
	setenv("WATCHDOG_PID", pid, 1);
	ck_assert_uint_eq(notify_watchdog_usec(), 30000000);
	setenv("WATCHDOG_PID", "1", 1);
	ck_assert_uint_eq(notify_watchdog_usec(), 0);
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}
END_TEST

/* In a child whose descriptors 3, 4, 5 are a, b, c of FILES: what does fdstore_take() make of NAMES? */
static int take_in_child(const char *names, const char *n, int (*check)(struct fdstore *s))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct fdstore s;
		char self[16];
		int files[3];
		int r;

		for (int i = 0; i < 3; i++) {
			int fd = memfd_create("x", 0);

			files[i] = fcntl(fd, F_DUPFD, 100);
			if (dprintf(files[i], "%c", 'a' + i) != 1)
				_exit(99);
		}
		for (int i = 0; i < 3; i++)
			dup2(files[i], 3 + i);
		snprintf(self, sizeof(self), "%d", (int)getpid());
		setenv("LISTEN_PID", self, 1);
		setenv("LISTEN_FDS", n, 1);
		if (names)
			setenv("LISTEN_FDNAMES", names, 1);
		r = fdstore_take(&s, NULL);
		if (r < 0)
			_exit(s.n_items == 0 ? -r : 98);
		if (getenv("LISTEN_PID") || getenv("LISTEN_FDS") || getenv("LISTEN_FDNAMES"))
			_exit(97);
		r = check(&s);
		fdstore_finish(&s);
		_exit(r);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static char content(int fd)
{
	char c = '?';

	return pread(fd, &c, 1, 0) == 1 ? c : '!';
}

/* 0 or the line that is wrong. */
#define EXPECT(condition)                      \
	do {                                   \
		if (!(condition))              \
			return __LINE__ & 127; \
	} while (0)

static int check_three(struct fdstore *s)
{
	int fuse, first, second;

	EXPECT(s->n_items == 3);
	fuse = fdstore_steal(s, "fuse");
	EXPECT(content(fuse) == 'b' && (fcntl(fuse, F_GETFD) & FD_CLOEXEC));
	EXPECT(fdstore_steal(s, "fuse") == -ENOENT);
	first = fdstore_steal(s, "pin-2");
	second = fdstore_steal(s, "pin-2");
	EXPECT(content(first) == 'a' && content(second) == 'c');
	EXPECT(fdstore_steal(s, "pin-2") == -ENOENT && fdstore_steal(s, "state") == -ENOENT);
	fdstore_finish(s);
	EXPECT(s->n_items == 0 && content(fuse) == 'b');
	return 0;
}

static int check_unclaimed(struct fdstore *s)
{
	EXPECT(s->n_items == 3);
	fdstore_finish(s);
	EXPECT(fcntl(3, F_GETFD) < 0 && fcntl(4, F_GETFD) < 0 && fcntl(5, F_GETFD) < 0);
	return 0;
}

START_TEST(received_descriptors_are_found_by_name)
{
	ck_assert_int_eq(take_in_child("pin-2:fuse:pin-2", "3", check_three), 0);
}
END_TEST

START_TEST(unclaimed_descriptors_are_closed)
{
	ck_assert_int_eq(take_in_child("a:b:c", "3", check_unclaimed), 0);
	ck_assert_int_eq(take_in_child(NULL, "3", check_unclaimed), 0);
}
END_TEST

static int check_none(struct fdstore *s)
{
	EXPECT(s->n_items == 0);
	return 0;
}

START_TEST(senseless_environment_is_refused)
{
	ck_assert_int_eq(take_in_child("a:b:c", "many", check_none), EINVAL);
	ck_assert_int_eq(take_in_child("a:b", "3", check_none), EINVAL);
	ck_assert_int_eq(take_in_child("a:b:c", "-1", check_none), EINVAL);
}
END_TEST

START_TEST(another_process_descriptors_are_left_alone)
{
	struct fdstore s;

	setenv("LISTEN_PID", "1", 1);
	setenv("LISTEN_FDS", "1", 1);
	ck_assert_int_eq(fdstore_take(&s, NULL), 0);
	ck_assert_uint_eq(s.n_items, 0);
	ck_assert_ptr_null(getenv("LISTEN_PID"));
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("fdstore");
	TCase *store = tcase_create("store");
	TCase *take = tcase_create("take");

	tcase_add_checked_fixture(store, manager_setup, manager_teardown);
	tcase_add_test(store, stored_descriptor_travels_with_its_name);
	tcase_add_test(store, dropped_name_is_sent_alone);
	tcase_add_test(store, stored_descriptor_outlives_its_sender);
	tcase_add_test(store, names_that_systemd_refuses_are_not_sent);
	tcase_add_test(store, closed_descriptor_is_ebadf);
	tcase_add_test(store, manager_that_is_gone_is_an_error);
	tcase_add_test(store, without_manager_nothing_happens);
	tcase_add_test(store, states_are_spelled_as_sd_notify_says);
	tcase_add_test(store, status_cannot_smuggle_another_assignment);
	tcase_add_test(store, barrier_waits_for_the_manager);
	tcase_add_test(store, watchdog_time_comes_from_the_environment);
	suite_add_tcase(s, store);

	tcase_add_test(take, received_descriptors_are_found_by_name);
	tcase_add_test(take, unclaimed_descriptors_are_closed);
	tcase_add_test(take, senseless_environment_is_refused);
	tcase_add_test(take, another_process_descriptors_are_left_alone);
	suite_add_tcase(s, take);
	return s;
}
