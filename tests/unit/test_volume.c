/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "volume.h"

#include "unit.h"

#include <string.h>

START_TEST(walk_meets_every_volume_once_and_skips_the_empty)
{
	cleanup_infra struct infra infra = {0};
	struct infra_walk w = {0};
	struct machine *m;
	char met[64] = "";

	infra_add_domain(&infra, "empty");
	m = domain_add_machine(infra_add_domain(&infra, "a"), "m1");
	machine_add_volume(m, "1");
	machine_add_volume(m, "2");
	domain_add_machine(infra_find_domain(&infra, "a"), "none");
	m = domain_add_machine(infra_add_domain(&infra, "b"), "m2");
	machine_add_volume(m, "3");

	while (infra_walk_next(&infra, &w)) {
		strcat(met, w.domain->name);
		strcat(met, w.machine->name);
		strcat(met, w.volume->name);
		strcat(met, " ");
	}
	ck_assert_str_eq(met, "am11 am12 bm23 ");
	ck_assert_uint_eq(infra_count_volumes(&infra), 3);
}
END_TEST

/* Flags that count: the spec's, over them the administrator's, over both the holds. */
static const struct {
	unsigned int spec;
	enum flag_override readonly, protected;
	int64_t orphan_since;
	unsigned int flags;
} effective[] = {
	{0, FLAG_INHERIT, FLAG_INHERIT, 0, 0},
	{VOLUME_PROTECTED, FLAG_INHERIT, FLAG_INHERIT, 0, VOLUME_PROTECTED},
	{VOLUME_PROTECTED, FLAG_INHERIT, FLAG_OFF, 0, 0},
	{0, FLAG_ON, FLAG_ON, 0, VOLUME_READONLY | VOLUME_PROTECTED},
	{VOLUME_READONLY, FLAG_OFF, FLAG_INHERIT, 0, 0},
	{VOLUME_PROTECTED, FLAG_INHERIT, FLAG_INHERIT, 5, VOLUME_PROTECTED | VOLUME_ORPHAN},
	{VOLUME_HELD, FLAG_INHERIT, FLAG_INHERIT, 0, 0}, /* only holds make it held */
};

START_TEST(effective_flags_follow_spec_then_override)
{
	struct volume v = {.spec_flags = effective[_i].spec,
		.readonly_override = effective[_i].readonly,
		.protected_override = effective[_i].protected,
		.orphan_since = effective[_i].orphan_since};

	ck_assert_uint_eq(volume_effective_flags(&v, 100), effective[_i].flags);
}
END_TEST

START_TEST(hold_counts_until_its_last_second)
{
	struct hold hold = {.until = 100};
	struct volume v = {.holds = &hold, .n_holds = 1};

	ck_assert_uint_eq(volume_effective_flags(&v, 99), VOLUME_HELD);
	ck_assert_uint_eq(volume_effective_flags(&v, 100), 0);
	hold.until = 0;
	ck_assert_uint_eq(volume_effective_flags(&v, INT64_MAX), VOLUME_HELD);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("volume");
	TCase *tc = tcase_create("volume");

	tcase_add_test(tc, walk_meets_every_volume_once_and_skips_the_empty);
	tcase_add_loop_test(
		tc, effective_flags_follow_spec_then_override, 0, ARRAY_SIZE(effective));
	tcase_add_test(tc, hold_counts_until_its_last_second);
	suite_add_tcase(s, tc);
	return s;
}
