/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_HOSTVARS_H
#define ANKLUME_HOSTVARS_H

#include "device.h"
#include "errors.h"

/*
 * Bring the managed block of DIR/NAME.yml up to date, atomically, every other byte kept. A file is
 * only made for a machine that has devices. *RET_CHANGED is false when it said so already.
 * -EEXIST: the file sets instance_devices outside the block; -ENOENT: no DIR.
 */
int hostvars_write(const char *dir, const char *name, const struct device_list *devices,
	bool is_dry_run, bool *ret_changed, struct error *err);

#endif
