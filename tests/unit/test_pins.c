/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* With the real sockets; the holder is a collection of what would have been sent to it. */

#include "fdstore.h"
#include "pins.h"
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANY (3 * ESCROW_MAX)

static struct pins pins;
static struct fdstore holder;

static void setup(void)
{
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
	int fd = open(unit_path("."), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

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
	int fd = fdstore_get(&holder, pins_name(node, name));

	ck_assert(fd < 0 || is_file_of(fd, node));
	return fd >= 0;
}

/* NODE loses its last name, all at once. */
static void lose(uint64_t node)
{
	int fd = lost_file(node);

	ck_assert(pins_keep(&pins, node, fd, pins_announce(&pins, node, fd)));
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

/* This process dies: what is left of it is what the holder has. */
static struct found die(uint64_t unwanted)
{
	struct found found = {.unwanted = unwanted};
	int tx = fdstore_steal(&holder, PINS_TX);
	int rx = fdstore_steal(&holder, PINS_RX);

	pins_finish(&pins);
	ck_assert_int_eq(pins_init(&pins, NULL), 0);
	for (size_t i = 0; i < holder.n_items; i++) {
		uint64_t node = pins_node_of_name(holder.items[i].name);

		if (node)
			pins_restore(&pins, node, fcntl(holder.items[i].fd, F_DUPFD_CLOEXEC, 0));
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
	ck_assert_uint_eq(holder.n_items, 2); /* their places, emptied by die() */
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

START_TEST(withdrawn_while_the_escrow_is_full)
{
	int first = lost_file(1);
	int fd = lost_file(2);
	uint64_t ticket;

	for (int i = 0; i < ESCROW_MAX; i++)
		pins_announce(&pins, 1, first);
	ticket = pins_announce(&pins, 2, fd);
	ck_assert(holder_has(2));
	pins_withdraw(&pins, 2, ticket);
	ck_assert(!holder_has(2));
	close(first);
	close(fd);
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

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, inode_outlives_the_process_before_its_name_goes);
	tcase_add_test(tc, what_is_not_wanted_is_let_go);
	tcase_add_test(tc, forgotten_ones_leave_in_their_order);
	tcase_add_test(tc, name_that_was_not_the_last_leaves_nothing);
	tcase_add_test(tc, more_than_fit_go_to_the_holder);
	tcase_add_test(tc, request_that_takes_long_holds_nobody_up);
	tcase_add_test(tc, withdrawn_while_the_escrow_is_full);
	tcase_add_test(tc, announced_again_is_kept_once);
	tcase_add_test(tc, without_a_holder_pins_are_this_process_s_alone);
	suite_add_tcase(s, tc);
	return s;
}
