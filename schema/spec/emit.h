/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_EMIT_H
#define ANKLUME_EMIT_H

/* Device lists as text for Incus and Ansible. Every result is owned by the caller. */

#include "device.h"

/* "devices:" as `incus config edit` shows it. NULL when out of memory. */
char *emit_incus_yaml(const struct device_list *devices);

/* {"pd-db": {"type": "disk", ...}}. NULL when out of memory. */
char *emit_json(const struct device_list *devices);

/* One shell-quoted `incus config device add` per device, newline-terminated. */
char *emit_commands(const struct device_list *devices, const char *project, const char *instance);

/* The `instance_devices:` map of host_vars/<machine>.yml between anklume's block markers. */
char *emit_host_vars(const struct device_list *devices);

/*
 * TEXT (a host_vars file, NULL = none yet) with `instance_devices:` brought up to date. In a
 * managed block that is there only that key is replaced, for upstream keeps its other variables
 * in the same block; without one the block is put in front. Doing it twice changes nothing.
 */
char *emit_merge_host_vars(const char *text, const struct device_list *devices);

/*
 * True when TEXT (of a file that upstream or emit_merge_host_vars() wrote) holds a managed block
 * and nothing that a person put beside it: the file may be made anew from the spec.
 */
bool emit_is_generated(const char *text);

#endif
