/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "options.h"

#include "mount.h"
#include "mountopts.h"
#include "path.h"
#include "str.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#define WORKERS_DEFAULT 8
#define WORKERS_MAX 256
#define WATCHDOG_MAX_S 3600
#define SOURCE_DEFAULT "anklume-fs"

static const char help[] =
	"Usage: anklume-fs [OPTION...]\n"
	"       anklume-fs BASE MOUNTPOINT [-o OPTION,...]\n"
	"       anklume-fs --plain DIR [SOURCE] MOUNTPOINT [-o OPTION,...]\n"
	"Mount the data of anklume's volumes, with their protection.\n"
	"\n"
	"      --base DIR        where the data is (" DEFAULT_BASE ")\n"
	"      --catalog FILE    the catalogue (" DEFAULT_CATALOG ")\n"
	"      --mount DIR       where to mount (" DEFAULT_MOUNT ")\n"
	"      --control SOCKET  for anklume-fsctl (" DEFAULT_CONTROL ")\n"
	"      --plain DIR       no catalogue: the mount is DIR, unprotected\n"
	"  -o OPTION,...         as in fstab: ro, nosuid, suid, dev, noatime,\n"
	"                        remount, fsname=NAME, plain[=DIR], base=, ...\n"
	"  -f, --foreground      do not go into the background\n"
	"      --no-hold         do not survive a crash: nobody starts it again\n"
	"      --keep-mount      SIGTERM leaves the mount for the next process: for\n"
	"                        service managers with a file descriptor store\n"
	"      --workers N       threads that answer requests (8)\n"
	"      --wait HOW        for requests: sleep, spin or awake (awake)\n"
	"      --watchdog SECONDS  without progress for so long it is killed and\n"
	"                        started again (30), 0: never; not under systemd\n"
	"      --on-hang HOW     when the base hangs: block callers, or abort (block)\n"
	"      --log-level LEVEL error, warning, notice, info or debug (info)\n"
	"  -h, --help            show this\n"
	"  -V, --version         show the version\n"
	"\n"
	"The first four are also read from ANKLUME_BASE, ANKLUME_CATALOG,\n"
	"ANKLUME_MOUNT and ANKLUME_CONTROL. In the background the command\n"
	"returns when the mount is up.\n"
	"\n"
	"Exit status:\n"
	"  0  unmounted, or in the background and serving\n"
	"  1  something failed\n"
	"  2  wrong usage\n"
	"  3  refused: the mount point or the base is in use or not fit\n"
	"  4  the catalogue cannot be used\n"
	"  5  left mounted for the next process (--keep-mount)\n"
	"\n"
	"See anklume-fs(8).\n";

enum {
	OPT_BASE = 256,
	OPT_CATALOG,
	OPT_MOUNT,
	OPT_CONTROL,
	OPT_PLAIN,
	OPT_WORKERS,
	OPT_WAIT,
	OPT_WATCHDOG,
	OPT_ON_HANG,
	OPT_LOG_LEVEL,
	OPT_NO_HOLD,
	OPT_KEEP_MOUNT,
	OPT_CHECK,
};

static const struct option long_options[] = {
	{"base", required_argument, NULL, OPT_BASE},
	{"catalog", required_argument, NULL, OPT_CATALOG},
	{"mount", required_argument, NULL, OPT_MOUNT},
	{"control", required_argument, NULL, OPT_CONTROL},
	{"plain", required_argument, NULL, OPT_PLAIN},
	{"workers", required_argument, NULL, OPT_WORKERS},
	{"wait", required_argument, NULL, OPT_WAIT},
	{"watchdog", required_argument, NULL, OPT_WATCHDOG},
	{"on-hang", required_argument, NULL, OPT_ON_HANG},
	{"log-level", required_argument, NULL, OPT_LOG_LEVEL},
	{"no-hold", no_argument, NULL, OPT_NO_HOLD},
	{"keep-mount", no_argument, NULL, OPT_KEEP_MOUNT},
	{"check-takeover", no_argument, NULL, OPT_CHECK},
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

static const struct {
	const char *name;
	enum worker_wait wait;
} waits[] = {
	{"sleep", WORKER_WAIT_SLEEP},
	{"spin", WORKER_WAIT_SPIN},
	{"awake", WORKER_WAIT_AWAKE},
};

/* What the command line says, before the three forms are told apart. */
struct parser {
	struct mountopts mount;
	const char *mount_point;
	const char *log_level;
	bool foreground;
	bool no_hold;
	bool keeps_mount;
	enum options_action action;
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
		return error_set(err, -EINVAL, "workers '%s' is not a number from 1 to %d", text,
			WORKERS_MAX);
	*ret = n;
	return 0;
}

static int parse_wait(const char *text, enum worker_wait *ret, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(waits); i++) {
		if (strcmp(waits[i].name, text) == 0) {
			*ret = waits[i].wait;
			return 0;
		}
	}
	return error_set(err, -EINVAL, "wait '%s' is not sleep, spin or awake", text);
}

/* Half of it is how long a request may take; what is shorter is no sign of anything. */
static int parse_watchdog(const char *text, uint32_t *ret_ms, struct error *err)
{
	uint32_t s;

	if (parse_u32(text, &s) < 0 || s > WATCHDOG_MAX_S)
		return error_set(err, -EINVAL, "watchdog '%s' is not a number of seconds up to %d",
			text, WATCHDOG_MAX_S);
	*ret_ms = s * 1000;
	return 0;
}

static int parse_on_hang(const char *text, bool *ret_aborts, struct error *err)
{
	*ret_aborts = strcmp(text, "abort") == 0;
	if (*ret_aborts || strcmp(text, "block") == 0)
		return 0;
	return error_set(err, -EINVAL, "on-hang '%s' is not block or abort", text);
}

static const char *from_env(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value && *value ? value : otherwise;
}

static int take_option(int opt, struct parser *p, struct error *err)
{
	const char **where[] = {
		[OPT_BASE - OPT_BASE] = &p->mount.base,
		[OPT_CATALOG - OPT_BASE] = &p->mount.catalog,
		[OPT_MOUNT - OPT_BASE] = &p->mount_point,
		[OPT_CONTROL - OPT_BASE] = &p->mount.control,
		[OPT_PLAIN - OPT_BASE] = &p->mount.plain_dir,
		[OPT_WORKERS - OPT_BASE] = &p->mount.workers,
		[OPT_WAIT - OPT_BASE] = &p->mount.wait,
		[OPT_WATCHDOG - OPT_BASE] = &p->mount.watchdog,
		[OPT_ON_HANG - OPT_BASE] = &p->mount.on_hang,
		[OPT_LOG_LEVEL - OPT_BASE] = &p->log_level,
	};

	if (opt >= OPT_BASE && opt <= OPT_LOG_LEVEL) {
		*where[opt - OPT_BASE] = optarg;
		return 0;
	}
	switch (opt) {
	case 'o':
		return mountopts_parse(optarg, &p->mount, err);
	case OPT_KEEP_MOUNT:
		p->keeps_mount = true;
		return 0;
	case OPT_CHECK:
		p->action = OPTIONS_CHECK;
		return 0;
	case OPT_NO_HOLD:
		p->no_hold = true;
		return 0;
	case 'f':
		p->foreground = true;
		return 0;
	case 'h':
		fputs(help, stdout);
		p->action = OPTIONS_EXIT;
		return 0;
	case 'V':
		puts("anklume-fs " ANKLUME_VERSION);
		p->action = OPTIONS_EXIT;
		return 0;
	default:
		return error_set(err, -EINVAL, "see 'anklume-fs --help'");
	}
}

/* Positional arguments: [SOURCE] MOUNTPOINT. Returns SOURCE, NULL when there is none. */
static int take_arguments(
	int n, char **args, struct parser *p, const char **ret_source, struct error *err)
{
	*ret_source = NULL;
	if (n > 2)
		return error_set(err, -EINVAL, "unexpected argument '%s'", args[2]);
	if (n == 0)
		return 0;
	if (p->mount_point)
		return error_set(
			err, -EINVAL, "--mount and '%s': name one mount point", args[n - 1]);
	if (n == 1 && !p->mount.plain_dir && !p->mount.is_remount)
		return error_set(
			err, -EINVAL, "'%s': a source and a mount point go together", args[0]);

	p->mount_point = args[n - 1];
	if (n == 2)
		*ret_source = args[0];
	return 0;
}

/* The data, and the name under which the mount table shows it. */
static void choose_source(const struct parser *p, const char *source, struct fs_options *o)
{
	const struct mountopts *m = &p->mount;

	o->is_plain = m->is_plain || m->plain_dir;
	if (o->is_plain)
		o->base = m->plain_dir ? m->plain_dir : source;
	else if (m->base)
		o->base = m->base;
	else
		o->base = source ? source : from_env("ANKLUME_BASE", DEFAULT_BASE);

	o->source = m->fsname ? m->fsname : source ? source : SOURCE_DEFAULT;
}

static int choose(const struct parser *p, const char *source, struct options *o, struct error *err)
{
	const struct mountopts *m = &p->mount;
	int r = 0;

	choose_source(p, source, &o->fs);
	if (!o->fs.base)
		return error_set(err, -EINVAL, "plain: which directory?");

	o->fs.mount = p->mount_point ? p->mount_point : from_env("ANKLUME_MOUNT", DEFAULT_MOUNT);
	o->fs.mount_flags = m->flags;
	o->fs.n_workers = WORKERS_DEFAULT;
	o->fs.wait = WORKER_WAIT_AWAKE;
	o->watchdog_ms = WATCHDOG_DEFAULT_MS;
	o->log_level = LOG_LEVEL_INFO;
	o->foreground = p->foreground;
	o->no_hold = p->no_hold;
	o->keeps_mount = p->keeps_mount;
	o->fs.is_checking = p->action == OPTIONS_CHECK;
	if (o->fs.is_plain) {
		o->fs.subtype = m->subtype;
		o->fs.control = m->control;
	} else {
		o->fs.subtype = MOUNT_SUBTYPE;
		o->fs.catalog =
			m->catalog ? m->catalog : from_env("ANKLUME_CATALOG", DEFAULT_CATALOG);
		o->fs.control =
			m->control ? m->control : from_env("ANKLUME_CONTROL", DEFAULT_CONTROL);
	}

	if (m->workers)
		r = parse_workers(m->workers, &o->fs.n_workers, err);
	if (r == 0 && m->wait)
		r = parse_wait(m->wait, &o->fs.wait, err);
	if (r == 0 && m->watchdog)
		r = parse_watchdog(m->watchdog, &o->watchdog_ms, err);
	if (r == 0 && m->on_hang)
		r = parse_on_hang(m->on_hang, &o->aborts_hung, err);
	if (r == 0 && p->log_level)
		r = parse_level(p->log_level, &o->log_level, err);
	return r;
}

/* The daemon leaves the directory it was started in. */
static int make_absolute(struct options *o, struct error *err)
{
	const char **paths[] = {&o->fs.base, &o->fs.catalog, &o->fs.mount, &o->fs.control};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		if (!*paths[i])
			continue;
		o->owned[i] = path_make_absolute(*paths[i]);
		if (!o->owned[i])
			return error_errno(err, -errno, "'%s'", *paths[i]);
		*paths[i] = o->owned[i];
	}
	return 0;
}

void options_finish(struct options *o)
{
	for (size_t i = 0; i < ARRAY_SIZE(o->owned); i++)
		free(o->owned[i]);
}

int options_parse(int argc, char **argv, struct options *ret, enum options_action *ret_action,
	struct error *err)
{
	/*
	 * nosuid: with shift=true root in a container makes files of the host's root; a set-user-id
	 * program among them must not work for users of the host. `-o suid` says otherwise.
	 */
	struct parser p = {.mount.flags = MS_NOSUID | MS_NODEV, .action = OPTIONS_RUN};
	const char *source;
	int opt;
	int r;

	memset(ret, 0, sizeof(*ret));
	while ((opt = getopt_long(argc, argv, "fhVo:", long_options, NULL)) != -1) {
		r = take_option(opt, &p, err);
		*ret_action = p.action;
		if (r < 0 || p.action == OPTIONS_EXIT)
			return r;
	}
	r = take_arguments(argc - optind, argv + optind, &p, &source, err);
	if (r == 0)
		r = choose(&p, source, ret, err);
	if (r == 0)
		r = make_absolute(ret, err);
	*ret_action = p.mount.is_remount ? OPTIONS_REMOUNT : p.action;
	return r;
}
