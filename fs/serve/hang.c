/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hang.h"

#include "clock.h"
#include "notify.h"
#include "threadstat.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

#define SAY_AGAIN_MS 60000
#define FUSECTL "/sys/fs/fuse/connections"

int hang_init(struct hang *h, uint32_t default_ms, struct error *err)
{
	int64_t watchdog_ms = (int64_t)(notify_watchdog_usec() / 1000);
	struct itimerspec tick;

	if (watchdog_ms == 0)
		watchdog_ms = default_ms;
	h->limit_ms = watchdog_ms / 2;
	/* Twice within the limit: there is always an earlier look to compare with. */
	tick.it_value.tv_sec = watchdog_ms / 4 / 1000;
	tick.it_value.tv_nsec = (watchdog_ms / 4 % 1000) * 1000000 + 1;
	tick.it_interval = tick.it_value;
	h->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (h->timer_fd < 0 || timerfd_settime(h->timer_fd, 0, &tick, NULL) < 0)
		return error_errno(err, -errno, "cannot make a timer");
	return 0;
}

void hang_finish(struct hang *h)
{
	cleanup_closep(&h->timer_fd);
	h->timer_fd = -1;
}

/*
 * Between two looks at the same request: a loop of ours spends its time outside the kernel, a copy
 * of a large file inside it. At the first look nobody knows yet.
 */
static enum hang_verdict judge_running(const struct hang_sample *last, const struct threadstat *now)
{
	return now->user - last->user > now->kernel - last->kernel ? HANG_DAEMON : HANG_NONE;
}

/* HANG_NONE: not stuck, or busy in the kernel with something large. */
static enum hang_verdict judge(struct hang *h, struct hang_sample *last, const struct underway *f)
{
	struct threadstat t = threadstat_read(f->tid);
	enum hang_verdict v = HANG_NONE;

	if (f->served_ms >= h->limit_ms) {
		if (t.place == THREAD_IN_KERNEL)
			v = HANG_BASE;
		else if (t.place == THREAD_IN_DAEMON)
			v = HANG_DAEMON;
		else if (t.place == THREAD_RUNNING && last->progress == f->progress)
			v = judge_running(last, &t);
	}
	*last = (struct hang_sample){.progress = f->progress,
		.user = t.user,
		.kernel = t.kernel,
		.is_blamed = last->is_blamed && last->progress == f->progress};
	return v;
}

static void say(struct hang *h, struct fs *fs, enum hang_verdict v, const struct underway *f,
	unsigned int n)
{
	int64_t now_ms = clock_ms(CLOCK_MONOTONIC);
	cleanup_free char *text = NULL;

	if (h->said_ms && now_ms - h->said_ms < SAY_AGAIN_MS)
		return;
	h->said_ms = now_ms;
	text = underway_text(fs, f);
	log_error("stuck: %s%s; %u in all; see 'anklume-fsctl doctor'", text ? text : "a request",
		v == HANG_BASE ? ": the base does not answer" : ": this daemon is at fault", n);
}

/* The next daemon does not try for ever what each one hangs at. */
static void blame(struct hang_sample *sample, const struct underway *f)
{
	if (!sample->is_blamed)
		journal_blame_entry(f->entry);
	sample->is_blamed = true;
}

enum hang_verdict hang_look(struct hang *h, struct fs *fs, const struct session *s)
{
	struct underway stuck[HANG_WORKERS_MAX];
	enum hang_verdict verdict = HANG_NONE;
	int64_t now_ns = clock_ns(CLOCK_MONOTONIC);
	unsigned int n = 0, oldest = 0;
	unsigned int numbers[HANG_WORKERS_MAX];
	uint64_t n_times;

	if (read(h->timer_fd, &n_times, sizeof(n_times)) < 0)
		return HANG_NONE;
	for (unsigned int i = 0; s && i < session_count(s) && i < HANG_WORKERS_MAX; i++) {
		enum hang_verdict v;

		if (!underway_look(session_worker(s, i), now_ns, &stuck[n]))
			continue;
		v = judge(h, &h->samples[i], &stuck[n]);
		if (v == HANG_NONE)
			continue;
		/* Others may wait for a lock of one that the base has; it has to answer first. */
		if (v > verdict)
			verdict = v;
		if (stuck[n].age_ms > stuck[oldest].age_ms)
			oldest = n;
		numbers[n++] = i;
	}

	if (verdict != HANG_NONE)
		say(h, fs, verdict, &stuck[oldest], n);
	else
		h->said_ms = 0;
	if (verdict != HANG_DAEMON)
		notify_watchdog();
	for (unsigned int i = 0; verdict == HANG_DAEMON && i < n; i++)
		blame(&h->samples[numbers[i]], &stuck[i]);
	return verdict;
}

unsigned int hang_count(const struct hang *h, const struct session *s)
{
	int64_t now_ns = clock_ns(CLOCK_MONOTONIC);
	unsigned int n = 0;
	struct underway f;

	for (unsigned int i = 0; i < session_count(s); i++)
		n += underway_look(session_worker(s, i), now_ns, &f) && f.served_ms >= h->limit_ms;
	return n;
}

bool hang_oldest(const struct session *s, struct underway *ret)
{
	int64_t now_ns = clock_ns(CLOCK_MONOTONIC);
	bool is_any = false;
	struct underway f;

	for (unsigned int i = 0; i < session_count(s); i++) {
		if (!underway_look(session_worker(s, i), now_ns, &f) ||
			(is_any && f.age_ms <= ret->age_ms))
			continue;
		*ret = f;
		is_any = true;
	}
	return is_any;
}

static int open_abort(unsigned int connection)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), FUSECTL "/%u/abort", connection);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	/* systemd mounts it; nobody has, where there is none. */
	if (fd < 0 && errno == ENOENT && mount("fusectl", FUSECTL, "fusectl", 0, NULL) == 0)
		fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int hang_abort(const char *path)
{
	cleanup_fd int fd = -1;
	struct statx st;

	/* DONT_SYNC: no request, which nobody would answer (Linux, fuse_update_get_attr()). */
	if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, 0, &st) < 0)
		return -errno;
	/* The connection has the number of the device (Linux, fs/fuse/control.c). */
	fd = open_abort(st.stx_dev_minor);
	if (fd < 0)
		return fd;
	return write(fd, "1", 1) == 1 ? 0 : -errno;
}
