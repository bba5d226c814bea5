/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_SAMPLE_H
#define ANKLUME_SAMPLE_H

/* What the tests of the catalogue and of the data base share: small specs and a catalogue. */

#include "catalog.h"

#include <stdbool.h>

extern const struct actor sample_actor;

/*
 * Add to INFRA the volumes of TEXT, one word each: "pro/pro-dev/db". Machines get project
 * <domain> and instance <machine>; volumes get path /<volume>, owner 999:999, mode 0750 and
 * are protected by the spec.
 */
void sample_add(struct infra *infra, const char *text);

/* The volume "domain/machine/volume" of INFRA; the test fails where it is missing. */
struct volume *sample_volume(const struct infra *infra, const char *name);
struct machine *sample_machine(const struct infra *infra, const char *name);

/* Apply INFRA, finish the report. The test fails on an error. */
void sample_apply(struct catalog *cat, const struct infra *infra, const struct mark_store *marks);

/* Everything in CAT; the caller finishes RET. */
void sample_load(struct catalog *cat, struct infra *ret);

/* openat2(2) works here. */
bool sample_has_openat2(void);

/* All that INFRA says as text, for comparing. The caller frees. */
char *sample_describe(const struct infra *infra);

/* Fail the test with the error's own words. */
#define ck_assert_ok(r, err) ck_assert_msg((r) == 0, "%s", error_text((err), (r)))

#endif
