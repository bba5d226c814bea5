/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "yamldoc.h"

#include <string.h>

const struct yamlpair *yamlnode_find(const struct yamlnode *map, const char *key)
{
	if (!yamlnode_is(map, YAMLNODE_MAP))
		return NULL;

	for (size_t i = 0; i < map->n_pairs; i++) {
		if (strcmp(map->pairs[i].key->text, key) == 0)
			return &map->pairs[i];
	}
	return NULL;
}

const struct yamlnode *yamlnode_get(const struct yamlnode *map, const char *key)
{
	const struct yamlpair *pair = yamlnode_find(map, key);

	return pair ? pair->value : NULL;
}

const struct yamlnode *yamlnode_get_set(const struct yamlnode *map, const char *key)
{
	const struct yamlnode *value = yamlnode_get(map, key);

	return yamlnode_is(value, YAMLNODE_NULL) ? NULL : value;
}

const char *yamlnode_kind(const struct yamlnode *node)
{
	static const char *const kinds[] = {
		[YAMLNODE_NULL] = "nothing",
		[YAMLNODE_BOOL] = "a boolean",
		[YAMLNODE_INT] = "an integer",
		[YAMLNODE_FLOAT] = "a number",
		[YAMLNODE_DATE] = "a date",
		[YAMLNODE_STRING] = "a string",
		[YAMLNODE_LIST] = "a list",
		[YAMLNODE_MAP] = "a mapping",
	};

	return kinds[node->type];
}

const char *shown_set(struct shown *shown, const char *text)
{
	size_t len = strlen(text);
	size_t cut = YAMLDOC_SHOWN_MAX;

	if (len <= YAMLDOC_SHOWN_MAX) {
		memcpy(shown->text, text, len + 1);
		return shown->text;
	}
	while (cut > 0 && ((unsigned char)text[cut] & 0xc0) == 0x80)
		cut--;
	memcpy(shown->text, text, cut);
	strcpy(shown->text + cut, "...");
	return shown->text;
}
