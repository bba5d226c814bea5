/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "out.h"

#include <string.h>
#include <time.h>

#include "str.h"

/* S with bytes that are not UTF-8 as \xNN, and with KEEP_CONTROLS false control characters too. */
static char *escape(const char *s, bool keep_controls)
{
	cleanup_strbuf struct strbuf b = STRBUF_INIT;

	while (*s) {
		size_t len = str_utf8_length(s);

		if (len > 0 && (keep_controls || !str_control_length(s))) {
			strbuf_add(&b, s, len);
			s += len;
			continue;
		}
		for (size_t n = len ? len : 1; n > 0; n--)
			strbuf_printf(&b, "\\x%02x", (unsigned char)*s++);
	}
	return strbuf_steal(&b);
}

char *out_printable(const char *s)
{
	return escape(s, false);
}

json_t *out_text(const char *s)
{
	cleanup_free char *text = NULL;

	if (!s)
		return json_null();

	/* JSON has its own escapes for control characters: only broken UTF-8 cannot be said. */
	text = escape(s, true);
	return text ? json_string(text) : NULL;
}

json_t *out_time(int64_t seconds)
{
	time_t t = seconds;
	struct tm tm;
	char buf[64];

	if (seconds == 0)
		return json_null();
	if (!gmtime_r(&t, &tm))
		return json_null();

	strftime(buf, sizeof(buf), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(buf);
}
