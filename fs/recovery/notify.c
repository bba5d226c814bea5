/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "notify.h"

#include "cleanup.h"

#include <stdarg.h>
#include <systemd/sd-daemon.h>

bool notify_has_manager(void)
{
	const char *socket = getenv("NOTIFY_SOCKET");

	return socket && *socket;
}

/* sd_notify(3) says any positive number. */
static int send_state(const char *state)
{
	int r = sd_notify(0, state);

	return r > 0 ? 1 : r;
}

int notify_ready(void)
{
	return send_state("READY=1");
}

int notify_status(const char *fmt, ...)
{
	cleanup_free char *text = NULL;
	cleanup_free char *state = NULL;
	va_list ap;
	int r;

	if (!notify_has_manager())
		return 0;

	va_start(ap, fmt);
	r = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (r < 0) {
		text = NULL;
		return -ENOMEM;
	}
	if (asprintf(&state, "STATUS=%s", text) < 0) {
		state = NULL;
		return -ENOMEM;
	}
	/* A line break would begin another assignment. */
	for (char *p = state; *p; p++)
		if (*p == '\n')
			*p = ' ';
	return send_state(state);
}

int notify_stopping(void)
{
	return send_state("STOPPING=1");
}

int notify_mainpid(pid_t pid)
{
	char state[32];

	snprintf(state, sizeof(state), "MAINPID=%d", (int)pid);
	return send_state(state);
}

int notify_watchdog(void)
{
	return send_state("WATCHDOG=1");
}

uint64_t notify_watchdog_usec(void)
{
	uint64_t usec = 0;

	return sd_watchdog_enabled(0, &usec) > 0 ? usec : 0;
}

int notify_barrier(int timeout_ms)
{
	int r = sd_notify_barrier(0, (uint64_t)timeout_ms * 1000);

	return r > 0 ? 1 : r;
}
