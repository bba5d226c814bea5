/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "universal_map.h"

#include <string.h>

static const struct universal_volume *volume_of(const struct yamlnode *name)
{
	return yamlnode_is(name, YAMLNODE_STRING) ? universal_find(name->text) : NULL;
}

static bool stands_before(const struct yamlnode *list, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (volume_of(list->items[i]) == volume_of(list->items[index]))
			return true;
	}
	return false;
}

bool universal_map_is_valid(const struct yamlnode *value)
{
	if (value->type == YAMLNODE_STRING)
		return strcmp(value->text, UNIVERSAL_WORD) == 0;
	if (value->type != YAMLNODE_LIST || value->n_items == 0)
		return false;
	for (size_t i = 0; i < value->n_items; i++) {
		if (!volume_of(value->items[i]) || stands_before(value, i))
			return false;
	}
	return true;
}

static struct yamlnode text_node(const char *text, struct mark mark)
{
	return (struct yamlnode){
		.type = YAMLNODE_STRING, .is_plain = true, .weight = 1, .mark = mark, .text = text};
}

static void add(struct universal_map *u, const struct universal_volume *volume, struct mark mark)
{
	size_t i = u->map.n_pairs++;

	u->keys[i] = text_node(volume->name, mark);
	u->paths[i] = text_node(volume->path, mark);
	u->body_pairs[i] = (struct yamlpair){&u->path_key, &u->paths[i]};
	u->bodies[i] = (struct yamlnode){.type = YAMLNODE_MAP,
		.weight = 2,
		.mark = mark,
		.pairs = &u->body_pairs[i],
		.n_pairs = 1};
	u->pairs[i] = (struct yamlpair){&u->keys[i], &u->bodies[i]};
}

struct universal_map *universal_map_new(const struct yamlnode *value)
{
	struct universal_map *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->map = (struct yamlnode){.type = YAMLNODE_MAP, .mark = value->mark, .pairs = u->pairs};
	u->path_key = text_node("path", value->mark);

	if (value->type == YAMLNODE_STRING) {
		for (size_t i = 0; i < UNIVERSAL_COUNT; i++)
			add(u, &universal_volumes[i], value->mark);
		return u;
	}
	for (size_t i = 0; value->type == YAMLNODE_LIST && i < value->n_items; i++) {
		const struct universal_volume *volume = volume_of(value->items[i]);

		if (volume && !stands_before(value, i))
			add(u, volume, value->items[i]->mark);
	}
	return u;
}
