/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "journal.h"

#include "clock.h"

#include <stddef.h>
#include <string.h>

#define store(where, value) __atomic_store_n(where, value, __ATOMIC_RELEASE)
#define load(where) __atomic_load_n(where, __ATOMIC_ACQUIRE)

static __thread struct journal_entry *current;

void journal_init(struct journal *j, void *memory)
{
	j->entries = memory;
}

struct journal_entry *journal_claim(struct journal *j)
{
	for (size_t i = 0; i < JOURNAL_ENTRIES; i++) {
		struct journal_entry *e = &j->entries[i];

		if (!load(&e->is_claimed) &&
			__atomic_exchange_n(&e->is_claimed, 1, __ATOMIC_ACQ_REL) == 0)
			return e;
	}
	return NULL;
}

void journal_release(struct journal_entry *e)
{
	journal_clear(e);
	store(&e->is_claimed, 0);
}

unsigned int journal_n_claimed(const struct journal *j)
{
	unsigned int n = 0;

	for (size_t i = 0; i < JOURNAL_ENTRIES; i++)
		n += load(&j->entries[i].is_claimed);
	return n;
}

/* The message goes first: without one, nothing else of the entry is looked at. */
void journal_clear(struct journal_entry *e)
{
	store(&e->header.len, 0);
	store(&e->read_ns, 0);
	store(&e->intent.state, INTENT_NONE);
	store(&e->n_crashes, 0);
	store(&e->is_answering, 0);
	store(&e->file, 0);
	store(&e->step.done, e->step.announced);
	store(&e->n_forgotten, 0);
	store(&e->n_counted, 0);
}

void journal_arrived(struct journal_entry *e)
{
	store(&e->read_ns, clock_ns(CLOCK_MONOTONIC_COARSE));
}

static bool has_progress(const struct journal_entry *e)
{
	return e->intent.state != INTENT_NONE || e->file || e->n_counted || e->n_crashes;
}

struct journal_entry *journal_find(struct journal *j, uint64_t unique)
{
	struct journal_entry *found = NULL;

	for (size_t i = 0; i < JOURNAL_ENTRIES; i++) {
		struct journal_entry *e = &j->entries[i];

		if (!e->is_claimed || e->header.len == 0 ||
			(e->header.unique & ~JOURNAL_RESENT) != (unique & ~JOURNAL_RESENT))
			continue;
		if (!found || has_progress(e))
			found = e;
	}
	return found;
}

void journal_set_current(struct journal_entry *e)
{
	current = e;
}

struct journal_entry *journal_current(void)
{
	return current;
}

static void announce(struct journal_entry *e, uint64_t node, uint64_t nlookup)
{
	e->step.node = node;
	e->step.nlookup = nlookup;
	e->step.n_counted = e->n_counted;
	e->step.n_forgotten = e->n_forgotten;
}

/* Everything of a step may be stored twice. */
static void commit(struct journal_entry *e, uint64_t *nlookup)
{
	store(&e->step.announced, e->step.done + 1);
	if (nlookup)
		store(nlookup, e->step.nlookup);
	store(&e->n_counted, e->step.n_counted);
	store(&e->n_forgotten, e->step.n_forgotten);
	store(&e->step.done, e->step.announced);
}

void journal_count(uint64_t node, uint64_t *nlookup, uint64_t value)
{
	struct journal_entry *e = current;

	if (!e || e->n_counted >= JOURNAL_COUNTED_MAX) {
		store(nlookup, value);
		return;
	}
	e->counted[e->n_counted] = node;
	announce(e, node, value);
	e->step.n_counted++;
	commit(e, nlookup);
}

bool journal_is_forget(const struct journal_entry *e)
{
	return e->header.opcode == FUSE_FORGET || e->header.opcode == FUSE_BATCH_FORGET;
}

void journal_uncount(uint64_t node, uint64_t *nlookup, uint64_t value)
{
	struct journal_entry *e = current;

	if (!e) {
		store(nlookup, value);
		return;
	}
	announce(e, node, value);
	if (journal_is_forget(e))
		e->step.n_forgotten++;
	else
		e->step.n_counted -= e->n_counted > 0;
	commit(e, nlookup);
}

void journal_forgetting(uint32_t index)
{
	if (current)
		store(&current->n_forgotten, index);
}

bool journal_step_node(const struct journal_entry *e, uint64_t *ret_node)
{
	*ret_node = e->step.node;
	return e->step.announced != e->step.done;
}

void journal_finish_step(struct journal_entry *e, uint64_t *nlookup)
{
	e->step.done = e->step.announced - 1;
	commit(e, nlookup);
}

void journal_opening(uint64_t fh)
{
	if (current)
		store(&current->file, fh);
}

void journal_answering(void)
{
	if (current)
		store(&current->is_answering, 1);
}

void journal_start(const struct fhandle *source, const struct fhandle *target)
{
	struct intent *in = current ? &current->intent : NULL;

	if (!in)
		return;
	in->started_ns = clock_ns(CLOCK_REALTIME_COARSE);
	in->had_source = source != NULL;
	in->had_target = target != NULL;
	if (source)
		in->source = *source;
	if (target)
		in->target = *target;
	store(&in->state, INTENT_STARTED);
}

void journal_finish(int result)
{
	if (!current)
		return;
	store(&current->intent.result, result);
	store(&current->intent.state, INTENT_DONE);
}

void journal_blame_entry(struct journal_entry *e)
{
	__atomic_add_fetch(&e->n_crashes, 1, __ATOMIC_RELAXED);
}

void journal_blame(void)
{
	if (current)
		journal_blame_entry(current);
}
