/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd.h"
#include "log.h"
#include "options.h"
#include "path.h"

#include <locale.h>
#include <string.h>

/* ERR's text may have several lines; every other control character is shown, not sent. */
static void print_error(const struct error *err, int r)
{
	cleanup_free char *copy = strdup(error_text(err, r < 0 ? r : -EINVAL));
	char *rest = copy;
	char *line;

	fputs("anklume-fsctl: ", stderr);
	while (rest && (line = strsep(&rest, "\n"))) {
		cleanup_free char *printable = out_printable(line);

		fprintf(stderr, "%s\n", printable ? printable : "out of memory");
	}
	if ((r == -EACCES || r == -EPERM) && geteuid() != 0)
		fputs("  are you root?\n", stderr);
}

/* Two spellings of one directory must not look like two. Caller frees. */
static char *normalise(const char *path)
{
	return *path == '/' ? path_normalise(path) : strdup(path);
}

static int run(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	/* The command line before getopt_long() permutes it. */
	cleanup_free char *command = cmd_actor_command(argc, argv);
	cleanup_free char *user = cmd_actor_user();
	cleanup_free char *base = NULL;
	cleanup_free char *mount = NULL;
	const struct cmd *cmd;
	char **operands = NULL;
	int n_operands = 0;
	int r;

	r = options_parse(env, argc, argv, &cmd, &n_operands, &operands, err);
	if (r != 0)
		return r;
	log_init("anklume-fsctl", env->is_debugging ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING);
	if (env->wants_version)
		return cmd_version(env, 0, NULL, err);
	if (env->wants_help) {
		char *name = cmd ? (char *)cmd->name : NULL;

		return cmd_help(env, cmd ? 1 : 0, &name, err);
	}
	base = normalise(env->base);
	mount = normalise(env->mount);
	if (!command || !user || !base || !mount)
		return -ENOMEM;

	env->base = base;
	env->mount = mount;
	env->actor = (struct actor){.user = user, .command = command};
	return cmd->run(env, n_operands, operands, err);
}

int main(int argc, char **argv)
{
	cleanup_error struct error err = {NULL};
	struct cmd_env env;
	int r;

	setlocale(LC_ALL, "");
	setvbuf(stderr, NULL, _IOLBF, 0); /* a thousand diagnostics are not a write(2) per byte */
	options_init(&env);
	r = run(&env, argc, argv, &err);

	/* A result that did not arrive is no success: full disk, closed pipe. */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		if (r == 0)
			r = error_set(&err, -EIO, "cannot write the result: %s", strerror(errno));
	}
	if (r < 0 || (r > 0 && err.text))
		print_error(&err, r);
	return cmd_exit_code(r);
}
