/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DIFF_KNOWN_H
#define DIFF_KNOWN_H

/* The differences that are meant to be. */

#include "op.h"

/* What has happened in the round so far that may show only now. */
struct past {
	bool has_been_quiet; /* an operation was not looked at */
	long fs_type; /* of the native directory, as statfs(2) says */
	unsigned long long reclaims; /* reclaim_count() when the round began */
	bool is_idmapped; /* one actor lives in another user namespace */
	bool has_been_advised; /* posix_fadvise(): the base does not hear of it */
	bool has_stored_again; /* to a mapping, after that */
	bool has_been_capable; /* some file has had file capabilities */
	bool has_stormed; /* both actors have changed a directory at once */
	bool has_been_flagged; /* somebody has made something immutable or append-only */
};

void past_add(struct past *past, const struct op *op);

/*
 * The row that explains why OP gave these two texts, or -1: it is a finding. Equal texts: the row
 * that says why they will differ later. OP NULL: the trees.
 */
int known_find(const struct op *op, const struct past *past, const char *native, const char *mount);

/* Row I changes no file: the round can go on. */
bool known_is_harmless(size_t i);

/* The reason of row I, NULL past the last one. */
const char *known_reason(size_t i);

#endif
