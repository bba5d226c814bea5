/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_TEST_SPECS_H
#define ANKLUME_TEST_SPECS_H

/* Specs written and loaded in the test's own directory, and what was said about them. */

#include "spec.h"
#include "unit.h"

/* Checked fixtures: unit_dir as the current directory, with no nesting level. */
void specs_setup(void);
void specs_teardown(void);

/* Load PATH, relative to unit_dir; the nesting level is the file "level" there, if it exists. */
int specs_load_path(const char *path);

/* Write TEXT to infra.yml and load it. */
int specs_load(const char *text);

/* The last spec that was loaded. */
const struct spec *specs_last(void);

/* The warnings and errors of the last load: "infra.yml:3:5: error: text\n" each. */
const char *specs_report(void);

/* Fail unless the report is TEXT, naming the first line that differs; IDS says which case it is. */
void specs_expect(const char *ids, const char *text);

/* The volume "domain/machine/volume" of the last spec; fails the test when there is none. */
const struct volume *specs_volume(const char *name);

/* "name: key=value ...\n" for each device of the last spec's "domain/machine". */
const char *specs_devices(const char *name);

#endif
