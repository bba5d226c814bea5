/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "idents.h"

#include <err.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static const struct ident {
	uid_t uid;
	gid_t gid;
	size_t n_groups;
	gid_t groups[2];
	bool keeps_set_id; /* has CAP_FSETID: its writes leave set-id bits alone */
} idents[] = {
	{0, 0, 0, {0}, .keeps_set_id = true}, {0, 0, 0, {0}}, {1000, 1000, 1, {2000}},
	{1001, 1001, 2, {1000, 2000}}, {1001, 2000, 0, {0}},
	{101000, 101000, 1, {102000}}, /* in an idmapped mount: 1000; else just another user */
};

/* CAP_FSETID in force, or not. The permitted set keeps it, for the next identity. */
static int set_fsetid(bool value)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) < 0)
		return -1;
	data[0].effective &= ~(1U << CAP_FSETID);
	if (value)
		data[0].effective |= 1U << CAP_FSETID;
	return (int)syscall(SYS_capset, &header, data);
}

/*
 * Users of an actor that is not mapped are those that the mount shows for the same ids of the disk,
 * so that it can do something; the last one, and root, remain users that the mount cannot express.
 */
static struct ident ident_for(const struct actor *a, size_t i)
{
	struct ident to = idents[i % ARRAY_SIZE(idents)];
	int shift = to.uid >= IDMAP_SHIFT ? -IDMAP_SHIFT : IDMAP_SHIFT;

	/* A user namespace of one range has no such id. */
	if (a->userns >= 0 && to.uid >= IDMAP_RANGE)
		return idents[2];
	if (!a->is_unmapped || to.uid == 0)
		return to;
	to.uid += (uid_t)shift;
	to.gid += (gid_t)shift;
	for (size_t j = 0; j < to.n_groups; j++)
		to.groups[j] += (gid_t)shift;
	return to;
}

void ident_become(struct actor *a, size_t i)
{
	const struct ident to = ident_for(a, i);

	if (setresuid(0, 0, 0) < 0 || setgroups(to.n_groups, to.groups) < 0 ||
		setresgid(to.gid, to.gid, to.gid) < 0 || setresuid(to.uid, to.uid, 0) < 0)
		err(2, "become %u:%u", to.uid, to.gid);
	if (to.uid == 0 && set_fsetid(to.keeps_set_id) < 0)
		err(2, "capset");
	/* The kernel forgets this with every change of ids. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}
