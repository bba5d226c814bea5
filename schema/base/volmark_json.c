/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "volmark.h"

#include "path.h"
#include "str.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#define MAGIC "anklume-volume "
#define HEAD_FORMAT MAGIC "%d %08" PRIx32 " "

/* The spec has the whole description; the mark keeps as much as there is room for. */
#define DESCRIPTION_MAX 200

/* json_decrefp() comes with jansson. */
#define cleanup_json cleanup_(json_decrefp)

uint32_t volmark_checksum(const char *data, size_t len)
{
	/* CRC-32 (IEEE 802.3) by nibbles. */
	static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
		0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8,
		0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		crc ^= (unsigned char)data[i];
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}

static const char *const override_words[] = {
	[FLAG_INHERIT] = NULL, /* no key */
	[FLAG_ON] = "on",
	[FLAG_OFF] = "off",
};

static char *short_description(const char *text)
{
	for (size_t max = DESCRIPTION_MAX;; max /= 2) {
		cleanup_free char *cut = str_cut(text, max);

		if (!cut || str_json_length(cut) <= DESCRIPTION_MAX)
			return steal_ptr(&cut);
	}
}

static json_t *domain_to_json(const struct domain *d)
{
	return json_pack("{s:I, s:s, s:b, s:I}", "id", (json_int_t)d->id, "name", d->name,
		"enabled", d->is_enabled, "orphan_since", (json_int_t)d->orphan_since);
}

static json_t *machine_to_json(const struct machine *m)
{
	return json_pack("{s:I, s:s, s:s, s:s, s:b, s:b, s:b, s:I}", "id", (json_int_t)m->id,
		"name", m->name, "project", m->project, "instance", m->instance, "owner_override",
		m->has_owner_override, "vm", m->is_vm, "ephemeral", m->is_ephemeral, "orphan_since",
		(json_int_t)m->orphan_since);
}

static json_t *volume_to_json(const struct volume *v)
{
	cleanup_free char *description = v->description ? short_description(v->description) : NULL;

	if (v->description && !description)
		return NULL;
	return json_pack("{s:I, s:s, s:s, s:s*, s:s*, s:I, s:I, s:I, s:b, s:i, s:b, s:b, s:s*, "
			 "s:s*, s:I}",
		"id", (json_int_t)v->id, "name", v->name, "path", v->path, "class", v->class,
		"description", description, "size", (json_int_t)v->size_bytes, "uid",
		(json_int_t)v->uid, "gid", (json_int_t)v->gid, "ids_override", v->has_ids_override,
		"mode", (int)v->mode, "readonly", !!(v->spec_flags & VOLUME_READONLY), "protected",
		!!(v->spec_flags & VOLUME_PROTECTED), "readonly_override",
		override_words[v->readonly_override], "protected_override",
		override_words[v->protected_override], "orphan_since", (json_int_t)v->orphan_since);
}

static json_t *holds_to_json(const struct volume *v)
{
	cleanup_json json_t *array = json_array();

	for (size_t i = 0; array && i < v->n_holds; i++) {
		const struct hold *h = &v->holds[i];
		json_t *item = json_pack("{s:s, s:s, s:s, s:I, s:I}", "tag", h->tag, "reason",
			h->reason, "actor", h->actor, "since", (json_int_t)h->since, "until",
			(json_int_t)h->until);

		if (json_array_append_new(array, item) < 0)
			return NULL;
	}
	return steal_ptr(&array);
}

int volmark_format(const struct domain *domain, const struct machine *machine,
	const struct volume *volume, char **ret, size_t *ret_len, struct error *err)
{
	/* json_pack() takes the references, also where it fails. */
	cleanup_json json_t *root =
		json_pack("{s:I, s:o, s:o, s:o, s:o}", "generation", (json_int_t)volume->generation,
			"domain", domain_to_json(domain), "machine", machine_to_json(machine),
			"volume", volume_to_json(volume), "holds", holds_to_json(volume));
	cleanup_free char *body = root ? json_dumps(root, JSON_COMPACT) : NULL;
	char *text;
	int n;

	if (!body)
		return error_set(err, -ENOMEM, "cannot make a mark: out of memory or not UTF-8");

	n = asprintf(&text, HEAD_FORMAT "%s", VOLMARK_VERSION, volmark_checksum(body, strlen(body)),
		body);
	if (n < 0)
		return -ENOMEM;
	if (n > VOLMARK_SIZE_MAX) {
		free(text);
		return error_set(err, -E2BIG, "the mark would have %d bytes, it may have %d", n,
			VOLMARK_SIZE_MAX);
	}
	*ret = text;
	*ret_len = n;
	return 0;
}

static int damaged(struct error *err, const char *what)
{
	return error_set(err, -EBADMSG, "damaged: %s", what);
}

static bool parse_override(const char *word, enum flag_override *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(override_words); i++) {
		if (str_equal(word, override_words[i])) {
			*ret = i;
			return true;
		}
	}
	return false;
}

/* NULL stays NULL. -ENOMEM. */
static int copy_text(const char *text, char **ret)
{
	if (!text)
		return 0;
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

static int parse_domain(json_t *json, struct infra *infra, struct error *err)
{
	json_int_t id;
	json_int_t orphan_since;
	const char *name;
	int is_enabled;
	struct domain *d;

	if (json_unpack(json, "{s:I, s:s, s:b, s:I}", "id", &id, "name", &name, "enabled",
		    &is_enabled, "orphan_since", &orphan_since) < 0 ||
		id < 0 || orphan_since < 0 || !name_is_valid(name))
		return damaged(err, "its domain makes no sense");

	d = infra_add_domain(infra, name);
	if (!d)
		return -ENOMEM;
	d->id = id;
	d->is_enabled = is_enabled;
	d->orphan_since = orphan_since;
	return 0;
}

static int parse_machine(json_t *json, struct domain *domain, struct error *err)
{
	const char *name;
	const char *project;
	const char *instance;
	json_int_t id;
	json_int_t orphan_since;
	int has_override;
	int is_vm;
	int is_ephemeral;
	struct machine *m;

	if (json_unpack(json, "{s:I, s:s, s:s, s:s, s:b, s:b, s:b, s:I}", "id", &id, "name", &name,
		    "project", &project, "instance", &instance, "owner_override", &has_override,
		    "vm", &is_vm, "ephemeral", &is_ephemeral, "orphan_since", &orphan_since) < 0 ||
		id < 0 || orphan_since < 0 || !name_is_valid(name) || !*project || !*instance)
		return damaged(err, "its machine makes no sense");

	m = domain_add_machine(domain, name);
	if (!m)
		return -ENOMEM;
	m->id = id;
	m->has_owner_override = has_override;
	m->is_vm = is_vm;
	m->is_ephemeral = is_ephemeral;
	m->orphan_since = orphan_since;
	if (copy_text(project, &m->project) < 0)
		return -ENOMEM;
	return copy_text(instance, &m->instance);
}

/* A volume as it stands in the JSON, texts borrowed from there. */
struct volume_json {
	json_int_t id, size, uid, gid, orphan_since;
	const char *name, *path, *class, *description;
	const char *readonly_override, *protected_override;
	int has_ids_override, mode, is_readonly, is_protected;
};

static bool is_sensible(const struct volume_json *j)
{
	return j->id >= 0 && j->size >= 0 && j->orphan_since >= 0 && j->uid >= 0 &&
	       j->uid < UINT32_MAX && j->gid >= 0 && j->gid < UINT32_MAX && j->mode >= 0 &&
	       j->mode <= 07777 && name_is_valid(j->name) && path_is_clean_absolute(j->path);
}

static int fill_volume(struct volume *v, const struct volume_json *j)
{
	v->id = j->id;
	v->size_bytes = j->size;
	v->uid = j->uid;
	v->gid = j->gid;
	v->has_ids_override = j->has_ids_override;
	v->mode = j->mode;
	v->spec_flags =
		(j->is_readonly ? VOLUME_READONLY : 0) | (j->is_protected ? VOLUME_PROTECTED : 0);
	v->orphan_since = j->orphan_since;
	if (copy_text(j->path, &v->path) < 0 || copy_text(j->class, &v->class) < 0)
		return -ENOMEM;
	return copy_text(j->description, &v->description);
}

static int parse_volume(json_t *json, struct machine *machine, struct error *err)
{
	struct volume_json j = {0};
	struct volume *v;

	if (json_unpack(json,
		    "{s:I, s:s, s:s, s?s, s?s, s:I, s:I, s:I, s:b, s:i, s:b, s:b, s?s, s?s, s:I}",
		    "id", &j.id, "name", &j.name, "path", &j.path, "class", &j.class, "description",
		    &j.description, "size", &j.size, "uid", &j.uid, "gid", &j.gid, "ids_override",
		    &j.has_ids_override, "mode", &j.mode, "readonly", &j.is_readonly, "protected",
		    &j.is_protected, "readonly_override", &j.readonly_override,
		    "protected_override", &j.protected_override, "orphan_since",
		    &j.orphan_since) < 0 ||
		!is_sensible(&j))
		return damaged(err, "its volume makes no sense");

	v = machine_add_volume(machine, j.name);
	if (!v)
		return -ENOMEM;
	if (!parse_override(j.readonly_override, &v->readonly_override) ||
		!parse_override(j.protected_override, &v->protected_override))
		return damaged(err, "its flags make no sense");
	return fill_volume(v, &j);
}

static bool has_hold(const struct volume *v, const char *tag)
{
	for (size_t i = 0; i < v->n_holds; i++) {
		if (str_equal(v->holds[i].tag, tag))
			return true;
	}
	return false;
}

static int parse_hold(json_t *json, struct volume *volume, struct error *err)
{
	const char *tag;
	const char *reason;
	const char *actor;
	json_int_t since;
	json_int_t until;
	struct hold *h;

	if (json_unpack(json, "{s:s, s:s, s:s, s:I, s:I}", "tag", &tag, "reason", &reason, "actor",
		    &actor, "since", &since, "until", &until) < 0 ||
		!name_is_valid(tag) || has_hold(volume, tag) || since < 0 || until < 0)
		return damaged(err, "a hold makes no sense");

	h = volume_add_hold(volume, tag);
	if (!h)
		return -ENOMEM;
	h->since = since;
	h->until = until;
	if (copy_text(reason, &h->reason) < 0)
		return -ENOMEM;
	return copy_text(actor, &h->actor);
}

static int parse_holds(json_t *array, struct volume *volume, struct error *err)
{
	int r = json_is_array(array) ? 0 : damaged(err, "its holds are no list");

	for (size_t i = 0; r == 0 && i < json_array_size(array); i++)
		r = parse_hold(json_array_get(array, i), volume, err);
	return r;
}

static int parse_body(json_t *root, struct infra *infra, struct error *err)
{
	json_int_t generation;
	json_t *domain;
	json_t *machine;
	json_t *volume;
	json_t *holds;
	struct machine *m;
	int r;

	/* 2^53: room for counting on, whatever reads it. */
	if (json_unpack(root, "{s:I, s:o, s:o, s:o, s:o}", "generation", &generation, "domain",
		    &domain, "machine", &machine, "volume", &volume, "holds", &holds) < 0 ||
		generation < 0 || generation > INT64_C(1) << 53)
		return damaged(err, "a part is missing");

	r = parse_domain(domain, infra, err);
	if (r == 0)
		r = parse_machine(machine, &infra->domains[0], err);
	if (r < 0)
		return r;

	m = &infra->domains[0].machines[0];
	r = parse_volume(volume, m, err);
	if (r < 0)
		return r;
	m->volumes[0].generation = generation;
	return parse_holds(holds, &m->volumes[0], err);
}

/* The version behind MAGIC, 0 when there is none. */
static unsigned int parse_version(const char *data, size_t len)
{
	unsigned int version = 0;

	if (len < strlen(MAGIC) || memcmp(data, MAGIC, strlen(MAGIC)) != 0)
		return 0;
	for (size_t i = strlen(MAGIC); i < len && data[i] >= '0' && data[i] <= '9'; i++)
		version = version < 1000000 ? version * 10 + (data[i] - '0') : version;
	return version;
}

/* Check the head of DATA and find the JSON behind it. */
static int parse_head(
	const char *data, size_t len, const char **ret_body, size_t *ret_len, struct error *err)
{
	unsigned int version = parse_version(data, len);
	char head[VOLMARK_HEAD_SIZE + 1];

	if (version == 0)
		return error_set(err, -EBADMSG, "not a mark of ours");
	if (version > VOLMARK_VERSION)
		return error_set(err, -ENOTSUP,
			"it is of version %u, this program knows up to %d; use the newer "
			"anklume-fs",
			version, VOLMARK_VERSION);
	if (len <= VOLMARK_HEAD_SIZE)
		return damaged(err, "cut off");

	snprintf(head, sizeof(head), HEAD_FORMAT, VOLMARK_VERSION,
		volmark_checksum(data + VOLMARK_HEAD_SIZE, len - VOLMARK_HEAD_SIZE));
	if (memcmp(data, head, VOLMARK_HEAD_SIZE) != 0)
		return damaged(err, "its checksum is wrong");

	*ret_body = data + VOLMARK_HEAD_SIZE;
	*ret_len = len - VOLMARK_HEAD_SIZE;
	return 0;
}

int volmark_parse(const char *data, size_t len, struct infra *ret, struct error *err)
{
	cleanup_json json_t *root = NULL;
	cleanup_infra struct infra infra = {0};
	const char *body = NULL;
	size_t body_len = 0;
	int r;

	r = parse_head(data, len, &body, &body_len, err);
	if (r < 0)
		return r;

	root = json_loadb(body, body_len, JSON_REJECT_DUPLICATES, NULL);
	if (!root)
		return damaged(err, "not JSON");
	r = parse_body(root, &infra, err);
	if (r < 0)
		return r;

	*ret = infra;
	infra_init(&infra);
	return 0;
}
