/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "attached.h"

#include <string.h>

#include "ctl.h"
#include "instance.h"
#include "naming.h"
#include "path.h"
#include "str.h"
#include "wire.h"

/* The directory as devices may name it. */
struct sources {
	char *in_base, *in_mount; /* as they are written */
	char *real_base, *real_mount; /* symlinks followed; NULL = not there */
};

static void sources_finish(struct sources *s)
{
	free(s->in_base);
	free(s->in_mount);
	free(s->real_base);
	free(s->real_mount);
}

#define cleanup_sources cleanup_(sources_finish)

static int sources_init(struct sources *s, const struct cmd_env *env, const struct volume_ref *ref)
{
	s->in_base =
		naming_source(env->base, ref->domain->name, ref->machine->name, ref->volume->name);
	s->in_mount =
		naming_source(env->mount, ref->domain->name, ref->machine->name, ref->volume->name);
	if (!s->in_base || !s->in_mount)
		return -ENOMEM;
	s->real_base = realpath(s->in_base, NULL);
	s->real_mount = realpath(s->in_mount, NULL);
	return 0;
}

/* Above it, or in it: either way the instance has hold of its files. */
static bool overlaps(const char *path, const char *volume)
{
	return volume && (path_is_inside(path, volume) || path_is_inside(volume, path));
}

static bool is_source(const struct sources *s, const char *source)
{
	cleanup_free char *clean = path_normalise(source);
	cleanup_free char *real = realpath(source, NULL);

	return (clean && (overlaps(clean, s->in_base) || overlaps(clean, s->in_mount))) ||
	       (real && (overlaps(real, s->real_base) || overlaps(real, s->real_mount)));
}

static void search_instance(
	const struct sources *s, const struct incus_instance *instance, struct strbuf *who)
{
	const char *name;
	json_t *device;

	json_object_foreach (instance->expanded_devices, name, device) {
		const char *source = incus_text(device, "source");

		/* A device with a pool has the name of a pool's volume there. */
		if (strcmp(incus_text(device, "type"), "disk") != 0 || source[0] != '/' ||
			*incus_text(device, "pool") || !is_source(s, source))
			continue;
		strbuf_printf(who, "%s%s/%s (%s)", who->len ? ", " : "", instance->project,
			instance->name, name);
	}
}

int attached_find(const struct cmd_env *env, const struct volume_ref *ref,
	const struct incus_instance *except, char **ret_who, struct error *err)
{
	cleanup_incus_instance_list struct incus_instance_list list = {0};
	cleanup_sources struct sources sources = {0};
	cleanup_strbuf struct strbuf who = STRBUF_INIT;
	cleanup_incus struct incus *incus = NULL;
	cleanup_free char *socket = incus_socket_path();
	int r;

	*ret_who = NULL;
	if (!socket)
		return -ENOMEM;
	if (access(socket, F_OK) < 0 && errno == ENOENT)
		return 0;
	r = sources_init(&sources, env, ref);
	if (r == 0)
		r = incus_open(socket, &incus, err);
	if (r == 0)
		r = incus_instance_list(incus, NULL, &list, err);
	if (r < 0)
		return r;

	for (size_t i = 0; i < list.n_items; i++) {
		const struct incus_instance *in = &list.items[i];

		if (!except || strcmp(in->project, except->project) != 0 ||
			strcmp(in->name, except->name) != 0)
			search_instance(&sources, in, &who);
	}
	if (who.failed)
		return -ENOMEM;
	*ret_who = who.len ? strbuf_steal(&who) : NULL;
	return 0;
}

/* Files of NAME that the daemon has open for writing; 0 without a daemon. */
static json_int_t count_writers(const struct cmd_env *env, const char *name)
{
	cleanup_json json_t *answer = NULL;
	const json_t *writer;
	size_t i;

	if (ctl_status(env->control, &answer, NULL) <= 0)
		return 0;
	json_array_foreach (json_object_get(answer, "writers"), i, writer) {
		if (str_equal(json_string_value(json_object_get(writer, "volume")), name))
			return json_integer_value(json_object_get(writer, "open"));
	}
	return 0;
}

static int check(const struct cmd_env *env, const struct volume_ref *ref,
	const struct incus_instance *except, struct error *err)
{
	cleanup_free char *who = NULL;
	char name[VOLUME_NAME_MAX];
	int r = attached_find(env, ref, except, &who, err);

	volume_ref_name(ref, name);
	if (r < 0)
		return error_prefix(err, r, "cannot tell whether volume '%s' is attached", name);
	if (who)
		return error_set(err, CMD_REFUSED,
			"volume '%s' is attached to %s\n"
			"  remove the device, or the instance, first",
			name, who);
	return 0;
}

int attached_check_others(const struct cmd_env *env, const struct volume_ref *ref,
	const char *project, const char *instance, struct error *err)
{
	const struct incus_instance except = {.project = (char *)project, .name = (char *)instance};

	return check(env, ref, &except, err);
}

int attached_check(const struct cmd_env *env, const struct volume_ref *ref, struct error *err)
{
	char name[VOLUME_NAME_MAX];
	json_int_t n;
	int r = check(env, ref, NULL, err);

	if (r != 0)
		return r;
	n = count_writers(env, volume_ref_name(ref, name));
	if (n > 0)
		return error_set(err, CMD_REFUSED,
			"volume '%s' has %" JSON_INTEGER_FORMAT " file%s open for writing\n"
			"  end the programs that write to it first",
			name, n, n == 1 ? "" : "s");
	return 0;
}
