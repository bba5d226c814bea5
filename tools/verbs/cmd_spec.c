/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd.h"
#include "diags.h"
#include "rows.h"
#include "schema.h"
#include "specfile.h"
#include "wire.h"

#include <string.h>

static json_t *row_diag(const struct diags *diags, const struct diag *d)
{
	const char *file = d->mark.file < diags->n_files ? diags->files[d->mark.file].name : NULL;

	return json_pack("{s:o s:I s:I s:s s:o}", "file", out_text(file), "line",
		(json_int_t)d->mark.line, "column", (json_int_t)d->mark.col, "level",
		d->level == DIAG_ERROR ? "error" : "warning", "text", out_text(d->text));
}

static const struct out_column columns[] = {
	{"file", "FILE", OUT_TEXT, 0},
	{"line", "LINE", OUT_NUMBER, 0},
	{"column", "COLUMN", OUT_NUMBER, 0},
	{"level", "LEVEL", OUT_TEXT, 0},
	{"text", "TEXT", OUT_TEXT, OUT_WRAP},
};

static size_t count_machines(const struct infra *infra)
{
	size_t n = 0;

	for (size_t i = 0; i < infra->n_domains; i++)
		n += infra->domains[i].n_machines;
	return n;
}

static int print_data(const struct cmd_env *env, const char *path, const struct diags *diags,
	const struct infra *infra, struct error *err)
{
	cleanup_json json_t *rows = json_array();
	cleanup_json json_t *object = NULL;

	for (size_t i = 0; i < diags->n_items; i++) {
		if (rows_append(rows, row_diag(diags, &diags->items[i])) < 0)
			return error_set(err, -ENOMEM, "out of memory");
	}
	if (env->format == OUT_CSV || env->format == OUT_COMPACT)
		return out_rows(env->out, env->format, columns, ARRAY_SIZE(columns), rows, err);

	object = json_pack("{s:b s:o s:I s:I s:I s:I s:I s:O}", "valid", infra != NULL, "spec",
		out_text(path), "errors", (json_int_t)diags->n_errors, "warnings",
		(json_int_t)diags->n_warnings, "domains",
		(json_int_t)(infra ? infra->n_domains : 0), "machines",
		(json_int_t)(infra ? count_machines(infra) : 0), "volumes",
		(json_int_t)(infra ? infra_count_volumes(infra) : 0), "diagnostics", rows);
	if (!object)
		return error_set(err, -ENOMEM, "out of memory");
	return out_value(env->out, env->format, object, err);
}

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static void print_words(const struct cmd_env *env, const char *path, const struct diags *diags,
	const struct infra *infra)
{
	cleanup_free char *name = out_printable(path);
	size_t n_machines = infra ? count_machines(infra) : 0;
	size_t n_volumes = infra ? infra_count_volumes(infra) : 0;

	diags_print(diags, env->words);
	if (!infra || env->is_quiet)
		return;
	fprintf(env->out, "%s is valid: %zu domain%s, %zu machine%s, %zu volume%s",
		name ? name : "", infra->n_domains, plural(infra->n_domains), n_machines,
		plural(n_machines), n_volumes, plural(n_volumes));
	if (diags->n_warnings)
		fprintf(env->out, ", %zu warning%s", diags->n_warnings, plural(diags->n_warnings));
	fputc('\n', env->out);
}

int cmd_validate(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	cleanup_spec struct spec *spec = NULL;
	cleanup_diags struct diags diags;
	const struct infra *infra = NULL;
	const char *path;
	int loaded;
	int r;

	diags_init(&diags);
	r = specfile_find(env, argc > 0 ? argv[0] : NULL, &path, err);
	if (r != 0)
		return r;

	loaded = spec_load(path, env->level, &diags, &spec, err);
	if (loaded < 0 && loaded != -EINVAL)
		return loaded;
	if (loaded == 0)
		infra = spec_get_infra(spec);
	diags_sort(&diags);

	if (env->format != OUT_TABLE) {
		r = print_data(env, path, &diags, infra, err);
		return r < 0 ? r : loaded < 0 ? CMD_SPEC_INVALID : 0;
	}
	print_words(env, path, &diags, infra);
	if (loaded == 0)
		return 0;
	return error_set(err, CMD_SPEC_INVALID, "%s: %zu error%s", path, diags.n_errors,
		plural(diags.n_errors));
}

int cmd_schema(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	cleanup_free char *text = env->is_markdown ? schema_markdown() : schema_json();

	(void)argc;
	(void)argv;
	if (!text)
		return error_set(err, -ENOMEM, "out of memory");

	fputs(text, env->out);
	if (*text && text[strlen(text) - 1] != '\n')
		fputc('\n', env->out);
	return 0;
}
