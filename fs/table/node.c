/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "node.h"

#include "checksum.h"
#include "journal.h"

#include <string.h>

#define BUCKETS_MIN 1024
#define CHAIN_MEAN 2 /* nodes per bucket before the buckets double */

static int set_up(struct node_table *t, uint32_t n_buckets)
{
	memset(t, 0, sizeof(*t));
	t->buckets = calloc(n_buckets, sizeof(*t->buckets));
	if (!t->buckets)
		return -ENOMEM;
	t->n_buckets = n_buckets;
	for (int i = 0; i < NODE_STRIPES; i++) {
		pthread_mutex_init(&t->stripes[i], NULL);
		pthread_mutex_init(&t->locks[i], NULL);
	}
	return 0;
}

int node_table_init(struct node_table *t, void *memory, uint32_t epoch)
{
	int r = set_up(t, BUCKETS_MIN);

	return r < 0 ? r : slots_init(&t->slots, memory, sizeof(struct node), NODES_MAX, epoch);
}

static uint32_t node_check(const struct node *n)
{
	uint32_t x = CHECKSUM_SEED;

	x = checksum_add(x, &n->slot.next_generation, sizeof(n->slot.next_generation));
	x = checksum_add(x, &n->ino, sizeof(n->ino));
	x = fhandle_checksum(x, &n->handle);
	x = checksum_add(x, &n->volume, sizeof(n->volume));
	return checksum_add(x, &n->type, sizeof(n->type));
}

static bool is_sound(const struct node *n)
{
	return n->slot.generation == n->slot.next_generation && n->handle.len <= FHANDLE_BYTES &&
	       n->handle.mount < FHANDLE_MOUNTS && n->check == node_check(n);
}

int node_table_adopt(struct node_table *t, void *memory, uint32_t epoch, uint32_t *ret_damaged)
{
	struct node *node = NULL;
	int r = set_up(t, BUCKETS_MIN);

	*ret_damaged = 0;
	if (r == 0)
		r = slots_adopt(&t->slots, memory, sizeof(struct node), NODES_MAX, epoch);
	while (r == 0 && (node = slots_next(&t->slots, node ? node->slot.number : 0))) {
		if (!is_sound(node)) {
			slot_give(&t->slots, &node->slot);
			(*ret_damaged)++;
			continue;
		}
		node->n_open = 0;
		node->n_writers = 0;
		node->is_pinned = 0;
		node->listener = -1;
	}
	return r;
}

void node_table_finish(struct node_table *t)
{
	slots_finish(&t->slots);
	free(t->buckets);
	for (int i = 0; i < NODE_STRIPES; i++) {
		pthread_mutex_destroy(&t->stripes[i]);
		pthread_mutex_destroy(&t->locks[i]);
	}
}

struct node *node_get(struct node_table *t, uint64_t id)
{
	return slot_get(&t->slots, id);
}

struct node *node_at(struct node_table *t, uint32_t number)
{
	struct node *node;

	if (number == 0 || number >= t->slots.n_max)
		return NULL;
	node = slot_at(&t->slots, number);
	return slot_id(&node->slot) >> 32 ? node : NULL;
}

#define BTRFS_TOP_SUBVOLUME 5

/* Subvolumes of btrfs number their inodes each by itself, and are of one mount. */
static uint64_t subvolume_bits(const struct fhandle *handle)
{
	uint64_t root;

	return fhandle_is_btrfs(handle, &root) ? (root ^ BTRFS_TOP_SUBVOLUME) << 32 : 0;
}

uint64_t node_make_ino(const struct fhandle *handle, const struct stat *st)
{
	return st->st_ino ^ (uint64_t)handle->mount << 48 ^ subvolume_bits(handle);
}

static struct node *find_in_chain(
	struct node_table *t, uint32_t hash, const struct fhandle *handle, uint32_t volume)
{
	uint32_t number = t->buckets[hash & (t->n_buckets - 1)];

	while (number) {
		struct node *node = slot_at(&t->slots, number);

		if (node->volume == volume && fhandle_equal(&node->handle, handle))
			return node;
		number = node->next;
	}
	return NULL;
}

static void chain(struct node_table *t, uint32_t hash, struct node *node)
{
	uint32_t *bucket = &t->buckets[hash & (t->n_buckets - 1)];

	node->next = *bucket;
	*bucket = node->slot.number;
}

int node_table_link(struct node_table *t)
{
	struct node *node = NULL;
	uint32_t n_buckets = BUCKETS_MIN;

	while (n_buckets < t->slots.n_used / CHAIN_MEAN)
		n_buckets *= 2;
	free(t->buckets);
	t->n_buckets = n_buckets;
	t->buckets = calloc(n_buckets, sizeof(*t->buckets));
	if (!t->buckets)
		return -ENOMEM;

	while ((node = slots_next(&t->slots, node ? node->slot.number : 0))) {
		if (node->nlookup == 0)
			slot_give(&t->slots, &node->slot);
		else
			chain(t, fhandle_hash(&node->handle), node);
	}
	return 0;
}

static void unchain(struct node_table *t, uint32_t hash, const struct node *node)
{
	uint32_t *link = &t->buckets[hash & (t->n_buckets - 1)];

	while (*link != node->slot.number)
		link = &((struct node *)slot_at(&t->slots, *link))->next;
	*link = node->next;
}

static bool is_crowded(struct node_table *t)
{
	return __atomic_load_n(&t->slots.n_used, __ATOMIC_RELAXED) / CHAIN_MEAN >= t->n_buckets;
}

/* Double the buckets. A stripe always guards the same chains: both counts are powers of two. */
static void grow(struct node_table *t)
{
	uint32_t *old;
	uint32_t n_old;

	for (int i = 0; i < NODE_STRIPES; i++)
		pthread_mutex_lock(&t->stripes[i]);

	old = t->buckets;
	n_old = t->n_buckets;
	t->buckets = is_crowded(t) ? calloc((size_t)n_old * 2, sizeof(*old)) : NULL;
	if (t->buckets) {
		t->n_buckets = n_old * 2;
		for (uint32_t i = 0; i < n_old; i++) {
			for (uint32_t number = old[i]; number;) {
				struct node *node = slot_at(&t->slots, number);

				number = node->next;
				chain(t, fhandle_hash(&node->handle), node);
			}
		}
		free(old);
	} else {
		t->buckets = old; /* grown by another thread, or no memory: longer chains */
	}

	for (int i = NODE_STRIPES - 1; i >= 0; i--)
		pthread_mutex_unlock(&t->stripes[i]);
}

static int insert(struct node_table *t, uint32_t hash, const struct fhandle *handle,
	const struct stat *st, uint32_t volume, struct node **ret)
{
	struct node *node;
	int r;

	r = slot_take(&t->slots, &node);
	if (r < 0)
		return r;

	node->nlookup = 0;
	node->ino = node_make_ino(handle, st);
	node->handle = *handle;
	node->volume = volume;
	node->type = st->st_mode & S_IFMT;
	node->n_open = 0;
	node->n_writers = 0;
	node->backing_id = 0;
	node->listener = -1;
	node->wb_errors = 0;
	node->wb_errno = 0;
	node->is_pinned = 0;
	node->maybe_mapped = 0;
	node->file_caps = NODE_CAPS_UNKNOWN;
	node->attr_granted = 0;
	node->check = node_check(node);
	chain(t, hash, node);
	journal_count(slot_future_id(&node->slot), &node->nlookup, 1);
	slot_publish(&node->slot);
	*ret = node;
	return 0;
}

int node_lookup(struct node_table *t, const struct fhandle *handle, const struct stat *st,
	uint32_t volume, struct node **ret)
{
	uint32_t hash = fhandle_hash(handle);
	pthread_mutex_t *stripe = &t->stripes[hash % NODE_STRIPES];
	bool must_grow = false;
	struct node *node;
	int r = 0;

	pthread_mutex_lock(stripe);
	node = find_in_chain(t, hash, handle, volume);
	if (node) {
		journal_count(slot_id(&node->slot), &node->nlookup, node->nlookup + 1);
	} else {
		r = insert(t, hash, handle, st, volume, &node);
		must_grow = is_crowded(t);
	}
	pthread_mutex_unlock(stripe);

	if (must_grow)
		grow(t);
	*ret = node;
	return r;
}

struct node *node_find(struct node_table *t, const struct fhandle *handle, uint32_t volume)
{
	uint32_t hash = fhandle_hash(handle);
	pthread_mutex_t *stripe = &t->stripes[hash % NODE_STRIPES];
	struct node *node;

	pthread_mutex_lock(stripe);
	node = find_in_chain(t, hash, handle, volume);
	pthread_mutex_unlock(stripe);
	return node;
}

bool node_forget(struct node_table *t, uint64_t id, uint64_t n)
{
	struct node *node = node_get(t, id);
	pthread_mutex_t *stripe;
	bool was_pinned = false;
	uint32_t hash;

	if (!node)
		return false;

	hash = fhandle_hash(&node->handle);
	stripe = &t->stripes[hash % NODE_STRIPES];
	pthread_mutex_lock(stripe);
	journal_uncount(
		id, &node->nlookup, node->nlookup - (n < node->nlookup ? n : node->nlookup));
	if (node->nlookup == 0) {
		unchain(t, hash, node);
		was_pinned = __atomic_load_n(&node->is_pinned, __ATOMIC_ACQUIRE);
		slot_give(&t->slots, &node->slot);
	}
	pthread_mutex_unlock(stripe);
	return was_pinned;
}

void node_lock(struct node_table *t, const struct node *node)
{
	pthread_mutex_lock(&t->locks[node->slot.number % NODE_STRIPES]);
}

void node_unlock(struct node_table *t, const struct node *node)
{
	pthread_mutex_unlock(&t->locks[node->slot.number % NODE_STRIPES]);
}
