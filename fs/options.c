/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "options.h"

#include "str.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define WORKERS_DEFAULT 8
#define WORKERS_MAX 256

static const char help[] = "Usage: anklume-fs [OPTION...]\n"
			   "Mount the data of anklume's volumes, with their protection.\n"
			   "\n"
			   "      --base DIR        where the data is (" DEFAULT_BASE ")\n"
			   "      --catalog FILE    the catalogue (" DEFAULT_CATALOG ")\n"
			   "      --mount DIR       where to mount (" DEFAULT_MOUNT ")\n"
			   "      --control SOCKET  for anklume-fsctl (" DEFAULT_CONTROL ")\n"
			   "  -f, --foreground      do not go into the background\n"
			   "      --workers N       threads that answer requests (8)\n"
			   "      --log-level LEVEL error, warning, notice, info or debug (info)\n"
			   "  -h, --help            show this\n"
			   "  -V, --version         show the version\n"
			   "\n"
			   "The first four are also read from ANKLUME_BASE, ANKLUME_CATALOG,\n"
			   "ANKLUME_MOUNT and ANKLUME_CONTROL.\n"
			   "\n"
			   "Exit status:\n"
			   "  0  unmounted, or in the background and serving\n"
			   "  1  something failed\n"
			   "  2  wrong usage\n"
			   "  3  refused: the mount point or the base is in use or not fit\n"
			   "  4  the catalogue cannot be used\n"
			   "\n"
			   "See anklume-fs(8).\n";

enum {
	OPT_BASE = 256,
	OPT_CATALOG,
	OPT_MOUNT,
	OPT_CONTROL,
	OPT_WORKERS,
	OPT_LOG_LEVEL,
};

static const struct option long_options[] = {
	{"base", required_argument, NULL, OPT_BASE},
	{"catalog", required_argument, NULL, OPT_CATALOG},
	{"mount", required_argument, NULL, OPT_MOUNT},
	{"control", required_argument, NULL, OPT_CONTROL},
	{"workers", required_argument, NULL, OPT_WORKERS},
	{"log-level", required_argument, NULL, OPT_LOG_LEVEL},
	{"foreground", no_argument, NULL, 'f'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

static const struct {
	const char *name;
	enum log_level level;
} levels[] = {
	{"error", LOG_LEVEL_ERROR},
	{"warning", LOG_LEVEL_WARNING},
	{"notice", LOG_LEVEL_NOTICE},
	{"info", LOG_LEVEL_INFO},
	{"debug", LOG_LEVEL_DEBUG},
};

static int parse_level(const char *text, enum log_level *ret, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		if (strcmp(levels[i].name, text) == 0) {
			*ret = levels[i].level;
			return 0;
		}
	}
	return error_set(err, -EINVAL, "unknown log level '%s'", text);
}

static int parse_workers(const char *text, unsigned int *ret, struct error *err)
{
	uint32_t n;

	if (parse_u32(text, &n) < 0 || n == 0 || n > WORKERS_MAX)
		return error_set(err, -EINVAL, "--workers '%s' is not a number from 1 to %d", text,
			WORKERS_MAX);
	*ret = n;
	return 0;
}

static const char *from_env(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value && *value ? value : otherwise;
}

static int set_option(int opt, struct options *o, enum options_action *action, struct error *err)
{
	switch (opt) {
	case OPT_BASE:
		o->fs.base = optarg;
		return 0;
	case OPT_CATALOG:
		o->fs.catalog = optarg;
		return 0;
	case OPT_MOUNT:
		o->fs.mount = optarg;
		return 0;
	case OPT_CONTROL:
		o->fs.control = optarg;
		return 0;
	case OPT_WORKERS:
		return parse_workers(optarg, &o->fs.n_workers, err);
	case OPT_LOG_LEVEL:
		return parse_level(optarg, &o->log_level, err);
	case 'f':
		o->foreground = true;
		return 0;
	case 'h':
		fputs(help, stdout);
		*action = OPTIONS_EXIT;
		return 0;
	case 'V':
		puts("anklume-fs " ANKLUME_VERSION);
		*action = OPTIONS_EXIT;
		return 0;
	default:
		return error_set(err, -EINVAL, "see 'anklume-fs --help'");
	}
}

int options_parse(int argc, char **argv, struct options *ret, enum options_action *ret_action,
	struct error *err)
{
	struct options o = {
		.fs.base = from_env("ANKLUME_BASE", DEFAULT_BASE),
		.fs.catalog = from_env("ANKLUME_CATALOG", DEFAULT_CATALOG),
		.fs.mount = from_env("ANKLUME_MOUNT", DEFAULT_MOUNT),
		.fs.control = from_env("ANKLUME_CONTROL", DEFAULT_CONTROL),
		.fs.n_workers = WORKERS_DEFAULT,
		.log_level = LOG_LEVEL_INFO,
	};
	int opt;

	*ret_action = OPTIONS_RUN;
	while ((opt = getopt_long(argc, argv, "fhV", long_options, NULL)) != -1) {
		int r = set_option(opt, &o, ret_action, err);

		if (r < 0 || *ret_action == OPTIONS_EXIT)
			return r;
	}
	if (optind < argc)
		return error_set(err, -EINVAL, "unexpected argument '%s'", argv[optind]);
	*ret = o;
	return 0;
}
