/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd.h"

#include <ctype.h>
#include <pwd.h>
#include <stdarg.h>
#include <string.h>

#include "datadir.h"
#include "locate.h"
#include "str.h"

#define COMMAND_MAX 2000 /* bytes of a command line kept in the audit trail */

int cmd_usage(struct error *err, const char *fmt, ...)
{
	cleanup_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	return error_set(err, CMD_USAGE, "%s", text ? text : "out of memory");
}

enum cmd_exit cmd_exit_code(int r)
{
	if (r >= 0)
		return r;
	return r == -EBADMSG ? CMD_CATALOG_DAMAGED : CMD_FAILED;
}

int cmd_state_open(struct cmd_state *state, const struct cmd_env *env, enum catalog_mode mode,
	struct error *err)
{
	int r;

	/* A change needs a catalogue that apply has made: never create an empty one in passing. */
	if (mode == CATALOG_WRITE && access(env->catalog, F_OK) < 0 && errno == ENOENT)
		r = -ENOENT;
	else
		r = catalog_open(env->catalog, mode, &state->catalog, err);
	if (r == -ENOENT)
		return error_set(err, r,
			"no catalogue '%s'\n"
			"  'anklume-fsctl apply' makes the first one; 'anklume-fsctl catalog\n"
			"  rebuild' brings a lost one back from the data",
			env->catalog);
	if (r < 0)
		return r;
	return catalog_load(state->catalog, &state->infra, &state->generation, err);
}

void cmd_state_finish(struct cmd_state *state)
{
	infra_finish(&state->infra);
	catalog_close(state->catalog);
	state->catalog = NULL;
}

/* Names stay as they are; a path in the base or the mount becomes the name of its volume. */
static const char *volume_word(const struct cmd_env *env, char *arg)
{
	const char *rest = locate_below(arg, env->base);

	if (!rest)
		rest = locate_below(arg, env->mount);
	return rest ? rest : arg;
}

int cmd_select(const struct cmd_env *env, const struct infra *infra, int argc, char **argv,
	enum select_mode mode, struct selection *ret, struct error *err)
{
	cleanup_free const char **words = calloc(argc ? argc : 1, sizeof(*words));
	int r;

	if (!words)
		return error_set(err, -ENOMEM, "out of memory");

	for (int i = 0; i < argc; i++)
		words[i] = volume_word(env, argv[i]);
	r = select_volumes(infra, words, argc, mode, ret, err);
	return r == -ENOENT || r == -ENOTUNIQ ? CMD_NO_VOLUME : r;
}

int cmd_select_one(const struct cmd_env *env, const struct infra *infra, char *arg,
	struct volume_ref *ret, struct error *err)
{
	cleanup_selection struct selection s = {NULL, 0};
	int r;

	r = cmd_select(env, infra, 1, &arg, SELECT_EXACT, &s, err);
	if (r != 0)
		return r;
	if (s.n_items != 1)
		return error_set(
			err, CMD_NO_VOLUME, "'%s' means %zu volumes, name one", arg, s.n_items);

	*ret = s.items[0];
	return 0;
}

int cmd_open_base(const struct cmd_env *env)
{
	cleanup_error struct error err = {NULL};
	int fd = -1;
	int r;

	r = datadir_open(env->base, false, &fd, &err);
	if (r < 0) {
		cleanup_free char *text = out_printable(error_text(&err, r));

		fprintf(env->words, "anklume-fsctl: %s\n", text ? text : "no base");
	}
	return fd;
}

char *cmd_actor_user(void)
{
	const struct passwd *pw = getpwuid(geteuid());
	const char *sudo = getenv("SUDO_USER");
	char *text;
	int r;

	if (!pw)
		r = asprintf(&text, "uid %u", (unsigned int)geteuid());
	else if (sudo && *sudo && !str_equal(sudo, pw->pw_name))
		r = asprintf(&text, "%s (%s)", sudo, pw->pw_name);
	else
		r = asprintf(&text, "%s", pw->pw_name);
	return r < 0 ? NULL : text;
}

/* As a shell would take it back. */
static void add_quoted(struct strbuf *b, const char *word)
{
	if (*word && !word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					"0123456789_./:=@%+,-")]) {
		strbuf_puts(b, word);
		return;
	}

	strbuf_puts(b, "'");
	for (; *word; word++) {
		if (*word == '\'')
			strbuf_puts(b, "'\\''");
		else
			strbuf_add(b, word, 1);
	}
	strbuf_puts(b, "'");
}

char *cmd_actor_command(int argc, char **argv)
{
	cleanup_strbuf struct strbuf b = STRBUF_INIT;

	strbuf_puts(&b, "anklume-fsctl");
	for (int i = 1; i < argc && b.len < COMMAND_MAX; i++) {
		strbuf_puts(&b, " ");
		add_quoted(&b, argv[i]);
	}
	if (b.len > COMMAND_MAX) {
		strcpy(b.data + COMMAND_MAX - 3, "...");
		b.len = COMMAND_MAX;
	}
	return strbuf_steal(&b);
}
