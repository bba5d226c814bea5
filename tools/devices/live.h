/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_LIVE_H
#define ANKLUME_LIVE_H

#include "device.h"

#include <jansson.h>

/* Devices as Incus has them <-> ours. Values that are no strings, which Incus never sends, are left out. */

/* Append the devices of OBJECT ({name: {key: value}}). -ENOMEM. */
int live_parse(const json_t *object, struct device_list *ret);

/* {key: value}; NULL when out of memory. */
json_t *live_format(const struct device *device);

#endif
