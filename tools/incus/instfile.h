/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_INCUS_INSTFILE_H
#define ANKLUME_INCUS_INSTFILE_H

/* Files inside an instance, running or not. Paths are absolute there. */

#include "client.h"

#include <sys/types.h>

enum instfile_type {
	INSTFILE_FILE,
	INSTFILE_DIRECTORY,
	INSTFILE_SYMLINK, /* its data is the target, made absolute by Incus */
};

struct instfile {
	enum instfile_type type;
	uid_t uid; /* as the instance sees it */
	gid_t gid;
	mode_t mode; /* permission bits */
};

/*
 * The file, link or directory at PATH: *RET_INFO, and in *RET_DATA *RET_LEN bytes (NUL-terminated;
 * of a directory a JSON array of names). Caller frees. -ENOENT.
 */
int incus_file_pull(struct incus *incus, const char *project, const char *instance,
	const char *path, struct instfile *ret_info, char **ret_data, size_t *ret_len,
	struct error *err);

/* Create or replace PATH; the parent must be there. A directory that is there is left alone. */
int incus_file_push(struct incus *incus, const char *project, const char *instance,
	const char *path, const struct instfile *info, const void *data, size_t len,
	struct error *err);

/* Remove a file, a link or an empty directory. -ENOENT. */
int incus_file_delete(struct incus *incus, const char *project, const char *instance,
	const char *path, struct error *err);

#endif
