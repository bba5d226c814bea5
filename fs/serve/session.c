/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session.h"

#include "creds.h"
#include "slice.h"
#include "worker.h"

#include <sys/eventfd.h>
#include <time.h>

struct thread {
	pthread_t id;
	struct session *session;
	struct worker worker;
};

struct session {
	struct desk desk;
	int end_fd; /* lock; -1: nobody waits for the end */
	unsigned int n_workers;
	unsigned int n_running; /* atomic */
	uint32_t is_quiescing; /* atomic: somebody waits on `stepped` */
	pthread_mutex_t lock;
	pthread_cond_t stepped;
	struct session *old; /* of session_watch(); main thread */
	struct thread threads[];
};

static void wake_quiescer(void *arg)
{
	struct session *s = arg;

	if (!__atomic_load_n(&s->is_quiescing, __ATOMIC_SEQ_CST))
		return;
	pthread_mutex_lock(&s->lock);
	pthread_cond_broadcast(&s->stepped);
	pthread_mutex_unlock(&s->lock);
}

/* The last one tells; of a session that was given up nobody wants to hear. */
static void leave(struct session *s)
{
	pthread_mutex_lock(&s->lock);
	if (__atomic_sub_fetch(&s->n_running, 1, __ATOMIC_SEQ_CST) == 0) {
		pthread_cond_broadcast(&s->stepped);
		if (s->end_fd >= 0)
			eventfd_write(s->end_fd, 1);
	}
	pthread_mutex_unlock(&s->lock);
}

static void *run_worker(void *arg)
{
	struct thread *t = arg;
	struct session *s = t->session;
	int r = creds_init_thread();

	slice_shorten(); /* without it all goes on as before, but for the time it takes */
	if (r < 0)
		log_error("a worker cannot start: %s", error_text(NULL, r));
	else
		worker_serve(&t->worker, wake_quiescer, s);

	journal_clear(t->worker.entry);
	journal_release(t->worker.entry);
	leave(s);
	return NULL;
}

int session_start(struct fs *fs, int end_fd, struct session **ret, struct error *err)
{
	unsigned int n = fs->options.n_workers;
	struct session *s = calloc(1, sizeof(*s) + n * sizeof(s->threads[0]));
	int r;

	if (!s)
		return error_set(err, -ENOMEM, "out of memory");
	r = desk_init(&s->desk, fs->session, &fs->inherited, fs->options.wait);
	if (r < 0) {
		free(s);
		return error_errno(err, r, "cannot prepare the workers");
	}
	s->end_fd = end_fd;
	s->n_running = n;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->stepped, NULL);

	for (; s->n_workers < n; s->n_workers++) {
		struct thread *t = &s->threads[s->n_workers];

		t->session = s;
		t->worker = (struct worker){.number = s->n_workers,
			.entry = journal_claim(&fs->journal),
			.desk = &s->desk};
		r = !t->worker.entry ? ENFILE : pthread_create(&t->id, NULL, run_worker, t);
		if (r != 0) {
			/* Those that run are enough to unmount and end properly. */
			__atomic_sub_fetch(&s->n_running, n - s->n_workers, __ATOMIC_SEQ_CST);
			*ret = s;
			return error_errno(err, -r, "cannot start worker %u", s->n_workers + 1);
		}
	}
	*ret = s;
	return 0;
}

static int quiesce(struct session *s, const struct timespec *until)
{
	int r = 0;

	pthread_mutex_lock(&s->lock);
	__atomic_store_n(&s->is_quiescing, 1, __ATOMIC_SEQ_CST);
	for (unsigned int i = 0; i < s->n_workers; i++) {
		const uint64_t *n_steps = &s->threads[i].worker.n_steps;
		uint64_t seen = __atomic_load_n(n_steps, __ATOMIC_SEQ_CST);

		while (r == 0 && (seen & 1) && __atomic_load_n(n_steps, __ATOMIC_SEQ_CST) == seen)
			r = -pthread_cond_timedwait(&s->stepped, &s->lock, until);
	}
	__atomic_store_n(&s->is_quiescing, 0, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&s->lock);
	return r;
}

int session_quiesce(struct session *s, int timeout_s)
{
	struct timespec until;
	int r;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += timeout_s;
	r = quiesce(s, &until);
	return r == 0 && s->old ? quiesce(s->old, &until) : r;
}

int session_stop(struct session *s, int timeout_ms)
{
	struct timespec until;
	int r = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += timeout_ms / 1000;
	pthread_mutex_lock(&s->lock);
	s->end_fd = -1;
	desk_stop(&s->desk);
	while (r == 0 && !session_has_ended(s))
		r = -pthread_cond_timedwait(&s->stepped, &s->lock, &until);
	pthread_mutex_unlock(&s->lock);
	return r;
}

void session_watch(struct session *s, struct session *old)
{
	s->old = old;
}

unsigned int session_count(const struct session *s)
{
	return s->n_workers + (s->old ? s->old->n_workers : 0);
}

const struct worker *session_worker(const struct session *s, unsigned int i)
{
	return i < s->n_workers ? &s->threads[i].worker : &s->old->threads[i - s->n_workers].worker;
}

bool session_has_ended(const struct session *s)
{
	return __atomic_load_n(&s->n_running, __ATOMIC_SEQ_CST) == 0;
}

bool session_is_unmounted(const struct session *s)
{
	return __atomic_load_n(&s->desk.is_unmounted, __ATOMIC_SEQ_CST);
}

void session_finish(struct session *s)
{
	if (!s)
		return;

	for (unsigned int i = 0; i < s->n_workers; i++)
		pthread_join(s->threads[i].id, NULL);
	desk_finish(&s->desk);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->stepped);
	free(s);
}
