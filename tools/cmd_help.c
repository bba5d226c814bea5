/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd.h"
#include "options.h"
#include "str.h"

#include <string.h>

static void print_option(FILE *out, const struct option_row *row)
{
	char text[64];

	snprintf(text, sizeof(text), "%c%c%s --%s%s%s", row->letter ? '-' : ' ',
		row->letter ? row->letter : ' ', row->letter ? "," : " ", row->name,
		row->arg ? " " : "", row->arg ? row->arg : "");
	if (strlen(text) < 22)
		fprintf(out, "  %-22s %s\n", text, row->help);
	else
		fprintf(out, "  %s\n  %22s %s\n", text, "", row->help);
}

static void print_options(FILE *out, unsigned int bits)
{
	for (size_t i = 0; i < n_options; i++) {
		if (bits ? (options[i].bit & bits) : !options[i].bit)
			print_option(out, &options[i]);
	}
}

static void print_overview(FILE *out)
{
	const char *group = "";

	fputs("Usage: anklume-fsctl [OPTION...] VERB [ARGUMENT...]\n", out);
	for (size_t i = 0; i < n_cmds; i++) {
		if (strcmp(group, cmds[i].group) != 0)
			fprintf(out, "\n%s:\n", cmds[i].group);
		group = cmds[i].group;
		fprintf(out, "  %-11s %s\n", cmds[i].name, cmds[i].help);
	}

	fputs("\nOptions of every verb:\n", out);
	print_options(out, 0);
	fputs("\nExit codes:\n", out);
	for (size_t i = 0; i < n_exit_codes; i++)
		fprintf(out, "  %zu  %s\n", i, exit_codes[i]);
	fputs("\n'anklume-fsctl help VERB' shows its options and examples.\n", out);
}

static void print_examples(FILE *out, const char *examples)
{
	fputs("\nExamples:\n", out);
	while (*examples) {
		size_t len = strcspn(examples, "\n");

		fprintf(out, "  anklume-fsctl %.*s\n", (int)len, examples);
		examples += len + (examples[len] == '\n');
	}
}

static void print_verb(FILE *out, const struct cmd *cmd)
{
	fprintf(out, "Usage: anklume-fsctl %s%s%s%s\n\n%c%s.\n", cmd->name,
		cmd->options ? " [OPTION...]" : "", *cmd->args ? " " : "", cmd->args,
		cmd->help[0] - 'a' + 'A', cmd->help + 1);
	if (*cmd->text)
		fprintf(out, "\n%s", cmd->text);
	if (cmd->options) {
		fputs("\nOptions:\n", out);
		print_options(out, cmd->options);
	}
	print_examples(out, cmd->examples);
}

int cmd_help(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	const struct cmd *cmd = argc > 0 ? cmd_find(argv[0]) : NULL;

	if (argc > 0 && !cmd)
		return cmd_usage(err, "no verb '%s'; 'anklume-fsctl help' lists them", argv[0]);
	if (cmd)
		print_verb(env->out, cmd);
	else
		print_overview(env->out);
	return 0;
}

int cmd_version(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	cleanup_(json_decrefp) json_t *object = NULL;

	(void)argc;
	(void)argv;
	if (env->format == OUT_TABLE) {
		fputs("anklume-fsctl " ANKLUME_VERSION "\n", env->out);
		return 0;
	}
	object = json_pack("{s:s}", "version", ANKLUME_VERSION);
	return out_record(env->out, env->format,
		&(struct out_column){"version", "Version", OUT_TEXT, 0}, 1, object, err);
}

/* The words of BITS' options, as the shell wants them: --name --name ... */
static void put_options(FILE *out, unsigned int bits)
{
	const char *space = "";

	for (size_t i = 0; i < n_options; i++) {
		if (options[i].bit && !(options[i].bit & bits))
			continue;
		fprintf(out, "%s--%s", space, options[i].name);
		space = " ";
	}
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

int cmd_completion(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	FILE *out = env->out;

	(void)argc;
	if (strcmp(argv[0], "bash") != 0)
		return cmd_usage(err, "no completion for '%s', only for bash", argv[0]);

	fputs("# bash completion of anklume-fsctl, made by 'anklume-fsctl completion bash'\n"
	      "# shellcheck shell=bash\n\n"
	      "_anklume_fsctl_volumes() {\n"
	      "\tanklume-fsctl ls -f compact 2>/dev/null | cut -f1\n"
	      "}\n\n"
	      "_anklume_fsctl() {\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	      "\tlocal verb='' opts='' formats='' i verbs='",
		out);
	for (size_t i = 0; i < n_cmds; i++)
		fprintf(out, "%s%s", i > 0 ? " " : "", cmds[i].name);
	fputs("'\n\n"
	      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "\t\tcase \" $verbs \" in\n"
	      "\t\t*\" ${COMP_WORDS[i]} \"*) verb=${COMP_WORDS[i]} && break ;;\n"
	      "\t\tesac\n"
	      "\tdone\n\n"
	      "\twords() { compgen -W \"$verbs\" -- \"$cur\"; }\n"
	      "\topts='",
		out);
	put_options(out, 0);
	fputs("'\n\tformats='" OUT_FORMATS "'\n\tcase $verb in\n", out);
	put_cases(out);
	fputs("\tesac\n\n\tcase $prev in\n\t-f | --format) words() { compgen -W \"$formats\" -- "
	      "\"$cur\"; } ;;\n\t",
		out);
	put_file_options(out);
	fputs(") words() { compgen -f -- \"$cur\"; } ;;\n\tesac\n\n"
	      "\tif [[ $cur == -* ]]; then\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -W \"$opts\" -- \"$cur\")\n"
	      "\telse\n"
	      "\t\tmapfile -t COMPREPLY < <(words)\n"
	      "\tfi\n"
	      "\tunset -f words\n"
	      "}\n\n"
	      "complete -o filenames -F _anklume_fsctl anklume-fsctl\n",
		out);
	return 0;
}
