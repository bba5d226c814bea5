/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd.h"
#include "log.h"
#include "watch.h"

#include <poll.h>
#include <signal.h>
#include <string.h>

#define IDLE_MS 60000
#define RETRY_FIRST_MS 500
#define RETRY_MAX_MS 30000

/* For the signal handler. */
static volatile sig_atomic_t is_ending;
static struct incus_events *volatile listening; /* NULL = not waiting for events */

static void on_signal(int number)
{
	struct incus_events *events = listening;

	(void)number;
	is_ending = 1;
	if (events)
		incus_events_wake(events);
}

static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* Until the connection or the process ends. What one event does wrong does not end it. */
static int follow(struct watch *w, struct incus_events *events, struct error *err)
{
	while (!is_ending) {
		cleanup_incus_event struct incus_event event = {NULL};
		cleanup_error struct error why = {NULL};
		int r = incus_events_next(events, IDLE_MS, &event, err);

		if (r == -ETIMEDOUT || r == -EINTR)
			continue;
		if (r < 0)
			return r;
		log_debug("event: %s %s/%s", event.action, event.project, event.name);
		r = watch_event(w, &event, &why);
		if (r < 0)
			log_error("%s of '%s/%s': %s", event.action, event.project, event.name,
				error_text(&why, r));
	}
	return 0;
}

/*
 * One connection: listen first, then look at everything, so that nothing falls between. The
 * catalogue must be there from the beginning; later on it may be away for a while.
 */
static int watch_once(struct watch *w, bool *ret_was_connected, struct error *err)
{
	cleanup_incus_events struct incus_events *events = NULL;
	cleanup_incus struct incus *incus = NULL;
	int r;

	r = incus_events_open(NULL, &events, err);
	if (r == 0)
		r = incus_open(NULL, &incus, err);
	if (r < 0)
		return r;

	listening = events;
	w->incus = incus;
	r = watch_sync(w, err);
	if (r == 0) {
		*ret_was_connected = true;
		log_notice("watching Incus %s", incus_get_version(incus));
		r = follow(w, events, err);
	}
	listening = NULL;
	return r;
}

/* Wait, unless a signal comes, also in between the look at the flag and the wait. */
static void pause_ms(unsigned int ms)
{
	const struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
	sigset_t blocked, before;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	if (!is_ending)
		ppoll(NULL, 0, &ts, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static int look_once(struct watch *w, struct error *err)
{
	cleanup_incus struct incus *incus = NULL;
	int r = incus_open(NULL, &incus, err);

	w->incus = incus;
	return r < 0 ? r : watch_sync(w, err);
}

int cmd_watch(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	struct watch w = {.env = env};
	unsigned int retry_ms = RETRY_FIRST_MS;

	(void)argc;
	(void)argv;
	log_init("anklume-fsctl", env->is_debugging ? LOG_LEVEL_DEBUG
				  : env->is_quiet   ? LOG_LEVEL_WARNING
						    : LOG_LEVEL_NOTICE);
	if (access(env->catalog, R_OK | W_OK) < 0)
		return error_errno(err, -errno, "catalogue '%s'", env->catalog);
	if (env->is_once)
		return look_once(&w, err);
	catch_signals();
	while (!is_ending) {
		cleanup_error struct error why = {NULL};
		bool was_connected = false;
		int r = watch_once(&w, &was_connected, &why);

		if (is_ending)
			break;
		if (was_connected)
			retry_ms = RETRY_FIRST_MS;
		log_warning("%s; trying again in %u.%u s", error_text(&why, r), retry_ms / 1000,
			retry_ms % 1000 / 100);
		pause_ms(retry_ms);
		retry_ms = retry_ms * 2 < RETRY_MAX_MS ? retry_ms * 2 : RETRY_MAX_MS;
	}
	log_notice("ending");
	return 0;
}
