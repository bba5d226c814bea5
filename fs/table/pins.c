/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pins.h"

#include "fdstore.h"

#include <fcntl.h>
#include <inttypes.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

/* What goes at once is not worth two messages to the holder; until then the escrow has it. */
#define LASTING_MS 10
#define PREFIX "pin-"

/* In place of a ticket: the escrow was full, and the holder has it for the request's time. */
#define AT_THE_HOLDER UINT64_MAX

/* There as long as its node has lost all names, or requests rely on it that may take the last. */
struct pin {
	uint64_t node;
	int fd;
	uint64_t ticket; /* of the escrow; 0: not in it */
	unsigned int n_requests; /* that have AT_THE_HOLDER for a ticket */
	bool is_lost;
	bool is_stored;
	bool is_lasting; /* was there already when the timer ran the last time */
};

static int compare(const void *a, const void *b)
{
	uint64_t x = ((const struct pin *)a)->node;
	uint64_t y = ((const struct pin *)b)->node;

	return x < y ? -1 : x > y;
}

bool pins_is_nameless(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_nlink == 0 || S_ISDIR(st.st_mode));
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

	if (!pin)
		return;
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

/* False: not now; the escrow goes on holding it. Where nobody keeps anything there is no more to do. */
static bool put(const struct pin *pin)
{
	char name[PIN_NAME_MAX];

	return fdstore_put(pins_name(pin->node, name), pin->fd) >= 0;
}

static void store(struct pins *p, struct pin *pin)
{
	if (!pin->is_stored && put(pin))
		mark_stored(p, pin);
}

static void start_timer(struct pins *p)
{
	const struct itimerspec once = {.it_value.tv_nsec = LASTING_MS * 1000000L};

	timerfd_settime(p->timer_fd, 0, &once, NULL);
}

/* The holder may have lost it, or never had it. */
static void store_again(struct pins *p, struct pin *pin)
{
	p->n_unstored += pin->is_stored;
	pin->is_stored = false;
	store(p, pin);
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
	return oldest->is_stored;
}

/* Several requests may be under way with one inode: each with another name of it. */
static uint64_t announce_to_holder(struct pins *p, uint64_t node, int fd)
{
	cleanup_fd int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	struct pin *pin = copy < 0 ? NULL : add(p, node, &copy);

	if (!pin)
		return 0;
	pin->n_requests++;
	store(p, pin);
	return AT_THE_HOLDER;
}

uint64_t pins_announce(struct pins *p, uint64_t node, int fd)
{
	uint64_t ticket;

	pthread_mutex_lock(&p->lock);
	ticket = escrow_put(&p->escrow, node, fd);
	if (ticket == 0 && make_room(p))
		ticket = escrow_put(&p->escrow, node, fd);
	if (ticket == 0 && p->escrow.tx >= 0)
		ticket = announce_to_holder(p, node, fd);
	unlock_and_discard(p);
	return ticket;
}

/* Out of the tree. The caller's to free, with no lock held. */
static struct pin *take_out(struct pins *p, struct pin *pin)
{
	char name[PIN_NAME_MAX];

	tdelete(pin, &p->by_node, compare);
	p->n_unstored -= !pin->is_stored;
	release(p, pin->ticket);
	/* With the lock: the next moment another may be put under its name. */
	if (pin->is_stored)
		fdstore_drop(pins_name(pin->node, name));
	return pin;
}

static struct pin *end_request(struct pins *p, uint64_t node)
{
	struct pin *pin = find(p, node);

	return --pin->n_requests == 0 && !pin->is_lost ? take_out(p, pin) : NULL;
}

void pins_withdraw(struct pins *p, uint64_t node, uint64_t ticket)
{
	struct pin *pin = NULL;

	pthread_mutex_lock(&p->lock);
	if (ticket == AT_THE_HOLDER)
		pin = end_request(p, node);
	else
		release(p, ticket);
	unlock_and_discard(p);
	free_pin(pin);
}

static void take_ticket(struct pins *p, struct pin *pin, uint64_t ticket)
{
	if (ticket == AT_THE_HOLDER)
		pin->n_requests--;
	else if (pin->ticket == 0 && !pin->is_stored)
		pin->ticket = ticket;
	else
		release(p, ticket);
}

bool pins_keep(struct pins *p, uint64_t node, int taken_fd, uint64_t ticket)
{
	cleanup_fd int fd = taken_fd;
	struct pin *pin;
	bool was_lost = false;

	pthread_mutex_lock(&p->lock);
	pin = add(p, node, &fd);
	if (pin) {
		was_lost = pin->is_lost;
		pin->is_lost = true;
		take_ticket(p, pin, ticket);
	}
	unlock_and_discard(p);
	if (!pin)
		pins_withdraw(p, node, ticket);
	return pin && !was_lost;
}

bool pins_restore(struct pins *p, uint64_t node, int taken_fd)
{
	cleanup_fd int fd = taken_fd;
	struct pin *pin;

	pthread_mutex_lock(&p->lock);
	pin = add(p, node, &fd);
	if (pin) {
		pin->is_lost = true;
		mark_stored(p, pin);
	}
	unlock_and_discard(p);
	return pin != NULL;
}

static void drop_escrow(void)
{
	fdstore_drop(PINS_TX);
	fdstore_drop(PINS_RX);
}

void pins_restore_escrow(struct pins *p, int tx, int rx, pins_wanted_fn wanted, void *data)
{
	uint64_t node;
	int r;

	escrow_adopt(&p->escrow, tx, rx);
	if (tx < 0 || rx < 0) {
		/* Killed while it gave them away: one alone would be in the way of the next pair. */
		drop_escrow();
		escrow_finish(&p->escrow);
		return;
	}
	while ((r = escrow_peek(&p->escrow, &node)) != -EAGAIN) {
		cleanup_fd int fd = r;
		struct pin *pin = NULL;

		if (fd >= 0 && wanted(data, node, fd))
			pin = add(p, node, &fd);
		if (pin) {
			pin->is_lost = true;
			store_again(p, pin);
		}
		escrow_discard(&p->escrow, 1);
	}
}

int pins_open(struct pins *p, uint64_t node)
{
	const struct pin *pin;
	int fd = -ESTALE;

	pthread_mutex_lock(&p->lock);
	pin = find(p, node);
	if (pin) {
		fd = fcntl(pin->fd, F_DUPFD_CLOEXEC, 0);
		if (fd < 0)
			fd = -errno;
	}
	pthread_mutex_unlock(&p->lock);
	return fd;
}

void pins_drop(struct pins *p, uint64_t node)
{
	struct pin *pin;

	pthread_mutex_lock(&p->lock);
	pin = find(p, node);
	if (pin) {
		pin->is_lost = false;
		pin = pin->n_requests == 0 ? take_out(p, pin) : NULL;
	}
	unlock_and_discard(p);
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

static void store_each(const void *item, VISIT visit, void *arg)
{
	if (visit == postorder || visit == leaf)
		store_again(arg, *(struct pin *const *)item);
}

static void copy_each(const void *item, VISIT visit, void *arg)
{
	(void)arg;
	if (visit == postorder || visit == leaf)
		put(*(struct pin *const *)item);
}

static int put_escrow(struct pins *p)
{
	int r = p->escrow.tx < 0 ? escrow_open(&p->escrow) : 0;

	if (r < 0)
		return r;
	fdstore_put(PINS_TX, p->escrow.tx);
	fdstore_put(PINS_RX, p->escrow.rx);
	return 0;
}

int pins_store_all(struct pins *p)
{
	int r;

	pthread_mutex_lock(&p->lock);
	r = put_escrow(p);
	twalk_r(p->by_node, store_each, p);
	if (p->n_unstored > 0)
		start_timer(p);
	unlock_and_discard(p);
	return r;
}

int pins_copy_all(struct pins *p)
{
	int r;

	pthread_mutex_lock(&p->lock);
	r = put_escrow(p);
	twalk_r(p->by_node, copy_each, NULL);
	unlock_and_discard(p);
	return r;
}

static void unstore_each(const void *item, VISIT visit, void *arg)
{
	const struct pin *pin = *(struct pin *const *)item;
	char name[PIN_NAME_MAX];

	(void)arg;
	if ((visit == postorder || visit == leaf) && pin->is_stored)
		fdstore_drop(pins_name(pin->node, name));
}

void pins_unstore_all(struct pins *p)
{
	pthread_mutex_lock(&p->lock);
	twalk_r(p->by_node, unstore_each, NULL);
	unlock_and_discard(p);
	drop_escrow();
}
