/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compare.h"

#include "cleanup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool text_is_wild(const char *p)
{
	return p[0] == '?' && (p[1] == ' ' || p[1] == '\n' || !p[1]);
}

bool texts_equal(const char *a, const char *b)
{
	while (*a || *b) {
		if (text_is_wild(a) || text_is_wild(b)) {
			a += strcspn(a, " \n");
			b += strcspn(b, " \n");
			continue;
		}
		if (*a != *b)
			return false;
		a++;
		b++;
	}
	return true;
}

/* Is there a line in TEXT that equals the one of LEN bytes at LINE? */
static bool has_line(const char *text, const char *line, size_t len)
{
	cleanup_free char *wanted = strndup(line, len);

	while (wanted && *text) {
		size_t n = strcspn(text, "\n");
		cleanup_free char *one = strndup(text, n);

		if (one && texts_equal(one, wanted))
			return true;
		text += n + (text[n] == '\n');
	}
	return false;
}

static void print_missing(const char *name, const char *text, const char *other)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		if (!has_line(other, text, n))
			printf("  %-7s %.*s\n", name, (int)n, text);
		text += n + (text[n] == '\n');
	}
}

void texts_print_difference(const char *const names[2], const char *a, const char *b)
{
	print_missing(names[0], a, b);
	print_missing(names[1], b, a);
}
