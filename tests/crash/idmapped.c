/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * usage: idmapped DIR TARGET COMMAND...
 *
 * Runs COMMAND as a container sees a volume: as root of a user namespace, in a mount namespace of
 * its own, in TARGET, an idmapped bind of DIR.
 */

#include "idmap.h"

#include <err.h>
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

static void enter(int userns)
{
	if (setns(userns, CLONE_NEWUSER) < 0 || setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 ||
		setresuid(0, 0, 0) < 0)
		err(2, "cannot become root of the user namespace");
}

int main(int argc, char **argv)
{
	int userns;

	if (argc < 4)
		errx(2, "usage: idmapped DIR TARGET COMMAND...");
	errno = -idmap_private_mounts();
	if (errno)
		err(2, "a mount namespace");
	userns = idmap_userns();
	errno = userns < 0 ? -userns : -idmap_bind(argv[1], argv[2], userns);
	if (errno)
		err(2, "an idmapped bind of '%s'", argv[1]);
	enter(userns);
	if (chdir(argv[2]) < 0)
		err(2, "%s", argv[2]);
	execvp(argv[3], &argv[3]);
	err(127, "%s", argv[3]);
}
