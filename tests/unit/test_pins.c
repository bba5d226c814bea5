/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * With the real sockets; the holder is a collection of what would have been sent to it, or, with
 * threads, a thread that reads as the real one does.
 */

#include "fdstore.h"
#include "inbox.h"
#include "notify.h"
#include "pins.h"
#include "unit.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define MANY (3 * ESCROW_MAX)

static struct pins pins;
static struct fdstore holder;

static void setup(void)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	unit_dir_setup();
	holder = (struct fdstore){0};
	fdstore_collect(&holder);
	ck_assert_int_eq(pins_init(&pins, NULL), 0);
	ck_assert_int_eq(pins_store_all(&pins), 0);
	ck_assert_uint_eq(holder.n_items, 2);
}

static void teardown(void)
{
	pins_finish(&pins);
	ck_assert_int_eq(fdstore_collect_end(), 0);
	fdstore_finish(&holder);
	unit_dir_teardown();
}

/* An open file that has lost its name: what is in it is NODE. */
static int lost_file(uint64_t node)
{
	int fd = open(unit_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, &node, sizeof(node)), sizeof(node));
	return fd;
}

static bool is_file_of(int fd, uint64_t node)
{
	uint64_t content = 0;

	return pread(fd, &content, sizeof(content), 0) == sizeof(content) && content == node;
}

static bool holder_has(uint64_t node)
{
	char name[PIN_NAME_MAX];
	int fd = fdstore_get(&holder, pinname_make(node, PIN_KEPT, name));

	ck_assert(fd < 0 || is_file_of(fd, node));
	return fd >= 0;
}

/* NODE loses its last name, all at once. */
static void lose(uint64_t node)
{
	int fd = lost_file(node);

	ck_assert(pins_keep(&pins, node, fd, pins_announce(&pins, node, fd)));
}

static int dup_of(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

/* The same of a node that is forgotten already, and whose slot is another's. */
static void lose_nothing(uint64_t node)
{
	int fd = lost_file(node);

	ck_assert(!pins_keep(&pins, node, fd, pins_announce(&pins, node, fd)));
}

/* The nodes that the next process finds in flight, in their order. */
struct found {
	uint64_t nodes[MANY];
	size_t n;
	uint64_t unwanted;
};

static bool want(void *data, uint64_t node, int fd)
{
	struct found *found = data;

	ck_assert(is_file_of(fd, node));
	found->nodes[found->n++] = node;
	return node != found->unwanted;
}

/* What the holder gives the next process; it keeps its own. */
static int handed_over(const char *name)
{
	return fcntl(fdstore_get(&holder, name), F_DUPFD_CLOEXEC, 0);
}

/* This process dies: what is left of it is what the holder has. */
static struct found die(uint64_t unwanted)
{
	struct found found = {.unwanted = unwanted};
	int tx = handed_over(PINS_TX);
	int rx = handed_over(PINS_RX);

	pins_finish(&pins);
	ck_assert_int_eq(pins_init(&pins, NULL), 0);
	for (size_t i = 0; i < holder.n_items; i++) {
		uint32_t node; /* of the first generation: 0 */
		enum pin_form form = pinname_parse(holder.items[i].name, &node);

		if (form != PIN_NONE)
			pins_restore(
				&pins, node, form, fcntl(holder.items[i].fd, F_DUPFD_CLOEXEC, 0));
	}
	pins_restore_escrow(&pins, tx, rx, want, &found);
	return found;
}

START_TEST(inode_outlives_the_process_before_its_name_goes)
{
	struct found found;
	int fd = lost_file(7);

	pins_announce(&pins, 7, fd);
	close(fd);
	ck_assert(!holder_has(7));
	found = die(0);
	ck_assert_uint_eq(found.n, 1);
	ck_assert_uint_eq(found.nodes[0], 7);
	ck_assert(holder_has(7));

	pins_drop(&pins, 7);
	ck_assert(!holder_has(7));
}
END_TEST

START_TEST(opened_again_without_a_handle)
{
	int fd;

	lose(1);
	fd = pins_open(&pins, 1);
	ck_assert(is_file_of(fd, 1));
	pins_drop(&pins, 1);
	ck_assert(is_file_of(fd, 1));
	close(fd);
	ck_assert_int_eq(pins_open(&pins, 1), -ESTALE);
}
END_TEST

START_TEST(what_is_not_wanted_is_let_go)
{
	struct found found;

	lose(7);
	lose(8);
	found = die(7);
	ck_assert_uint_eq(found.n, 2);
	ck_assert(!holder_has(7));
	ck_assert(holder_has(8));
	found = die(0);
	ck_assert_uint_eq(found.n, 0);
}
END_TEST

START_TEST(forgotten_ones_leave_in_their_order)
{
	struct found found;

	for (uint64_t node = 1; node <= 4; node++)
		lose(node);
	pins_drop(&pins, 3);
	pins_drop(&pins, 1);
	found = die(0);
	ck_assert_uint_eq(found.n, 3); /* 3 stands behind 2 */
	ck_assert_uint_eq(found.nodes[0], 2);
}
END_TEST

START_TEST(name_that_was_not_the_last_leaves_nothing)
{
	int fd = lost_file(7);

	pins_withdraw(&pins, 7, pins_announce(&pins, 7, fd));
	close(fd);
	ck_assert_uint_eq(die(0).n, 0);
	ck_assert(!holder_has(7));
}
END_TEST

START_TEST(more_than_fit_go_to_the_holder)
{
	for (uint64_t node = 1; node <= MANY; node++)
		lose(node);
	ck_assert(holder_has(1));
	ck_assert(!holder_has(MANY));
	die(0);
	for (uint64_t node = 1; node <= MANY; node++)
		ck_assert(holder_has(node));
	for (uint64_t node = 1; node <= MANY; node++)
		pins_drop(&pins, node);
	ck_assert_uint_eq(holder.n_items, 2);
}
END_TEST

/* Nothing leaves before it: the others take the way by the holder. */
START_TEST(request_that_takes_long_holds_nobody_up)
{
	int fd = lost_file(1);
	uint64_t ticket = pins_announce(&pins, 1, fd);

	for (uint64_t node = 2; node <= MANY; node++) {
		lose(node);
		if (node > ESCROW_MAX)
			ck_assert(holder_has(node));
		pins_drop(&pins, node);
		ck_assert(!holder_has(node));
	}
	pins_withdraw(&pins, 1, ticket);
	close(fd);
	ck_assert_uint_eq(die(0).n, 0);
}
END_TEST

/* A request that takes long, and no room behind it: the next ones go to the holder. */
static void fill_escrow(int fd)
{
	for (int i = 0; i < ESCROW_MAX; i++)
		ck_assert_uint_ne(pins_announce(&pins, 1, fd), 0);
}

START_TEST(withdrawn_while_the_escrow_is_full)
{
	int first = lost_file(1);
	int fd = lost_file(2);
	uint64_t ticket;

	fill_escrow(first);
	ticket = pins_announce(&pins, 2, fd);
	ck_assert(holder_has(2));
	pins_withdraw(&pins, 2, ticket);
	ck_assert(!holder_has(2));
	close(first);
	close(fd);
}
END_TEST

START_TEST(half_an_escrow_makes_room_for_a_whole_one)
{
	fdstore_drop(PINS_RX);
	ck_assert_uint_eq(die(0).n, 0);
	ck_assert_int_eq(pins_store_all(&pins), 0);
	ck_assert_uint_eq(die(0).n, 0);
	lose(8);
	ck_assert(!holder_has(8)); /* no need */
	ck_assert_uint_eq(die(0).n, 1);
}
END_TEST

/* A request that is made again announces what an earlier process had announced and kept. */
START_TEST(announced_again_is_kept_once)
{
	int fd;

	lose(7);
	die(0);
	fd = lost_file(7);
	ck_assert(!pins_keep(&pins, 7, fd, pins_announce(&pins, 7, fd)));
	pins_drop(&pins, 7);
	ck_assert(!holder_has(7));
	ck_assert_uint_eq(die(0).n, 0);
}
END_TEST

/* Two names of one inode, taken away at the same time; the one that was not the last is first. */
START_TEST(request_does_not_withdraw_what_another_announced)
{
	int first = lost_file(1);
	int fd = lost_file(2);
	uint64_t one, other;

	fill_escrow(first);
	one = pins_announce(&pins, 2, fd);
	other = pins_announce(&pins, 2, fd);
	pins_withdraw(&pins, 2, one);
	ck_assert(holder_has(2));
	ck_assert(pins_keep(&pins, 2, fd, other));
	ck_assert(holder_has(2));
	pins_drop(&pins, 2);
	ck_assert(!holder_has(2));
	close(first);
}
END_TEST

START_TEST(request_under_way_is_told_to_another_holder)
{
	int first = lost_file(1);
	int fd = lost_file(2);

	fill_escrow(first);
	pins_announce(&pins, 2, fd);
	fdstore_finish(&holder);
	ck_assert_int_eq(pins_store_all(&pins), 0);
	ck_assert(holder_has(2));
	close(first);
	close(fd);
}
END_TEST

/* What another executable is offered. */
static struct fdstore copy_all(void)
{
	struct fdstore copies = {0};

	fdstore_collect(&copies);
	ck_assert_int_eq(pins_copy_all(&pins), 0);
	ck_assert_int_eq(fdstore_collect_end(), 0);
	fdstore_collect(&holder);
	return copies;
}

/* Another executable is asked, says no or dies: nothing has changed. */
START_TEST(copies_take_nothing_away_from_the_holder)
{
	char name[PIN_NAME_MAX];
	struct fdstore copies;
	struct found found;

	lose(7);
	copies = copy_all();
	ck_assert(fdstore_has(&copies, pinname_make(7, PIN_COPY, name)));
	ck_assert(fdstore_has(&copies, PINS_RX));
	fdstore_finish(&copies);

	ck_assert(!holder_has(7));
	found = die(0);
	ck_assert_uint_eq(found.n, 1);
	ck_assert(holder_has(7));
}
END_TEST

/* Who took over has it from the copies, and dies before it tells the holder. */
START_TEST(what_was_copied_and_is_in_flight_goes_to_the_holder)
{
	char name[PIN_NAME_MAX];
	struct fdstore copies;
	int tx, rx;
	struct found found = {0};

	lose(7);
	copies = copy_all();
	tx = fdstore_steal(&copies, PINS_TX);
	rx = fdstore_steal(&copies, PINS_RX);

	pins_finish(&pins);
	ck_assert_int_eq(pins_init(&pins, NULL), 0);
	ck_assert(pins_restore(
		&pins, 7, PIN_COPY, fdstore_steal(&copies, pinname_make(7, PIN_COPY, name))));
	pins_restore_escrow(&pins, tx, rx, want, &found);
	ck_assert(holder_has(7));
	fdstore_finish(&copies);
}
END_TEST

/* Nobody knows whether the holder has it as well. */
START_TEST(copy_is_given_to_the_holder)
{
	ck_assert(pins_restore(&pins, 7, PIN_COPY, lost_file(7)));
	ck_assert(pins_restore(&pins, 8, PIN_KEPT, lost_file(8)));
	ck_assert_int_eq(pins_store_rest(&pins), 0);
	ck_assert(holder_has(7));
	ck_assert(!holder_has(8)); /* only as it said it did */
	ck_assert_int_eq(pins_store_all(&pins), 0);
	ck_assert(holder_has(8));
}
END_TEST

/* What an earlier version stored goes under the name that it has there. */
START_TEST(long_name_goes_as_it_came)
{
	int fd = lost_file(0x300000007);

	ck_assert_int_gt(fdstore_put("pin-300000007", fd), 0);
	ck_assert(pins_restore(&pins, 0x300000007, PIN_LONG, fd));
	ck_assert_int_eq(pins_store_rest(&pins), 0);
	ck_assert(fdstore_has(&holder, "pin-300000007"));
	pins_drop(&pins, 0x300000007);
	ck_assert_uint_eq(holder.n_items, 4); /* twice the escrow */
	ck_assert(!fdstore_has(&holder, "pin-300000007"));
}
END_TEST

/* The slot is used again before the thread that forgets its last node has come to the pin. */
START_TEST(slot_used_again_has_one_pin)
{
	const uint64_t former = (UINT64_C(3) << 32) | 7;
	const uint64_t latter = (UINT64_C(19) << 32) | 7; /* the same name */

	ck_assert(pins_restore(&pins, former, PIN_KEPT, lost_file(former)));
	ck_assert_int_eq(pins_store_all(&pins), 0);
	ck_assert(holder_has(former));
	lose(latter);
	ck_assert(!holder_has(latter));
	ck_assert_int_eq(pins_store_all(&pins), 0);
	ck_assert(holder_has(latter));

	pins_drop(&pins, former);
	ck_assert(holder_has(latter));
	lose_nothing(former);
	ck_assert(holder_has(latter));
	pins_drop(&pins, latter);
	ck_assert(!holder_has(latter));
}
END_TEST

static void wait_for_timer(void)
{
	struct pollfd p = {.fd = pins.timer_fd, .events = POLLIN};

	ck_assert_int_eq(poll(&p, 1, 60000), 1);
	pins_store_lasting(&pins);
}

START_TEST(what_has_no_room_waits_for_what_goes)
{
	struct pollfd p = {.fd = pins.timer_fd, .events = POLLIN};

	pins.room.n_max = 2;
	for (uint64_t node = 1; node <= 4; node++)
		lose(node);
	wait_for_timer(); /* they are new */
	wait_for_timer();
	ck_assert(holder_has(1) && holder_has(2));
	ck_assert(!holder_has(3) && !holder_has(4));
	ck_assert_int_eq(poll(&p, 1, 50), 0); /* nobody looks again and again */

	pins_drop(&pins, 1);
	wait_for_timer();
	ck_assert(holder_has(3) && !holder_has(4));
	pins_drop(&pins, 4);
	pins_drop(&pins, 2);
	ck_assert(TAILQ_EMPTY(&pins.unstored));
}
END_TEST

/* The next process is offered no more than can be told to it. */
START_TEST(copies_are_no_more_than_may_be_stored)
{
	struct fdstore copies;

	pins.room.n_max = 2;
	for (uint64_t node = 1; node <= 4; node++)
		lose(node);
	copies = copy_all();
	ck_assert_uint_eq(copies.n_items, 2 + 2);
	fdstore_finish(&copies);
}
END_TEST

/* The largest names of the most pins, in bytes and in number. */
START_TEST(names_of_all_that_is_stored_fit)
{
	const uint64_t last = (UINT64_C(0x3fffffff) << 32) | ((UINT64_C(1) << PIN_SLOT_BITS) - 1);
	int fd = lost_file(1);
	size_t n_bytes = 0;

	pins.room.n_max = PINROOM_MAX;
	fdstore_finish(&holder);
	holder.is_borrowed = true;
	for (uint64_t i = 0; i < PINROOM_MAX + 10; i++)
		ck_assert(pins_keep(&pins, last - i, dup_of(fd), 0));
	ck_assert_int_eq(pins_store_all(&pins), 0);
	ck_assert_uint_eq(pins.room.n, PINROOM_MAX);
	ck_assert_uint_eq(holder.n_items, PINROOM_MAX + 2);
	for (size_t i = 0; i < holder.n_items; i++)
		n_bytes += strlen(holder.items[i].name) + 1;
	ck_assert_uint_ge(n_bytes, PINROOM_MAX * 7);
	ck_assert_uint_lt(n_bytes, PINROOM_NAMES_MAX);
	close(fd);
}
END_TEST

/* Long ones are fewer. */
START_TEST(names_are_counted_in_bytes)
{
	const uint64_t first = (UINT64_C(0x30000000) << 32) + 1;
	int fd = lost_file(1);

	pins.room.n_max = PINROOM_MAX;
	for (uint64_t i = 0; i < 5800; i++)
		ck_assert(pins_restore(&pins, first + i, PIN_LONG, dup_of(fd)));
	for (uint64_t i = 5800; i < 7000; i++)
		ck_assert(pins_keep(&pins, first + i, dup_of(fd), 0));
	ck_assert_int_eq(pins_store_all(&pins), 0);
	ck_assert_uint_gt(pins.room.n, 5800);
	ck_assert_uint_lt(pins.room.n, 7000);
	ck_assert_uint_gt(pins.room.n_bytes, PINROOM_NAMES_MAX - 6);
	ck_assert_uint_le(pins.room.n_bytes, PINROOM_NAMES_MAX);
	close(fd);
}
END_TEST

START_TEST(names_name_what_they_were_made_of)
{
	static const uint32_t slots[] = {1, 63, 64, 4095, 4096, 0x3ffffff};

	for (size_t i = 0; i < sizeof(slots) / sizeof(*slots); i++)
		for (uint64_t generation = 1; generation < 40; generation++)
			for (enum pin_form form = PIN_KEPT; form <= PIN_LONG; form++) {
				uint64_t node = generation << 32 | slots[i];
				char name[PIN_NAME_MAX];
				uint32_t slot;

				pinname_make(node, form, name);
				ck_assert_int_eq(pinname_parse(name, &slot), form);
				ck_assert_uint_eq(slot, slots[i]);
				ck_assert(pinname_is_of(name, node));
				ck_assert(!pinname_is_of(name, node + 1));
				ck_assert(!pinname_is_of(name, node + (UINT64_C(1) << 32)));
				ck_assert(form == PIN_LONG || strlen(name) <= PIN_NAME_SHORT);
			}
}
END_TEST

START_TEST(other_names_are_no_pins)
{
	static const char *const names[] = {"", "@", "~", "pin-", "pin-xyz", "@abc:", "@123456",
		"@a+", "mount-1", "state", "fuse", "stored", "escrow-tx", "abcd"};
	uint32_t slot;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		ck_assert_int_eq(pinname_parse(names[i], &slot), PIN_NONE);
}
END_TEST

/* Its messages as the holder itself reads them. */
static int inbox_fd = -1;
static struct store kept;

static void receive(struct message *m)
{
	struct pollfd p = {.fd = inbox_fd, .events = POLLIN};

	while (inbox_receive(inbox_fd, m) == -EAGAIN)
		ck_assert_int_eq(poll(&p, 1, 60000), 1);
	if (m->is_remove)
		store_remove(&kept, m->name);
	for (size_t i = 0; m->is_store && i < m->n_fds; i++)
		ck_assert_int_ge(store_add(&kept, m->name, steal_fd(&m->fds[i])), 0);
}

static void *hold(void *data)
{
	struct message m;

	do {
		receive(&m);
		message_finish(&m);
	} while (!m.is_stopping);
	return data;
}

static void holder_setup(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	unit_dir_setup();
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", unit_path("notify"));
	inbox_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(inbox_fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(inbox_init(inbox_fd), 0);
	setenv("NOTIFY_SOCKET", address.sun_path, 1);
	ck_assert_int_eq(pins_init(&pins, NULL), 0);
}

static void holder_teardown(void)
{
	pins_finish(&pins);
	store_finish(&kept);
	close(inbox_fd);
	unsetenv("NOTIFY_SOCKET");
	unit_dir_teardown();
}

#define N_THREADS 6
#define N_ROUNDS 2000
#define SHARED 1 /* the node that all of them take names from */

static int shared_fd;

/* As workers do: some of an inode's names go, and the last one of others; all are forgotten. */
static void *take_names(void *data)
{
	uint64_t own = *(const uint64_t *)data;
	int fd = lost_file(own);

	for (uint64_t i = 0; i < N_ROUNDS; i++) {
		uint64_t node = own + i;
		uint64_t ticket = pins_announce(&pins, node, fd);

		pins_withdraw(&pins, SHARED, pins_announce(&pins, SHARED, shared_fd));
		if (i % 3 == 0)
			pins_withdraw(&pins, node, ticket);
		else
			ck_assert(pins_keep(&pins, node, fcntl(fd, F_DUPFD_CLOEXEC, 0), ticket));
		/* Not at once: the timer finds some of them. */
		if (i >= 128)
			pins_drop(&pins, node - 128);
	}
	for (uint64_t i = N_ROUNDS - 128; i < N_ROUNDS; i++)
		pins_drop(&pins, own + i);
	close(fd);
	return data;
}

static bool is_over;

static void *store_lasting(void *data)
{
	struct pollfd p = {.fd = pins.timer_fd, .events = POLLIN};

	while (!__atomic_load_n(&is_over, __ATOMIC_ACQUIRE))
		if (poll(&p, 1, 5) > 0)
			pins_store_lasting(&pins);
	return data;
}

/* Many at once, one of which is stuck and lets nothing leave; another holder comes meanwhile. */
START_TEST(threads_leave_nothing_behind)
{
	uint64_t own[N_THREADS];
	pthread_t threads[N_THREADS], timer, keeper;
	uint64_t stuck;
	uint32_t slot;
	char byte;

	shared_fd = lost_file(SHARED);
	ck_assert_int_eq(pthread_create(&keeper, NULL, hold, NULL), 0);
	ck_assert_int_eq(pins_store_all(&pins), 0);
	stuck = pins_announce(&pins, SHARED, shared_fd);
	ck_assert_int_eq(pthread_create(&timer, NULL, store_lasting, NULL), 0);
	for (uint64_t i = 0; i < N_THREADS; i++) {
		own[i] = (i + 1) * 100000;
		ck_assert_int_eq(pthread_create(&threads[i], NULL, take_names, &own[i]), 0);
	}
	ck_assert_int_eq(pins_store_all(&pins), 0);
	pthread_join(threads[0], NULL);
	pins_withdraw(&pins, SHARED, stuck);
	for (int i = 1; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
	__atomic_store_n(&is_over, true, __ATOMIC_RELEASE);
	pthread_join(timer, NULL);
	notify_stopping();
	pthread_join(keeper, NULL);

	for (size_t i = 0; i < kept.n_items; i++)
		ck_assert_int_eq(pinname_parse(kept.items[i].name, &slot), PIN_NONE);
	ck_assert_uint_eq(kept.n_items, 2);
	ck_assert_int_eq(recv(store_find(&kept, PINS_RX), &byte, 1, MSG_DONTWAIT), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert(TAILQ_EMPTY(&pins.unstored));
	ck_assert(!pins.by_node);
	close(shared_fd);
}
END_TEST

START_TEST(without_a_holder_pins_are_this_process_s_alone)
{
	struct pins alone;
	int fd = lost_file(7);

	ck_assert_int_eq(pins_init(&alone, NULL), 0);
	ck_assert_uint_eq(pins_announce(&alone, 7, fd), 0);
	ck_assert(pins_keep(&alone, 7, fd, 0));
	ck_assert(!holder_has(7));
	ck_assert(is_file_of(fd, 7));
	pins_drop(&alone, 7);
	ck_assert(!is_file_of(fd, 7));
	pins_finish(&alone);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("pins");
	TCase *tc = tcase_create("pins");
	TCase *threads = tcase_create("threads");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, inode_outlives_the_process_before_its_name_goes);
	tcase_add_test(tc, opened_again_without_a_handle);
	tcase_add_test(tc, what_is_not_wanted_is_let_go);
	tcase_add_test(tc, forgotten_ones_leave_in_their_order);
	tcase_add_test(tc, name_that_was_not_the_last_leaves_nothing);
	tcase_add_test(tc, more_than_fit_go_to_the_holder);
	tcase_add_test(tc, request_that_takes_long_holds_nobody_up);
	tcase_add_test(tc, withdrawn_while_the_escrow_is_full);
	tcase_add_test(tc, half_an_escrow_makes_room_for_a_whole_one);
	tcase_add_test(tc, announced_again_is_kept_once);
	tcase_add_test(tc, request_does_not_withdraw_what_another_announced);
	tcase_add_test(tc, request_under_way_is_told_to_another_holder);
	tcase_add_test(tc, copies_take_nothing_away_from_the_holder);
	tcase_add_test(tc, what_was_copied_and_is_in_flight_goes_to_the_holder);
	tcase_add_test(tc, without_a_holder_pins_are_this_process_s_alone);
	tcase_add_test(tc, copy_is_given_to_the_holder);
	tcase_add_test(tc, long_name_goes_as_it_came);
	tcase_add_test(tc, slot_used_again_has_one_pin);
	tcase_add_test(tc, what_has_no_room_waits_for_what_goes);
	tcase_add_test(tc, copies_are_no_more_than_may_be_stored);
	tcase_add_test(tc, names_of_all_that_is_stored_fit);
	tcase_add_test(tc, names_are_counted_in_bytes);
	tcase_add_test(tc, names_name_what_they_were_made_of);
	tcase_add_test(tc, other_names_are_no_pins);
	suite_add_tcase(s, tc);

	tcase_add_checked_fixture(threads, holder_setup, holder_teardown);
	tcase_set_timeout(threads, 100);
	tcase_add_test(threads, threads_leave_nothing_behind);
	suite_add_tcase(s, threads);
	return s;
}
