/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "specs.h"

#include <limits.h>

/* Real infra.yml files of the public project, which are not copied into this tree. */
#define SAMPLES SOURCE_ROOT "/../shared/samples"

static const char *const samples[] = {
	"05-security-audit.infra.yml",
	"developer.infra.yml",
	"pro-workstation.infra.yml",
};

START_TEST(real_specs_are_accepted)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), SAMPLES "/%s", samples[_i]);
	ck_assert_msg(specs_load_path(path) == 0, "%s", specs_report());
	specs_expect("", "");
	ck_assert_uint_gt(spec_get_infra(specs_last())->n_domains, 1);
}
END_TEST

START_TEST(live_os_description_is_refused_by_name)
{
	ck_assert_int_eq(specs_load_path(SAMPLES "/live-os.infra.yml"), -EINVAL);
	specs_expect("", SAMPLES
		"/live-os.infra.yml:19:1: error: this is a live OS image description, which "
		"declares no machines for Incus: give the infra.yml of the host\n");
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s;
	TCase *tc;

	if (access(SAMPLES, R_OK) < 0) {
		puts("1..0 # SKIP " SAMPLES " is not here");
		exit(EXIT_SUCCESS);
	}
	s = suite_create("samples");
	tc = tcase_create("samples");
	tcase_add_checked_fixture(tc, specs_setup, specs_teardown);
	tcase_add_loop_test(tc, real_specs_are_accepted, 0, ARRAY_SIZE(samples));
	tcase_add_test(tc, live_os_description_is_refused_by_name);
	suite_add_tcase(s, tc);
	return s;
}
