/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_YAMLTEXT_H
#define ANKLUME_YAMLTEXT_H

/* The bytes below a YAML document: fit to be parsed at all, and which place an index is. */

#include "diags.h"

struct yamltext {
	const char *data;
	size_t len;
	unsigned int file; /* in the struct diags */
	char *cleaned; /* what DATA points to once something in it had to be replaced */
	/* A cursor: libyaml counts characters, our marks count bytes; indexes mostly grow. */
	size_t index; /* character */
	size_t offset; /* byte */
	size_t line_start; /* byte */
	unsigned int line;
};

void yamltext_init(struct yamltext *t, const char *data, size_t len, unsigned int file);

void yamltext_finish(struct yamltext *t);

/*
 * Refuse what is no UTF-8 text, and what libyaml takes quadratic time for: an error in DIAGS and
 * -EINVAL at the first such place, or -ENOMEM. A control character is an error in DIAGS too, but
 * T then holds a letter of the same length in its stead, and libyaml can read the rest; 0.
 */
int yamltext_check(struct yamltext *t, struct diags *diags);

/* The place of character INDEX, a byte order mark in front not counted. */
struct mark yamltext_mark(struct yamltext *t, size_t index);

#endif
