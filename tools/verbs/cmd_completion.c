/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd.h"
#include "options.h"

#include <string.h>

/* The words of BITS' options, as the shell wants them: --name --name ... */
static void put_options(FILE *out, uint64_t bits)
{
	const char *space = "";

	for (size_t i = 0; i < n_options; i++) {
		if (options[i].bit && !(options[i].bit & bits))
			continue;
		fprintf(out, "%s--%s", space, options[i].name);
		space = " ";
	}
}

static void put_global_options(FILE *out)
{
	put_options(out, 0);
}

/* What completes the operands of a verb, by its synopsis. */
static const char *operand_words(const struct cmd *cmd)
{
	static const struct {
		const char *args;
		const char *command;
	} rows[] = {
		{"SPEC", "compgen -f -- \"$cur\""},
		{"PATH", "compgen -f -- \"$cur\""},
		{"on|off", "compgen -W \"on off $(_anklume_fsctl_volumes)\" -- \"$cur\""},
		{"check|rebuild", "compgen -W 'check rebuild' -- \"$cur\""},
		{"bash", "compgen -W bash -- \"$cur\""},
		{"VERB", "compgen -W \"$verbs\" -- \"$cur\""},
		{"create|copy|adopt", "compgen -W \"create copy adopt rename rm undelete "
				      "$(_anklume_fsctl_volumes)\" -- \"$cur\""},
		{"VOLUME", "compgen -W \"$(_anklume_fsctl_volumes)\" -- \"$cur\""},
		{"OBJECT", "compgen -W \"$(_anklume_fsctl_volumes)\" -- \"$cur\""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strstr(cmd->args, rows[i].args))
			return rows[i].command;
	}
	return NULL;
}

static void put_cases(FILE *out)
{
	for (size_t i = 0; i < n_cmds; i++) {
		const char *command = operand_words(&cmds[i]);

		fprintf(out, "\t%s)\n\t\topts='", cmds[i].name);
		put_options(out, cmds[i].options);
		fprintf(out, "'\n\t\tformats='%s'\n",
			cmds[i].formats ? cmds[i].formats : OUT_FORMATS);
		if (command)
			fprintf(out, "\t\twords() { %s; }\n", command);
		fputs("\t\t;;\n", out);
	}
}

/* Options whose value is a file, for `case`: --catalog|--base|... */
static void put_file_options(FILE *out)
{
	const char *bar = "";

	for (size_t i = 0; i < n_options; i++) {
		const char *arg = options[i].arg;

		if (!arg || (strcmp(arg, "FILE") && strcmp(arg, "DIR") && strcmp(arg, "SOCKET") &&
				    strcmp(arg, "PATH")))
			continue;
		fprintf(out, "%s--%s", bar, options[i].name);
		bar = "|";
	}
}

static void put_verbs(FILE *out)
{
	for (size_t i = 0; i < n_cmds; i++)
		fprintf(out, "%s%s", i > 0 ? " " : "", cmds[i].name);
}

/* The script, and what the tables put behind each part of it. */
static const struct {
	const char *text;
	void (*put)(FILE *out);
} parts[] = {
	{"# bash completion of anklume-fsctl, made by 'anklume-fsctl completion bash'\n"
	 "# shellcheck shell=bash\n\n"
	 "_anklume_fsctl_volumes() {\n"
	 "\tanklume-fsctl ls -f compact 2>/dev/null | cut -f1\n"
	 "}\n\n"
	 "_anklume_fsctl() {\n"
	 "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	 "\tlocal verb='' opts='' formats='' i verbs='",
		put_verbs},
	{"'\n\n"
	 "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	 "\t\tcase \" $verbs \" in\n"
	 "\t\t*\" ${COMP_WORDS[i]} \"*) verb=${COMP_WORDS[i]} && break ;;\n"
	 "\t\tesac\n"
	 "\tdone\n\n"
	 "\twords() { compgen -W \"$verbs\" -- \"$cur\"; }\n"
	 "\topts='",
		put_global_options},
	{"'\n\tformats='" OUT_FORMATS "'\n\tcase $verb in\n", put_cases},
	{"\tesac\n\n"
	 "\tcase $prev in\n"
	 "\t-f | --format) words() { compgen -W \"$formats\" -- \"$cur\"; } ;;\n"
	 "\t",
		put_file_options},
	{") words() { compgen -f -- \"$cur\"; } ;;\n"
	 "\tesac\n\n"
	 "\tif [[ $cur == -* ]]; then\n"
	 "\t\tmapfile -t COMPREPLY < <(compgen -W \"$opts\" -- \"$cur\")\n"
	 "\telse\n"
	 "\t\tmapfile -t COMPREPLY < <(words)\n"
	 "\tfi\n"
	 "\tunset -f words\n"
	 "}\n\n"
	 "complete -o filenames -F _anklume_fsctl anklume-fsctl\n",
		NULL},
};

int cmd_completion(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	(void)argc;
	if (strcmp(argv[0], "bash") != 0)
		return cmd_usage(err, "no completion for '%s', only for bash", argv[0]);

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		fputs(parts[i].text, env->out);
		if (parts[i].put)
			parts[i].put(env->out);
	}
	return 0;
}
