/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "errors.h"

#include <stdarg.h>
#include <string.h>

static void replace_text(struct error *err, char *text)
{
	/* Out of memory leaves the older text: a vague message beats none. */
	if (!text)
		return;

	free(err->text);
	err->text = text;
}

static char *format_text(const char *fmt, va_list ap)
{
	char *text;

	return vasprintf(&text, fmt, ap) < 0 ? NULL : text;
}

int error_set(struct error *err, int r, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return r;

	va_start(ap, fmt);
	replace_text(err, format_text(fmt, ap));
	va_end(ap);
	return r;
}

int error_errno(struct error *err, int r, const char *fmt, ...)
{
	cleanup_free char *head = NULL;
	va_list ap;

	if (!err)
		return r;

	va_start(ap, fmt);
	head = format_text(fmt, ap);
	va_end(ap);
	return error_set(err, r, "%s: %s", head ? head : "error", strerror(-r));
}

int error_prefix(struct error *err, int r, const char *fmt, ...)
{
	cleanup_free char *head = NULL;
	cleanup_free char *tail = NULL;
	va_list ap;

	if (!err)
		return r;

	va_start(ap, fmt);
	head = format_text(fmt, ap);
	va_end(ap);

	tail = steal_ptr(&err->text);
	return error_set(err, r, "%s: %s", head ? head : "error", tail ? tail : strerror(-r));
}

const char *error_text(const struct error *err, int r)
{
	return err && err->text ? err->text : strerror(-r);
}

void error_finish(struct error *err)
{
	if (!err)
		return;

	free(err->text);
	err->text = NULL;
}
