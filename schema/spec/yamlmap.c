/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "yamlmap.h"

#include <string.h>

/* A pair on its way into a map, with its rank: own pairs go before merged ones. */
struct candidate {
	struct yamlpair pair;
	size_t rank;
	bool is_own;
};

static int compare_keys(const void *a, const void *b)
{
	const struct candidate *x = a;
	const struct candidate *y = b;
	int r = strcmp(x->pair.key->text, y->pair.key->text);

	return r ? r : x->rank < y->rank ? -1 : x->rank > y->rank;
}

static int compare_ranks(const void *a, const void *b)
{
	const struct candidate *x = a;
	const struct candidate *y = b;

	return x->rank < y->rank ? -1 : x->rank > y->rank;
}

static bool is_scalar(const struct yamlnode *node)
{
	return node->type < YAMLNODE_LIST;
}

static bool is_merge_key(const struct yamlnode *key)
{
	return key->type == YAMLNODE_STRING && key->is_plain && strcmp(key->text, "<<") == 0;
}

static int refuse_merge(const struct yamlnode *value, struct diags *diags)
{
	diags_error(diags, value->mark, "'<<' merges a mapping or a list of mappings");
	return -EINVAL;
}

/* Add the number of pairs that VALUE brings to *N. */
static int count_merged(const struct yamlnode *value, struct diags *diags, size_t *n)
{
	if (value->type == YAMLNODE_MAP) {
		*n += value->n_pairs;
		return 0;
	}
	if (value->type != YAMLNODE_LIST)
		return refuse_merge(value, diags);

	for (size_t i = 0; i < value->n_items; i++) {
		if (value->items[i]->type != YAMLNODE_MAP)
			return refuse_merge(value->items[i], diags);
		*n += value->items[i]->n_pairs;
	}
	return 0;
}

static void add_pairs(const struct yamlnode *map, struct candidate *candidates, size_t *n)
{
	for (size_t i = 0; i < map->n_pairs; i++) {
		candidates[*n] = (struct candidate){map->pairs[i], *n, false};
		(*n)++;
	}
}

static void add_merged(const struct yamlnode *value, struct candidate *candidates, size_t *n)
{
	if (value->type == YAMLNODE_MAP) {
		add_pairs(value, candidates, n);
		return;
	}
	for (size_t i = 0; i < value->n_items; i++)
		add_pairs(value->items[i], candidates, n);
}

static void add_own(
	struct yamlnode *key, struct yamlnode *value, struct candidate *candidates, size_t *n)
{
	candidates[*n] = (struct candidate){{key, value}, *n, true};
	(*n)++;
}

/* The own pairs of CHILDREN, then what the merge keys among them bring. */
static void fill(
	struct yamlnode *const *children, size_t n, struct candidate *candidates, size_t *ret_n)
{
	for (size_t i = 0; i < n; i += 2) {
		if (is_scalar(children[i]) && !is_merge_key(children[i]))
			add_own(children[i], children[i + 1], candidates, ret_n);
	}
	for (size_t i = 0; i < n; i += 2) {
		if (is_merge_key(children[i]))
			add_merged(children[i + 1], candidates, ret_n);
	}
}

/* Check the keys and say in *RET how many candidates there can be. */
static int measure(struct yamlnode *const *children, size_t n, struct diags *diags, size_t *ret)
{
	*ret = n / 2;
	for (size_t i = 0; i < n; i += 2) {
		int r = 0;

		if (!is_scalar(children[i]))
			diags_error(diags, children[i]->mark, "a key must be a word, not %s",
				yamlnode_kind(children[i]));
		else if (is_merge_key(children[i]))
			r = count_merged(children[i + 1], diags, ret);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Keep the first of equal keys: an own one beats a merged one, two own ones are an error. */
static size_t drop_duplicates(struct candidate *candidates, size_t n, struct diags *diags)
{
	size_t kept = 0;

	qsort(candidates, n, sizeof(*candidates), compare_keys);
	for (size_t i = 0; i < n; i++) {
		const struct yamlnode *key = candidates[i].pair.key;
		const struct yamlnode *last = kept ? candidates[kept - 1].pair.key : NULL;

		if (!last || strcmp(last->text, key->text) != 0)
			candidates[kept++] = candidates[i];
		else if (candidates[i].is_own)
			diags_error(diags, key->mark, "key '%s' is there twice, first on line %u",
				SHOWN(key->text), last->mark.line);
	}
	qsort(candidates, kept, sizeof(*candidates), compare_ranks);
	return kept;
}

int yamlmap_collect(struct yamlnode *const *children, size_t n, struct diags *diags,
	struct yamlpair **ret, size_t *ret_n)
{
	cleanup_free struct candidate *candidates = NULL;
	struct yamlpair *pairs;
	size_t room;
	size_t count = 0;
	int r;

	r = measure(children, n, diags, &room);
	if (r < 0)
		return r;

	candidates = reallocarray(NULL, room + 1, sizeof(*candidates));
	pairs = reallocarray(NULL, room + 1, sizeof(*pairs));
	if (!candidates || !pairs) {
		free(pairs);
		return -ENOMEM;
	}
	fill(children, n, candidates, &count);
	if (count > 1)
		count = drop_duplicates(candidates, count, diags);
	for (size_t i = 0; i < count; i++)
		pairs[i] = candidates[i].pair;
	*ret = pairs;
	*ret_n = count;
	return 0;
}
