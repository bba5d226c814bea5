/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pins.h"

#include "fdstore.h"

#include <inttypes.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>

/* What goes at once is not worth two messages to the holder; until then the escrow has it. */
#define LASTING_MS 10
#define PREFIX "pin-"

/* In place of a ticket: the escrow was full, and the holder has it already. */
#define AT_THE_HOLDER UINT64_MAX

struct pin {
	uint64_t node;
	int fd;
	uint64_t ticket; /* of the escrow; 0: not in it */
	bool is_stored;
	bool is_lasting; /* was there already when the timer ran the last time */
};

static int compare(const void *a, const void *b)
{
	uint64_t x = ((const struct pin *)a)->node;
	uint64_t y = ((const struct pin *)b)->node;

	return x < y ? -1 : x > y;
}

int pins_init(struct pins *p, struct error *err)
{
	memset(p, 0, sizeof(*p));
	p->escrow = ESCROW_NONE;
	pthread_mutex_init(&p->lock, NULL);
	p->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return p->timer_fd < 0 ? error_errno(err, -errno, "cannot make a timer") : 0;
}

static void free_pin(void *item)
{
	struct pin *pin = item;

	close(pin->fd);
	free(pin);
}

void pins_finish(struct pins *p)
{
	tdestroy(p->by_node, free_pin);
	if (p->timer_fd >= 0)
		close(p->timer_fd);
	escrow_finish(&p->escrow);
	pthread_mutex_destroy(&p->lock);
}

const char *pins_name(uint64_t node, char buf[static PIN_NAME_MAX])
{
	snprintf(buf, PIN_NAME_MAX, PREFIX "%" PRIx64, node);
	return buf;
}

uint64_t pins_node_of_name(const char *name)
{
	char *end;
	uint64_t node;

	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
		return 0;
	node = strtoull(name + strlen(PREFIX), &end, 16);
	return *end ? 0 : node;
}

static struct pin *find(struct pins *p, uint64_t node)
{
	const struct pin key = {.node = node};
	struct pin **found = tfind(&key, &p->by_node, compare);

	return found ? *found : NULL;
}

static void release(struct pins *p, uint64_t ticket)
{
	if (ticket != 0)
		p->n_leaving += escrow_release(&p->escrow, ticket);
}

static void unlock_and_discard(struct pins *p)
{
	size_t n = p->n_leaving;

	p->n_leaving = 0;
	pthread_mutex_unlock(&p->lock);
	escrow_discard(&p->escrow, n);
}

/* The holder has it. */
static void mark_stored(struct pins *p, struct pin *pin)
{
	if (pin->is_stored)
		return;
	pin->is_stored = true;
	p->n_unstored--;
	release(p, pin->ticket);
	pin->ticket = 0;
}

static void store(struct pins *p, struct pin *pin)
{
	char name[PIN_NAME_MAX];

	if (pin->is_stored)
		return;
	fdstore_put(pins_name(pin->node, name), pin->fd);
	mark_stored(p, pin);
}

static void start_timer(struct pins *p)
{
	const struct itimerspec once = {.it_value.tv_nsec = LASTING_MS * 1000000L};

	timerfd_settime(p->timer_fd, 0, &once, NULL);
}

/* A new pin in the tree, with *FD stolen; the one that is there, without; NULL: no memory. */
static struct pin *add(struct pins *p, uint64_t node, int *fd)
{
	cleanup_free struct pin *pin = calloc(1, sizeof(*pin));
	struct pin **where;

	if (!pin)
		return NULL;
	pin->node = node;
	where = tsearch(pin, &p->by_node, compare);
	if (!where || *where != pin)
		return where ? *where : NULL;
	pin->fd = steal_fd(fd);
	if (p->n_unstored++ == 0)
		start_timer(p);
	return steal_ptr(&pin);
}

/* The oldest in the escrow goes to the holder. False: it is of a request under way. */
static bool make_room(struct pins *p)
{
	struct pin *oldest = find(p, escrow_oldest(&p->escrow));

	if (!oldest)
		return false;
	store(p, oldest);
	return true;
}

uint64_t pins_announce(struct pins *p, uint64_t node, int fd)
{
	char name[PIN_NAME_MAX];
	uint64_t ticket;
	bool is_kept;

	pthread_mutex_lock(&p->lock);
	is_kept = p->escrow.tx >= 0;
	ticket = escrow_put(&p->escrow, node, fd);
	if (ticket == 0 && make_room(p))
		ticket = escrow_put(&p->escrow, node, fd);
	unlock_and_discard(p);
	if (ticket == 0 && is_kept && fdstore_put(pins_name(node, name), fd) == 1)
		ticket = AT_THE_HOLDER;
	return ticket;
}

void pins_withdraw(struct pins *p, uint64_t node, uint64_t ticket)
{
	char name[PIN_NAME_MAX];
	bool is_pinned;

	pthread_mutex_lock(&p->lock);
	is_pinned = find(p, node) != NULL;
	if (ticket != AT_THE_HOLDER)
		release(p, ticket);
	unlock_and_discard(p);
	if (ticket == AT_THE_HOLDER && !is_pinned)
		fdstore_drop(pins_name(node, name));
}

static void take_ticket(struct pins *p, struct pin *pin, uint64_t ticket)
{
	if (ticket == AT_THE_HOLDER)
		mark_stored(p, pin);
	else if (pin->ticket == 0 && !pin->is_stored)
		pin->ticket = ticket;
	else
		release(p, ticket);
}

bool pins_keep(struct pins *p, uint64_t node, int taken_fd, uint64_t ticket)
{
	cleanup_fd int fd = taken_fd;
	struct pin *pin;

	pthread_mutex_lock(&p->lock);
	pin = add(p, node, &fd);
	if (pin)
		take_ticket(p, pin, ticket);
	unlock_and_discard(p);
	if (!pin)
		pins_withdraw(p, node, ticket);
	return fd < 0;
}

bool pins_restore(struct pins *p, uint64_t node, int taken_fd)
{
	cleanup_fd int fd = taken_fd;
	struct pin *pin;

	pthread_mutex_lock(&p->lock);
	pin = add(p, node, &fd);
	if (pin)
		mark_stored(p, pin);
	unlock_and_discard(p);
	return fd < 0;
}

void pins_restore_escrow(struct pins *p, int tx, int rx, pins_wanted_fn wanted, void *data)
{
	uint64_t node;
	int r;

	escrow_adopt(&p->escrow, tx, rx);
	if (tx < 0 || rx < 0) {
		escrow_finish(&p->escrow);
		return;
	}
	while ((r = escrow_peek(&p->escrow, &node)) != -EAGAIN) {
		cleanup_fd int fd = r;
		struct pin *pin = NULL;

		if (fd >= 0 && wanted(data, node, fd))
			pin = add(p, node, &fd);
		if (pin)
			store(p, pin);
		escrow_discard(&p->escrow, 1);
	}
}

void pins_drop(struct pins *p, uint64_t node)
{
	struct pin *pin;
	char name[PIN_NAME_MAX];

	pthread_mutex_lock(&p->lock);
	pin = find(p, node);
	if (pin) {
		tdelete(pin, &p->by_node, compare);
		p->n_unstored -= !pin->is_stored;
		release(p, pin->ticket);
	}
	unlock_and_discard(p);

	if (!pin)
		return;
	if (pin->is_stored)
		fdstore_drop(pins_name(node, name));
	free_pin(pin);
}

static void store_if_lasting(const void *item, VISIT visit, void *arg)
{
	struct pin *pin = *(struct pin *const *)item;

	if (visit != postorder && visit != leaf)
		return;
	if (pin->is_lasting)
		store(arg, pin);
	pin->is_lasting = true;
}

void pins_store_lasting(struct pins *p)
{
	uint64_t n_times;

	if (read(p->timer_fd, &n_times, sizeof(n_times)) < 0)
		return;
	pthread_mutex_lock(&p->lock);
	twalk_r(p->by_node, store_if_lasting, p);
	if (p->n_unstored > 0)
		start_timer(p);
	unlock_and_discard(p);
}

static void store_again(const void *item, VISIT visit, void *arg)
{
	struct pin *pin = *(struct pin *const *)item;
	struct pins *p = arg;

	if (visit != postorder && visit != leaf)
		return;
	p->n_unstored += pin->is_stored;
	pin->is_stored = false;
	store(p, pin);
}

int pins_store_all(struct pins *p)
{
	int r = 0;

	pthread_mutex_lock(&p->lock);
	if (p->escrow.tx < 0)
		r = escrow_open(&p->escrow);
	if (r == 0) {
		fdstore_put(PINS_TX, p->escrow.tx);
		fdstore_put(PINS_RX, p->escrow.rx);
	}
	twalk_r(p->by_node, store_again, p);
	unlock_and_discard(p);
	return r;
}
