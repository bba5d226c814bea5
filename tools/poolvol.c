/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "poolvol.h"

#include <string.h>

#include "cmd.h"
#include "str.h"

/* "project/pool/volume"; no part can have a slash. */
static void put_name(struct strbuf *b, const struct incus_resource *v)
{
	strbuf_printf(b, "%s/%s/%s", v->project, v->pool, v->name);
}

static bool is_meant(const struct incus_resource *v, const char *word)
{
	cleanup_strbuf struct strbuf name = STRBUF_INIT;
	size_t len = strlen(word);

	put_name(&name, v);
	if (name.failed || name.len < len || strcmp(name.data + name.len - len, word) != 0)
		return false;
	return name.len == len || name.data[name.len - len - 1] == '/';
}

int poolvol_find(const struct incus_resource_list *list, const char *word,
	const struct incus_resource **ret, struct error *err)
{
	cleanup_strbuf struct strbuf names = STRBUF_INIT;
	size_t n = 0;

	for (size_t i = 0; *word && i < list->n_items; i++) {
		if (!is_meant(&list->items[i], word))
			continue;
		*ret = &list->items[i];
		strbuf_puts(&names, "\n  ");
		put_name(&names, *ret);
		n++;
	}
	if (n == 1)
		return 0;
	if (names.failed)
		return error_set(err, -ENOMEM, "out of memory");
	if (n > 1)
		return error_set(err, CMD_NO_VOLUME, "'%s' is several volumes of pools:%s", word,
			names.data);
	return error_set(err, CMD_NO_VOLUME,
		"no storage pool has a custom volume '%s'\n"
		"  write project/pool/volume; see 'incus storage volume list POOL'",
		word);
}

static const char *project_of_volumes(
	const struct incus_instance *in, const struct incus_resource_list *projects)
{
	for (size_t i = 0; i < projects->n_items; i++) {
		const struct incus_resource *p = &projects->items[i];

		if (strcmp(p->name, in->project) == 0 &&
			strcmp(incus_text(p->config, "features.storage.volumes"), "true") != 0)
			return "default";
	}
	return in->project;
}

/* A device may have a directory of the volume: "volume/directory". */
static bool is_source(const char *source, const char *volume)
{
	size_t len = strlen(volume);

	return strncmp(source, volume, len) == 0 && (source[len] == '\0' || source[len] == '/');
}

static bool uses(const struct incus_instance *in, const struct incus_resource *v)
{
	const char *name;
	json_t *device;

	json_object_foreach (in->expanded_devices, name, device) {
		if (strcmp(incus_text(device, "type"), "disk") == 0 &&
			strcmp(incus_text(device, "pool"), v->pool) == 0 &&
			is_source(incus_text(device, "source"), v->name))
			return true;
	}
	return false;
}

int poolvol_users(const struct incus_resource *v, const struct incus_instance_list *instances,
	const struct incus_resource_list *projects, char **ret_who)
{
	cleanup_strbuf struct strbuf who = STRBUF_INIT;

	*ret_who = NULL;
	for (size_t i = 0; i < instances->n_items; i++) {
		const struct incus_instance *in = &instances->items[i];

		if (!in->is_running || strcmp(project_of_volumes(in, projects), v->project) != 0 ||
			!uses(in, v))
			continue;
		strbuf_printf(&who, "%s%s/%s", who.len ? ", " : "", in->project, in->name);
	}
	if (who.failed)
		return -ENOMEM;
	*ret_who = who.len ? strbuf_steal(&who) : NULL;
	return 0;
}
