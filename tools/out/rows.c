/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rows.h"

#include <string.h>

#include "naming.h"

static const struct {
	unsigned int flag;
	const char *key;
	const char *word;
} flags[] = {
	{VOLUME_READONLY, "readonly", "ro"},
	{VOLUME_PROTECTED, "protected", "protected"},
	{VOLUME_HELD, "held", "held"},
	{VOLUME_ORPHAN, "orphan", "orphan"},
};

json_t *row_flags(const struct volume *volume)
{
	json_t *array = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (volume->flags & flags[i].flag)
			json_array_append_new(array, json_string(flags[i].key));
	}
	return array;
}

const char *row_flag_words(const struct volume *volume, char buf[64])
{
	char *end = buf;

	*buf = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (volume->flags & flags[i].flag)
			end = stpcpy(stpcpy(end, end == buf ? "" : ","), flags[i].word);
	}
	return buf;
}

const char *row_override(enum flag_override value)
{
	return value == FLAG_ON ? "on" : value == FLAG_OFF ? "off" : "inherit";
}

static json_t *text_or_null(char *text)
{
	json_t *value = out_text(text);

	free(text);
	return value;
}

json_t *row_volume(const struct cmd_env *env, const struct volume_ref *ref)
{
	const struct domain *d = ref->domain;
	const struct machine *m = ref->machine;
	const struct volume *v = ref->volume;
	char name[VOLUME_NAME_MAX], mode[16];
	cleanup_free char *owner = NULL;

	if (asprintf(&owner, "%s/%s", m->project ? m->project : "",
		    m->instance ? m->instance : "") < 0)
		return NULL;
	snprintf(mode, sizeof(mode), "%04o", (unsigned int)v->mode);

	return json_pack("{s:s s:s s:s s:s s:o s:o s:s s:o s:o s:o s:o s:o s:I s:I s:s s:o s:o "
			 "s:o s:o}",
		"volume", volume_ref_name(ref, name), "domain", d->name, "machine", m->name, "name",
		v->name, "path", out_text(v->path), "flags", row_flags(v), "owner", owner,
		"project", out_text(m->project), "instance", out_text(m->instance), "class",
		out_text(v->class), "description", out_text(v->description), "size_bytes",
		v->size_bytes ? json_integer(v->size_bytes) : json_null(), "uid",
		(json_int_t)v->uid, "gid", (json_int_t)v->gid, "mode", mode, "device",
		text_or_null(naming_device(v->name)), "source",
		text_or_null(naming_source(env->mount, d->name, m->name, v->name)), "directory",
		text_or_null(naming_source(env->base, d->name, m->name, v->name)), "orphan_since",
		out_time(v->orphan_since));
}

json_t *row_hold(const struct volume_ref *ref, const struct hold *hold, int64_t now)
{
	bool is_expired = hold->until != 0 && hold->until <= now;
	char name[VOLUME_NAME_MAX];

	return json_pack("{s:s s:o s:o s:o s:o s:o s:b}", "volume", volume_ref_name(ref, name),
		"tag", out_text(hold->tag), "reason", out_text(hold->reason), "actor",
		out_text(hold->actor), "since", out_time(hold->since), "until",
		out_time(hold->until), "expired", is_expired);
}

int rows_append(json_t *rows, json_t *item)
{
	return item && json_array_append_new(rows, item) == 0 ? 0 : -ENOMEM;
}
