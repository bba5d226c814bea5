/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "idmap.h"

#include <endian.h>
#include <linux/capability.h>
#include <linux/posix_acl_xattr.h>
#include <string.h>

#include "unit.h"

/* As Incus 6.0 writes it, and one with a hole, as a container with raw.idmap has it. */
#define USUAL                                                                                 \
	"[{\"Isuid\":true,\"Isgid\":false,\"Hostid\":1000000,\"Nsid\":0,\"Maprange\":65536}," \
	"{\"Isuid\":false,\"Isgid\":true,\"Hostid\":2000000,\"Nsid\":0,\"Maprange\":65536}]"
#define HOLE                                                                                \
	"[{\"Isuid\":true,\"Isgid\":true,\"Hostid\":1000000,\"Nsid\":0,\"Maprange\":1000}," \
	"{\"Isuid\":true,\"Isgid\":true,\"Hostid\":1000,\"Nsid\":1000,\"Maprange\":1}]"

/* S0-33 */
static const struct {
	const char *map;
	int64_t uid, gid;
	int r; /* of the first that fails */
	uint32_t want_uid, want_gid;
} ids[] = {
	{NULL, 33, 44, 0, 33, 44},
	{"", 1000033, 0, 0, 1000033, 0},
	{"[]", 4294967294, 7, 0, 4294967294, 7},
	{USUAL, 1000000, 2000000, 0, 0, 0},
	{USUAL, 1065535, 2065535, 0, 65535, 65535},
	{USUAL, 1065536, 2000000, -ERANGE, 0, 0},
	{USUAL, 999999, 2000000, -ERANGE, 0, 0},
	{USUAL, 1000000, 1000000, -ERANGE, 0, 0},
	{USUAL, 0, 0, -ERANGE, 0, 0},
	{HOLE, 1000, 1000, 0, 1000, 1000},
	{HOLE, 1000999, 1000, 0, 999, 1000},
	{HOLE, 1001, 1000, -ERANGE, 0, 0},
	{HOLE, 1001000, 1000, -ERANGE, 0, 0},
};

START_TEST(what_the_container_calls_an_id)
{
	cleanup_idmap struct idmap map = {0};
	uint32_t uid = 0, gid = 0;
	int r;

	ck_assert_int_eq(idmap_parse(ids[_i].map, &map, NULL), 0);
	r = idmap_uid(&map, ids[_i].uid, &uid);
	if (r == 0)
		r = idmap_gid(&map, ids[_i].gid, &gid);
	ck_assert_int_eq(r, ids[_i].r);
	if (r < 0)
		return;
	ck_assert_uint_eq(uid, ids[_i].want_uid);
	ck_assert_uint_eq(gid, ids[_i].want_gid);
}
END_TEST

static const char *const broken[] = {
	"[",
	"{}",
	"[1]",
	"[{\"Isuid\":true,\"Isgid\":true,\"Hostid\":1,\"Nsid\":0}]",
	"[{\"Isuid\":true,\"Isgid\":true,\"Hostid\":-1,\"Nsid\":0,\"Maprange\":5}]",
	"[{\"Isuid\":true,\"Isgid\":true,\"Hostid\":1,\"Nsid\":0,\"Maprange\":4294967296}]",
	"[{\"Isuid\":true,\"Isgid\":true,\"Hostid\":0,\"Nsid\":9,\"Maprange\":4294967295}]",
};

START_TEST(what_is_no_map_is_an_error)
{
	cleanup_error struct error err = {0};
	struct idmap map;

	ck_assert_int_eq(idmap_parse(broken[_i], &map, &err), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(err.text, "is no map of ids"));
	ck_assert_ptr_null(map.ranges);
}
END_TEST

struct acl {
	struct posix_acl_xattr_header header;
	struct posix_acl_xattr_entry entries[4];
};

/* user::, user:<uid>, group:<gid>, mask:: */
static struct acl make_acl(uint32_t uid, uint32_t gid)
{
	return (struct acl){
		{htole32(POSIX_ACL_XATTR_VERSION)},
		{{htole16(0x01), htole16(7), htole32(UINT32_MAX)},
			{htole16(0x02), htole16(5), htole32(uid)},
			{htole16(0x08), htole16(4), htole32(gid)},
			{htole16(0x10), htole16(7), htole32(UINT32_MAX)}},
	};
}

START_TEST(acls_name_the_containers_users_and_groups)
{
	cleanup_idmap struct idmap map = {0};
	struct acl acl = make_acl(1000077, 2000088);
	const struct acl want = make_acl(77, 88);
	size_t len = sizeof(acl);

	ck_assert_int_eq(idmap_parse(USUAL, &map, NULL), 0);
	ck_assert_int_eq(idmap_xattr(&map, "system.posix_acl_access", &acl, &len), 0);
	ck_assert_mem_eq(&acl, &want, sizeof(acl));
	acl = make_acl(1000077, 88);
	ck_assert_int_eq(idmap_xattr(&map, "system.posix_acl_default", &acl, &len), -ERANGE);
	len = sizeof(acl) - 1;
	ck_assert_int_eq(idmap_xattr(&map, "system.posix_acl_access", &acl, &len), -EBADMSG);
	len = 2;
	ck_assert_int_eq(idmap_xattr(&map, "system.posix_acl_access", &acl, &len), -EBADMSG);
}
END_TEST

/* Capabilities of the disk's user ROOT; what comes of them. */
static const struct {
	uint32_t revision, root;
	size_t len;
	int r;
	uint32_t want_revision, want_root;
	size_t want_len;
} caps[] = {
	{VFS_CAP_REVISION_3, 1000000, XATTR_CAPS_SZ_3, 0, VFS_CAP_REVISION_2, 0, XATTR_CAPS_SZ_2},
	{VFS_CAP_REVISION_3, 1000500, XATTR_CAPS_SZ_3, 0, VFS_CAP_REVISION_3, 500, XATTR_CAPS_SZ_3},
	{VFS_CAP_REVISION_3, 500, XATTR_CAPS_SZ_3, -ERANGE, 0, 0, 0},
	{VFS_CAP_REVISION_2, 0, XATTR_CAPS_SZ_2, -ERANGE, 0, 0, 0},
	{VFS_CAP_REVISION_3, 1000000, XATTR_CAPS_SZ_2, -EBADMSG, 0, 0, 0},
	{VFS_CAP_REVISION_3, 1000000, 3, -EBADMSG, 0, 0, 0},
};

START_TEST(capabilities_belong_to_the_containers_root)
{
	struct vfs_ns_cap_data data = {
		.magic_etc = htole32(caps[_i].revision | VFS_CAP_FLAGS_EFFECTIVE),
		.data = {{htole32(1u << CAP_NET_RAW), 0}},
		.rootid = htole32(caps[_i].root),
	};
	cleanup_idmap struct idmap map = {0};
	size_t len = caps[_i].len;

	ck_assert_int_eq(idmap_parse(USUAL, &map, NULL), 0);
	ck_assert_int_eq(idmap_xattr(&map, "security.capability", &data, &len), caps[_i].r);
	if (caps[_i].r < 0)
		return;
	ck_assert_uint_eq(len, caps[_i].want_len);
	ck_assert_uint_eq(
		le32toh(data.magic_etc), caps[_i].want_revision | VFS_CAP_FLAGS_EFFECTIVE);
	ck_assert_uint_eq(le32toh(data.data[0].permitted), 1u << CAP_NET_RAW);
	if (len == XATTR_CAPS_SZ_3)
		ck_assert_uint_eq(le32toh(data.rootid), caps[_i].want_root);
}
END_TEST

START_TEST(other_attributes_have_no_ids)
{
	cleanup_idmap struct idmap map = {0};
	char value[] = "1000000";
	size_t len = sizeof(value);

	ck_assert_int_eq(idmap_xattr(&map, "security.capability", value, &len), 0);
	ck_assert_int_eq(idmap_parse(USUAL, &map, NULL), 0);
	ck_assert_int_eq(idmap_xattr(&map, "user.note", value, &len), 0);
	ck_assert_str_eq(value, "1000000");
	ck_assert_uint_eq(len, sizeof(value));
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("idmap");
	TCase *tc = tcase_create("idmap");

	tcase_add_loop_test(tc, what_the_container_calls_an_id, 0, ARRAY_SIZE(ids));
	tcase_add_loop_test(tc, what_is_no_map_is_an_error, 0, ARRAY_SIZE(broken));
	tcase_add_test(tc, acls_name_the_containers_users_and_groups);
	tcase_add_loop_test(tc, capabilities_belong_to_the_containers_root, 0, ARRAY_SIZE(caps));
	tcase_add_test(tc, other_attributes_have_no_ids);
	suite_add_tcase(s, tc);
	return s;
}
