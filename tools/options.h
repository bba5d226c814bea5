/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_OPTIONS_H
#define ANKLUME_OPTIONS_H

/* The options, as one table that the parser, the help, the completion and the tests read. */

#include "cmd.h"

enum option_kind {
	OPTION_STRING, /* the value goes to the env's field */
	OPTION_FLAG, /* the env's field becomes true */
	OPTION_JSON, /* short for --format json */
};

struct option_row {
	const char *name;
	char letter; /* 0 = none */
	const char *arg; /* NULL = takes none */
	uint64_t bit; /* enum cmd_option; 0 = every verb takes it */
	enum option_kind kind;
	size_t offset; /* of the field in struct cmd_env */
	const char *variable; /* environment, NULL = none */
	const char *help;
};

extern const struct option_row options[];
extern const size_t n_options;

/* Set ENV to the defaults and what the environment says. */
void options_init(struct cmd_env *env);

/*
 * Read the options before and behind the verb. *RET_CMD is NULL when there is no verb (--help,
 * --version); the operands are *RET_ARGC strings at *RET_ARGV (inside ARGV). 0 or CMD_USAGE.
 */
int options_parse(struct cmd_env *env, int argc, char **argv, const struct cmd **ret_cmd,
	int *ret_argc, char ***ret_argv, struct error *err);

#endif
