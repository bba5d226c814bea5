/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_DRIFT_H
#define ANKLUME_DRIFT_H

/*
 * Where the records, the directories of the data base and the marks on them disagree: the second
 * half of 'catalog check' (the first is catalog_check_integrity()), and what 'orphans' lists beside
 * the recorded orphans. Reads only.
 */

#include "catalog.h"
#include "cleanup.h"

enum drift_kind {
	DRIFT_NO_DIRECTORY, /* recorded, but there is no directory; 'apply' makes it */
	DRIFT_NO_MARK, /* recorded, but its directory has no mark; 'apply' writes it */
	DRIFT_MARK_DIFFERS, /* the mark says something else; the record is right, 'apply' repairs */
	DRIFT_MARK_DAMAGED, /* the mark cannot be read, or is another volume's */
	DRIFT_UNDECLARED, /* a directory without a record and without a mark */
	DRIFT_UNRECORDED, /* a directory without a record whose mark is good: a record was lost */
	DRIFT_ODD, /* a file, a symlink or a name that is not valid where a directory should be */
	DRIFT_KINDS,
};

struct drift {
	enum drift_kind kind;
	char *path; /* relative to the base; of DRIFT_ODD it may hold any byte */
	char *detail; /* NULL = nothing to add */
};

struct drift_list {
	struct drift *items; /* records first, in their order; then the base, in name order */
	size_t n_items;
};

void drift_list_finish(struct drift_list *list);

/* -ENOMEM. PATH and DETAIL (may be NULL) are copied. */
int drift_list_add(
	struct drift_list *list, enum drift_kind kind, const char *path, const char *detail);

/* Compare the directory and the mark of every volume of INFRA (from catalog_load()) with it. */
int drift_find_in_records(
	const struct infra *infra, int base_fd, struct drift_list *list, struct error *err);

/* Look for what lies in the base and has no record in INFRA. */
int drift_find_in_base(
	const struct infra *infra, int base_fd, struct drift_list *list, struct error *err);

DEFINE_FINISH(drift_list_finishp, struct drift_list, drift_list_finish)

#define cleanup_drift_list cleanup_(drift_list_finishp)

#endif
