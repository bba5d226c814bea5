/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keytypes.h"

#include <arpa/inet.h>
#include <string.h>

#include "path.h"
#include "str.h"
#include "universal_map.h"
#include "volume.h"

static bool is_scalar(const struct yamlnode *value)
{
	return value->type < YAMLNODE_LIST;
}

static bool is_text(const struct yamlnode *value)
{
	return value->type == YAMLNODE_STRING;
}

static const char *check_text(const struct key *key, const struct yamlnode *value, char *buf)
{
	(void)key;
	(void)buf;
	return is_text(value) ? NULL : "must be a string";
}

static const char *check_bool(const struct key *key, const struct yamlnode *value, char *buf)
{
	(void)key;
	(void)buf;
	return value->type == YAMLNODE_BOOL ? NULL : "must be a boolean";
}

void keytype_range(const char *arg, int64_t *ret_min, int64_t *ret_max)
{
	const char *upper = strstr(arg, "..") + 2;

	*ret_min = strtoll(arg, NULL, 10);
	*ret_max = *upper ? strtoll(upper, NULL, 10) : INT64_MAX;
}

static const char *check_int(const struct key *key, const struct yamlnode *value, char *buf)
{
	int64_t min, max;

	keytype_range(key->arg, &min, &max);
	if (value->type == YAMLNODE_INT && value->integer >= min && value->integer <= max)
		return NULL;

	if (min == max)
		snprintf(buf, KEYTYPE_TEXT_MAX, "must be %lld", (long long)min);
	else if (max == INT64_MAX)
		snprintf(buf, KEYTYPE_TEXT_MAX, "must be an integer of at least %lld",
			(long long)min);
	else
		snprintf(buf, KEYTYPE_TEXT_MAX, "must be an integer %lld-%lld", (long long)min,
			(long long)max);
	return buf;
}

static const char *check_choice(const struct key *key, const struct yamlnode *value, char *buf)
{
	char *out = stpcpy(buf, "must be ");

	for (const char *p = key->arg; *p;) {
		size_t n = strcspn(p, "|");

		if (is_text(value) && strlen(value->text) == n && memcmp(value->text, p, n) == 0)
			return NULL;
		out += snprintf(out, KEYTYPE_TEXT_MAX - (out - buf), "%s%.*s",
			p == key->arg ? ""
			: p[n]        ? ", "
				      : " or ",
			(int)n, p);
		p += n + (p[n] == '|');
	}
	return buf;
}

static const char *check_path(const struct key *key, const struct yamlnode *value, char *buf)
{
	(void)key;
	if (!is_text(value) || value->text[0] != '/')
		return "must be an absolute path";
	if (!path_is_clean_absolute(value->text))
		return "must not hold '.', '..' or control characters";
	if (str_has_controls(value->text))
		return "must not hold characters that control a terminal or turn text";
	if (strlen(value->text) <= VOLUME_PATH_MAX)
		return NULL;
	snprintf(buf, KEYTYPE_TEXT_MAX, "is longer than %d bytes", VOLUME_PATH_MAX);
	return buf;
}

static const char *check_name(const struct key *key, const struct yamlnode *value, char *buf)
{
	(void)key;
	(void)buf;
	if (is_text(value) && name_is_valid(value->text))
		return NULL;
	return "must be a name of a-z, 0-9 and '-'";
}

static const char *check_size(const struct key *key, const struct yamlnode *value, char *buf)
{
	uint64_t bytes = 0;

	(void)key;
	(void)buf;
	if ((is_text(value) || value->type == YAMLNODE_INT) &&
		parse_size(value->text, &bytes) == 0 && bytes > 0)
		return NULL;
	return "must be a size such as 20GiB";
}

/* By its text: PyYAML makes a number in base 60 of a plain 33:33, people mean www-data. */
static const char *check_owner(const struct key *key, const struct yamlnode *value, char *buf)
{
	uint32_t uid, gid;

	(void)key;
	(void)buf;
	if (is_scalar(value) && parse_owner(value->text, &uid, &gid) == 0)
		return NULL;
	return "must be uid:gid in numbers";
}

int keytype_parse_mode(const struct yamlnode *value, uint32_t *ret_mode)
{
	const char *text = value->text;

	if (is_text(value))
		return parse_mode(str_has_prefix(text, "0o") ? text + 2 : text, ret_mode);
	if (value->type == YAMLNODE_INT && text[0] == '0')
		return parse_mode(text, ret_mode);
	return -EINVAL;
}

static const char *check_mode(const struct key *key, const struct yamlnode *value, char *buf)
{
	uint32_t mode;

	(void)key;
	(void)buf;
	if (is_scalar(value) && keytype_parse_mode(value, &mode) == 0)
		return NULL;
	return "must be octal in quotes, such as \"0750\"";
}

/* Five fields between blanks, as upstream checks it. */
static const char *check_cron(const struct key *key, const struct yamlnode *value, char *buf)
{
	size_t n = 0;

	(void)key;
	(void)buf;
	if (is_text(value)) {
		for (const char *p = value->text; *p;) {
			n += strcspn(p, " \t") > 0;
			p += strcspn(p, " \t");
			p += strspn(p, " \t");
		}
	}
	return n == 5 ? NULL : "must be a cron expression of 5 fields";
}

static const char *check_age(const struct key *key, const struct yamlnode *value, char *buf)
{
	size_t n = is_text(value) ? strspn(value->text, "0123456789") : 0;

	(void)key;
	(void)buf;
	if (n > 0 && value->text[n] && strchr("dhm", value->text[n]) && !value->text[n + 1])
		return NULL;
	return "must be a duration such as 30d, 24h or 60m";
}

static const char *check_ipv4(const struct key *key, const struct yamlnode *value, char *buf)
{
	struct in_addr address;

	(void)key;
	(void)buf;
	if (is_text(value) && inet_pton(AF_INET, value->text, &address) == 1)
		return NULL;
	return "must be an IPv4 address";
}

static const char *check_list(const struct key *key, const struct yamlnode *value, char *buf)
{
	(void)key;
	(void)buf;
	return value->type == YAMLNODE_LIST ? NULL : "must be a list";
}

static const char *check_texts(const struct key *key, const struct yamlnode *value, char *buf)
{
	(void)key;
	(void)buf;
	if (value->type != YAMLNODE_LIST)
		return "must be a list";

	for (size_t i = 0; i < value->n_items; i++) {
		if (!is_text(value->items[i]))
			return "must be a list of strings";
	}
	return NULL;
}

static const char *check_ports(const struct key *key, const struct yamlnode *value, char *buf)
{
	static const char wanted[] = "must be 'all' or a list of ports 1-65535";

	(void)key;
	(void)buf;
	if (is_text(value))
		return strcmp(value->text, "all") == 0 ? NULL : wanted;
	if (value->type != YAMLNODE_LIST)
		return wanted;

	for (size_t i = 0; i < value->n_items; i++) {
		const struct yamlnode *port = value->items[i];

		if (port->type != YAMLNODE_INT || port->integer < 1 || port->integer > 65535)
			return wanted;
	}
	return NULL;
}

static const char *check_config(const struct key *key, const struct yamlnode *value, char *buf)
{
	(void)key;
	(void)buf;
	if (value->type != YAMLNODE_MAP)
		return "must be a mapping";

	for (size_t i = 0; i < value->n_pairs; i++) {
		if (!is_scalar(value->pairs[i].value))
			return "must be a mapping of plain values";
	}
	return NULL;
}

/* The values are looked at by the rules, which know the consumers. */
static const char *check_access(const struct key *key, const struct yamlnode *value, char *buf)
{
	(void)key;
	(void)buf;
	if (value->type == YAMLNODE_MAP && value->n_pairs > 0)
		return NULL;
	return "must be a non-empty mapping";
}

static const char *check_any(const struct key *key, const struct yamlnode *value, char *buf)
{
	(void)key;
	(void)value;
	(void)buf;
	return NULL;
}

static const char *check_map(const struct key *key, const struct yamlnode *value, char *buf)
{
	(void)key;
	(void)buf;
	return value->type == YAMLNODE_MAP ? NULL : "must be a mapping";
}

static const char *check_map_or_true(const struct key *key, const struct yamlnode *value, char *buf)
{
	(void)key;
	(void)buf;
	if (value->type == YAMLNODE_MAP || (value->type == YAMLNODE_BOOL && value->is_true))
		return NULL;
	return "must be a mapping or true";
}

/* One universal volume's name for each item, each once. */
static const char *check_volumes(const struct key *key, const struct yamlnode *value, char *buf)
{
	(void)key;
	if (value->type == YAMLNODE_MAP || universal_map_is_valid(value))
		return NULL;
	if (value->type != YAMLNODE_LIST)
		return "must be a mapping, a list or 'universal'";
	strcpy(buf, "must list, each once:");
	for (size_t i = 0; i < UNIVERSAL_COUNT; i++)
		sprintf(buf + strlen(buf), " %s", universal_volumes[i].name);
	return buf;
}

#define NAME_PATTERN "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"

static const struct {
	const char *title;
	const char *(*check)(const struct key *key, const struct yamlnode *value, char *buf);
	const char *pattern; /* for editors: what a string of this type looks like; NULL = any */
} types[N_KEY_TYPES] = {
	[KEY_TEXT] = {"string", check_text, NULL},
	[KEY_BOOL] = {"boolean", check_bool, NULL},
	[KEY_INT] = {"integer", check_int, NULL},
	[KEY_CHOICE] = {"choice", check_choice, NULL},
	[KEY_PATH] = {"path", check_path, "^/"},
	[KEY_NAME] = {"name", check_name, NAME_PATTERN},
	[KEY_SIZE] = {"size", check_size, "^[0-9]+(B|[kMGTP]B|[KMGTP]iB)?$"},
	[KEY_OWNER] = {"uid:gid", check_owner, "^[0-9]+:[0-9]+$"},
	[KEY_MODE] = {"octal mode", check_mode, "^(0o)?[0-7]{1,5}$"},
	[KEY_CRON] = {"cron expression", check_cron, "^(\\S+\\s+){4}\\S+$"},
	[KEY_AGE] = {"duration", check_age, "^[0-9]+[dhm]$"},
	[KEY_IPV4] = {"IPv4 address", check_ipv4, "^[0-9]{1,3}(\\.[0-9]{1,3}){3}$"},
	[KEY_LIST] = {"list", check_list, NULL},
	[KEY_TEXTS] = {"list of strings", check_texts, NULL},
	[KEY_PORTS] = {"ports", check_ports, NULL},
	[KEY_CONFIG] = {"mapping", check_config, NULL},
	[KEY_ACCESS] = {"mapping to ro or rw", check_access, NULL},
	[KEY_ANY] = {"any", check_any, NULL},
	[KEY_MAP] = {"mapping", check_map, NULL},
	[KEY_MAP_OR_TRUE] = {"mapping or true", check_map_or_true, NULL},
	[KEY_MAPS] = {"list of mappings", check_list, NULL},
	[KEY_ENTRIES] = {"mapping by name", check_map, NULL},
	[KEY_VOLUMES] = {"mapping by name, universal or list", check_volumes, NULL},
	[KEY_VOLUMES_OR_PATHS] = {"mapping by name, universal or list", check_volumes, NULL},
};

const char *keytype_check(const struct key *key, const struct yamlnode *value, char *buf)
{
	return types[key->type].check(key, value, buf);
}

const char *keytype_title(enum key_type type)
{
	return types[type].title;
}

const char *keytype_pattern(enum key_type type)
{
	return types[type].pattern;
}
