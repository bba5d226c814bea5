/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "matchers.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

static unsigned long mask_of(const char *event)
{
	return strtoul(strchr(event, ':') + 1, NULL, 16);
}

/* The first event at or after P that is not a close: "WATCH:MASK:NAME". NULL: there is none. */
static const char *skip_closes(const char *p)
{
	for (p += strspn(p, "= "); *p; p += strspn(p, " ")) {
		if (!(mask_of(p) & IN_CLOSE))
			return p;
		p += strcspn(p, " ");
	}
	return NULL;
}

static bool same_event(const char *a, const char *b)
{
	size_t n = strcspn(a, " ");

	return strcspn(b, " ") == n && !strncmp(a, b, n);
}

/* The one after EVENT that is not a close, nor the same as LAST: inotify joins those. */
static const char *next_event(const char *event, const char *last)
{
	const char *next = event;

	do
		next = skip_closes(next + strcspn(next, " "));
	while (next && same_event(last, next));
	return next;
}

/* Equal but for when files are closed, and for events of MORE that only the mount has. */
static bool equal_but_events(const char *native, const char *mount, unsigned long more)
{
	const char *last = "";

	native = skip_closes(native);
	mount = skip_closes(mount);
	while (mount && (native || mask_of(mount) & more)) {
		if (native && same_event(native, mount)) {
			last = native;
			native = next_event(native, last);
			mount = next_event(mount, last);
		} else if (mask_of(mount) & more) {
			mount = next_event(mount, last);
		} else {
			return false;
		}
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
