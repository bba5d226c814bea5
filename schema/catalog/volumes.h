/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_CATALOG_VOLUMES_H
#define ANKLUME_CATALOG_VOLUMES_H

/* Rows of the catalogue <-> the nouns of volume.h. Callers are inside a transaction. */

#include "cleanup.h"
#include "db.h"

enum volumes_view {
	VOLUMES_IN_FORCE, /* what an administrator set over the spec wins */
	VOLUMES_OF_SPEC, /* as the spec last said, machines and domains without volumes too */
};

/* Everything, sorted by name. The caller finishes RET, also after an error. */
int volumes_load(struct catalog *cat, enum volumes_view view, struct infra *ret, struct error *err);

/* One volume with its machine and domain, in force. */
struct volume_record {
	struct infra infra; /* of one domain, one machine, one volume */
	const struct domain *domain;
	const struct machine *machine;
	const struct volume *volume;
	uid_t spec_uid;
	gid_t spec_gid;
};

/* -ENOENT: no such volume. The caller finishes RET, also after an error. */
int volumes_load_one(
	struct catalog *cat, int64_t volume, struct volume_record *ret, struct error *err);
void volume_record_finish(struct volume_record *record);

/* "domain/machine/volume". Caller frees; NULL when out of memory. */
char *volume_record_name(const struct volume_record *record);

/* New rows; id 0 takes the next one. *RET_ID is written on success. */
int volumes_insert_domain(
	struct catalog *cat, const struct domain *domain, int64_t *ret_id, struct error *err);
int volumes_insert_machine(struct catalog *cat, int64_t domain, const struct machine *machine,
	int64_t *ret_id, struct error *err);
int volumes_insert_volume(struct catalog *cat, int64_t machine, const struct volume *volume,
	uint64_t generation, int64_t *ret_id, struct error *err);
int volumes_insert_hold(
	struct catalog *cat, int64_t volume, const struct hold *hold, struct error *err);

DEFINE_FINISH(volume_record_finishp, struct volume_record, volume_record_finish)

#define cleanup_volume_record cleanup_(volume_record_finishp)

#endif
