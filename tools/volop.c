/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "volop.h"

#include <string.h>

#include "confirm.h"
#include "datadir.h"
#include "str.h"
#include "volmark.h"

int volop_begin(struct volop *op, struct cmd_env *env, struct error *err)
{
	int r;

	*op = (struct volop){.env = env, .base_fd = -1};
	r = report_init(&op->report, err);
	if (r == 0)
		r = cmd_state_open(
			&op->state, env, env->is_dry_run ? CATALOG_READ : CATALOG_WRITE, err);
	if (r == 0)
		r = datadir_open(env->base, false, &op->base_fd, err);
	op->marks = volmark_store(&op->base_fd);
	return r;
}

int volop_end(struct volop *op, int r, struct error *err)
{
	uint64_t generation = op->state.generation;
	cleanup_error struct error end_err = {NULL};
	int end = 0;

	if (r != 0 && op->report.n_changed == 0)
		return r;
	if (!op->env->is_dry_run)
		end = catalog_get_generation(op->state.catalog, &generation, &end_err);
	if (end == 0)
		end = report_end(&op->report, op->env, generation, &end_err);
	if (r == 0 && end != 0)
		error_set(err, end, "%s", error_text(&end_err, end));
	return r != 0 ? r : end;
}

void volop_finish(struct volop *op)
{
	report_finish(&op->report);
	cmd_state_finish(&op->state);
	if (op->base_fd >= 0)
		close(op->base_fd);
	op->base_fd = -1;
}

/* The next component of *WORD into BUF. */
static bool take_name(const char **word, char buf[NAME_LENGTH_MAX + 1])
{
	size_t len = strcspn(*word, "/");

	if (len > NAME_LENGTH_MAX)
		return false;
	memcpy(buf, *word, len);
	buf[len] = '\0';
	*word += len;
	if (**word == '/')
		++*word;
	return name_is_valid(buf);
}

int volume_name_parse(const char *word, struct volume_name *ret, struct error *err)
{
	const char *rest = word;

	if (strlen(word) < VOLUME_NAME_MAX && !str_has_suffix(word, "/") &&
		take_name(&rest, ret->domain) && take_name(&rest, ret->machine) &&
		take_name(&rest, ret->volume) && !*rest)
		return 0;
	return cmd_usage(err,
		"'%s' is no full name of a volume\n"
		"  write domain/machine/volume, each of a-z, 0-9 and '-'",
		word);
}

const struct machine *volop_find_machine(
	const struct volop *op, const struct volume_name *name, const struct domain **ret_domain)
{
	const struct domain *d = infra_find_domain(&op->state.infra, name->domain);

	*ret_domain = d;
	return d ? domain_find_machine(d, name->machine) : NULL;
}

bool volop_find_volume(
	const struct volop *op, const struct volume_name *name, struct volume_ref *ret)
{
	ret->machine = volop_find_machine(op, name, &ret->domain);
	ret->volume = ret->machine ? machine_find_volume(ret->machine, name->volume) : NULL;
	return ret->volume;
}

int volop_check_new(const struct volop *op, const struct volume_name *name, struct error *err)
{
	struct volume_ref ref;

	if (volop_find_volume(op, name, &ref))
		return error_set(err, CMD_REFUSED, "there is a volume '%s/%s/%s' already",
			name->domain, name->machine, name->volume);
	if (!ref.machine)
		return error_set(err, CMD_NO_VOLUME,
			"no machine '%s/%s' is recorded\n"
			"  declare it in the spec and run 'anklume-fsctl apply'",
			name->domain, name->machine);
	return 0;
}

int volop_confirm(const struct volop *op, const char *prompt, const char *word, const char *name,
	struct error *err)
{
	int r;

	if (op->env->is_dry_run)
		return 0;
	if (op->env->is_yes && strcmp(word, name) == 0)
		return 0;
	if (op->env->is_yes)
		return error_set(err, CMD_REFUSED,
			"--yes takes full names only: write '%s', not '%s'", name, word);

	r = confirm_ask(op->env->words, prompt, name);
	if (r == 1)
		return 0;
	if (r == -ENOTTY)
		return error_set(err, CMD_REFUSED,
			"no terminal to ask on whether '%s' may go\n"
			"  give its full name and --yes",
			name);
	return error_set(err, CMD_REFUSED, "not confirmed: nothing was done to '%s'", name);
}

int volop_describe(const struct volop *op, const struct machine *machine, const char *name,
	const char *path, struct volume *ret, struct error *err)
{
	const struct cmd_env *env = op->env;
	uint32_t uid = ret->uid;
	uint32_t gid = ret->gid;
	uint32_t mode = ret->mode;

	if (!path_is_clean_absolute(path))
		return cmd_usage(err, "--path '%s' is not an absolute path", path);
	if (strcmp(path, "/") == 0)
		return cmd_usage(err, "--path must not be '/': a volume is no root");
	if (env->ids && parse_owner(env->ids, &uid, &gid) < 0)
		return cmd_usage(err, "--ids '%s' is not UID:GID, such as 999:999", env->ids);
	if (env->mode && parse_mode(env->mode, &mode) < 0)
		return cmd_usage(err, "--mode '%s' is not octal, such as 0750", env->mode);

	ret->name = (char *)name;
	ret->path = (char *)path;
	ret->uid = uid;
	ret->gid = gid;
	ret->mode = mode;
	/* As a spec that says nothing about it. */
	ret->spec_flags = machine->is_ephemeral ? 0 : VOLUME_PROTECTED;
	return 0;
}
