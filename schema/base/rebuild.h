/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_REBUILD_H
#define ANKLUME_REBUILD_H

/* A new catalogue from the marks on the volumes' directories. */

#include "cleanup.h"
#include "drift.h"

struct rebuild_options {
	bool is_forced; /* also replace a catalogue that is sound, also by an empty one */
	bool is_dry_run; /* read the marks and stop */
	bool is_dropping; /* volumes of a readable old catalogue that have no good mark are given up */
};

struct rebuild_report {
	size_t n_volumes, n_overrides, n_holds; /* that the marks gave back */
	char *aside; /* where the old catalogue lies now; NULL = there was none */
	struct drift_list problems; /* NO_MARK, MARK_DAMAGED, ODD: what no record came from */
};

void rebuild_report_finish(struct rebuild_report *report);

/*
 * Read every mark below BASE_FD and make a catalogue of them in a file of its own; only when that
 * is whole does it take the place of the one at PATH, which is kept as "<PATH>.damaged-<date>".
 * What no mark knows is lost: the audit trail, and records without a directory. The next
 * apply brings back what the spec declares.
 *
 * -EEXIST: the catalogue at PATH is sound; -ENODATA: there is no mark in the base; -ENOTSUP: a
 * mark, or the catalogue, is of a newer version; -ENODEV: the catalogue at PATH can be read and has
 * volumes that the marks do not (a disk that is not mounted?), and is_dropping is not set. In every error case the old catalogue still lies
 * where it lay.
 */
int rebuild_catalog(const char *path, int base_fd, const struct actor *actor,
	const struct rebuild_options *options, struct rebuild_report *ret, struct error *err);

DEFINE_FINISH(rebuild_report_finishp, struct rebuild_report, rebuild_report_finish)

#define cleanup_rebuild_report cleanup_(rebuild_report_finishp)

#endif
