/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "node.h"

#include "unit.h"

#include <pthread.h>
#include <string.h>

static struct node_table table;

static void setup(void)
{
	ck_assert_int_eq(node_table_init(&table, NULL, 0), 0);
}

static void teardown(void)
{
	node_table_finish(&table);
}

static struct fhandle make_handle(uint64_t n)
{
	struct fhandle h = {.type = 1, .len = sizeof(n)};

	memcpy(h.bytes, &n, sizeof(n));
	return h;
}

static struct node *look_up(uint64_t n)
{
	struct fhandle h = make_handle(n);
	struct stat st = {.st_ino = n, .st_mode = S_IFREG | 0644};
	struct node *node;

	ck_assert_int_eq(node_lookup(&table, &h, &st, 7, &node), 0);
	return node;
}

START_TEST(one_handle_is_one_node)
{
	struct node *a = look_up(1);
	struct node *b = look_up(1);
	struct node *c = look_up(2);

	ck_assert_ptr_eq(a, b);
	ck_assert_ptr_ne(a, c);
	ck_assert_uint_eq(a->nlookup, 2);
	ck_assert_uint_eq(a->volume, 7);
	ck_assert_ptr_eq(node_get(&table, slot_id(&a->slot)), a);
}
END_TEST

START_TEST(one_inode_in_two_volumes_is_two_nodes)
{
	struct node *a = look_up(1);
	struct fhandle h = make_handle(1);
	struct stat st = {.st_ino = 1, .st_mode = S_IFREG};
	struct node *b;

	ck_assert_int_eq(node_lookup(&table, &h, &st, 8, &b), 0);
	ck_assert_ptr_ne(a, b);
	ck_assert_uint_eq(b->volume, 8);
	ck_assert_ptr_eq(node_find(&table, &h, 7), a);
	ck_assert_ptr_eq(node_find(&table, &h, 8), b);
	ck_assert_ptr_null(node_find(&table, &h, 9));
}
END_TEST

START_TEST(node_lives_until_its_last_lookup_is_forgotten)
{
	struct node *node = look_up(1);
	uint64_t id = slot_id(&node->slot);

	look_up(1);
	node_forget(&table, id, 1);
	ck_assert_ptr_nonnull(node_get(&table, id));
	node_forget(&table, id, 1);
	ck_assert_ptr_null(node_get(&table, id));
	node_forget(&table, id, 1); /* late: must miss, not crash */
}
END_TEST

START_TEST(id_is_never_used_again)
{
	uint64_t ids[1000];

	for (int i = 0; i < 1000; i++) {
		struct node *node = look_up(1);

		ids[i] = slot_id(&node->slot);
		for (int j = 0; j < i; j++)
			ck_assert_uint_ne(ids[i], ids[j]);
		node_forget(&table, ids[i], 1);
	}
	ck_assert_uint_eq(slot_id(slot_at(&table.slots, 0)), 2); /* one slot served them all */
}
END_TEST

START_TEST(ids_that_never_were_miss)
{
	static const uint64_t ids[] = {
		0, 1, UINT64_C(1) << 32, (UINT64_C(1) << 32) + 5, UINT64_MAX, UINT64_C(1) << 62};

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		ck_assert_ptr_null(node_get(&table, ids[i]));
}
END_TEST

START_TEST(table_grows_and_finds_everything)
{
	enum { N = 50000 };
	static uint64_t ids[N];

	for (uint64_t i = 0; i < N; i++)
		ids[i] = slot_id(&look_up(i)->slot);
	ck_assert_uint_gt(table.n_buckets, 1024);
	for (uint64_t i = 0; i < N; i++)
		ck_assert_uint_eq(slot_id(&look_up(i)->slot), ids[i]);
	for (uint64_t i = 0; i < N; i++)
		node_forget(&table, ids[i], 2);
	ck_assert_uint_eq(table.slots.n_used, 0);
}
END_TEST

START_TEST(other_mount_has_other_inode_numbers)
{
	struct fhandle a = make_handle(1);
	struct fhandle b = make_handle(1);
	struct stat st = {.st_ino = 1};

	b.mount = 1;
	ck_assert_uint_eq(node_make_ino(&a, &st), 1);
	ck_assert_uint_ne(node_make_ino(&b, &st), 1);
	ck_assert(!fhandle_equal(&a, &b));
}
END_TEST

static struct fhandle handle_in_subvolume(uint64_t root)
{
	const uint64_t id[2] = {257, root};
	struct fhandle h = {.type = 0x4d, .len = sizeof(id)};

	memcpy(h.bytes, id, sizeof(id));
	return h;
}

START_TEST(subvolumes_have_other_inode_numbers)
{
	struct fhandle top = handle_in_subvolume(5);
	struct fhandle a = handle_in_subvolume(256);
	struct fhandle b = handle_in_subvolume(257);
	struct stat st = {.st_ino = 257};

	ck_assert_uint_eq(node_make_ino(&top, &st), 257);
	ck_assert_uint_ne(node_make_ino(&a, &st), 257);
	ck_assert_uint_ne(node_make_ino(&b, &st), 257);
	ck_assert_uint_ne(node_make_ino(&a, &st), node_make_ino(&b, &st));
}
END_TEST

static void *churn(void *arg)
{
	(void)arg;
	for (int round = 0; round < 20; round++) {
		for (uint64_t i = 0; i < 2000; i++) {
			struct fhandle h = make_handle(i);
			struct stat st = {.st_ino = i, .st_mode = S_IFREG};
			struct node *node;

			if (node_lookup(&table, &h, &st, 1, &node) < 0)
				return (void *)1;
			node_forget(&table, slot_id(&node->slot), 1);
		}
	}
	return NULL;
}

START_TEST(threads_may_look_up_and_forget_at_once)
{
	pthread_t threads[4];
	void *failed;

	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, churn, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		ck_assert_int_eq(pthread_join(threads[i], &failed), 0);
		ck_assert_ptr_null(failed);
	}
	ck_assert_uint_eq(table.slots.n_used, 0);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("node");
	TCase *tc = tcase_create("node");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, one_handle_is_one_node);
	tcase_add_test(tc, one_inode_in_two_volumes_is_two_nodes);
	tcase_add_test(tc, node_lives_until_its_last_lookup_is_forgotten);
	tcase_add_test(tc, id_is_never_used_again);
	tcase_add_test(tc, ids_that_never_were_miss);
	tcase_add_test(tc, table_grows_and_finds_everything);
	tcase_add_test(tc, other_mount_has_other_inode_numbers);
	tcase_add_test(tc, subvolumes_have_other_inode_numbers);
	tcase_add_test(tc, threads_may_look_up_and_forget_at_once);
	suite_add_tcase(s, tc);
	return s;
}
