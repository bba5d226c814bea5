/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "str.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

static bool strbuf_reserve(struct strbuf *b, size_t more)
{
	size_t cap = b->cap ? b->cap : 64;
	char *data;

	if (b->failed)
		return false;
	if (b->len + more + 1 <= b->cap)
		return true;

	while (cap < b->len + more + 1)
		cap *= 2;
	data = realloc(b->data, cap);
	if (!data) {
		b->failed = true;
		return false;
	}
	b->data = data;
	b->cap = cap;
	return true;
}

void strbuf_add(struct strbuf *b, const char *data, size_t len)
{
	if (!strbuf_reserve(b, len))
		return;

	memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void strbuf_puts(struct strbuf *b, const char *s)
{
	strbuf_add(b, s, strlen(s));
}

void strbuf_printf(struct strbuf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || !strbuf_reserve(b, n)) {
		b->failed = true;
		return;
	}

	va_start(ap, fmt);
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += n;
}

char *strbuf_steal(struct strbuf *b)
{
	char *text;

	strbuf_add(b, "", 0);
	text = b->failed ? NULL : steal_ptr(&b->data);
	strbuf_finish(b);
	return text;
}

void strbuf_finish(struct strbuf *b)
{
	free(b->data);
	*b = (struct strbuf)STRBUF_INIT;
}

bool str_has_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_has_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s);
	size_t m = strlen(suffix);

	return n >= m && strcmp(s + n - m, suffix) == 0;
}

size_t str_utf8_length(const char *text)
{
	static const struct {
		unsigned char first, last; /* of the first byte */
		unsigned char low, high; /* of the second byte */
		size_t len;
	} rows[] = {
		{0x01, 0x7f, 0x00, 0xff, 1},
		{0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3},
		{0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4},
		{0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};
	const unsigned char *s = (const unsigned char *)text;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (s[0] < rows[i].first || s[0] > rows[i].last)
			continue;
		if (rows[i].len > 1 && (s[1] < rows[i].low || s[1] > rows[i].high))
			return 0;
		for (size_t j = 2; j < rows[i].len; j++) {
			if (s[j] < 0x80 || s[j] > 0xbf)
				return 0;
		}
		return rows[i].len;
	}
	return 0;
}

bool str_is_utf8(const char *s)
{
	size_t n;

	for (; *s; s += n) {
		n = str_utf8_length(s);
		if (n == 0)
			return false;
	}
	return true;
}

bool str_is_plain_text(const char *s)
{
	for (const unsigned char *p = (const unsigned char *)s; *p; p++) {
		if (*p < 0x20 || *p == 0x7f)
			return false;
	}
	return str_is_utf8(s);
}

size_t str_json_length(const char *s)
{
	size_t n = 0;

	for (const unsigned char *p = (const unsigned char *)s; p && *p; p++) {
		if (strchr("\"\\\b\f\n\r\t", *p))
			n += 2;
		else
			n += *p < 0x20 ? 6 : 1;
	}
	return n;
}

char *str_cut(const char *s, size_t max)
{
	size_t size = strnlen(s, max) + 1;
	char *text = malloc(size);
	size_t len = 0;

	if (!text)
		return NULL;

	while (*s) {
		size_t n = str_utf8_length(s);
		size_t step = n ? n : 1;

		if (len + step >= size)
			break;
		memcpy(text + len, n ? s : "?", step);
		len += step;
		s += step;
	}
	text[len] = '\0';
	return text;
}

size_t str_control_length(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;

	if (u[0] < 0x20 || u[0] == 0x7f)
		return u[0] ? 1 : 0;
	if (u[0] == 0xc2 && u[1] >= 0x80 && u[1] < 0xa0)
		return 2;
	if (u[0] != 0xe2)
		return 0;
	if (u[1] == 0x80 && u[2] >= 0xaa && u[2] <= 0xae)
		return 3;
	return u[1] == 0x81 && u[2] >= 0xa6 && u[2] <= 0xa9 ? 3 : 0;
}

bool str_has_controls(const char *s)
{
	for (; *s; s++) {
		if (str_control_length(s))
			return true;
	}
	return false;
}

/* Bytes of the well-formed UTF-8 sequence that S begins with, controls excluded; else 0. */
static size_t printable_sequence(const unsigned char *s)
{
	size_t len = s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	if (str_control_length((const char *)s))
		return 0;
	/* Overlong forms, surrogates, above U+10FFFF. */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
		(s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

void str_make_printable(char *s)
{
	while (*s) {
		size_t len = *s >= 0x20 && *s < 0x7f ? 1 : printable_sequence((unsigned char *)s);

		if (len == 0)
			*s = '?';
		s += len ? len : 1;
	}
}

#define NEAREST_MAX 64

/* Levenshtein distance of two words of at most NEAREST_MAX bytes, one row at a time. */
static size_t edit_distance(const char *a, const char *b)
{
	size_t row[NEAREST_MAX + 1];
	size_t m = strlen(b);

	for (size_t j = 0; j <= m; j++)
		row[j] = j;

	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[m];
}

const char *str_nearest(const char *word, const char *const *choices, size_t n)
{
	size_t limit = strlen(word) / 3 + 1;
	const char *best = NULL;

	if (strlen(word) > NEAREST_MAX)
		return NULL;

	for (size_t i = 0; i < n; i++) {
		size_t d;

		if (strlen(choices[i]) > NEAREST_MAX)
			continue;
		d = edit_distance(word, choices[i]);
		if (d <= limit && d > 0) {
			best = choices[i];
			limit = d - 1;
		}
	}
	return best;
}

static const struct {
	const char *unit;
	uint64_t factor;
} size_units[] = {
	{"", 1},
	{"B", 1},
	{"kB", UINT64_C(1000)},
	{"MB", UINT64_C(1000000)},
	{"GB", UINT64_C(1000000000)},
	{"TB", UINT64_C(1000000000000)},
	{"PB", UINT64_C(1000000000000000)},
	{"KiB", UINT64_C(1) << 10},
	{"MiB", UINT64_C(1) << 20},
	{"GiB", UINT64_C(1) << 30},
	{"TiB", UINT64_C(1) << 40},
	{"PiB", UINT64_C(1) << 50},
};

/* Leading digits of S into *RET; -EINVAL when there are none. *RET_END is what follows. */
static int parse_digits(const char *s, uint64_t max, uint64_t *ret, const char **ret_end)
{
	uint64_t n = 0;

	if (*s < '0' || *s > '9')
		return -EINVAL;

	for (; *s >= '0' && *s <= '9'; s++) {
		unsigned int digit = *s - '0';

		if (n > (max - digit) / 10)
			return -ERANGE;
		n = n * 10 + digit;
	}
	*ret = n;
	*ret_end = s;
	return 0;
}

int parse_size(const char *s, uint64_t *ret_bytes)
{
	uint64_t n;
	int r;

	r = parse_digits(s, INT64_MAX, &n, &s);
	if (r < 0)
		return r;

	for (size_t i = 0; i < ARRAY_SIZE(size_units); i++) {
		if (strcmp(s, size_units[i].unit) != 0)
			continue;
		if (n > INT64_MAX / size_units[i].factor)
			return -ERANGE;
		*ret_bytes = n * size_units[i].factor;
		return 0;
	}
	return -EINVAL;
}

const char *format_size(uint64_t bytes, char *buf, size_t len)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double n = bytes;
	size_t u = 0;

	while (n >= 1024 && u + 1 < ARRAY_SIZE(units)) {
		n /= 1024;
		u++;
	}
	snprintf(buf, len, "%.*f %s", u == 0 || n >= 100 ? 0 : n >= 10 ? 1 : 2, n, units[u]);
	return buf;
}

int parse_u32(const char *s, uint32_t *ret)
{
	const char *end;
	uint64_t n;
	int r;

	r = parse_digits(s, UINT32_MAX, &n, &end);
	if (r < 0)
		return r;
	if (*end)
		return -EINVAL;

	*ret = n;
	return 0;
}

int parse_owner(const char *s, uint32_t *ret_uid, uint32_t *ret_gid)
{
	uint64_t uid;
	uint32_t gid;

	if (parse_digits(s, UINT32_MAX - 1, &uid, &s) < 0 || *s != ':')
		return -EINVAL;
	if (parse_u32(s + 1, &gid) < 0 || gid == UINT32_MAX)
		return -EINVAL;

	*ret_uid = uid;
	*ret_gid = gid;
	return 0;
}

int parse_mode(const char *s, uint32_t *ret_mode)
{
	uint32_t mode = 0;

	if (!*s || strlen(s) > 5)
		return -EINVAL;

	for (; *s; s++) {
		if (*s < '0' || *s > '7')
			return -EINVAL;
		mode = mode * 8 + (*s - '0');
	}
	if (mode > 07777)
		return -EINVAL;

	*ret_mode = mode;
	return 0;
}
