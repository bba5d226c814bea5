/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pins.h"

#include "fdstore.h"

#include <inttypes.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>

/*
 * What goes at once is not worth two messages to the holder; what the daemon takes with it when it
 * dies sooner than two of these after the last name went is lost to who has it without an open file.
 */
#define LASTING_MS 10
#define PREFIX "pin-"

struct pin {
	uint64_t node;
	int fd;
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

static void store(struct pins *p, struct pin *pin)
{
	char name[PIN_NAME_MAX];

	if (pin->is_stored)
		return;
	fdstore_put(pins_name(pin->node, name), pin->fd);
	pin->is_stored = true;
	p->n_unstored--;
}

static void start_timer(struct pins *p)
{
	const struct itimerspec once = {.it_value.tv_nsec = LASTING_MS * 1000000L};

	timerfd_settime(p->timer_fd, 0, &once, NULL);
}

/* A new pin in the tree; NULL: there is one, or no memory. FD is taken. */
static struct pin *add(struct pins *p, uint64_t node, int taken_fd)
{
	cleanup_fd int fd = taken_fd;
	cleanup_free struct pin *pin = calloc(1, sizeof(*pin));
	struct pin **where;

	if (!pin)
		return NULL;
	pin->node = node;
	where = tsearch(pin, &p->by_node, compare);
	if (!where || *where != pin)
		return NULL;
	pin->fd = steal_fd(&fd);
	if (p->n_unstored++ == 0)
		start_timer(p);
	return steal_ptr(&pin);
}

bool pins_keep(struct pins *p, uint64_t node, int fd)
{
	bool is_new;

	pthread_mutex_lock(&p->lock);
	is_new = add(p, node, fd) != NULL;
	pthread_mutex_unlock(&p->lock);
	return is_new;
}

bool pins_keep_stored(struct pins *p, uint64_t node, int fd)
{
	struct pin *pin;

	pthread_mutex_lock(&p->lock);
	pin = add(p, node, fd);
	if (pin)
		store(p, pin);
	pthread_mutex_unlock(&p->lock);
	return pin != NULL;
}

bool pins_restore(struct pins *p, uint64_t node, int fd)
{
	struct pin *pin;

	pthread_mutex_lock(&p->lock);
	pin = add(p, node, fd);
	if (pin) {
		pin->is_stored = true;
		p->n_unstored--;
	}
	pthread_mutex_unlock(&p->lock);
	return pin != NULL;
}

void pins_drop(struct pins *p, uint64_t node)
{
	struct pin key = {.node = node};
	struct pin **found;
	struct pin *pin = NULL;
	char name[PIN_NAME_MAX];

	pthread_mutex_lock(&p->lock);
	found = tfind(&key, &p->by_node, compare);
	if (found) {
		pin = *found;
		tdelete(&key, &p->by_node, compare);
		p->n_unstored -= !pin->is_stored;
	}
	pthread_mutex_unlock(&p->lock);

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
	pthread_mutex_unlock(&p->lock);
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

void pins_store_all(struct pins *p)
{
	pthread_mutex_lock(&p->lock);
	twalk_r(p->by_node, store_again, p);
	pthread_mutex_unlock(&p->lock);
}
