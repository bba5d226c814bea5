/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker.h"

#include "clock.h"
#include "dircache.h"
#include "request.h"
#include "takeover.h"

#include <fuse_lowlevel.h>
#include <poll.h>
#include <sys/eventfd.h>

/*
 * How long to look for a request before sleeping. An idle caller needs some 30 us to come back,
 * do its part and ask again.
 */
#define SPIN_NS 50000
#define SPIN_CREDIT_MAX 4
#define SPIN_CREDIT_MIN 2 /* to look again at all */

/*
 * Where the request comes as soon as this thread sleeps, the caller was waiting for its CPU; and
 * where two looks are far apart, somebody else took it. Then sleeping is the better way for a while.
 */
#define PREEMPTED_NS 20000
#define CROWDED_NS 10000000

/*
 * After so many requests in a row that were there at once it is worth a system call to ask whether
 * yet another waits. A single caller has one request at a time, but may be quick with the next.
 */
#define BACKLOG 4

/*
 * To pass the turn on wakes somebody, which a single caller's fdatasync(2) would wait for in vain.
 * Once a request came while a long one was served, so many long ones pass it on.
 */
#define SHARED 64

/* After a request that could not be read; one line of the log in so many milliseconds. */
#define PAUSE_MS 10
#define FAILURE_LOG_MS 10000

int desk_init(struct desk *desk, struct fuse_session *se, struct inherited *inherited,
	enum worker_wait wait)
{
	*desk = (struct desk){.session = se,
		.inherited = inherited,
		.may_spin = wait != WORKER_WAIT_SLEEP && sysconf(_SC_NPROCESSORS_ONLN) > 1,
		.failures = {.burst = 1, .interval_ms = FAILURE_LOG_MS},
		.stop_fd = -1};
	desk->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (desk->stop_fd < 0)
		return -errno;
	awake_init(&desk->awake, wait == WORKER_WAIT_AWAKE);
	follow_init(&desk->follow);
	turn_init(&desk->turn, &desk->awake, &desk->follow);
	return 0;
}

void desk_finish(struct desk *desk)
{
	close(desk->stop_fd);
	turn_finish(&desk->turn);
	follow_finish(&desk->follow);
	awake_finish(&desk->awake);
}

void desk_stop(struct desk *desk)
{
	eventfd_write(desk->stop_fd, 1);
	turn_end(&desk->turn);
	dircache_clear();
}

static void step(struct worker *w)
{
	__atomic_add_fetch(&w->n_steps, 1, __ATOMIC_SEQ_CST);
}

uint64_t worker_progress(const struct worker *w)
{
	return __atomic_load_n(&w->n_steps, __ATOMIC_SEQ_CST);
}

bool worker_is_serving(const struct worker *w, uint64_t progress)
{
	return (progress & 1) && worker_progress(w) == progress;
}

static int receive(struct worker *w)
{
	int r = request_read(w->desk->session, w->entry);

	if (r == 0)
		__atomic_store_n(&w->desk->is_unmounted, true, __ATOMIC_SEQ_CST);
	return r;
}

/* Out of memory, or worse: callers wait meanwhile, and only the kernel ends a mount. */
static void pause_after(struct worker *w, int r)
{
	struct pollfd p = {.fd = w->desk->stop_fd, .events = POLLIN};
	unsigned int n_more;

	if (log_limit_pass(&w->desk->failures, &n_more))
		log_error("cannot read a request, trying again: %s", error_text(NULL, r));
	poll(&p, 1, PAUSE_MS);
}

static void earn(struct worker *w, int credit)
{
	w->spin_credit += credit;
	if (w->spin_credit > SPIN_CREDIT_MAX)
		w->spin_credit = SPIN_CREDIT_MAX;
	if (w->spin_credit < 0)
		w->spin_credit = 0;
}

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	for (int i = 0; i < 8; i++)
		__builtin_ia32_pause();
#elif defined(__aarch64__)
	for (int i = 0; i < 8; i++)
		__asm__ volatile("isb");
#endif
}

static bool is_worth_a_spin(const struct worker *w, int64_t now)
{
	return w->desk->may_spin && w->spin_credit >= SPIN_CREDIT_MIN && now >= w->spin_after_ns;
}

/* Look again and again until a request is there or it is no longer worth it (-EAGAIN). */
static int spin(struct worker *w, int64_t start)
{
	int64_t now = start;
	int64_t last;
	int r;

	do {
		relax();
		r = receive(w);
		last = now;
		now = clock_ns(CLOCK_MONOTONIC);
	} while (r == -EAGAIN && now - last < PREEMPTED_NS && now - start < SPIN_NS);

	if (now - last >= PREEMPTED_NS)
		w->spin_after_ns = now + CROWDED_NS;
	earn(w, r > 0 ? 1 : -1);
	return r;
}

/* Sleep until there is a request, or until the workers are to stop (false). */
static bool sleep_until_request(struct worker *w, int64_t start, bool has_spun)
{
	struct pollfd fds[] = {
		{.fd = fuse_session_fd(w->desk->session), .events = POLLIN},
		{.fd = w->desk->stop_fd, .events = POLLIN},
	};
	int n = poll(fds, ARRAY_SIZE(fds), -1);
	int64_t now = clock_ns(CLOCK_MONOTONIC);

	if (now - start < 2 * SPIN_NS) {
		if (has_spun)
			w->spin_after_ns = now + CROWDED_NS;
		else
			earn(w, 1);
	}
	return n < 0 || !fds[1].revents;
}

/* -EAGAIN: look again; 0: the end. */
static int next_request(struct worker *w)
{
	int r = receive(w);
	bool will_spin;
	int64_t start;

	if (r != -EAGAIN) {
		w->n_backlog++;
		if (w->was_long)
			__atomic_store_n(&w->desk->n_shared, SHARED, __ATOMIC_RELAXED);
		return r;
	}
	w->n_backlog = 0;
	start = clock_ns(CLOCK_MONOTONIC);
	will_spin = is_worth_a_spin(w, start);
	if (will_spin)
		r = spin(w, start);
	if (r != -EAGAIN)
		return r;
	return sleep_until_request(w, start, will_spin) ? -EAGAIN : 0;
}

/* What waits for a disk to write or read much. */
static bool takes_long(const struct fuse_in_header *in)
{
	switch (in->opcode) {
	case FUSE_READ:
	case FUSE_WRITE:
	case FUSE_FSYNC:
	case FUSE_FSYNCDIR:
	case FUSE_FALLOCATE:
	case FUSE_COPY_FILE_RANGE:
	case FUSE_IOCTL:
		return true;
	default:
		return false;
	}
}

/* More requests than one worker can answer as they come. */
static bool has_backlog(struct worker *w)
{
	struct pollfd p = {.fd = fuse_session_fd(w->desk->session), .events = POLLIN};

	if (w->n_backlog < BACKLOG)
		return false;
	w->n_backlog = 0;
	return poll(&p, 1, 0) > 0;
}

static void serve(struct worker *w, struct journal_entry *e)
{
	__atomic_store_n(&w->nodeid, e->header.nodeid, __ATOMIC_RELEASE);
	__atomic_store_n(&w->opcode, e->header.opcode, __ATOMIC_RELEASE);
	__atomic_store_n(&w->caller, e->header.pid, __ATOMIC_RELEASE);
	__atomic_store_n(&w->serving, e, __ATOMIC_RELEASE);
	step(w);
	request_serve(w->desk->session, e);
	follow_go(&w->desk->follow, w->tid); /* where that takes long, the turn is taken away */
	step(w);
}

/* True when lately others had requests while one took long. */
static bool is_shared(struct desk *desk)
{
	uint32_t n = __atomic_load_n(&desk->n_shared, __ATOMIC_RELAXED);

	if (n > 0)
		__atomic_store_n(&desk->n_shared, n - 1, __ATOMIC_RELAXED);
	return n > 0;
}

static void serve_next(struct worker *w)
{
	struct turn *turn = &w->desk->turn;

	w->was_long = takes_long(&w->entry->header);
	turn_begin_request(turn);
	if (w->was_long ? is_shared(w->desk) : has_backlog(w))
		turn_pass(turn, w);
	serve(w, w->entry);
}

/* What an earlier process had read and not answered comes first, whoever's turn it is. */
static void serve_inherited(struct worker *w, void (*after_each)(void *arg), void *arg)
{
	struct journal_entry *e;

	while ((e = takeover_next(w->desk->inherited))) {
		__atomic_store_n(&w->begun_ns, clock_ns(CLOCK_MONOTONIC), __ATOMIC_RELAXED);
		serve(w, e);
		journal_release(e);
		after_each(arg);
	}
}

static bool take_turn(struct worker *w)
{
	if (turn_try(&w->desk->turn, w))
		return true;
	/* Others may have removed by then what this thread would hold in its sleep. */
	dircache_clear();
	return turn_take(&w->desk->turn, w);
}

void worker_serve(struct worker *w, void (*after_each)(void *arg), void *arg)
{
	struct desk *desk = w->desk;

	__atomic_store_n(&w->tid, gettid(), __ATOMIC_RELAXED);
	serve_inherited(w, after_each, arg);
	while (take_turn(w) && !fuse_session_exited(desk->session)) {
		int r = next_request(w);

		if (r == 0)
			break;
		if (r == -EINTR || r == -EAGAIN)
			continue;
		if (r < 0) {
			pause_after(w, r);
			continue;
		}
		serve_next(w);
		after_each(arg);
	}
	turn_end(&desk->turn);
	dircache_clear();
}
