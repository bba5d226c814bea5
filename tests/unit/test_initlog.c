/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "initlog.h"

#include "unit.h"

#include <linux/fuse.h>
#include <string.h>

struct answer {
	struct fuse_out_header header;
	struct fuse_init_out init;
};

static struct init_exchange a, b;

static struct answer *answer_of(struct init_exchange *x)
{
	return (struct answer *)x->answer;
}

static void make(struct init_exchange *x)
{
	memset(x, 0, sizeof(*x));
	x->answer_len = sizeof(struct answer);
	*answer_of(x) = (struct answer){.header = {.len = sizeof(struct answer), .unique = 2},
		.init = {.major = 7, .minor = 40, .flags = 0x73fc, .max_write = 1 << 20}};
}

static void setup(void)
{
	make(&a);
	make(&b);
}

START_TEST(what_the_kernel_goes_by_must_be_the_same)
{
	ck_assert(initlog_agrees(&a, &b));
	answer_of(&b)->init.flags++;
	ck_assert(!initlog_agrees(&a, &b));
	make(&b);
	answer_of(&b)->init.max_write /= 2;
	ck_assert(!initlog_agrees(&a, &b));
	make(&b);
	answer_of(&b)->init.major++;
	ck_assert(!initlog_agrees(&a, &b));
	make(&b);
	b.answer[b.answer_len - 1] = 1; /* fields of later kernels */
	ck_assert(!initlog_agrees(&a, &b));
	make(&b);
	b.answer_len--;
	ck_assert(!initlog_agrees(&a, &b));
}
END_TEST

/* libfuse 3.17 says 40, 3.18 says 45, and both are libfuse3.so.4. */
START_TEST(the_minor_version_may_be_another)
{
	answer_of(&b)->init.minor = 45;
	ck_assert(initlog_agrees(&a, &b));
}
END_TEST

START_TEST(an_answer_too_short_for_a_version_agrees_with_none)
{
	a.answer_len = b.answer_len = sizeof(struct fuse_out_header);
	ck_assert(!initlog_agrees(&a, &b));
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("initlog");
	TCase *c = tcase_create("agrees");

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, what_the_kernel_goes_by_must_be_the_same);
	tcase_add_test(c, the_minor_version_may_be_another);
	tcase_add_test(c, an_answer_too_short_for_a_version_agrees_with_none);
	suite_add_tcase(s, c);
	return s;
}
