/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "creds.h"

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

static int set_fsetid(bool on)
{
	uint32_t bit = CAP_TO_MASK(CAP_FSETID);
	struct caps caps;
	int r;

	r = caps_load(&caps);
	if (r < 0)
		return r;
	if (on)
		caps.data[0].effective |= bit & caps.data[0].permitted;
	else
		caps.data[0].effective &= ~bit;
	return caps_store(&caps);
}

int creds_init_process(struct error *err)
{
	uint32_t bit = CAP_TO_MASK(CAP_SYS_RESOURCE);
	int bits = prctl(PR_GET_SECUREBITS);
	struct caps caps;
	int r;

	if (bits < 0 || prctl(PR_SET_SECUREBITS, bits | SECBIT_NO_SETUID_FIXUP) < 0)
		return error_errno(err, -errno, "cannot keep capabilities over id changes");

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

static __thread mode_t thread_umask;

int creds_init_thread(void)
{
	if (unshare(CLONE_FS) < 0)
		return -errno;
	thread_umask = 0;
	umask(0);
	return set_fsetid(false);
}

struct creds_scope creds_enter(uid_t uid, gid_t gid, mode_t mask, mode_t mode)
{
	struct creds_scope scope = {.uid = uid, .gid = gid};

	if (mask != thread_umask) {
		umask(mask);
		thread_umask = mask;
	}
	if (mode & S_ISGID)
		scope.raised_fsetid = set_fsetid(true) == 0;
	if (gid != 0)
		setfsgid(gid);
	if (uid != 0)
		setfsuid(uid);
	return scope;
}

struct creds_scope creds_enter_group(gid_t gid, bool keep_setid)
{
	struct creds_scope scope = {.gid = gid};

	if (keep_setid)
		scope.raised_fsetid = set_fsetid(true) == 0;
	if (gid != 0)
		setfsgid(gid);
	return scope;
}

struct creds_scope creds_enter_writer(gid_t gid, bool keep_setid)
{
	struct creds_scope scope = creds_enter_group(gid, keep_setid);

	scope.uid = CREDS_NOBODY;
	setfsuid(CREDS_NOBODY);
	return scope;
}

void creds_leave(struct creds_scope *scope)
{
	int saved_errno = errno;

	if (scope->uid != 0)
		setfsuid(0);
	if (scope->gid != 0)
		setfsgid(0);
	if (scope->raised_fsetid)
		set_fsetid(false);
	errno = saved_errno;
}
