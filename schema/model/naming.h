/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_NAMING_H
#define ANKLUME_NAMING_H

/* How the nouns are called elsewhere: device names, source paths, cgroups. Results: caller frees. */

#include "volume.h"

#define PERSISTENT_DEVICE_PREFIX "pd-"
#define SHARED_DEVICE_PREFIX "sv-"

/* anklume writes the nesting level there; 0 is the host itself. */
#define NAMING_LEVEL_FILE "/etc/anklume/absolute_level"

/* "<base>/<domain>/<machine>/<volume>"; NULL when out of memory. */
char *naming_source(const char *base, const char *domain, const char *machine, const char *volume);

/* "pd-<volume>"; NULL when out of memory. */
char *naming_device(const char *volume);

/*
 * The cgroup of an instance's processes, the first component of their path: "lxc.payload.<name>"
 * in project "default", else "lxc.payload.<project>_<name>" (Incus, internal/server/project).
 */
char *naming_cgroup(const char *project, const char *instance);

/*
 * anklume's nesting prefix ("001-") from the integer in FILE (normally
 * NAMING_LEVEL_FILE); "" when it is missing or holds no integer.
 */
char *naming_prefix(const char *file);

#endif
