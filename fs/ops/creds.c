/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "creds.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

struct caps {
	struct __user_cap_header_struct header;
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
};

static int caps_load(struct caps *caps)
{
	*caps = (struct caps){.header.version = _LINUX_CAPABILITY_VERSION_3};
	return syscall(SYS_capget, &caps->header, caps->data) < 0 ? -errno : 0;
}

static int caps_store(struct caps *caps)
{
	return syscall(SYS_capset, &caps->header, caps->data) < 0 ? -errno : 0;
}

int creds_init_process(struct error *err)
{
	uint32_t bit = CAP_TO_MASK(CAP_SYS_RESOURCE);
	int bits = prctl(PR_GET_SECUREBITS);
	struct caps caps;
	int r;

	if (bits < 0 || prctl(PR_SET_SECUREBITS, bits | SECBIT_NO_SETUID_FIXUP) < 0)
		return error_errno(err, -errno, "cannot keep capabilities over id changes");

	/* Whose group a caller is in is never a matter of ours. */
	if (setgroups(0, NULL) < 0)
		return error_errno(err, -errno, "cannot leave all groups");
	r = caps_load(&caps);
	if (r == 0) {
		caps.data[0].effective &= ~bit;
		caps.data[0].permitted &= ~bit;
		r = caps_store(&caps);
	}
	if (r < 0)
		return error_errno(err, r, "cannot drop CAP_SYS_RESOURCE");
	return 0;
}

/* As what this thread acts now: what is as it should be costs no system call. */
static __thread struct {
	uid_t fsuid;
	gid_t fsgid;
	mode_t umask;
	bool keeps_setid; /* CAP_FSETID */
	struct caps caps;
} now;

int creds_init_thread(void)
{
	int r;

	if (unshare(CLONE_FS) < 0)
		return -errno;
	umask(0);
	r = caps_load(&now.caps);
	if (r < 0)
		return r;
	now.keeps_setid = now.caps.data[0].effective & CAP_TO_MASK(CAP_FSETID);
	creds_rest();
	return 0;
}

/* They tell no error, only what was before; -1 is no id and changes nothing (setfsuid(2)). */
static bool become(uid_t uid, gid_t gid)
{
	if (gid != now.fsgid) {
		setfsgid(gid);
		now.fsgid = (gid_t)setfsgid((gid_t)-1);
	}
	if (uid != now.fsuid) {
		setfsuid(uid);
		now.fsuid = (uid_t)setfsuid((uid_t)-1);
	}
	return now.fsuid == uid && now.fsgid == gid;
}

static void keep_setid(bool on)
{
	uint32_t bit = CAP_TO_MASK(CAP_FSETID);
	struct caps caps = now.caps;

	if (on == now.keeps_setid)
		return;
	if (on)
		caps.data[0].effective |= bit & caps.data[0].permitted;
	else
		caps.data[0].effective &= ~bit;
	if (caps_store(&caps) < 0)
		return;
	now.caps = caps;
	now.keeps_setid = on;
}

int creds_as_creator(uid_t uid, gid_t gid, mode_t mask, mode_t mode)
{
	if (mask != now.umask) {
		umask(mask);
		now.umask = mask;
	}
	if (mode & S_ISGID)
		keep_setid(true);
	return become(uid, gid) ? 0 : -EOVERFLOW;
}

void creds_in_group(gid_t gid, bool with_setid)
{
	keep_setid(with_setid);
	become(0, gid);
}

void creds_as_writer(gid_t gid, bool with_setid)
{
	keep_setid(with_setid);
	become(CREDS_NOBODY, gid);
}

void creds_as_passer(void)
{
	creds_as_writer(CREDS_NOBODY, true);
}

void creds_as_user(uid_t uid)
{
	become(uid, 0);
}

void creds_rest(void)
{
	keep_setid(false);
	become(0, 0);
}
