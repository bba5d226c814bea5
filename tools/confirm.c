/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "confirm.h"

#include <string.h>

#include "cleanup.h"

bool confirm_can_ask(void)
{
	return isatty(STDIN_FILENO);
}

int confirm_ask(FILE *words, const char *prompt, const char *answer)
{
	cleanup_free char *line = NULL;
	size_t size = 0;
	ssize_t len;

	if (!confirm_can_ask())
		return -ENOTTY;

	fputs(prompt, words);
	fflush(words);
	len = getline(&line, &size, stdin);
	if (len < 0) {
		fputc('\n', words); /* the cursor still stands behind the prompt */
		return -ECANCELED;
	}
	if (line[len - 1] == '\n')
		line[--len] = '\0';
	return (size_t)len == strlen(answer) && memcmp(line, answer, len) == 0;
}
