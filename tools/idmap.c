/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "idmap.h"

#include <endian.h>
#include <jansson.h>
#include <linux/capability.h>
#include <linux/posix_acl_xattr.h>
#include <string.h>

#include "array.h"
#include "wire.h"

/* e_tag of an entry with a user or a group (the kernel's include/linux/posix_acl.h). */
#define TAG_USER 0x02
#define TAG_GROUP 0x08

static int parse_range(const json_t *item, struct idmap_range *ret)
{
	int is_uid, is_gid;
	json_int_t host, container, count;

	if (json_unpack((json_t *)item, "{s:b s:b s:I s:I s:I}", "Isuid", &is_uid, "Isgid", &is_gid,
		    "Hostid", &host, "Nsid", &container, "Maprange", &count) < 0 ||
		host < 0 || container < 0 || count < 0 || host > UINT32_MAX || count > UINT32_MAX ||
		container > UINT32_MAX - count)
		return -EBADMSG;
	*ret = (struct idmap_range){is_uid, is_gid, host, container, count};
	return 0;
}

int idmap_parse(const char *text, struct idmap *ret, struct error *err)
{
	cleanup_json json_t *array = NULL;
	cleanup_idmap struct idmap map = {NULL, 0};
	const json_t *item;
	size_t i;

	*ret = map;
	if (!text || !*text)
		return 0;
	array = json_loads(text, 0, NULL);
	if (!json_is_array(array))
		return error_set(err, -EBADMSG, "'%s' is no map of ids", text);
	json_array_foreach (array, i, item) {
		struct idmap_range *range =
			array_append(&map.ranges, &map.n_ranges, sizeof(*range));

		if (!range)
			return error_set(err, -ENOMEM, "out of memory");
		if (parse_range(item, range) < 0)
			return error_set(err, -EBADMSG, "'%s' is no map of ids", text);
	}
	*ret = map;
	map = (struct idmap){NULL, 0};
	return 0;
}

void idmap_finish(struct idmap *map)
{
	free(map->ranges);
	*map = (struct idmap){NULL, 0};
}

static int find(const struct idmap *map, bool is_gid, int64_t id, uint32_t *ret)
{
	if (map->n_ranges == 0) {
		*ret = (uint32_t)id;
		return 0;
	}
	for (size_t i = 0; i < map->n_ranges; i++) {
		const struct idmap_range *r = &map->ranges[i];

		if (!(is_gid ? r->is_gid : r->is_uid) || id < r->host || id - r->host >= r->count)
			continue;
		*ret = (uint32_t)(id - r->host + r->container);
		return 0;
	}
	return -ERANGE;
}

int idmap_uid(const struct idmap *map, int64_t id, uint32_t *ret)
{
	return find(map, false, id, ret);
}

int idmap_gid(const struct idmap *map, int64_t id, uint32_t *ret)
{
	return find(map, true, id, ret);
}

/* ID as it stands in an attribute, little endian. */
static int change(const struct idmap *map, bool is_gid, __le32 *id)
{
	uint32_t there;
	int r = find(map, is_gid, le32toh(*id), &there);

	if (r == 0)
		*id = htole32(there);
	return r;
}

static int change_acl(const struct idmap *map, uint8_t *value, size_t len)
{
	struct posix_acl_xattr_header header;
	struct posix_acl_xattr_entry entry;
	int r = 0;

	if (len < sizeof(header) || (len - sizeof(header)) % sizeof(entry) != 0)
		return -EBADMSG;
	memcpy(&header, value, sizeof(header));
	if (le32toh(header.a_version) != POSIX_ACL_XATTR_VERSION)
		return -EBADMSG;
	for (size_t at = sizeof(header); r == 0 && at < len; at += sizeof(entry)) {
		memcpy(&entry, value + at, sizeof(entry));
		if (le16toh(entry.e_tag) == TAG_USER)
			r = change(map, false, &entry.e_id);
		else if (le16toh(entry.e_tag) == TAG_GROUP)
			r = change(map, true, &entry.e_id);
		memcpy(value + at, &entry, sizeof(entry));
	}
	return r;
}

/* Those of the machine's own root have no user; in a map they can only be a mistake. */
static int change_caps(const struct idmap *map, uint8_t *value, size_t *len)
{
	struct vfs_ns_cap_data caps = {0};
	uint32_t magic;
	int r;

	if (*len < sizeof(magic) || *len > sizeof(caps))
		return -EBADMSG;
	memcpy(&caps, value, *len);
	magic = le32toh(caps.magic_etc);
	if ((magic & VFS_CAP_REVISION_MASK) != VFS_CAP_REVISION_3)
		caps.rootid = 0;
	else if (*len != XATTR_CAPS_SZ_3)
		return -EBADMSG;
	r = change(map, false, &caps.rootid);
	if (r < 0)
		return r;
	if ((magic & VFS_CAP_REVISION_MASK) == VFS_CAP_REVISION_3 && caps.rootid == 0) {
		caps.magic_etc =
			htole32((magic & ~(uint32_t)VFS_CAP_REVISION_MASK) | VFS_CAP_REVISION_2);
		*len = XATTR_CAPS_SZ_2;
	}
	memcpy(value, &caps, *len);
	return 0;
}

int idmap_xattr(const struct idmap *map, const char *key, void *value, size_t *len)
{
	if (map->n_ranges == 0)
		return 0;
	if (strcmp(key, "system.posix_acl_access") == 0 ||
		strcmp(key, "system.posix_acl_default") == 0)
		return change_acl(map, value, *len);
	if (strcmp(key, "security.capability") == 0)
		return change_caps(map, value, len);
	return 0;
}
