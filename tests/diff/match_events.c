/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "matchers.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

/* The first event at or after P that is none of KINDS: "WATCH:MASK:NAME", from its mask on. NULL: there is none. */
static const char *skip_events(const char *p, unsigned long kinds)
{
	while ((p = strchr(p, ':'))) {
		unsigned long mask = strtoul(p + 1, NULL, 16);

		p++;
		if (!(mask & kinds))
			return p;
		p = strchr(p, ':') + 1;
		p += strcspn(p, " ");
	}
	return NULL;
}

static bool same_event(const char *a, const char *b)
{
	size_t n = strcspn(a, " ");

	return strcspn(b, " ") == n && !strncmp(a, b, n);
}

/* The one after EVENT that is none of KINDS, nor the same: inotify joins those. */
static const char *next_event(const char *event, unsigned long kinds)
{
	const char *next = event;

	do
		next = skip_events(next + strcspn(next, " "), kinds);
	while (next && same_event(event, next));
	return next;
}

static size_t count_events(const char *p, unsigned long kinds)
{
	size_t n = 0;

	for (p = skip_events(p, ~kinds); p; p = skip_events(p + strcspn(p, " "), ~kinds))
		n++;
	return n;
}

/* Equal but for when files are closed, and for events of MORE that only the mount has. */
static bool equal_but_events(const char *native, const char *mount, unsigned long more)
{
	const unsigned long ignored = IN_CLOSE | more;

	if (count_events(native, more) > count_events(mount, more))
		return false;
	native = skip_events(native, ignored);
	mount = skip_events(mount, ignored);
	while (native && mount && same_event(native, mount)) {
		native = next_event(native, ignored);
		mount = next_event(mount, ignored);
	}
	return !native && !mount;
}

bool match_other_events(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	return equal_but_events(native, mount, IN_ATTRIB);
}

bool match_more_reads(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	return equal_but_events(native, mount, IN_ACCESS);
}

bool match_any_events(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	(void)native;
	(void)mount;
	return true;
}

bool match_closed_early(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	return !fnmatch("= -1 EAGAIN*", native, 0) && !fnmatch("= 0*", mount, 0);
}

bool match_closed_late(const struct op *op, const char *native, const char *mount)
{
	return match_closed_early(op, mount, native);
}
