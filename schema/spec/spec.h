/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_SPEC_H
#define ANKLUME_SPEC_H

/*
 * infra.yml and its relatives, read, checked and enriched. Three layouts are known: the single
 * file, the directory (base.yml + domains/ + policies.yml), and anklume.yml + domains/<name>.yml.
 */

#include "cleanup.h"
#include "device.h"
#include "diags.h"
#include "errors.h"
#include "volume.h"

struct spec; /* opaque */

enum spec_layout {
	SPEC_FILE, /* one infra.yml */
	SPEC_DIRECTORY, /* base.yml + domains/ + policies.yml */
	SPEC_ANKLUME, /* anklume.yml + domains/<name>.yml */
};

/*
 * Read the spec at PATH: a file or a directory of either kind; when PATH is missing, PATH.yml and
 * PATH without .yml are tried, as upstream does. LEVEL_FILE is the nesting level's file, NULL for
 * /etc/anklume/absolute_level.
 *
 * 0: *RET is a usable spec the caller frees; DIAGS may hold warnings. -EINVAL: the spec is wrong,
 * every error is in DIAGS. Any other errno (-ENOENT, -EACCES, -ENOMEM ...): nothing could be
 * read, and ERR says why.
 */
int spec_load(const char *path, const char *level_file, struct diags *diags, struct spec **ret,
	struct error *err);

void spec_free(struct spec *spec);

enum spec_layout spec_get_layout(const struct spec *spec);

/* What the spec declares. Borrowed. Disabled domains are included; see domain.is_enabled. */
const struct infra *spec_get_infra(const struct spec *spec);

/* global.persistent_data_base, normalised; the default where the spec has none. Borrowed. */
const char *spec_get_data_base(const struct spec *spec);

/*
 * All devices of one machine in upstream's order: sv-*, then pd-*, then the user's own.
 * -ENOENT: no such machine; -ENOMEM.
 */
int spec_list_devices(
	const struct spec *spec, const char *domain, const char *machine, struct device_list *ret);

DEFINE_CLEANUP(spec_freep, struct spec *, spec_free)

#define cleanup_spec cleanup_(spec_freep)

#endif
