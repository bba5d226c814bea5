/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd.h"
#include "options.h"

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

static void print_options(FILE *out, uint64_t bits)
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
