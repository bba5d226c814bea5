/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_SELECT_H
#define ANKLUME_SELECT_H

/*
 * Names of volumes on the command line. A word is, in this order: the full name
 * (domain/machine/volume); its end (volume, machine/volume); its beginning (domain,
 * domain/machine); its machine. Patterns with *, ? or [ are matched component by component.
 */

#include "cleanup.h"
#include "errors.h"
#include "volume.h"

/* A volume and where it hangs; borrowed from the infra. */
struct volume_ref {
	const struct domain *domain;
	const struct machine *machine;
	const struct volume *volume;
};

struct selection {
	struct volume_ref *items;
	size_t n_items;
};

void selection_finish(struct selection *s);

enum select_mode {
	SELECT_EXACT, /* a name means one volume, else it is ambiguous; patterns mean many */
	SELECT_MANY, /* a name means all that it fits anywhere */
};

/* Every volume, in the order of INFRA. -ENOMEM. */
int select_all(const struct infra *infra, struct selection *ret, struct error *err);

/*
 * The volumes that the N WORDS mean, each once, in the order of INFRA. -ENOENT: a word fits
 * nothing; -ENOTUNIQ: ambiguous. ERR lists what could be meant.
 */
int select_volumes(const struct infra *infra, const char *const *words, size_t n,
	enum select_mode mode, struct selection *ret, struct error *err);

/* "domain/machine/volume" in BUF. Returns BUF. */
#define VOLUME_NAME_MAX 256
const char *volume_ref_name(const struct volume_ref *ref, char buf[VOLUME_NAME_MAX]);

DEFINE_FINISH(selection_finishp, struct selection, selection_finish)

#define cleanup_selection cleanup_(selection_finishp)

#endif
