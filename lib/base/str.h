/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_STR_H
#define ANKLUME_STR_H

#include "cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A string under construction. Out of memory is sticky: check strbuf_finish_text() once, last. */
struct strbuf {
	char *data; /* NUL-terminated once anything was added */
	size_t len, cap;
	bool failed;
};

#define STRBUF_INIT               \
	{                         \
		NULL, 0, 0, false \
	}

void strbuf_add(struct strbuf *b, const char *data, size_t len);
void strbuf_puts(struct strbuf *b, const char *s);
void strbuf_printf(struct strbuf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The finished text, owned by the caller ("" when nothing was added); NULL when out of memory. */
char *strbuf_steal(struct strbuf *b);
void strbuf_finish(struct strbuf *b);

DEFINE_FINISH(strbuf_finishp, struct strbuf, strbuf_finish)

#define cleanup_strbuf cleanup_(strbuf_finishp)

static inline bool str_equal(const char *a, const char *b)
{
	return a == b || (a && b && __builtin_strcmp(a, b) == 0);
}

bool str_has_prefix(const char *s, const char *prefix);
bool str_has_suffix(const char *s, const char *suffix);

/* Well-formed UTF-8 (no surrogates, nothing overlong), any character. */
bool str_is_utf8(const char *s);

/* Bytes of the character at S, 0 at its end or where it is not well-formed (Unicode 15, table 3-7). */
size_t str_utf8_length(const char *s);

/* UTF-8 on one line: no control characters. */
bool str_is_plain_text(const char *s);

/* Bytes that S takes inside the quotes of a JSON string; NULL takes none. */
size_t str_json_length(const char *s);

/*
 * S as UTF-8 of at most MAX bytes: bytes that are not well-formed become '?', what is too long is
 * cut between two characters. Caller frees; NULL when out of memory.
 */
char *str_cut(const char *s, size_t max);

/*
 * Bytes of the character that S begins with when a terminal could obey it: C0, DEL, the C1 controls
 * (U+0080-U+009F), and what turns the direction of text (U+202A-U+202E, U+2066-U+2069), so that it
 * reads otherwise than it is. Else 0.
 */
size_t str_control_length(const char *s);

/* True when such a character is in S. */
bool str_has_controls(const char *s);

/*
 * Replace by '?' every byte of S that a terminal could obey: control characters as above and
 * whatever is not UTF-8. For text of foreign origin on its way into a message.
 */
void str_make_printable(char *s);

/*
 * Of the N strings at CHOICES the one nearest to WORD (edit distance, at most a third of WORD's
 * length and never 0 for the same word); NULL when none is near. For "did you mean" hints.
 */
const char *str_nearest(const char *word, const char *const *choices, size_t n);

/*
 * Sizes as Incus writes them: a number and an optional unit, kB MB GB TB PB (powers of 1000) or
 * KiB MiB GiB TiB PiB (powers of 1024). -EINVAL on anything else, -ERANGE over 2^63-1.
 */
int parse_size(const char *s, uint64_t *ret_bytes);

/* "1.5 GiB": three significant digits, for tables. Writes at most LEN bytes into BUF. */
const char *format_size(uint64_t bytes, char *buf, size_t len);

/* A decimal number without sign, blanks or leading rubbish. -EINVAL or -ERANGE. */
int parse_u32(const char *s, uint32_t *ret);

/* "UID:GID", both decimal. -EINVAL; 4294967295 is refused: it means "no id" to the kernel. */
int parse_owner(const char *s, uint32_t *ret_uid, uint32_t *ret_gid);

/* Permission bits in octal ("0750", "2770"), at most 07777. -EINVAL. */
int parse_mode(const char *s, uint32_t *ret_mode);

#endif
