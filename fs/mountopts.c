/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mountopts.h"

#include "str.h"

#include <stddef.h>
#include <string.h>
#include <sys/mount.h>

static const struct flag_option {
	const char *name;
	unsigned long set, clear;
} flag_options[] = {
	{"ro", MS_RDONLY, 0},
	{"rw", 0, MS_RDONLY},
	{"suid", 0, MS_NOSUID},
	{"nosuid", MS_NOSUID, 0},
	{"dev", 0, MS_NODEV},
	{"nodev", MS_NODEV, 0},
	{"exec", 0, MS_NOEXEC},
	{"noexec", MS_NOEXEC, 0},
	{"sync", MS_SYNCHRONOUS, 0},
	{"async", 0, MS_SYNCHRONOUS},
	{"dirsync", MS_DIRSYNC, 0},
	{"atime", 0, MS_NOATIME},
	{"noatime", MS_NOATIME, 0},
	{"diratime", 0, MS_NODIRATIME},
	{"nodiratime", MS_NODIRATIME, 0},
	{"relatime", MS_RELATIME, 0},
	{"norelatime", 0, MS_RELATIME},
	{"strictatime", MS_STRICTATIME, 0},
	{"lazytime", MS_LAZYTIME, 0},
	{"defaults", 0, 0},
};

static const struct value_option {
	const char *name;
	size_t offset; /* of the const char * in struct mountopts */
} value_options[] = {
	{"plain", offsetof(struct mountopts, plain_dir)},
	{"fsname", offsetof(struct mountopts, fsname)},
	{"subtype", offsetof(struct mountopts, subtype)},
	{"base", offsetof(struct mountopts, base)},
	{"catalog", offsetof(struct mountopts, catalog)},
	{"control", offsetof(struct mountopts, control)},
	{"workers", offsetof(struct mountopts, workers)},
	{"wait", offsetof(struct mountopts, wait)},
	{"watchdog", offsetof(struct mountopts, watchdog)},
	{"on-hang", offsetof(struct mountopts, on_hang)},
};

/* mount(8)'s own words, and what is always so here. */
static const char *const dropped[] = {
	"auto",
	"noauto",
	"user",
	"nouser",
	"users",
	"_netdev",
	"nofail",
	"allow_other",
	"default_permissions",
	"nonempty",
	"big_writes",
};

/* What the mount table says of every FUSE mount; mount(8) repeats it when it remounts. */
static const char *const own[] = {
	"fd=", "rootmode=", "user_id=", "group_id=", "max_read=", "blksize="};

static bool drop(const char *name)
{
	if (str_has_prefix(name, "x-"))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		if (str_has_prefix(name, own[i]))
			return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(dropped); i++) {
		if (strcmp(dropped[i], name) == 0)
			return true;
	}
	return false;
}

static bool set_flag(const char *name, struct mountopts *o)
{
	for (size_t i = 0; i < ARRAY_SIZE(flag_options); i++) {
		if (strcmp(flag_options[i].name, name) == 0) {
			o->flags = (o->flags & ~flag_options[i].clear) | flag_options[i].set;
			return true;
		}
	}
	return false;
}

static bool set_value(char *option, struct mountopts *o)
{
	char *value = strchr(option, '=');

	for (size_t i = 0; value && value[1] && i < ARRAY_SIZE(value_options); i++) {
		size_t n = strlen(value_options[i].name);

		if (n == (size_t)(value - option) &&
			memcmp(option, value_options[i].name, n) == 0) {
			*(const char **)((char *)o + value_options[i].offset) = value + 1;
			return true;
		}
	}
	return false;
}

int mountopts_parse(char *text, struct mountopts *ret, struct error *err)
{
	char *save = NULL;

	for (char *o = strtok_r(text, ",", &save); o; o = strtok_r(NULL, ",", &save)) {
		if (strcmp(o, "remount") == 0)
			ret->is_remount = true;
		else if (strcmp(o, "plain") == 0)
			ret->is_plain = true;
		else if (!set_flag(o, ret) && !set_value(o, ret) && !drop(o))
			return error_set(err, -EINVAL, "unknown mount option '%s'", o);
	}
	if (ret->plain_dir)
		ret->is_plain = true;
	return 0;
}
