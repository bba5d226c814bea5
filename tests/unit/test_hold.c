/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The parts of the holder: what it keeps, what it reads, when it starts another daemon. */

#include "cleanup.h"
#include "inbox.h"
#include "restarts.h"
#include "store.h"
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

static int new_fd(void)
{
	int fd = memfd_create("x", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

START_TEST(store_keeps_what_has_the_same_name_apart)
{
	struct store s = {0};
	int a = new_fd(), b = new_fd();

	ck_assert_int_eq(store_add(&s, "pin-1", a), 1);
	ck_assert_int_eq(store_add(&s, "pin-1", b), 1);
	ck_assert_uint_eq(s.n_items, 2);
	ck_assert_int_eq(store_find(&s, "pin-1"), b);
	ck_assert_int_eq(store_find(&s, "pin-2"), -1);
	store_finish(&s);
	ck_assert(!is_open(a) && !is_open(b));
}
END_TEST

START_TEST(same_open_file_is_kept_once)
{
	struct store s = {0};
	int a = new_fd();
	int copy = dup(a);

	ck_assert_int_eq(store_add(&s, "state", a), 1);
	ck_assert_int_eq(store_add(&s, "state", copy), 0);
	ck_assert_uint_eq(s.n_items, 1);
	ck_assert(!is_open(copy) && is_open(a));
	store_finish(&s);
}
END_TEST

START_TEST(removing_a_name_closes_all_of_it_and_keeps_the_order)
{
	struct store s = {0};
	int gone[2];

	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(store_add(&s, i % 50 == 7 ? "gone" : "kept", new_fd()), 1);
	gone[0] = s.items[7].fd;
	gone[1] = s.items[57].fd;
	ck_assert_uint_eq(store_remove(&s, "gone"), 2);
	ck_assert_uint_eq(store_remove(&s, "gone"), 0);
	ck_assert(!is_open(gone[0]) && !is_open(gone[1]));
	ck_assert_uint_eq(s.n_items, 98);
	for (size_t i = 0; i < s.n_items; i++)
		ck_assert_str_eq(s.items[i].name, "kept");
	for (size_t i = 1; i < s.n_items; i++)
		ck_assert_int_lt(s.items[i - 1].fd, s.items[i].fd);
	store_finish(&s);
}
END_TEST

static struct message parse(const char *text)
{
	struct message m = {0};
	char copy[8192];

	snprintf(copy, sizeof(copy), "%s", text);
	message_parse(copy, &m);
	return m;
}

START_TEST(message_says_what_its_lines_say)
{
	struct message m = parse("FDSTORE=1\nFDNAME=pin-7f\nFDPOLL=0\n");

	ck_assert(m.is_store && !m.is_remove && !m.is_ready && !m.is_stopping);
	ck_assert_str_eq(m.name, "pin-7f");
	m = parse("READY=1\nSTATUS=well\nMAINPID=42");
	ck_assert(m.is_ready && !m.is_store);
	ck_assert_int_eq(m.main_pid, 42);
	m = parse("FDSTOREREMOVE=1");
	ck_assert(m.is_remove);
	ck_assert_str_eq(m.name, "stored");
	ck_assert(parse("STOPPING=1").is_stopping);
	ck_assert(parse("WATCHDOG=1").is_watchdog);
	ck_assert(parse("BARRIER=1").is_barrier);
}
END_TEST

START_TEST(what_is_not_understood_is_skipped)
{
	struct message m = parse("READY=0\nREADY\n=\nMAINPID=-1\nMAINPID=99999999999\nX=1\n\n");

	ck_assert(!m.is_ready);
	ck_assert_int_eq(m.main_pid, 0);
	ck_assert(!parse("").is_ready);
	ck_assert_str_eq(parse("FDNAME=").name, "stored");
}
END_TEST

START_TEST(name_that_is_too_long_is_no_name)
{
	char text[512];

	snprintf(text, sizeof(text), "FDNAME=%0300d", 7);
	ck_assert_str_eq(parse(text).name, "stored");
	snprintf(text, sizeof(text), "FDNAME=%0255d", 7);
	ck_assert_uint_eq(strlen(parse(text).name), 255);
}
END_TEST

START_TEST(inbox_tells_who_sends_and_hands_over_descriptors)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(2 * sizeof(int))];
	} control = {0};
	struct iovec iov = {.iov_base = (char *)"FDSTORE=1", .iov_len = 9};
	struct msghdr header = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&header);
	struct message m;
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(inbox_init(pair[0]), 0);
	ck_assert_int_eq(inbox_receive(pair[0], &m), -EAGAIN);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(2 * sizeof(int));
	memcpy(CMSG_DATA(c), pair, 2 * sizeof(int));
	ck_assert_int_eq(sendmsg(pair[1], &header, 0), 9);
	ck_assert_int_eq(inbox_receive(pair[0], &m), 0);
	ck_assert_int_eq(m.pid, getpid());
	ck_assert_uint_eq(m.uid, getuid());
	ck_assert_uint_eq(m.n_fds, 2);
	ck_assert(fcntl(m.fds[0], F_GETFD) & FD_CLOEXEC);
	message_finish(&m);
	ck_assert_uint_eq(m.n_fds, 0);

	/* Neither a NUL nor what is longer than systemd takes. */
	ck_assert_int_eq(send(pair[1], "READY=1\0X", 9, 0), 9);
	ck_assert_int_eq(inbox_receive(pair[0], &m), -EBADMSG);
	iov.iov_base = calloc(1, 5000);
	memset(iov.iov_base, 'x', 5000);
	iov.iov_len = 5000;
	ck_assert_int_eq(sendmsg(pair[1], &header, 0), 5000);
	ck_assert_int_eq(inbox_receive(pair[0], &m), -EBADMSG);
	ck_assert_uint_eq(m.n_fds, 0);
	free(iov.iov_base);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

static const struct ending crashed = {.is_known = true, .signal = SIGSEGV};
static const struct ending killed = {.is_known = true, .signal = SIGKILL};

START_TEST(first_failures_are_followed_at_once_later_ones_with_patience)
{
	struct restarts r = {0};
	int last = 0;

	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(restarts_delay_ms(&r), 0);
		restarts_failed(&r, &crashed);
	}
	for (int i = 0; i < 100; i++) {
		ck_assert_int_ge(restarts_delay_ms(&r), last);
		last = restarts_delay_ms(&r);
		restarts_failed(&r, &crashed);
	}
	ck_assert_int_eq(last, 5000);
	restarts_ready(&r);
	ck_assert_int_eq(restarts_delay_ms(&r), 0);
}
END_TEST

START_TEST(executables_take_turns_after_three_failures)
{
	struct restarts r = {0};

	for (int i = 0; i < 12; i++) {
		ck_assert_int_eq(restarts_wants_proven(&r), (i / 3) % 2 == 1);
		restarts_failed(&r, &crashed);
	}
}
END_TEST

START_TEST(one_that_hung_has_used_up_all_its_tries)
{
	struct restarts r = {0};

	restarts_failed(&r, &crashed);
	ck_assert(!restarts_wants_proven(&r));
	restarts_hung(&r);
	ck_assert(restarts_wants_proven(&r));
	restarts_failed(&r, &killed);
	ck_assert(restarts_wants_proven(&r));
	restarts_hung(&r);
	ck_assert(!restarts_wants_proven(&r));
}
END_TEST

START_TEST(kills_from_outside_blame_no_executable)
{
	struct restarts r = {0};

	for (int i = 0; i < 24; i++) {
		ck_assert_int_eq(restarts_delay_ms(&r), 0);
		restarts_failed(&r, &killed);
	}
	ck_assert(!restarts_wants_proven(&r));
}
END_TEST

START_TEST(endings_are_told_in_words)
{
	char buf[64];

	ck_assert_str_eq(ending_text(&killed, buf, sizeof(buf)), "was killed by SIGKILL");
	ck_assert_str_eq(
		ending_text(&(struct ending){.is_known = true, .status = 3}, buf, sizeof(buf)),
		"exited with 3");
	ck_assert_str_eq(ending_text(&(struct ending){0}, buf, sizeof(buf)), "ended");
	ck_assert_str_eq(
		ending_text(&(struct ending){.is_known = true, .signal = 40}, buf, sizeof(buf)),
		"was killed by signal 40");
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("hold");
	TCase *t = tcase_create("hold");

	tcase_add_test(t, store_keeps_what_has_the_same_name_apart);
	tcase_add_test(t, same_open_file_is_kept_once);
	tcase_add_test(t, removing_a_name_closes_all_of_it_and_keeps_the_order);
	tcase_add_test(t, message_says_what_its_lines_say);
	tcase_add_test(t, what_is_not_understood_is_skipped);
	tcase_add_test(t, name_that_is_too_long_is_no_name);
	tcase_add_test(t, inbox_tells_who_sends_and_hands_over_descriptors);
	tcase_add_test(t, first_failures_are_followed_at_once_later_ones_with_patience);
	tcase_add_test(t, executables_take_turns_after_three_failures);
	tcase_add_test(t, one_that_hung_has_used_up_all_its_tries);
	tcase_add_test(t, kills_from_outside_blame_no_executable);
	tcase_add_test(t, endings_are_told_in_words);
	suite_add_tcase(s, t);
	return s;
}
