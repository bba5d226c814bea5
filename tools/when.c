/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "when.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"

#define SPAN_MAX (INT64_C(400) * 366 * 86400) /* a hold of centuries is a typing error */

static int parse_span(const char *s, int64_t *ret)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = {{'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 7 * 86400}};
	int64_t n = 0;

	if (*s < '0' || *s > '9')
		return -EINVAL;
	for (; *s >= '0' && *s <= '9'; s++) {
		n = n * 10 + (*s - '0');
		if (n > SPAN_MAX)
			return -EINVAL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (s[0] != units[i].unit || s[1] != '\0')
			continue;
		*ret = n * units[i].seconds;
		return *ret > SPAN_MAX ? -EINVAL : 0;
	}
	return -EINVAL;
}

/* strptime(3) and mktime(3) roll 30 February over to March: what comes back must be the same. */
static int to_seconds(const struct tm *asked, bool is_utc, int64_t *ret)
{
	struct tm tm = *asked;
	time_t t;

	tm.tm_isdst = -1;
	t = is_utc ? timegm(&tm) : mktime(&tm);
	if (t == (time_t)-1 || tm.tm_mday != asked->tm_mday || tm.tm_mon != asked->tm_mon)
		return -EINVAL;
	*ret = t;
	return 0;
}

static int parse_date(const char *s, int64_t *ret)
{
	static const char *const clocks[] = {"T%H:%M:%S", "T%H:%M", " %H:%M:%S", " %H:%M"};
	struct tm day = {0};
	const char *rest = strptime(s, "%Y-%m-%d", &day);

	if (!rest)
		return -EINVAL;
	if (*rest == '\0') {
		day.tm_hour = 23;
		day.tm_min = day.tm_sec = 59;
		return to_seconds(&day, false, ret);
	}

	for (size_t i = 0; i < ARRAY_SIZE(clocks); i++) {
		struct tm tm = day;
		const char *end = strptime(rest, clocks[i], &tm);

		if (end && *end == '\0')
			return to_seconds(&tm, false, ret);
		if (end && strcmp(end, "Z") == 0)
			return to_seconds(&tm, true, ret);
	}
	return -EINVAL;
}

int when_parse(const char *s, int64_t now, int64_t *ret)
{
	int64_t t;
	int r;

	if (*s == ' ')
		return -EINVAL;
	r = parse_span(s, &t);
	if (r == 0)
		t += now;
	else
		r = parse_date(s, &t);
	if (r < 0)
		return r;
	if (t <= now)
		return -ERANGE;

	*ret = t;
	return 0;
}
