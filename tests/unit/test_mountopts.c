/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mountopts.h"

#include "unit.h"

#include <string.h>
#include <sys/mount.h>

static const struct {
	const char *text;
	unsigned long before, after;
} flags[] = {
	{"", MS_NODEV, MS_NODEV},
	{"ro", 0, MS_RDONLY},
	{"ro,rw", 0, 0},
	{"suid,dev", MS_NOSUID | MS_NODEV, 0},
	{"defaults,noexec,noatime", MS_NODEV, MS_NODEV | MS_NOEXEC | MS_NOATIME},
	{"allow_other,_netdev,nofail,x-systemd.automount", 0, 0},
};

START_TEST(flag_options_set_and_clear)
{
	struct mountopts o = {.flags = flags[_i].before};
	char text[64];

	strcpy(text, flags[_i].text);
	ck_assert_int_eq(mountopts_parse(text, &o, NULL), 0);
	ck_assert_uint_eq(o.flags, flags[_i].after);
}
END_TEST

START_TEST(value_options_keep_their_text)
{
	struct mountopts o = {0};
	char text[] =
		"fsname=my disk,plain=/data,base=/b,catalog=/c,control=/s,workers=3,subtype=x";

	ck_assert_int_eq(mountopts_parse(text, &o, NULL), 0);
	ck_assert_str_eq(o.fsname, "my disk");
	ck_assert_str_eq(o.plain_dir, "/data");
	ck_assert_str_eq(o.base, "/b");
	ck_assert_str_eq(o.catalog, "/c");
	ck_assert_str_eq(o.control, "/s");
	ck_assert_str_eq(o.workers, "3");
	ck_assert_str_eq(o.subtype, "x");
	ck_assert(o.is_plain);
	ck_assert(!o.is_remount);
}
END_TEST

START_TEST(bare_words_are_known)
{
	struct mountopts o = {0};
	char text[] = "remount,plain";

	ck_assert_int_eq(mountopts_parse(text, &o, NULL), 0);
	ck_assert(o.is_remount);
	ck_assert(o.is_plain);
}
END_TEST

START_TEST(what_the_mount_table_repeats_is_dropped)
{
	struct mountopts o = {0};
	char text[] = "rw,nosuid,relatime,user_id=0,group_id=0,default_permissions,allow_other,"
		      "remount,ro,max_read=131072,blksize=4096";

	ck_assert_int_eq(mountopts_parse(text, &o, NULL), 0);
	ck_assert(o.is_remount);
	ck_assert_uint_eq(o.flags & (MS_RDONLY | MS_NOSUID), MS_RDONLY | MS_NOSUID);
}
END_TEST

START_TEST(unknown_option_is_named)
{
	static const char *const texts[] = {"splice", "fsname", "fsname=", "plain=", "rox", "=x"};
	struct mountopts o = {0};
	cleanup_error struct error err = {0};
	char text[32];

	strcpy(text, texts[_i]);
	ck_assert_int_eq(mountopts_parse(text, &o, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, texts[_i]));
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("mountopts");
	TCase *tc = tcase_create("mountopts");

	tcase_add_loop_test(tc, flag_options_set_and_clear, 0, ARRAY_SIZE(flags));
	tcase_add_test(tc, value_options_keep_their_text);
	tcase_add_test(tc, bare_words_are_known);
	tcase_add_test(tc, what_the_mount_table_repeats_is_dropped);
	tcase_add_loop_test(tc, unknown_option_is_named, 0, 6);
	suite_add_tcase(s, tc);
	return s;
}
