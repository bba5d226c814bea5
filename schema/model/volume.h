/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_VOLUME_H
#define ANKLUME_VOLUME_H

/*
 * The nouns that the spec declares, the catalogue records and the daemon serves: an infra holds
 * domains, a domain holds machines, a machine holds volumes. Plain owned data, no behaviour.
 */

#include "cleanup.h"

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>
#include <sys/types.h>

/* Where everything is unless options or the environment say otherwise (see man 8 anklume-fs). */
#define DEFAULT_BASE "/var/lib/anklume/data"
#define DEFAULT_MOUNT "/srv/anklume/data"
#define DEFAULT_SHARES "/srv/anklume/shares"
#define DEFAULT_CATALOG "/var/lib/anklume/catalog.db"
#define DEFAULT_CONTROL "/run/anklume-fs/control.sock"

/* Recorded for a volume whose spec gives none. */
#define DEFAULT_VOLUME_MODE 0755

/* Bytes of a path that the spec, the catalogue and the mark on a volume hold. */
#define VOLUME_PATH_MAX 400

enum volume_flag {
	VOLUME_READONLY = 1u << 0,
	VOLUME_PROTECTED = 1u << 1,
	VOLUME_HELD = 1u << 2, /* derived: at least one hold is in force */
	VOLUME_ORPHAN = 1u << 3, /* derived: recorded, no longer in the spec */
};

/* What an administrator said over the spec's head; INHERIT follows the spec. */
enum flag_override {
	FLAG_INHERIT = 0,
	FLAG_ON = 1,
	FLAG_OFF = 2,
};

struct hold {
	char *tag; /* a valid name, unique within the volume */
	char *reason;
	char *actor;
	int64_t since; /* seconds since the epoch */
	int64_t until; /* 0 = until released; an expired hold no longer counts */
};

struct volume {
	int64_t id; /* catalogue row, 0 before it is recorded; never reused */
	char *name;
	char *path; /* where the instance sees it, absolute, normalised */
	char *class; /* "database", "media", ...; NULL = none */
	char *description; /* NULL = none */
	uint64_t size_bytes; /* declared size, 0 = none */
	uid_t uid; /* of the volume's root directory when it is created */
	gid_t gid;
	mode_t mode;
	unsigned int flags; /* enum volume_flag, effective: overrides and holds applied */
	unsigned int spec_flags; /* READONLY and PROTECTED as the spec says */
	enum flag_override readonly_override;
	enum flag_override protected_override;
	bool has_ids_override; /* uid and gid were set by an administrator; apply keeps them */
	int64_t orphan_since; /* seconds since the epoch, 0 = in the spec */
	uint64_t generation; /* of the catalogue's last change that concerned this volume */
	struct hold *holds;
	size_t n_holds;
};

struct machine {
	int64_t id;
	char *name;
	char *project; /* Incus project of the owner instance, as `incus --project` takes it */
	char *instance; /* Incus instance name, with the nesting prefix */
	bool has_owner_override; /* project and instance were set by an administrator */
	bool is_vm;
	bool is_ephemeral; /* effective: machine, else domain, else false */
	int64_t orphan_since; /* as of a volume */
	struct volume *volumes;
	size_t n_volumes;
};

struct domain {
	int64_t id;
	char *name;
	bool is_enabled;
	int64_t orphan_since; /* as of a volume */
	struct machine *machines;
	size_t n_machines;
};

struct infra {
	struct domain *domains;
	size_t n_domains;
};

void infra_init(struct infra *infra);
void infra_finish(struct infra *infra);

/*
 * Append a zeroed child that owns a copy of NAME. The pointer is valid until the next addition to
 * the same parent. NULL when out of memory.
 */
struct domain *infra_add_domain(struct infra *infra, const char *name);
struct machine *domain_add_machine(struct domain *domain, const char *name);
struct volume *machine_add_volume(struct machine *machine, const char *name);
struct hold *volume_add_hold(struct volume *volume, const char *tag);

/* NULL when there is none of that name. */
struct domain *infra_find_domain(const struct infra *infra, const char *name);
struct machine *domain_find_machine(const struct domain *domain, const char *name);
struct volume *machine_find_volume(const struct machine *machine, const char *name);

size_t infra_count_volumes(const struct infra *infra);

/* A walk over every volume, in order. Zero-initialise; the three pointers are set at each step. */
struct infra_walk {
	struct domain *domain;
	struct machine *machine;
	struct volume *volume;
	size_t next_domain, next_machine, next_volume;
};

/* Go on to the next volume; false behind the last. */
bool infra_walk_next(const struct infra *infra, struct infra_walk *walk);

/* Effective flags from the spec's flags, the overrides, the holds in force at NOW, the orphan date. */
unsigned int volume_effective_flags(const struct volume *volume, int64_t now);

DEFINE_FINISH(infra_finishp, struct infra, infra_finish)

#define cleanup_infra cleanup_(infra_finishp)

#endif
