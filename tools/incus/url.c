/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "url.h"

#include <stdarg.h>
#include <string.h>

#include "str.h"

/* RFC 3986, 2.3: what needs no escape anywhere. */
static const char unreserved[] =
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

static void add_escaped(struct strbuf *b, const char *s)
{
	for (; *s; s++) {
		if (strchr(unreserved, *s))
			strbuf_add(b, s, 1);
		else
			strbuf_printf(b, "%%%02X", (unsigned char)*s);
	}
}

char *url_format(const char *fmt, ...)
{
	cleanup_strbuf struct strbuf b = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			strbuf_add(&b, fmt, 1);
			continue;
		}
		fmt++;
		if (*fmt == 's')
			add_escaped(&b, va_arg(ap, const char *));
		else if (*fmt == 'u')
			strbuf_printf(&b, "%u", va_arg(ap, unsigned int));
		else
			strbuf_add(&b, fmt, 1);
	}
	va_end(ap);
	return strbuf_steal(&b);
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static char *unescape(const char *s, size_t len)
{
	cleanup_strbuf struct strbuf b = STRBUF_INIT;

	for (size_t i = 0; i < len; i++) {
		char c = s[i];

		if (c == '%' && i + 2 < len && hex_value(s[i + 1]) >= 0 &&
			hex_value(s[i + 2]) >= 0) {
			c = (char)(hex_value(s[i + 1]) * 16 + hex_value(s[i + 2]));
			i += 2;
		}
		if (c)
			strbuf_add(&b, &c, 1);
	}
	return strbuf_steal(&b);
}

char *url_last_segment(const char *url)
{
	size_t len = strcspn(url, "?");
	size_t begin = len;

	while (begin > 0 && url[begin - 1] != '/')
		begin--;
	return unescape(url + begin, len - begin);
}

char *url_parameter(const char *url, const char *name)
{
	size_t name_len = strlen(name);
	const char *p = strchr(url, '?');

	while (p) {
		p++;
		if (strncmp(p, name, name_len) == 0 && p[name_len] == '=')
			return unescape(p + name_len + 1, strcspn(p + name_len + 1, "&#"));
		p = strchr(p, '&');
	}
	return NULL;
}
