/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_SEED_H
#define ANKLUME_SEED_H

/*
 * An empty volume over /etc or /var would hide what the instance needs to start: it is filled
 * once from the instance's own root filesystem, before it is attached for the first time.
 */

#include "client.h"
#include "volop.h"

/* On a volume's directory that was seeded: by what, "image <fingerprint> instance <uuid>". */
#define SEED_XATTR "trusted.anklume.seeded"
#define SEED_TEXT_MAX 256

/* What MACHINE's volumes were seeded from, "" for not at all. -errno when it cannot be read. */
int seed_read(int volume_fd, char buf[SEED_TEXT_MAX]);

/*
 * Seed the volumes of MACHINE that are empty and were never seeded, from the stopped instance
 * PROJECT/NAME, whose identity is SOURCE. Each is one transaction; what a crash left is begun anew,
 * or ended. Reports each volume.
 */
int seed_machine(struct volop *op, struct incus *incus, const struct domain *domain,
	const struct machine *machine, const char *source, struct error *err);

/*
 * True when VOLUME is a universal one (universal.h) that is empty and was never seeded: attached as
 * it is, it would hide what the instance starts with.
 */
bool seed_is_missing(int base_fd, const struct domain *domain, const struct machine *machine,
	const struct volume *volume);

#endif
