/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "options.h"

#include <getopt.h>
#include <string.h>

#include "str.h"

#define STRING(field) OPTION_STRING, offsetof(struct cmd_env, field)
#define FLAG(field) OPTION_FLAG, offsetof(struct cmd_env, field)

const struct option_row options[] = {
	{"format", 'f', "FORMAT", 0, STRING(format_name), NULL,
		"table, json, yaml, csv or compact"},
	{"json", 0, NULL, 0, OPTION_JSON, 0, NULL, "short for --format json"},
	{"quiet", 'q', NULL, 0, FLAG(is_quiet), NULL, "say nothing about what went well"},
	{"debug", 0, NULL, 0, FLAG(is_debugging), NULL, "show every call to Incus on stderr"},
	{"catalog", 0, "FILE", 0, STRING(catalog), "ANKLUME_CATALOG",
		"the catalogue (" DEFAULT_CATALOG ")"},
	{"base", 0, "DIR", 0, STRING(base), "ANKLUME_BASE", "the data base (" DEFAULT_BASE ")"},
	{"mount", 0, "DIR", 0, STRING(mount), "ANKLUME_MOUNT",
		"where it is mounted (" DEFAULT_MOUNT ")"},
	{"control", 0, "SOCKET", 0, STRING(control), "ANKLUME_CONTROL",
		"the daemon's socket (" DEFAULT_CONTROL ")"},
	{"help", 'h', NULL, 0, FLAG(wants_help), NULL, "help, also for one verb"},
	{"version", 'V', NULL, 0, FLAG(wants_version), NULL, "print the version"},
	{"dry-run", 'n', NULL, OPT_DRY_RUN, FLAG(is_dry_run), NULL,
		"say what would change, change nothing"},
	{"spec", 0, "PATH", OPT_SPEC, STRING(spec), NULL, "the spec: a file or a directory"},
	{"inherit", 0, NULL, OPT_INHERIT, FLAG(is_inherit), NULL, "follow the spec again"},
	{"ids", 0, "UID:GID", OPT_IDS, STRING(ids), NULL, "owner of the volume's top directory"},
	{"reason", 'r', "TEXT", OPT_REASON, STRING(reason), NULL, "why; needed"},
	{"until", 'u', "TIME", OPT_UNTIL, STRING(until), NULL,
		"when it ends: 2030-12-31, 2030-12-31T18:00, 30d"},
	{"lines", 'n', "N", OPT_LINES, STRING(lines), NULL, "the newest N entries (20), 0 = all"},
	{"markdown", 0, NULL, OPT_MARKDOWN, FLAG(is_markdown), NULL, "a table for people"},
	{"write", 0, "DIR", OPT_WRITE, STRING(write), NULL, "put the block into DIR/<machine>.yml"},
	{"recreate", 0, NULL, OPT_RECREATE, FLAG(is_recreate), NULL,
		"make missing directories of known volumes, empty"},
	{"repair", 0, NULL, OPT_REPAIR, FLAG(is_repairing), NULL,
		"check: write marks anew from the records"},
	{"force", 0, NULL, OPT_FORCE, FLAG(is_forced), NULL,
		"rebuild a healthy catalogue; copy what is written to"},
	{"instance", 'i', "NAME", OPT_INSTANCES, STRING(instance), NULL,
		"the instance; PROJECT/NAME where several have it"},
	{"domain", 'd', "NAME", OPT_INSTANCES, STRING(domain), NULL, "instances of this domain"},
	{"scope", 's', "SCOPE", OPT_INSTANCES, STRING(scope), NULL,
		"which of them: ephemeral, or all"},
	{"force", 0, NULL, OPT_FORCE_DELETE, FLAG(is_forced), NULL,
		"ask nothing, and delete what is protected, too"},
	{"yes", 'y', NULL, OPT_YES, FLAG(is_yes), NULL, "answer the question beforehand"},
	{"all-projects", 0, NULL, OPT_ALL_PROJECTS, FLAG(is_everywhere), NULL,
		"also what neither spec nor catalogue knows"},
	{"files", 0, "DIR", OPT_FILES, STRING(files), NULL,
		"also what anklume generated below DIR"},
	{"strict", 0, NULL, OPT_STRICT, FLAG(is_strict), NULL,
		"exit with 8 when something was skipped"},
	{"devices", 0, NULL, OPT_DEVICES, FLAG(is_attaching), NULL,
		"then do what 'devices apply' does"},
	{"once", 0, NULL, OPT_ONCE, FLAG(is_once), NULL, "look once, then end"},
	{"replug", 0, NULL, OPT_REPLUG, FLAG(is_replugging), NULL,
		"unplug devices from instances that run"},
	{"adopt", 0, NULL, OPT_ADOPT, FLAG(is_adopting), NULL,
		"pd-* devices that somebody else made are ours"},
	{"restart", 0, NULL, OPT_RESTART, FLAG(is_restarting), NULL,
		"kill a daemon that is stuck, wait for the next one"},
	{"lazy", 0, NULL, OPT_LAZY, FLAG(is_lazy), NULL,
		"even when in use: serve what is open until it is closed"},
	{"binary", 0, "FILE", OPT_BINARY, STRING(binary), NULL,
		"the new executable; without it the installed one"},
	{"drop-missing", 0, NULL, OPT_DROP_MISSING, FLAG(is_dropping), NULL,
		"rebuild: give up volumes that have no mark"},
	{"path", 0, "PATH", OPT_PATH, STRING(path), NULL, "where the machine sees the volume"},
	{"mode", 0, "MODE", OPT_MODE, STRING(mode), NULL,
		"permissions of the new directory, in octal (0755)"},
	{"grace", 0, "TIME", OPT_GRACE, STRING(grace), NULL,
		"how long it stays in the trash at least (14d)"},
	{"image", 0, "ALIAS", OPT_POD, STRING(image), NULL,
		"image of a new instance, as this Incus knows it"},
	{"undo", 0, NULL, OPT_POD, FLAG(is_undoing), NULL,
		"migrate: back to the instance's own files"},
	{"all", 'a', NULL, OPT_ALL, FLAG(is_all), NULL, "empty: also what has its grace yet"},
};

const size_t n_options = ARRAY_SIZE(options);

void options_init(struct cmd_env *env)
{
	*env = (struct cmd_env){
		.catalog = DEFAULT_CATALOG,
		.base = DEFAULT_BASE,
		.mount = DEFAULT_MOUNT,
		.control = DEFAULT_CONTROL,
		.level = getenv("ANKLUME_LEVEL_FILE"),
		.out = stdout,
		.words = stderr,
	};

	for (size_t i = 0; i < n_options; i++) {
		const char *value = options[i].variable ? getenv(options[i].variable) : NULL;

		if (value && *value)
			*(const char **)((char *)env + options[i].offset) = value;
	}
	env->is_mount_given = getenv("ANKLUME_MOUNT") && *getenv("ANKLUME_MOUNT");
}

static void set_option(struct cmd_env *env, const struct option_row *row, const char *value)
{
	void *field = (char *)env + row->offset;

	switch (row->kind) {
	case OPTION_STRING:
		*(const char **)field = value;
		break;
	case OPTION_FLAG:
		*(bool *)field = true;
		break;
	case OPTION_JSON:
		env->format_name = "json";
		break;
	}
	if (field == &env->mount)
		env->is_mount_given = true;
}

/* The forms getopt_long(3) wants, for the options of BITS. */
struct getopt_tables {
	char letters[2 + 2 * ARRAY_SIZE(options) + 1];
	struct option names[ARRAY_SIZE(options) + 1];
	const struct option_row *rows[ARRAY_SIZE(options)]; /* of names[], same index */
	size_t n_rows;
};

#define NAME_BASE 256 /* results below are letters */

static void tables_init(struct getopt_tables *t, const char *head, uint64_t bits)
{
	char *letter = stpcpy(t->letters, head);

	t->n_rows = 0;
	for (size_t i = 0; i < n_options; i++) {
		const struct option_row *row = &options[i];

		if (row->bit && !(row->bit & bits))
			continue;
		if (row->letter) {
			*letter++ = row->letter;
			if (row->arg)
				*letter++ = ':';
		}
		t->names[t->n_rows] = (struct option){.name = row->name,
			.has_arg = row->arg ? required_argument : no_argument,
			.val = NAME_BASE + (int)t->n_rows};
		t->rows[t->n_rows++] = row;
	}
	*letter = '\0';
	t->names[t->n_rows] = (struct option){0};
}

static const struct option_row *tables_find(const struct getopt_tables *t, int c)
{
	if (c >= NAME_BASE)
		return t->rows[c - NAME_BASE];

	for (size_t i = 0; i < t->n_rows; i++) {
		if (t->rows[i]->letter == c)
			return t->rows[i];
	}
	return NULL;
}

/* What getopt_long() disliked. */
static int bad_option(int c, const struct cmd *cmd, char **argv, struct error *err)
{
	const char *verb = cmd ? cmd->name : "";
	const char *space = cmd ? " " : "";
	char letter[3] = {'-', optopt < NAME_BASE ? optopt : 0, '\0'};
	const char *word = letter[1] ? letter : argv[optind - 1];

	if (c == ':')
		return cmd_usage(err, "option '%s' needs a value", word);
	return cmd_usage(
		err, "no option '%s' here; see 'anklume-fsctl help%s%s'", word, space, verb);
}

/* One pass of getopt_long(); leaves optind at the first operand. */
static int parse_pass(struct cmd_env *env, const struct cmd *cmd, uint64_t bits, int argc,
	char **argv, struct error *err)
{
	struct getopt_tables t;
	int c;

	/* "+" stops before the verb, whose own options are another table; ":" tells '?' from ':'. */
	tables_init(&t, cmd ? ":" : "+:", bits);
	opterr = 0;
	optind = 0; /* GNU: start afresh */

	while ((c = getopt_long(argc, argv, t.letters, t.names, NULL)) != -1) {
		if (c == '?' || c == ':')
			return bad_option(c, cmd, argv, err);
		set_option(env, tables_find(&t, c), optarg);
	}
	return 0;
}

/* Format names are those of the verb; the first is its default. */
static int parse_format(struct cmd_env *env, const struct cmd *cmd, struct error *err)
{
	const char *known = cmd->formats ? cmd->formats : OUT_FORMATS;
	size_t len = env->format_name ? strlen(env->format_name) : 0;
	const char *p = known;

	if (!env->format_name) {
		env->format = OUT_TABLE;
		return 0;
	}

	while (len > 0 && (p = strstr(p, env->format_name))) {
		if ((p == known || p[-1] == ' ') && (p[len] == ' ' || p[len] == '\0'))
			break;
		p += len;
	}
	if (len == 0 || !p || strchr(env->format_name, ' '))
		return cmd_usage(
			err, "no format '%s' here, there are: %s", env->format_name, known);

	/* Names that only this verb knows are its own business. */
	out_format_parse(env->format_name, &env->format);
	return 0;
}

static int unknown_verb(const char *name, struct error *err)
{
	cleanup_free const char **names = calloc(n_cmds, sizeof(*names));
	const char *near;

	if (!names)
		return -ENOMEM;

	for (size_t i = 0; i < n_cmds; i++)
		names[i] = cmds[i].name;
	near = str_nearest(name, names, n_cmds);
	if (near)
		return cmd_usage(err, "no verb '%s'; is it '%s'?", name, near);
	return cmd_usage(err, "no verb '%s'; 'anklume-fsctl help' lists them", name);
}

static int check_operands(const struct cmd *cmd, int argc, struct error *err)
{
	if (argc >= cmd->min_args && (cmd->max_args < 0 || argc <= cmd->max_args))
		return 0;
	return cmd_usage(err, "usage: anklume-fsctl %s %s", cmd->name, cmd->args);
}

int options_parse(struct cmd_env *env, int argc, char **argv, const struct cmd **ret_cmd,
	int *ret_argc, char ***ret_argv, struct error *err)
{
	const struct cmd *cmd;
	int r;

	*ret_cmd = NULL;
	r = parse_pass(env, NULL, OPT_DRY_RUN, argc, argv, err);
	if (r != 0)
		return r;
	if (optind == argc)
		return env->wants_help || env->wants_version
			       ? 0
			       : cmd_usage(err, "name a verb; 'anklume-fsctl help' lists them");

	cmd = cmd_find(argv[optind]);
	if (!cmd)
		return unknown_verb(argv[optind], err);
	if (env->is_dry_run && !(cmd->options & OPT_DRY_RUN))
		return cmd_usage(err, "'%s' changes nothing: no --dry-run", cmd->name);

	argc -= optind;
	argv += optind;
	r = parse_pass(env, cmd, cmd->options, argc, argv, err);
	if (r != 0)
		return r;

	*ret_cmd = cmd;
	*ret_argc = argc - optind;
	*ret_argv = argv + optind;
	if (env->wants_help || env->wants_version)
		return 0;
	r = parse_format(env, cmd, err);
	return r != 0 ? r : check_operands(cmd, *ret_argc, err);
}
