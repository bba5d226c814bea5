/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_INCUS_EXEC_H
#define ANKLUME_INCUS_EXEC_H

#include "client.h"

/*
 * Run ARGV (NULL-terminated) in a running instance as its root, without standard input. 0 when it
 * ran, whatever it said: *RET_STATUS is its exit status, *RET_OUT and *RET_ERR (each may be NULL)
 * what it wrote, owned by the caller, NUL-terminated. Incus records both in files of the instance,
 * which are removed again. -EINVAL: the instance does not run, or there is no such program.
 */
int incus_exec(struct incus *incus, const char *project, const char *instance,
	const char *const *argv, int *ret_status, char **ret_out, char **ret_err,
	struct error *err);

#endif
