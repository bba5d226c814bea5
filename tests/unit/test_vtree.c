/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vtree.h"

#include "unit.h"

/* DC-1: domains, machines and volumes as directories. */
static struct vtree *build_example(void)
{
	cleanup_infra struct infra infra = {0};
	struct domain *d;
	struct machine *m;
	struct vtree *tree;

	d = infra_add_domain(&infra, "pro");
	d->id = 1;
	m = domain_add_machine(d, "pro-dev");
	m->id = 1;
	machine_add_volume(m, "projects")->id = 2;
	machine_add_volume(m, "db")->id = 1;
	d = infra_add_domain(&infra, "admin");
	d->id = 2;
	ck_assert_int_eq(vtree_build(&infra, &tree), 0);
	return tree;
}

START_TEST(names_lead_down_to_volumes)
{
	struct vtree *tree = build_example();
	const struct vtree_dir *root = vtree_dir(tree, VTREE_ROOT_ID);
	const struct vtree_dir *pro = vtree_dir(tree, vtree_child(root, "pro"));
	const struct vtree_dir *dev = vtree_dir(tree, vtree_child(pro, "pro-dev"));
	uint64_t db = vtree_child(dev, "db");

	ck_assert_uint_eq(vtree_id_kind(db), VTREE_VOLUME);
	ck_assert_uint_eq(vtree_id_row(db), 1);
	ck_assert_ptr_null(vtree_dir(tree, db));
	ck_assert_uint_eq(vtree_child(root, "nowhere"), 0);
	ck_assert_uint_eq(dev->parent, pro->id);
	ck_assert_uint_eq(pro->parent, VTREE_ROOT_ID);
	vtree_free(tree);
}
END_TEST

START_TEST(entries_are_sorted)
{
	struct vtree *tree = build_example();
	const struct vtree_dir *root = vtree_dir(tree, VTREE_ROOT_ID);

	ck_assert_uint_eq(root->n_entries, 2);
	ck_assert_str_eq(root->entries[0].name, "admin");
	ck_assert_str_eq(root->entries[1].name, "pro");
	vtree_free(tree);
}
END_TEST

START_TEST(kinds_do_not_share_ids)
{
	ck_assert_uint_eq(vtree_make_id(VTREE_ROOT, 0), VTREE_ROOT_ID);
	ck_assert_uint_ne(vtree_make_id(VTREE_DOMAIN, 1), vtree_make_id(VTREE_MACHINE, 1));
	ck_assert_uint_ne(vtree_make_id(VTREE_MACHINE, 1), vtree_make_id(VTREE_VOLUME, 1));
	ck_assert(vtree_is_fixed_id(VTREE_ROOT_ID));
	ck_assert(vtree_is_fixed_id(vtree_make_id(VTREE_VOLUME, 5)));
	ck_assert(!vtree_is_fixed_id(UINT64_C(1) << 32 | 1));
}
END_TEST

START_TEST(record_without_row_id_is_refused)
{
	cleanup_infra struct infra infra = {0};
	struct vtree *tree;

	infra_add_domain(&infra, "pro");
	ck_assert_int_eq(vtree_build(&infra, &tree), -ERANGE);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("vtree");
	TCase *tc = tcase_create("vtree");

	tcase_add_test(tc, names_lead_down_to_volumes);
	tcase_add_test(tc, entries_are_sorted);
	tcase_add_test(tc, kinds_do_not_share_ids);
	tcase_add_test(tc, record_without_row_id_is_refused);
	suite_add_tcase(s, tc);
	return s;
}
