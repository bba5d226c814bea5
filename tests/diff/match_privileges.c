/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "matchers.h"

#include "compare.h"

#include <fnmatch.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/stat.h>

#define CAPABILITY " security.capability="

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

int mode_at(const char *text, const char *p)
{
	int mode = 0;

	if (p == text || p[-1] != ' ')
		return -1;
	for (int i = 0; i < 6; i++) {
		if (!is_octal(p[i]))
			return -1;
		mode = 8 * mode + p[i] - '0';
	}
	return p[6] == ' ' ? mode : -1;
}

bool equal_but_bits(const char *a, const char *b, int bits)
{
	const char *text_a = a, *text_b = b;

	while (*a && *b) {
		int in_a = mode_at(text_a, a), in_b = mode_at(text_b, b);

		if (in_a >= 0 && in_b >= 0 && (in_a & ~bits) == (in_b & ~bits) &&
			(in_a & in_b) == in_b) {
			a += 6;
			b += 6;
		} else if (text_is_wild(a) || text_is_wild(b)) {
			a += strcspn(a, " \n");
			b += strcspn(b, " \n");
		} else if (*a++ != *b++) {
			return false;
		}
	}
	return *a == *b;
}

bool match_lost_set_id(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	return equal_but_bits(native, mount, S_ISUID | S_ISGID);
}

/* Mode bits 02000 without 00010, which mean nothing since Linux 5.15. */
bool match_kept_set_gid(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	return equal_but_bits(mount, native, S_ISGID);
}

static bool has_lost_capability(const char *from, const char *to)
{
	return strstr(from, CAPABILITY) && !strstr(to, CAPABILITY);
}

/* The same errno, but only the mount has lost privileges, or moved the time. */
bool match_failed_write(const struct op *op, const char *native, const char *mount)
{
	size_t n = strcspn(native, "\n");

	(void)op;
	return !strncmp(native, "= -1 ", 5) && !strncmp(native, mount, n + 1) &&
	       ((strstr(native, " c = ") && strstr(mount, " c > ")) ||
		       has_lost_capability(native, mount) ||
		       equal_but_bits(native, mount, S_ISUID | S_ISGID));
}

static bool has_no_ids(const struct op *op)
{
	const int64_t *ids = op->num + (op->code == OP_fchown);

	return ids[0] == -1 && ids[1] == -1;
}

bool match_unknown_owner(const struct op *op, const char *native, const char *mount)
{
	return has_no_ids(op) &&
	       (!fnmatch("= 0*", mount, 0) ||
		       (!fnmatch("= 0*", native, 0) && !fnmatch("= -1 EPERM*", mount, 0)));
}

bool match_unknown_owner_unseen(const struct op *op, const char *native, const char *mount)
{
	(void)mount;
	return op->quiet && has_no_ids(op) && !fnmatch("= 0*", native, 0);
}

bool match_like_a_write(const struct op *op, const char *native, const char *mount)
{
	return has_no_ids(op) && !fnmatch("= -1 EPERM*", native, 0) && !fnmatch("= 0*", mount, 0);
}

/* Refused on both sides. */
bool match_capless_refusal(const struct op *op, const char *native, const char *mount)
{
	return has_no_ids(op) && !fnmatch("= -1 EPERM*", native, 0) &&
	       !fnmatch("= -1 EPERM*", mount, 0) && has_lost_capability(native, mount);
}

bool match_like_one_who_keeps(const struct op *op, const char *native, const char *mount)
{
	return has_no_ids(op) && !fnmatch("= 0*", native, 0) &&
	       equal_but_bits(mount, native, S_ISUID | S_ISGID);
}

/* TEXT without file capabilities. */
static void drop_capabilities(char *text)
{
	static const char list[] = " xattrs";
	char *at;

	while ((at = strstr(text, CAPABILITY))) {
		size_t n = strcspn(at + 1, " \n") + 1;

		memmove(at, at + n, strlen(at + n) + 1);
		if (at - text >= (ptrdiff_t)strlen(list) && *at != ' ' &&
			!strncmp(at - strlen(list), list, strlen(list)))
			memmove(at - strlen(list), at, strlen(at) + 1);
	}
}

bool match_lost_capabilities(const struct op *op, const char *native, const char *mount)
{
	cleanup_free char *here = strdup(native);
	cleanup_free char *there = strdup(mount);

	(void)op;
	if (!here || !there)
		return false;
	drop_capabilities(here);
	drop_capabilities(there);
	return strstr(native, CAPABILITY) && texts_equal(here, there);
}

/* A hole was asked for; the same, were it not for capabilities and set-id bits. */
bool match_punched_nothing(const struct op *op, const char *native, const char *mount)
{
	cleanup_free char *here = strdup(native);
	cleanup_free char *there = strdup(mount);

	if (!here || !there || !(op->num[1] & FALLOC_FL_PUNCH_HOLE))
		return false;
	drop_capabilities(here);
	drop_capabilities(there);
	return !fnmatch("= 0\n*", native, 0) && equal_but_bits(here, there, S_ISUID | S_ISGID);
}

/* What a quiet operation leaves behind is not looked at. */
bool match_keeps_capability(const struct op *op, const char *native, const char *mount)
{
	return !fnmatch("= [0-9]*", native, 0) && !fnmatch("= -1 EPERM*", mount, 0) &&
	       (op->quiet || has_lost_capability(mount, native));
}
