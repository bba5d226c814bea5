/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "when.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "cleanup.h"
#include "unit.h"

#define NOW INT64_C(1700000000) /* 2023-11-14T22:13:20Z */

static const struct {
	const char *text;
	int result;
	int64_t time;
} rows[] = {
	{"90m", 0, NOW + 90 * 60},
	{"12h", 0, NOW + 12 * 3600},
	{"30d", 0, NOW + 30 * 86400},
	{"8w", 0, NOW + 8 * 7 * 86400},
	{"2023-11-15", 0, 1700092799}, /* the whole day */
	{"2023-11-15T18:00", 0, 1700071200},
	{"2023-11-15 18:00", 0, 1700071200},
	{"2023-11-15T18:00:30", 0, 1700071230},
	{"2023-11-15T18:00Z", 0, 1700071200},
	{"2024-02-29", 0, 1709251199},
	{"2023-02-29", -EINVAL, 0},
	{"2024-02-30", -EINVAL, 0},
	{"2023-11-14", 0, 1700006399},
	{"2023-11-13", -ERANGE, 0},
	{"0d", -ERANGE, 0},
	{"", -EINVAL, 0},
	{"d", -EINVAL, 0},
	{"30", -EINVAL, 0},
	{"-30d", -EINVAL, 0},
	{"30dd", -EINVAL, 0},
	{"30 d", -EINVAL, 0},
	{"99999999999999999999d", -EINVAL, 0},
	{"9999999d", -EINVAL, 0},
	{"tomorrow", -EINVAL, 0},
	{"2023-11-15x", -EINVAL, 0},
	{"2023-11-15T", -EINVAL, 0},
	{"2023-11-15T18:00+01:00", -EINVAL, 0},
	{" 30d", -EINVAL, 0},
};

START_TEST(text_is_this_moment)
{
	int64_t got = 0;

	setenv("TZ", "UTC", 1);
	tzset();
	ck_assert_msg(
		when_parse(rows[_i].text, NOW, &got) == rows[_i].result && got == rows[_i].time,
		"'%s' gave %lld", rows[_i].text, (long long)got);
}
END_TEST

START_TEST(local_time_counts_unless_utc_is_asked)
{
	int64_t local = 0, utc = 0;

	setenv("TZ", "EST5", 1);
	tzset();
	ck_assert_int_eq(when_parse("2023-11-15T18:00", NOW, &local), 0);
	ck_assert_int_eq(when_parse("2023-11-15T18:00Z", NOW, &utc), 0);
	ck_assert_int_eq(local - utc, 5 * 3600);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("when");
	TCase *tc = tcase_create("when");

	tcase_add_loop_test(tc, text_is_this_moment, 0, ARRAY_SIZE(rows));
	tcase_add_test(tc, local_time_counts_unless_utc_is_asked);
	suite_add_tcase(s, tc);
	return s;
}
