/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DIFF_MATCHERS_H
#define DIFF_MATCHERS_H

/*
 * One known difference each: true when OP gave these two texts, and they differ in nothing else.
 * known.c says why.
 */

#include "op.h"

/* Modes, set-id bits, capabilities and owners. */
bool match_lost_set_id(const struct op *op, const char *native, const char *mount);
bool match_kept_set_gid(const struct op *op, const char *native, const char *mount);
bool match_failed_write(const struct op *op, const char *native, const char *mount);
bool match_unknown_owner(const struct op *op, const char *native, const char *mount);
bool match_unknown_owner_unseen(const struct op *op, const char *native, const char *mount);
bool match_like_a_write(const struct op *op, const char *native, const char *mount);
bool match_capless_refusal(const struct op *op, const char *native, const char *mount);
bool match_like_one_who_keeps(const struct op *op, const char *native, const char *mount);
bool match_lost_capabilities(const struct op *op, const char *native, const char *mount);
bool match_punched_nothing(const struct op *op, const char *native, const char *mount);
bool match_keeps_capability(const struct op *op, const char *native, const char *mount);

/* Times that moved on one side only. */
bool match_fifo_times(const struct op *op, const char *native, const char *mount);
bool match_wrote_to_fifo(const struct op *op, const char *native, const char *mount);
bool match_emptied_while_open(const struct op *op, const char *native, const char *mount);
bool match_emptied_unseen(const struct op *op, const char *native, const char *mount);
bool match_modified_anyway(const struct op *op, const char *native, const char *mount);
bool match_unmoved_times(const struct op *op, const char *native, const char *mount);
bool match_unmoved_again(const struct op *op, const char *native, const char *mount);

/* What inotify and leases tell. */
bool match_other_events(const struct op *op, const char *native, const char *mount);
bool match_more_reads(const struct op *op, const char *native, const char *mount);
bool match_any_events(const struct op *op, const char *native, const char *mount);
bool match_closed_early(const struct op *op, const char *native, const char *mount);
bool match_closed_late(const struct op *op, const char *native, const char *mount);

/* What calls return, and what files hold. */
bool match_refused_mode(const struct op *op, const char *native, const char *mount);
bool match_beyond_base(const struct op *op, const char *native, const char *mount);
bool match_directory_sizes(const struct op *op, const char *native, const char *mount);
bool match_misses_last_page(const struct op *op, const char *native, const char *mount);
bool match_data_before_start(const struct op *op, const char *native, const char *mount);
bool match_other_hole(const struct op *op, const char *native, const char *mount);
bool match_hides_more(const struct op *op, const char *native, const char *mount);
bool match_mapped_anyway(const struct op *op, const char *native, const char *mount);
bool match_torn_write(const struct op *op, const char *native, const char *mount);
bool match_torn_unseen(const struct op *op, const char *native, const char *mount);
bool match_lenient_copy(const struct op *op, const char *native, const char *mount);
bool match_no_ioctl(const struct op *op, const char *native, const char *mount);
bool match_fixed_at_open(const struct op *op, const char *native, const char *mount);
bool match_other_refusal(const struct op *op, const char *native, const char *mount);
bool match_nothing_to_do(const struct op *op, const char *native, const char *mount);
bool match_other_refusals(const struct op *op, const char *native, const char *mount);
bool match_refused_now(const struct op *op, const char *native, const char *mount);
bool match_no_clone(const struct op *op, const char *native, const char *mount);
bool match_no_attributes(const struct op *op, const char *native, const char *mount);

/* A mode of six digits at P in TEXT, a word "100644", or -1: of "100000:100000", an owner, neither is. */
int mode_at(const char *text, const char *p);

/* Equal, were it not for BITS of modes that are set in A and not in B. */
bool equal_but_bits(const char *a, const char *b, int bits);

#endif
