/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_CATALOG_CHANGES_H
#define ANKLUME_CATALOG_CHANGES_H

/* Words for what changed between the record and the spec, and the list of them. Pure. */

#include "catalog.h"
#include "str.h"

/* Append a line; VOLUME and DETAIL (may be NULL or "") are copied. -ENOMEM. */
int change_list_add(
	struct change_list *list, enum change_kind kind, const char *volume, const char *detail);

/* Append to B, separated by ", ", what WANT (the spec) says otherwise than HAVE (the record). */
void changes_describe_domain(
	struct strbuf *b, const struct domain *have, const struct domain *want);
void changes_describe_machine(
	struct strbuf *b, const struct machine *have, const struct machine *want);
void changes_describe_volume(
	struct strbuf *b, const struct volume *have, const struct volume *want);

/* Append one more phrase to B. */
void changes_add(struct strbuf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "on", "off", or "on (spec)", "off (spec)" where no override is set. Static text. */
const char *changes_flag_text(bool is_in_spec, enum flag_override value);

#endif
