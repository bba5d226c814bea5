/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_LOG_H
#define ANKLUME_LOG_H

#include <stdbool.h>
#include <stdint.h>

/* Levels are those of syslog(3). */
enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/*
 * Where lines go: stderr, with "<N>" priority prefixes when it is the journal's stream
 * ($JOURNAL_STREAM, systemd.exec(5)). PROGRAM is borrowed. Lines above MAX are dropped.
 */
void log_init(const char *program, enum log_level max);

/* From now on lines go to syslog(3): for a daemon that has left its terminal. */
void log_to_syslog(void);

bool log_wants(enum log_level level);

void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...) log_line(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)                                          \
	do {                                                    \
		if (log_wants(LOG_LEVEL_DEBUG))                 \
			log_line(LOG_LEVEL_DEBUG, __VA_ARGS__); \
	} while (0)

/*
 * A bucket of BURST lines that refills once per INTERVAL_MS. Thread-safe. Zero-initialise, set
 * the two limits, keep for the life of the process.
 */
struct log_limit {
	unsigned int burst;
	unsigned int interval_ms;
	uint64_t window_ms; /* atomic */
	unsigned int used; /* atomic */
	unsigned int suppressed; /* atomic: dropped since the last line that passed */
};

/* True when a line may be written now; *RET_SUPPRESSED is how many were dropped before it. */
bool log_limit_pass(struct log_limit *limit, unsigned int *ret_suppressed);

#endif
