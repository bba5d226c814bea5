/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "specfile.h"

#include "diags.h"
#include "path.h"

#include <string.h>

/* Where upstream looks, in its order; the marker says that the path is there. */
static const struct {
	const char *marker;
	const char *path;
} places[] = {
	{"infra/base.yml", "infra"},
	{"infra.yml", "infra.yml"},
	{"anklume.yml", "anklume.yml"},
};

int specfile_find(const struct cmd_env *env, const char *word, const char **ret, struct error *err)
{
	if (env->spec && word)
		return cmd_usage(err, "two specs: '%s' and '%s'", env->spec, word);
	if (env->spec || word) {
		*ret = env->spec ? env->spec : word;
		return 0;
	}

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (access(places[i].marker, F_OK) < 0)
			continue;
		*ret = places[i].path;
		return 0;
	}
	return cmd_usage(err, "no infra/, infra.yml or anklume.yml here; name the spec");
}

int specfile_load(const struct cmd_env *env, const char *path, struct spec **ret, struct error *err)
{
	cleanup_diags struct diags diags;
	int r;

	diags_init(&diags);
	r = spec_load(path, env->level, &diags, ret, err);
	diags_sort(&diags);
	diags_print(&diags, env->words);
	if (r == -EINVAL)
		return error_set(err, CMD_SPEC_INVALID, "%s: %zu error%s", path, diags.n_errors,
			diags.n_errors == 1 ? "" : "s");
	return r;
}

int specfile_check_mount(struct cmd_env *env, const struct spec *spec, struct error *err)
{
	const char *data_base = spec_get_data_base(spec);

	if (path_is_inside(data_base, env->base))
		return error_set(err, CMD_REFUSED,
			"persistent_data_base '%s' lies in the base '%s':\n"
			"  containers would go around the protection; name the mount there",
			data_base, env->base);

	if (env->is_mount_given && strcmp(data_base, env->mount) != 0 && !env->is_quiet)
		fprintf(env->words,
			"anklume-fsctl: warning: the mount is '%s',\n"
			"  but devices point to the spec's persistent_data_base '%s'\n",
			env->mount, data_base);
	if (!env->is_mount_given)
		env->mount = data_base; /* borrowed from the spec: valid as long as that is */
	return 0;
}
