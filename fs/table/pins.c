/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pins.h"

#include "fdstore.h"
#include "pinname.h"

#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

/* What goes at once is not worth two messages to the holder; until then the escrow has it. */
#define LASTING_MS 10

/* In place of a ticket: the escrow was full, and the holder has it for the request's time. */
#define AT_THE_HOLDER UINT64_MAX

/* There as long as its node has lost all names, or requests rely on it that may take the last. */
struct pin {
	uint64_t node;
	int fd;
	uint64_t ticket; /* of the escrow; 0: not in it */
	unsigned int n_requests; /* that have AT_THE_HOLDER for a ticket */
	enum pin_form form; /* of its name, where it is stored */
	bool is_lost;
	bool is_stored;
	bool is_lasting; /* was there already when the timer ran the last time */
	TAILQ_ENTRY(pin) next; /* unstored, or gone */
};

/* One for each slot: of its node, or of the one before it as long as the FORGET is under way. */
static int compare(const void *a, const void *b)
{
	uint32_t x = (uint32_t)((const struct pin *)a)->node;
	uint32_t y = (uint32_t)((const struct pin *)b)->node;

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
	pinroom_init(&p->room);
	TAILQ_INIT(&p->unstored);
	TAILQ_INIT(&p->gone);
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

static struct pin *find(struct pins *p, uint64_t node)
{
	const struct pin key = {.node = node};
	struct pin **found = tfind(&key, &p->by_node, compare);

	return found && (*found)->node == node ? *found : NULL;
}

static void release(struct pins *p, uint64_t ticket)
{
	if (ticket != 0)
		p->n_leaving += escrow_release(&p->escrow, ticket);
}

/* The last descriptor of a large inode takes its time. */
static void unlock_and_discard(struct pins *p)
{
	size_t n = p->n_leaving;
	struct pin_queue gone = TAILQ_HEAD_INITIALIZER(gone);
	struct pin *pin;

	TAILQ_CONCAT(&gone, &p->gone, next);
	p->n_leaving = 0;
	pthread_mutex_unlock(&p->lock);
	escrow_discard(&p->escrow, n);
	while ((pin = TAILQ_FIRST(&gone))) {
		TAILQ_REMOVE(&gone, pin, next);
		free_pin(pin);
	}
}

/* The holder has it. */
static void mark_stored(struct pins *p, struct pin *pin)
{
	char name[PIN_NAME_MAX];

	if (pin->is_stored)
		return;
	pin->is_stored = true;
	pinroom_take(&p->room, pinname_make(pin->node, pin->form, name));
	TAILQ_REMOVE(&p->unstored, pin, next);
	release(p, pin->ticket);
	pin->ticket = 0;
}

static void mark_unstored(struct pins *p, struct pin *pin)
{
	char name[PIN_NAME_MAX];

	pin->is_stored = false;
	pinroom_give(&p->room, pinname_make(pin->node, pin->form, name));
	TAILQ_INSERT_TAIL(&p->unstored, pin, next);
}

/* False: not now; the escrow goes on holding it. Where nobody keeps anything there is no more to do. */
static bool put(const struct pin *pin, enum pin_form form)
{
	char name[PIN_NAME_MAX];

	return fdstore_put(pinname_make(pin->node, form, name), pin->fd) >= 0;
}

static void drop(const struct pin *pin)
{
	char name[PIN_NAME_MAX];

	fdstore_drop(pinname_make(pin->node, pin->form, name));
}

static void store(struct pins *p, struct pin *pin)
{
	char name[PIN_NAME_MAX];

	if (pin->is_stored)
		return;
	if (!pinroom_has(&p->room, pinname_make(pin->node, pin->form, name)))
		p->is_full = true;
	else if (put(pin, pin->form))
		mark_stored(p, pin);
}

static void start_timer(struct pins *p)
{
	const struct itimerspec once = {.it_value.tv_nsec = LASTING_MS * 1000000L};

	timerfd_settime(p->timer_fd, 0, &once, NULL);
}

/* Out of the tree, to be freed with no lock held. */
static void take_out(struct pins *p, struct pin *pin)
{
	bool was_stored = pin->is_stored;

	tdelete(pin, &p->by_node, compare);
	__atomic_sub_fetch(&p->n, 1, __ATOMIC_RELAXED);
	release(p, pin->ticket);
	/* With the lock: the next moment another may be put under its name. */
	if (was_stored) {
		drop(pin);
		mark_unstored(p, pin);
	}
	TAILQ_REMOVE(&p->unstored, pin, next);
	TAILQ_INSERT_TAIL(&p->gone, pin, next);
	if (p->is_full && was_stored && !TAILQ_EMPTY(&p->unstored)) {
		p->is_full = false;
		start_timer(p);
	}
}

/*
 * The slot of NODE had another one before, which was forgotten, and whoever is to drop its pin has not
 * come to it: its name goes before NODE's comes.
 */
static void take_out_former(struct pins *p, uint64_t node)
{
	const struct pin key = {.node = node};
	struct pin **found = tfind(&key, &p->by_node, compare);

	if (found && (*found)->node < node)
		take_out(p, *found);
}

/* A new pin in the tree, with *FD stolen; the one that is there, without; NULL: no memory. */
static struct pin *add(struct pins *p, uint64_t node, int *fd)
{
	cleanup_free struct pin *pin = calloc(1, sizeof(*pin));
	struct pin **where;

	if (!pin)
		return NULL;
	pin->node = node;
	pin->form = PIN_KEPT;
	take_out_former(p, node);
	where = tsearch(pin, &p->by_node, compare);
	if (!where || *where != pin)
		return where && (*where)->node == node ? *where : NULL;
	pin->fd = steal_fd(fd);
	__atomic_add_fetch(&p->n, 1, __ATOMIC_RELAXED);
	if (TAILQ_EMPTY(&p->unstored))
		start_timer(p);
	TAILQ_INSERT_TAIL(&p->unstored, pin, next);
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

static void end_request(struct pins *p, uint64_t node)
{
	struct pin *pin = find(p, node);

	if (pin && --pin->n_requests == 0 && !pin->is_lost)
		take_out(p, pin);
}

void pins_withdraw(struct pins *p, uint64_t node, uint64_t ticket)
{
	pthread_mutex_lock(&p->lock);
	if (ticket == AT_THE_HOLDER)
		end_request(p, node);
	else
		release(p, ticket);
	unlock_and_discard(p);
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

bool pins_restore(struct pins *p, uint64_t node, enum pin_form form, int taken_fd)
{
	cleanup_fd int fd = taken_fd;
	struct pin *pin;

	pthread_mutex_lock(&p->lock);
	pin = add(p, node, &fd);
	if (pin) {
		pin->is_lost = true;
		if (form != PIN_COPY && !pin->is_stored) {
			pin->form = form;
			mark_stored(p, pin);
		}
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
			store(p, pin);
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

size_t pins_count(const struct pins *p)
{
	return __atomic_load_n(&p->n, __ATOMIC_RELAXED);
}

void pins_drop(struct pins *p, uint64_t node)
{
	struct pin *pin;

	pthread_mutex_lock(&p->lock);
	pin = find(p, node);
	if (pin) {
		pin->is_lost = false;
		if (pin->n_requests == 0)
			take_out(p, pin);
	}
	unlock_and_discard(p);
}

/* What is stored leaves the queue: the one behind it is known before. */
static void store_unstored(struct pins *p, bool only_lasting)
{
	struct pin *behind;

	p->is_full = false;
	for (struct pin *pin = TAILQ_FIRST(&p->unstored); pin && !p->is_full; pin = behind) {
		behind = TAILQ_NEXT(pin, next);
		if (!only_lasting || pin->is_lasting)
			store(p, pin);
		pin->is_lasting = true;
	}
	/* When it is full: as soon as there is room. */
	if (!p->is_full && !TAILQ_EMPTY(&p->unstored))
		start_timer(p);
}

void pins_store_lasting(struct pins *p)
{
	uint64_t n_times;

	if (read(p->timer_fd, &n_times, sizeof(n_times)) < 0)
		return;
	pthread_mutex_lock(&p->lock);
	store_unstored(p, true);
	unlock_and_discard(p);
}

/* The holder may have lost it, or never had it. */
static void put_again(const void *item, VISIT visit, void *arg)
{
	struct pin *pin = *(struct pin *const *)item;

	if ((visit == postorder || visit == leaf) && pin->is_stored && !put(pin, pin->form))
		mark_unstored(arg, pin);
}

/* An executable that took over does not know whether it has this from the holder or from us. */
static void put_long_again(const void *item, VISIT visit, void *arg)
{
	if ((*(struct pin *const *)item)->form == PIN_LONG)
		put_again(item, visit, arg);
}

/* ROOM: beside all that is stored. */
static void copy_each(const void *item, VISIT visit, void *room)
{
	const struct pin *pin = *(struct pin *const *)item;
	enum pin_form form = pin->is_stored ? pin->form : PIN_COPY;
	char name[PIN_NAME_MAX];

	if (visit != postorder && visit != leaf)
		return;
	pinname_make(pin->node, form, name);
	if (!pin->is_stored && !pinroom_has(room, name))
		return;
	if (!pin->is_stored)
		pinroom_take(room, name);
	put(pin, form);
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

static int store_with_escrow(
	struct pins *p, void (*again)(const void *item, VISIT visit, void *arg))
{
	int r;

	pthread_mutex_lock(&p->lock);
	r = put_escrow(p);
	twalk_r(p->by_node, again, p);
	store_unstored(p, false);
	unlock_and_discard(p);
	return r;
}

int pins_store_all(struct pins *p)
{
	return store_with_escrow(p, put_again);
}

int pins_store_rest(struct pins *p)
{
	return store_with_escrow(p, put_long_again);
}

int pins_copy_all(struct pins *p)
{
	struct pinroom room;
	int r;

	pthread_mutex_lock(&p->lock);
	r = put_escrow(p);
	room = p->room;
	twalk_r(p->by_node, copy_each, &room);
	unlock_and_discard(p);
	return r;
}

static void drop_each(const void *item, VISIT visit, void *arg)
{
	const struct pin *pin = *(struct pin *const *)item;

	(void)arg;
	if ((visit == postorder || visit == leaf) && pin->is_stored)
		drop(pin);
}

void pins_unstore_all(struct pins *p)
{
	pthread_mutex_lock(&p->lock);
	twalk_r(p->by_node, drop_each, NULL);
	unlock_and_discard(p);
	drop_escrow();
}
