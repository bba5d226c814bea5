/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_CHECKSUM_H
#define ANKLUME_CHECKSUM_H

/* FNV-1a: finds what a stray store did to a record, not what an enemy did. */

#include <stddef.h>
#include <stdint.h>

#define CHECKSUM_SEED 2166136261u

static inline uint32_t checksum_add(uint32_t x, const void *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		x = (x ^ ((const unsigned char *)data)[i]) * 16777619u;
	return x;
}

#endif
