/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_SAMPLE_BASE_H
#define ANKLUME_SAMPLE_BASE_H

/* A catalogue and a data base beside each other, for the tests of the marks. Needs root. */

#include "sample.h"
#include "volmark.h"

extern struct catalog *sample_cat; /* at unit_path("catalog.db") */
extern int sample_base_fd; /* of unit_path("base") */
extern struct mark_store sample_marks; /* of that base */
extern struct infra sample_spec;

/*
 * NULL where these tests can run; else why not, and *RET_NEED is the word for unit_skip(): no
 * openat2 (valgrind 3.19 has none), no trusted attributes below $TMPDIR (not root).
 */
const char *sample_base_obstacle(const char **ret_need);

/* Checked fixture. */
void sample_base_setup(void);
void sample_base_teardown(void);

/* The spec is now TEXT and nothing else: make the directories, apply. */
void sample_base_apply(const char *text);

int sample_base_open(const char *volume);

/* The mark of every recorded volume says what the record says. */
void sample_base_expect_marks(void);

/* Set the mark of VOLUME to TEXT; NULL removes it. */
void sample_base_set_mark(const char *volume, const char *text);

#endif
