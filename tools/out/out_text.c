/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "out.h"

#include <string.h>
#include <time.h>

#include "str.h"

/* Bytes of the well-formed UTF-8 sequence at S (RFC 3629), 0 when it is none. */
static size_t utf8_sequence(const unsigned char *s)
{
	static const struct {
		unsigned char lead_min, lead_max, second_min, second_max, len;
	} rows[] = {
		{0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3},
		{0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4},
		{0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	if (s[0] < 0x80)
		return s[0] ? 1 : 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (s[0] < rows[i].lead_min || s[0] > rows[i].lead_max)
			continue;
		if (s[1] < rows[i].second_min || s[1] > rows[i].second_max)
			return 0;
		for (size_t j = 2; j < rows[i].len; j++) {
			if ((s[j] & 0xc0) != 0x80)
				return 0;
		}
		return rows[i].len;
	}
	return 0;
}

/* S with bytes that are not UTF-8 as \xNN, and with KEEP_CONTROLS false control characters too. */
static char *escape(const char *s, bool keep_controls)
{
	cleanup_strbuf struct strbuf b = STRBUF_INIT;

	while (*s) {
		const unsigned char *u = (const unsigned char *)s;
		size_t len = utf8_sequence(u);

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
