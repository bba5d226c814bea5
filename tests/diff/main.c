/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The same operations on a native directory and on a mount, step by step; what differs is a
 * finding. Rounds are independent: round number i of a run with seed S is round 0 of seed S+i.
 */
#include "idmap.h"
#include "known.h"
#include "round.h"
#include "tolerated.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#define PROCS_MAX 64

/* Written by the processes, read by the first one. */
struct totals {
	size_t rounds, steps, successes;
	size_t known[KNOWN_MAX];
	uint64_t failed_seed;
	bool has_failed, is_broken;
};

static struct options {
	uint64_t seed, rounds;
	unsigned procs, seconds;
	bool idmap, no_shrink;
	const char *replay, *script_out;
} options = {.seed = 0, .procs = 2, .seconds = 10};

static struct config config = {.userns = -1, .steps = 400};

static const char usage_text[] =
	"usage: difftest [OPTION...] NATIVE MOUNT BASE\n"
	"\n"
	"NATIVE and MOUNT are empty directories, BASE is the directory below MOUNT.\n"
	"  --seed N        where the random numbers start (default: the time)\n"
	"  --steps N       steps of a round (400)\n"
	"  --rounds N      so many rounds, whatever time it takes\n"
	"  --seconds N     rounds for N seconds (10)\n"
	"  --procs K       rounds at once (2)\n"
	"  --idmap         through idmapped binds of both, the second actor in the user namespace\n"
	"  --disable OP,.. leave out operations\n"
	"  --only OP,..    nothing but these\n"
	"  --tame          no O_DIRECT, no large files: for a mount without passthrough\n"
	"  --replay FILE   run one script\n"
	"  --script FILE   where to write a script that shows a difference\n"
	"  --tolerate OP:NATIVE:MOUNT\n"
	"                  go on after such a difference; patterns of results\n"
	"  --no-shrink     do not shorten it\n"
	"  --list          the operations\n"
	"Exit status: 0 no difference, 1 a difference, 2 something else failed.\n";

/* --- options ---------------------------------------------------------------------------------- */

static uint64_t number(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 0);

	if (!*text || *end)
		errx(2, "'%s' is not a number", text);
	return n;
}

static void mark_ops(char *list, bool value)
{
	char *save = NULL;

	for (char *name = strtok_r(list, ",", &save); name; name = strtok_r(NULL, ",", &save)) {
		int code = op_find(name);

		if (code < 0)
			errx(2, "no operation '%s'; --list shows them", name);
		config.is_disabled[code] = value;
	}
}

static void list_ops(void)
{
	for (int i = 0; i < OP_COUNT; i++)
		printf("%-12s %-7s %s\n", op_table[i].name, op_table[i].args, op_table[i].help);
}

enum {
	OPT_SEED = 256,
	OPT_STEPS,
	OPT_ROUNDS,
	OPT_SECONDS,
	OPT_PROCS,
	OPT_IDMAP,
	OPT_DISABLE,
	OPT_ONLY,
	OPT_TAME,
	OPT_REPLAY,
	OPT_SCRIPT,
	OPT_NO_SHRINK,
	OPT_LIST,
	OPT_TOLERATE,
};

static const struct option long_options[] = {{"seed", 1, NULL, OPT_SEED},
	{"steps", 1, NULL, OPT_STEPS}, {"rounds", 1, NULL, OPT_ROUNDS},
	{"seconds", 1, NULL, OPT_SECONDS}, {"procs", 1, NULL, OPT_PROCS},
	{"idmap", 0, NULL, OPT_IDMAP}, {"disable", 1, NULL, OPT_DISABLE},
	{"only", 1, NULL, OPT_ONLY}, {"tame", 0, NULL, OPT_TAME}, {"replay", 1, NULL, OPT_REPLAY},
	{"script", 1, NULL, OPT_SCRIPT}, {"no-shrink", 0, NULL, OPT_NO_SHRINK},
	{"list", 0, NULL, OPT_LIST}, {"tolerate", 1, NULL, OPT_TOLERATE}, {"help", 0, NULL, 'h'},
	{NULL, 0, NULL, 0}};

static void take_option(int option)
{
	switch (option) {
	case OPT_SEED:
		options.seed = number(optarg);
		break;
	case OPT_STEPS:
		config.steps = number(optarg);
		break;
	case OPT_ROUNDS:
		options.rounds = number(optarg);
		break;
	case OPT_SECONDS:
		options.seconds = (unsigned)number(optarg);
		break;
	case OPT_PROCS:
		options.procs = (unsigned)number(optarg);
		break;
	case OPT_IDMAP:
		options.idmap = true;
		break;
	case OPT_DISABLE:
		mark_ops(optarg, true);
		break;
	case OPT_ONLY:
		memset(config.is_disabled, true, sizeof(config.is_disabled));
		mark_ops(optarg, false);
		break;
	case OPT_TAME:
		config.is_tame = true;
		break;
	case OPT_REPLAY:
		options.replay = optarg;
		break;
	case OPT_SCRIPT:
		options.script_out = optarg;
		break;
	case OPT_NO_SHRINK:
		options.no_shrink = true;
		break;
	case OPT_TOLERATE:
		if (!tolerate(optarg))
			errx(2, "'%s' is not OP:NATIVE:MOUNT", optarg);
		break;
	case OPT_LIST:
		list_ops();
		exit(0);
	case 'h':
		fputs(usage_text, stdout);
		exit(0);
	default:
		fputs(usage_text, stderr);
		exit(2);
	}
}

static void set_place(int i, const char *name, const char *dir, const char *base)
{
	struct place *p = &config.places[i];

	p->name = name;
	if (!realpath(dir, p->plain) || !realpath(base, p->base))
		err(2, "'%s'", dir);
	strcpy(p->view, p->plain);
}

static void take_arguments(int argc, char **argv)
{
	int option;

	options.seed = (uint64_t)time(NULL) * 1000;
	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1)
		take_option(option);
	if (argc - optind != 3 || options.procs == 0 || options.procs > PROCS_MAX) {
		fputs(usage_text, stderr);
		exit(2);
	}
	set_place(0, "native", argv[optind], argv[optind]);
	set_place(1, "mount", argv[optind + 1], argv[optind + 2]);
}

/* --- idmapped views --------------------------------------------------------------------------- */

static void bind_view(char *path, const char *tmp, const char *name)
{
	char target[128];
	int r;

	snprintf(target, sizeof(target), "%s/%s", tmp, name);
	if (mkdir(target, 0755) < 0)
		err(2, "'%s'", target);
	r = idmap_bind(path, target, config.userns);
	if (r < 0) {
		errno = -r;
		err(2, "an idmapped bind of '%s'", path);
	}
	strcpy(path, target);
}

static char idmap_dir[] = "/tmp/difftest.XXXXXX";

static void tear_down_idmap(void)
{
	umount2(idmap_dir, MNT_DETACH);
	rmdir(idmap_dir);
}

static void set_up_idmap(void)
{
	char *tmp = idmap_dir;

	errno = -idmap_private_mounts();
	if (errno)
		err(2, "a mount namespace");
	config.userns = idmap_userns();
	if (config.userns < 0) {
		errno = -config.userns;
		err(2, "a user namespace");
	}
	if (!mkdtemp(tmp) || chmod(tmp, 0755) < 0 || mount("difftest", tmp, "tmpfs", 0, NULL) < 0)
		err(2, "'%s'", tmp);
	bind_view(config.places[0].view, tmp, "native");
	strcpy(config.places[0].base, config.places[0].view);
	bind_view(config.places[1].view, tmp, "mount");
	bind_view(config.places[1].base, tmp, "base");
}

/* --- rounds ----------------------------------------------------------------------------------- */

static bool time_is_up(uint64_t rounds_done, time_t end)
{
	return options.rounds ? rounds_done >= options.rounds : time(NULL) >= end;
}

/* Rounds K, K + procs, ... until the time is up or somebody has found a difference. */
static void run_process(unsigned k, struct totals *totals)
{
	time_t end = time(NULL) + options.seconds;

	for (uint64_t i = k; !time_is_up(i, end) && !totals->has_failed; i += options.procs) {
		struct difference d = {0};
		struct script s;
		size_t steps = 0;
		int r;

		script_random(&s, &config, options.seed + i);
		r = round_run(&config, &s, &d, &steps);
		__sync_fetch_and_add(&totals->rounds, 1);
		__sync_fetch_and_add(&totals->steps, steps);
		if (r < 0)
			totals->is_broken = true;
		if (r == 1 && !__sync_lock_test_and_set(&totals->has_failed, true)) {
			totals->failed_seed = options.seed + i;
			printf("difference: seed %llu step %zu\n",
				(unsigned long long)totals->failed_seed, d.step + 1);
			difference_print(&d);
			fflush(stdout);
		}
		difference_finish(&d);
		script_finish(&s);
		if (r < 0)
			errx(2, "no tree in '%s': %s", config.places[1].plain, strerror(-r));
	}
	__sync_fetch_and_add(&totals->successes, config.successes);
	for (size_t i = 0; i < KNOWN_MAX; i++)
		__sync_fetch_and_add(&totals->known[i], config.known_seen[i]);
}

static void run_processes(struct totals *totals)
{
	pid_t pids[PROCS_MAX];
	int status;

	fflush(stdout);
	for (unsigned k = 0; k < options.procs; k++) {
		pids[k] = fork();
		if (pids[k] < 0)
			err(2, "fork");
		if (pids[k] == 0) {
			prctl(PR_SET_PDEATHSIG, SIGTERM);
			run_process(k, totals);
			fflush(stdout);
			_exit(0);
		}
	}
	for (unsigned k = 0; k < options.procs; k++)
		if (waitpid(pids[k], &status, 0) < 0 || status != 0)
			totals->is_broken = true;
}

static void print_script(FILE *f, const struct script *s, bool is_numbered)
{
	for (size_t i = 0; i < s->n; i++) {
		cleanup_strbuf struct strbuf line = STRBUF_INIT;

		op_format(&s->ops[i], &line);
		if (is_numbered)
			fprintf(f, "%4zu  %s\n", i + 1, line.data);
		else
			fprintf(f, "%s\n", line.data);
	}
}

static void write_script(const struct script *s)
{
	cleanup_file FILE *f = fopen(options.script_out, "we");

	if (!f)
		err(2, "'%s'", options.script_out);
	print_script(f, s, false);
	printf("written to '%s'; see it again with --replay\n", options.script_out);
}

/* Runs S alone: 1 when it differs, and what is left of it is printed. */
static int run_script(struct script *s, size_t *ret_steps)
{
	struct difference d = {0};
	int r = round_run(&config, s, &d, ret_steps);

	if (r < 0)
		errx(2, "no tree in '%s': %s", config.places[1].plain, strerror(-r));
	if (r == 0)
		return 0;
	if (!options.no_shrink)
		shrink(&config, s, &d);
	if (d.step < s->n)
		printf("a script of %zu operations; the last one differs:\n", s->n);
	else
		printf("a script of %zu operations; the trees at its end differ:\n", s->n);
	print_script(stdout, s, true);
	difference_print(&d);
	if (options.script_out)
		write_script(s);
	difference_finish(&d);
	return 1;
}

static int run_failed(const struct totals *totals)
{
	struct script s;
	size_t steps;
	int r;

	script_random(&s, &config, totals->failed_seed);
	r = run_script(&s, &steps);
	if (r == 0) {
		printf("not seen again when run alone\n");
		if (options.script_out)
			write_script(&s);
		else
			print_script(stdout, &s, true);
	}
	script_finish(&s);
	return 1;
}

static int run_replay(void)
{
	cleanup_file FILE *f = fopen(options.replay, "re");
	cleanup_free char *line = NULL;
	struct script s = {NULL, 0};
	size_t room = 0, number_of_line = 0, steps;
	int r;

	if (!f)
		err(2, "'%s'", options.replay);
	while (getline(&line, &room, f) > 0) {
		number_of_line++;
		if (line[0] == '#' || line[0] == '\n')
			continue;
		s.ops = realloc(s.ops, (s.n + 1) * sizeof(*s.ops));
		if (!s.ops)
			err(2, "a script");
		if (!op_parse(&s.ops[s.n++], line))
			errx(2, "%s:%zu: not an operation", options.replay, number_of_line);
	}
	r = run_script(&s, &steps);
	/* A known difference ends it, unless it is harmless. */
	if (r == 0)
		printf("%zu of %zu operations, no difference\n", steps < s.n ? steps : s.n, s.n);
	script_finish(&s);
	return r;
}

static int run_rounds(void)
{
	struct totals *totals = mmap(
		NULL, sizeof(*totals), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (totals == MAP_FAILED)
		err(2, "mmap");
	printf("seed %llu\n", (unsigned long long)options.seed);
	run_processes(totals);
	printf("%zu rounds, %zu steps compared, %zu of them without an errno\n", totals->rounds,
		totals->steps, totals->successes);
	for (size_t i = 0; known_reason(i); i++)
		if (totals->known[i])
			printf("%zu times: %s\n", totals->known[i], known_reason(i));
	if (totals->has_failed)
		return run_failed(totals);
	/* Rounds that did nothing prove nothing. */
	return totals->is_broken || totals->successes == 0 ? 2 : 0;
}

int main(int argc, char **argv)
{
	int r;

	take_arguments(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	if (options.idmap)
		set_up_idmap();
	r = options.replay ? run_replay() : run_rounds();
	if (options.idmap)
		tear_down_idmap();
	return r;
}
