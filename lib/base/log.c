/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log.h"

#include "cleanup.h"
#include "clock.h"

#include <stdarg.h>
#include <string.h>
#include <syslog.h>

static const char *log_program = "anklume";
static enum log_level log_max = LOG_LEVEL_INFO;
enum { TO_STDERR, TO_JOURNAL_STREAM, TO_SYSLOG };

static int log_target; /* atomic: changes while threads run */

void log_init(const char *program, enum log_level max)
{
	log_program = program;
	log_max = max;
	log_target = getenv("JOURNAL_STREAM") ? TO_JOURNAL_STREAM : TO_STDERR;
}

void log_to_syslog(void)
{
	openlog(log_program, LOG_PID, LOG_DAEMON);
	__atomic_store_n(&log_target, TO_SYSLOG, __ATOMIC_RELEASE);
}

bool log_wants(enum log_level level)
{
	return level <= log_max;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	cleanup_free char *text = NULL;
	va_list ap;
	int target;
	int r;

	if (!log_wants(level))
		return;

	va_start(ap, fmt);
	r = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (r < 0) {
		text = NULL;
		return;
	}

	/*
	 * One line, one write: stderr is unbuffered and lines of threads must not mix. A message
	 * may have a second line, of advice, for terminals.
	 */
	for (char *p = text; (p = strchr(p, '\n'));)
		*p = ' ';

	target = __atomic_load_n(&log_target, __ATOMIC_ACQUIRE);
	if (target == TO_SYSLOG)
		syslog((int)level, "%s", text);
	else if (target == TO_JOURNAL_STREAM)
		dprintf(STDERR_FILENO, "<%d>%s\n", (int)level, text);
	else
		dprintf(STDERR_FILENO, "%s: %s\n", log_program, text);
}

bool log_limit_pass(struct log_limit *limit, unsigned int *ret_suppressed)
{
	uint64_t start = __atomic_load_n(&limit->window_ms, __ATOMIC_RELAXED);
	uint64_t now = (uint64_t)clock_ms(CLOCK_MONOTONIC);

	if (now - start >= limit->interval_ms &&
		__atomic_compare_exchange_n(
			&limit->window_ms, &start, now, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		__atomic_store_n(&limit->used, 0, __ATOMIC_RELAXED);

	if (__atomic_fetch_add(&limit->used, 1, __ATOMIC_RELAXED) >= limit->burst) {
		__atomic_fetch_add(&limit->suppressed, 1, __ATOMIC_RELAXED);
		return false;
	}
	*ret_suppressed = __atomic_exchange_n(&limit->suppressed, 0, __ATOMIC_RELAXED);
	return true;
}
