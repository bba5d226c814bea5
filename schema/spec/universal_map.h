/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_UNIVERSAL_MAP_H
#define ANKLUME_UNIVERSAL_MAP_H

/* "universal", or a list of its names, as the mapping of volumes that it stands for. */

#include "universal.h"
#include "yamldoc.h"

/* Nodes without a document; every one has the place of the word that it comes from. */
struct universal_map {
	struct yamlnode map;
	struct yamlpair pairs[UNIVERSAL_COUNT];
	struct yamlnode keys[UNIVERSAL_COUNT];
	struct yamlnode bodies[UNIVERSAL_COUNT];
	struct yamlpair body_pairs[UNIVERSAL_COUNT];
	struct yamlnode path_key;
	struct yamlnode paths[UNIVERSAL_COUNT];
};

/* True when VALUE is the word, or a list of distinct names of universal volumes. */
bool universal_map_is_valid(const struct yamlnode *value);

/*
 * What VALUE stands for, owned by the caller and freed by free(3); NULL when out of memory. Names
 * that are not valid are left out.
 */
struct universal_map *universal_map_new(const struct yamlnode *value);

#endif
