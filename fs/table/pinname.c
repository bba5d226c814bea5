/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pinname.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All of what systemd takes for a name (fdname_is_valid()), and no other name of ours begins so. */
#define SIGN_KEPT '@'
#define SIGN_COPY '~'
#define PREFIX_LONG "pin-"

#define GENERATION_BITS 4
#define DIGIT_BITS 6

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";

_Static_assert(sizeof(digits) - 1 == 1 << DIGIT_BITS, "base 64");
_Static_assert(
	PIN_SLOT_BITS + GENERATION_BITS <= (PIN_NAME_SHORT - 1) * DIGIT_BITS, "a short name");
_Static_assert(PIN_SLOT_BITS + GENERATION_BITS < 32, "a number of 32 bits");

static void write_short(char sign, uint64_t node, char *buf)
{
	uint32_t generation = (uint32_t)(node >> 32) & ((1 << GENERATION_BITS) - 1);
	uint32_t left = (uint32_t)node << GENERATION_BITS | generation;

	*buf++ = sign;
	do {
		*buf++ = digits[left & ((1 << DIGIT_BITS) - 1)];
		left >>= DIGIT_BITS;
	} while (left);
	*buf = '\0';
}

const char *pinname_make(uint64_t node, enum pin_form form, char buf[static PIN_NAME_MAX])
{
	if (form == PIN_LONG)
		snprintf(buf, PIN_NAME_MAX, PREFIX_LONG "%" PRIx64, node);
	else
		write_short(form == PIN_COPY ? SIGN_COPY : SIGN_KEPT, node, buf);
	return buf;
}

static bool parse_short(const char *text, uint32_t *ret_slot)
{
	uint32_t number = 0;
	size_t n = strlen(text);

	if (n == 0 || n >= PIN_NAME_SHORT)
		return false;
	while (n > 0) {
		const char *digit = strchr(digits, text[--n]);

		if (!digit)
			return false;
		number = number << DIGIT_BITS | (uint32_t)(digit - digits);
	}
	*ret_slot = number >> GENERATION_BITS;
	return true;
}

static bool parse_long(const char *text, uint32_t *ret_slot)
{
	char *end;

	*ret_slot = (uint32_t)strtoull(text, &end, 16);
	return end != text && !*end;
}

enum pin_form pinname_parse(const char *name, uint32_t *ret_slot)
{
	if (strncmp(name, PREFIX_LONG, strlen(PREFIX_LONG)) == 0)
		return parse_long(name + strlen(PREFIX_LONG), ret_slot) ? PIN_LONG : PIN_NONE;
	if (*name != SIGN_KEPT && *name != SIGN_COPY)
		return PIN_NONE;
	if (!parse_short(name + 1, ret_slot))
		return PIN_NONE;
	return *name == SIGN_KEPT ? PIN_KEPT : PIN_COPY;
}

bool pinname_is_of(const char *name, uint64_t node)
{
	char wanted[PIN_NAME_MAX];
	uint32_t slot;

	return strcmp(name, pinname_make(node, pinname_parse(name, &slot), wanted)) == 0;
}
