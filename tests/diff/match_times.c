/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "matchers.h"

#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>

static const char *find(const char *text, const char *end, const char *word)
{
	return memmem(text, (size_t)(end - text), word, strlen(word));
}

/* What a LINE of a fifo says before its times: mode, owner, links. NULL: it is of no fifo. */
static const char *fifo_words(const char *line, size_t len, size_t *ret_len)
{
	for (size_t i = 1; i + 7 < len; i++) {
		int mode = mode_at(line, line + i);
		const char *end;

		if (mode < 0 || !S_ISFIFO(mode))
			continue;
		end = find(line + i, line + len, " m ");
		if (!end)
			end = find(line + i, line + len, " same as ");
		if (!end)
			end = line + len;
		*ret_len = (size_t)(end - line) - i;
		return line + i;
	}
	return NULL;
}

static bool equal_but_fifo_times(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t name = strcspn(a, ":"), n_here, n_there;
	const char *here = fifo_words(a, a_len, &n_here), *there = fifo_words(b, b_len, &n_there);

	return here && there && name < a_len && name < b_len && !strncmp(a, b, name) &&
	       n_here == n_there && !strncmp(here, there, n_here);
}

/* Equal, line by line, were it not for the times of fifos. */
bool match_fifo_times(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	while (*native && *mount) {
		size_t here = strcspn(native, "\n"), there = strcspn(mount, "\n");

		if ((here != there || strncmp(native, mount, here)) &&
			!equal_but_fifo_times(native, here, mount, there))
			return false;
		native += here + (native[here] == '\n');
		mount += there + (mount[there] == '\n');
	}
	return *native == *mount;
}

/* The times that it had before are not known on either side, so they look equal. */
bool match_wrote_to_fifo(const struct op *op, const char *native, const char *mount)
{
	const char *line = strchr(native, '\n');
	size_t len;

	(void)op;
	(void)mount;
	return line && !fnmatch("= [1-9]*", native, 0) &&
	       fifo_words(line + 1, strcspn(line + 1, "\n"), &len);
}

bool match_emptied_while_open(const struct op *op, const char *native, const char *mount)
{
	return op->num[0] == 0 && !fnmatch("= 0*", native, 0) && !fnmatch("= 0*", mount, 0) &&
	       strstr(native, " size 0") &&
	       ((strstr(native, " c = ") && strstr(mount, " c > ")) ||
		       (strstr(native, " c ? ") &&
			       equal_but_bits(native, mount, S_ISUID | S_ISGID)));
}

/* Whether its times moved now or by something before, which was not looked at by this name. */
bool match_emptied_unseen(const struct op *op, const char *native, const char *mount)
{
	(void)mount;
	return op->num[0] == 0 && !fnmatch("= 0*", native, 0) &&
	       (op->quiet || (strstr(native, " size 0") &&
				     (strstr(native, " ? ") || strstr(native, " c > "))));
}

bool match_modified_anyway(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	return strstr(native, " c = ") && strstr(mount, " c > ");
}

static bool is_time_word(const char *p)
{
	return (p[0] == '=' || p[0] == '>') && p[1] == ' ';
}

/* Equal, were it not for times that have moved on one side only: not on the mount's, if FEWER. */
static bool equal_but_moves(const char *native, const char *mount, bool fewer)
{
	const char *start = native;

	while (*native && *mount) {
		bool is_time = native - start > 3 && native[-1] == ' ' &&
			       (native[-2] == 'm' || native[-2] == 'c') && native[-3] == ' ';

		if (*native != *mount && !(is_time && is_time_word(native) && is_time_word(mount) &&
						 (!fewer || *mount == '=')))
			return false;
		native++;
		mount++;
	}
	return *native == *mount;
}

bool match_unmoved_times(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	return equal_but_moves(native, mount, false);
}

bool match_unmoved_again(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	return equal_but_moves(native, mount, true);
}
