/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client.h"

#include <string.h>
#include <sys/stat.h>

/*
 * The order of Incus' own client (client/connection.go). Its last resort, the socket of a
 * restricted user, is left out: who may only see one project of its own can apply nothing.
 */
char *incus_socket_path(void)
{
	const char *socket = getenv("INCUS_SOCKET");
	const char *dir = getenv("INCUS_DIR");
	struct stat st;
	char *path;

	if (socket && *socket)
		return strdup(socket);
	if (!dir || !*dir)
		dir = lstat("/run/incus/unix.socket", &st) == 0 ? "/run/incus" : "/var/lib/incus";
	return asprintf(&path, "%s/unix.socket", dir) < 0 ? NULL : path;
}
