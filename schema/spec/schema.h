/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_SCHEMA_H
#define ANKLUME_SCHEMA_H

/* The key table spec_keys.def as documents. Results are owned by the caller, NULL = no memory. */

/* JSON Schema (draft 2020-12) of the single-file layout, for editors. */
char *schema_json(void);

/* The keys as a Markdown table: key, type, default, since, meaning. */
char *schema_markdown(void);

#endif
