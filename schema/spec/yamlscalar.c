/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "yamlscalar.h"

#include <string.h>

#define DIGITS "0123456789"

static const struct {
	const char *text;
	enum yamlnode_type type;
	bool is_true;
} words[] = {
	{"", YAMLNODE_NULL, false},
	{"~", YAMLNODE_NULL, false},
	{"null", YAMLNODE_NULL, false},
	{"Null", YAMLNODE_NULL, false},
	{"NULL", YAMLNODE_NULL, false},
	{"yes", YAMLNODE_BOOL, true},
	{"Yes", YAMLNODE_BOOL, true},
	{"YES", YAMLNODE_BOOL, true},
	{"no", YAMLNODE_BOOL, false},
	{"No", YAMLNODE_BOOL, false},
	{"NO", YAMLNODE_BOOL, false},
	{"true", YAMLNODE_BOOL, true},
	{"True", YAMLNODE_BOOL, true},
	{"TRUE", YAMLNODE_BOOL, true},
	{"false", YAMLNODE_BOOL, false},
	{"False", YAMLNODE_BOOL, false},
	{"FALSE", YAMLNODE_BOOL, false},
	{"on", YAMLNODE_BOOL, true},
	{"On", YAMLNODE_BOOL, true},
	{"ON", YAMLNODE_BOOL, true},
	{"off", YAMLNODE_BOOL, false},
	{"Off", YAMLNODE_BOOL, false},
	{"OFF", YAMLNODE_BOOL, false},
	{".nan", YAMLNODE_FLOAT, false},
	{".NaN", YAMLNODE_FLOAT, false},
	{".NAN", YAMLNODE_FLOAT, false},
	{".inf", YAMLNODE_FLOAT, false},
	{".Inf", YAMLNODE_FLOAT, false},
	{".INF", YAMLNODE_FLOAT, false},
	{"+.inf", YAMLNODE_FLOAT, false},
	{"+.Inf", YAMLNODE_FLOAT, false},
	{"+.INF", YAMLNODE_FLOAT, false},
	{"-.inf", YAMLNODE_FLOAT, false},
	{"-.Inf", YAMLNODE_FLOAT, false},
	{"-.INF", YAMLNODE_FLOAT, false},
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const char *skip_sign(const char *s)
{
	return *s == '-' || *s == '+' ? s + 1 : s;
}

/* VALUE * BASE + DIGIT, staying at INT64_MAX once it is reached. */
static int64_t accumulate(int64_t value, unsigned int base, unsigned int digit)
{
	return value > (INT64_MAX - digit) / base ? INT64_MAX : value * base + digit;
}

static unsigned int digit_value(char c)
{
	if (is_digit(c))
		return c - '0';
	return (c | 0x20) - 'a' + 10;
}

/* Behind the ":MM" groups of a number in base 60, NULL when there is none. Adds them to *VALUE. */
static const char *skip_sexagesimal(const char *s, int64_t *value)
{
	if (*s != ':')
		return NULL;

	while (*s == ':') {
		unsigned int part;

		s++;
		if (!is_digit(*s))
			return NULL;
		part = *s++ - '0';
		if (is_digit(*s)) {
			if (part > 5)
				return NULL;
			part = part * 10 + (*s++ - '0');
		}
		*value = accumulate(*value, 60, part);
	}
	return s;
}

static const struct {
	const char *prefix;
	const char *digits;
	unsigned int base;
} bases[] = {
	{"0b", "01_", 2},
	{"0x", "0123456789abcdefABCDEF_", 16},
	{"0", "01234567_", 8},
	{"", DIGITS "_", 10},
};

static bool parse_integer(const char *text, int64_t *ret)
{
	const char *s = skip_sign(text);
	int64_t value = 0;
	size_t i = 0;

	if (!is_digit(*s))
		return false;
	while (strncmp(s, bases[i].prefix, strlen(bases[i].prefix)) != 0)
		i++;
	if (strcmp(s, "0") == 0)
		i = ARRAY_SIZE(bases) - 1;

	s += strlen(bases[i].prefix);
	if (!*s)
		return false;
	for (; *s && strchr(bases[i].digits, *s); s++) {
		if (*s != '_')
			value = accumulate(value, bases[i].base, digit_value(*s));
	}
	if (*s && bases[i].base == 10)
		s = skip_sexagesimal(s, &value);
	if (!s || *s)
		return false;

	*ret = *text == '-' ? -value : value;
	return true;
}

static bool is_exponent(const char *s)
{
	if (!*s)
		return true;
	if ((*s != 'e' && *s != 'E') || (s[1] != '-' && s[1] != '+') || !is_digit(s[2]))
		return false;
	return s[2 + strspn(s + 2, DIGITS)] == '\0';
}

static bool is_float(const char *text)
{
	const char *s = skip_sign(text);
	int64_t ignored = 0;

	if (*s == '.')
		return s == text && is_digit(s[1]) &&
		       is_exponent(s + 1 + strspn(s + 1, DIGITS "_"));
	if (!is_digit(*s))
		return false;

	s += strspn(s, DIGITS "_");
	if (*s == ':') {
		s = skip_sexagesimal(s, &ignored);
		return s && *s == '.' && s[1 + strspn(s + 1, DIGITS "_")] == '\0';
	}
	return *s == '.' && is_exponent(s + 1 + strspn(s + 1, DIGITS "_"));
}

/* Behind LEAST to MOST digits and the byte NEXT ('\0' = none); NULL stays NULL. */
static const char *skip_part(const char *s, size_t least, size_t most, char next)
{
	size_t n = s ? strspn(s, DIGITS) : 0;

	if (!s || n < least || n > most)
		return NULL;
	if (!next)
		return s + n;
	return s[n] == next ? s + n + 1 : NULL;
}

/* "Z", "+1", "-01:30", with blanks before, or nothing. */
static bool is_zone(const char *s)
{
	if (!*s)
		return true;
	s += strspn(s, " \t");
	if (*s == 'Z')
		return s[1] == '\0';
	if (*s != '-' && *s != '+')
		return false;

	s = skip_part(s + 1, 1, 2, '\0');
	if (s && *s == ':')
		s = skip_part(s + 1, 2, 2, '\0');
	return s && !*s;
}

/* 2026-03-06, or with one-digit parts allowed a time behind 'T' or blanks. */
static bool is_date(const char *text)
{
	const char *date = skip_part(skip_part(text, 4, 4, '-'), 2, 2, '-');
	const char *s = skip_part(date, 2, 2, '\0');

	if (s && !*s)
		return true;

	s = skip_part(skip_part(skip_part(text, 4, 4, '-'), 1, 2, '-'), 1, 2, '\0');
	if (!s || !*s || !strchr("Tt \t", *s))
		return false;
	s += *s == ' ' || *s == '\t' ? strspn(s, " \t") : 1;

	s = skip_part(skip_part(skip_part(s, 1, 2, ':'), 2, 2, ':'), 2, 2, '\0');
	if (s && *s == '.')
		s += 1 + strspn(s + 1, DIGITS);
	return s && is_zone(s);
}

enum yamlnode_type yamlscalar_resolve(const char *text, bool *ret_is_true, int64_t *ret_integer)
{
	/* Most scalars are names and paths: no word, number or date begins with such a letter. */
	if (*text && !strchr("yYnNtTfFoO~.+-" DIGITS, *text))
		return YAMLNODE_STRING;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(words[i].text, text) == 0) {
			*ret_is_true = words[i].is_true;
			return words[i].type;
		}
	}
	if (parse_integer(text, ret_integer))
		return YAMLNODE_INT;
	if (is_float(text))
		return YAMLNODE_FLOAT;
	return is_date(text) ? YAMLNODE_DATE : YAMLNODE_STRING;
}
