/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cleanup.h"
#include "specs.h"

#include <string.h>

/* The example of the seed, in upstream's words. */
#define SEED                                                         \
	"project_name: t\n"                                          \
	"global: {base_subnet: \"10.100\"%s}\n"                      \
	"domains:\n"                                                 \
	"  pro:\n"                                                   \
	"    subnet_id: 0\n"                                         \
	"    machines:\n"                                            \
	"      pro-dev:\n"                                           \
	"        ip: \"10.100.0.1\"\n"                               \
	"        devices:\n"                                         \
	"          eth0: {type: nic, nictype: bridged, mtu: 1500}\n" \
	"          gpu: {type: gpu, id: \"0\", x: true, none: }\n"   \
	"          pool: {type: disk, pool: default, path: /pool}\n" \
	"        storage_volumes:\n"                                 \
	"          big: {pool: default, size: 1GiB, path: /big}\n"   \
	"        persistent_data:\n"                                 \
	"          db: {path: /var/lib/postgresql/}\n"               \
	"          docs: {path: /docs, readonly: true}\n"            \
	"      pro-web:\n"                                           \
	"        ip: \"10.100.0.2\"\n"                               \
	"shared_volumes:\n"                                          \
	"  docs: {consumers: {pro: ro, pro-web: rw}}\n"              \
	"  own: {source: /s/, path: /own/, shift: false, consumers: {pro-dev: rw}}\n"

static void load_seed(const char *global)
{
	cleanup_free char *text = NULL;

	ck_assert_int_gt(asprintf(&text, SEED, global), 0);
	ck_assert_msg(specs_load(text) == 0, "%s", specs_report());
	ck_assert_str_eq(specs_report(), "");
}

/* S0-14 S0-23 S0-24 PD-001 PD-2-001 SV-001 SV-002 SV-2-001 SV-2-002 */
START_TEST(devices_of_the_seed_are_those_of_upstream)
{
	load_seed("");
	ck_assert_str_eq(specs_devices("pro/pro-dev"),
		"sv-docs: type=disk source=/srv/anklume/shares/docs path=/shared/docs shift=true "
		"readonly=true\n"
		"sv-own: type=disk source=/s path=/own\n"
		"pd-db: type=disk source=/srv/anklume/data/pro/pro-dev/db "
		"path=/var/lib/postgresql shift=true\n"
		"pd-docs: type=disk source=/srv/anklume/data/pro/pro-dev/docs path=/docs shift=true "
		"readonly=true\n"
		"eth0: type=nic nictype=bridged mtu=1500\n"
		"gpu: type=gpu id=0 x=true\n"
		"pool: type=disk pool=default path=/pool\n");
	ck_assert_str_eq(specs_devices("pro/pro-web"),
		"sv-docs: type=disk source=/srv/anklume/shares/docs path=/shared/docs shift=true\n");
}
END_TEST

/* PD-006 SV-007 */
START_TEST(machine_without_sections_has_no_device)
{
	ck_assert_int_eq(specs_load("project_name: t\nglobal: {}\ndomains: {pro: {subnet_id: 0, "
				    "machines: {m: {}}}}\n"),
		0);
	ck_assert_str_eq(specs_devices("pro/m"), "");
}
END_TEST

/* S2-2: a machine that keeps everything. */
START_TEST(personal_machine_has_eight_volumes)
{
	ck_assert_msg(specs_load("project_name: t\nglobal: {addressing: {}}\ndomains:\n  pods:\n"
				 "    machines:\n      p-1:\n        persistent_data:\n"
				 "          workspace: {path: /workspace}\n"
				 "          home: {path: /home}\n          root: {path: /root}\n"
				 "          etc: {path: /etc}\n"
				 "          usr-local: {path: /usr/local}\n"
				 "          opt: {path: /opt}\n          var: {path: /var}\n"
				 "          srv: {path: /srv}\n") == 0,
		"%s", specs_report());
	ck_assert_str_eq(specs_report(), "");
#define POD "type=disk source=/srv/anklume/data/pods/p-1/"
	ck_assert_str_eq(specs_devices("pods/p-1"),
		"pd-workspace: " POD "workspace path=/workspace shift=true\n"
		"pd-home: " POD "home path=/home shift=true\n"
		"pd-root: " POD "root path=/root shift=true\n"
		"pd-etc: " POD "etc path=/etc shift=true\n"
		"pd-usr-local: " POD "usr-local path=/usr/local shift=true\n"
		"pd-opt: " POD "opt path=/opt shift=true\n"
		"pd-var: " POD "var path=/var shift=true\n"
		"pd-srv: " POD "srv path=/srv shift=true\n");
}
END_TEST

/* S2-1 S2-2: the word is the list. */
START_TEST(universal_stands_for_the_eight_volumes)
{
	cleanup_free char *listed = NULL;

	personal_machine_has_eight_volumes_fn(0);
	listed = strdup(specs_devices("pods/p-1"));
	ck_assert_msg(specs_load("project_name: t\nglobal: {addressing: {}}\ndomains:\n  pods:\n"
				 "    machines:\n      p-1: {persistent_data: universal}\n") == 0,
		"%s", specs_report());
	ck_assert_str_eq(specs_report(), "");
	ck_assert_str_eq(specs_devices("pods/p-1"), listed);
	ck_assert_msg(specs_load("project_name: t\nglobal: {addressing: {}}\ndomains:\n  pods:\n"
				 "    machines:\n      p-1: {persistent_data: [var, etc]}\n") == 0,
		"%s", specs_report());
	ck_assert_str_eq(specs_devices("pods/p-1"), "pd-var: " POD "var path=/var shift=true\n"
						    "pd-etc: " POD "etc path=/etc shift=true\n");
}
END_TEST

/* S2-3: dashes in names never make two volumes one directory. */
START_TEST(names_with_dashes_have_their_own_directories)
{
	ck_assert_int_eq(specs_load("project_name: t\nglobal: {addressing: {}}\ndomains:\n"
				    "  a: {machines: {b-c: {persistent_data: {d: {path: /x}}}}}\n"
				    "  a-b: {machines: {c: {persistent_data: {d: {path: /x}}}}}\n"),
		0);
	ck_assert_str_eq(specs_devices("a/b-c"),
		"pd-d: type=disk source=/srv/anklume/data/a/b-c/d path=/x shift=true\n");
	ck_assert_str_eq(specs_devices("a-b/c"),
		"pd-d: type=disk source=/srv/anklume/data/a-b/c/d path=/x shift=true\n");
}
END_TEST

static const struct {
	const char *global;
	const char *data_base;
} data_bases[] = {
	/* S0-12 */
	{"", "/srv/anklume/data"},
	{", persistent_data_base: /mnt/storage/data", "/mnt/storage/data"},
	{", persistent_data_base: /mnt//storage/data//", "/mnt/storage/data"},
	{", persistent_data_base: ", "/srv/anklume/data"},
};

START_TEST(data_base_is_normalised)
{
	cleanup_free char *text = NULL;
	cleanup_free char *source = NULL;

	ck_assert_int_gt(asprintf(&text, SEED, data_bases[_i].global), 0);
	ck_assert_int_gt(
		asprintf(&source, "source=%s/pro/pro-dev/db ", data_bases[_i].data_base), 0);
	ck_assert_int_eq(specs_load(text), 0);
	ck_assert_str_eq(spec_get_data_base(specs_last()), data_bases[_i].data_base);
	ck_assert_ptr_nonnull(strstr(specs_devices("pro/pro-dev"), source));
}
END_TEST

/* Names towards Incus per level file and switch; data paths never have a prefix. */
static const struct {
	const char *level;
	const char *global;
	const char *project;
	const char *instance;
} levels[] = {
	{NULL, "", "pro", "pro-dev"},
	{"0\n", "", "000-pro", "000-pro-dev"},
	{"1\n", "", "001-pro", "001-pro-dev"},
	{"12", "", "012-pro", "012-pro-dev"},
	{"x\n", "", "pro", "pro-dev"},
	{"1\n", ", nesting_prefix: false", "pro", "pro-dev"},
	{"1\n", ", nesting_prefix: true", "001-pro", "001-pro-dev"},
	{"1\n", ", nesting_prefix: ", "001-pro", "001-pro-dev"},
};

/* PD-3-001 SV-3-001 */
START_TEST(nesting_prefix_is_for_incus_only)
{
	const struct machine *m;

	if (levels[_i].level)
		unit_write("level", levels[_i].level);
	load_seed(levels[_i].global);
	m = &spec_get_infra(specs_last())->domains[0].machines[0];
	ck_assert_str_eq(m->name, "pro-dev");
	ck_assert_str_eq(m->project, levels[_i].project);
	ck_assert_str_eq(m->instance, levels[_i].instance);
	ck_assert_ptr_nonnull(strstr(specs_devices("pro/pro-dev"),
		"pd-db: type=disk source=/srv/anklume/data/pro/pro-dev/db "));
	ck_assert_ptr_nonnull(strstr(specs_devices("pro/pro-dev"), "sv-docs: "));
}
END_TEST

static const struct {
	const char *level;
	const char *nesting;
	const char *project;
	const char *instance;
} anklume_levels[] = {
	{NULL, "", "pro", "pro-dev"},
	{"0\n", "", "pro", "pro-dev"},
	{"1\n", "", "001-pro", "001-pro-dev"},
	{"1\n", "nesting: {prefix: false}\n", "pro", "pro-dev"},
};

/* The newest layout's short names: the directory stays what it was under the full name. */
START_TEST(anklume_layout_keeps_full_names)
{
	const struct machine *m;

	if (anklume_levels[_i].level)
		unit_write("level", anklume_levels[_i].level);
	unit_write("anklume.yml", anklume_levels[_i].nesting);
	unit_write("domains/pro.yml",
		"description: d\nephemeral: true\nmachines:\n  dev:\n    description: d\n"
		"    persistent: {db: /db/, web: {path: /web, protected: true, mode: \"0700\"}}\n");
	ck_assert_msg(specs_load_path(".") == 0, "%s", specs_report());
	m = &spec_get_infra(specs_last())->domains[0].machines[0];
	ck_assert_str_eq(m->name, "pro-dev");
	ck_assert_str_eq(m->project, anklume_levels[_i].project);
	ck_assert_str_eq(m->instance, anklume_levels[_i].instance);
	ck_assert_str_eq(specs_devices("pro/pro-dev"),
		"pd-db: type=disk source=/srv/anklume/data/pro/pro-dev/db path=/db shift=true\n"
		"pd-web: type=disk source=/srv/anklume/data/pro/pro-dev/web path=/web shift=true\n");
	ck_assert_uint_eq(specs_volume("pro/pro-dev/db")->spec_flags, 0);
	ck_assert_uint_eq(specs_volume("pro/pro-dev/web")->spec_flags, VOLUME_PROTECTED);
	ck_assert_uint_eq(specs_volume("pro/pro-dev/web")->mode, 0700);
}
END_TEST

/* protected is the opposite of what is effective of ephemeral, unless it is said. */
static const struct {
	const char *domain;
	const char *machine;
	const char *volume;
	bool is_ephemeral;
	unsigned int flags;
} protections[] = {
	{"", "", "", false, VOLUME_PROTECTED},
	{"ephemeral: true,", "", "", true, 0},
	{"ephemeral: false,", "", "", false, VOLUME_PROTECTED},
	{"", "ephemeral: true,", "", true, 0},
	{"ephemeral: true,", "ephemeral: false,", "", false, VOLUME_PROTECTED},
	{"ephemeral: true,", "ephemeral: ,", "", true, 0},
	{"ephemeral: true,", "", ", protected: true", true, VOLUME_PROTECTED},
	{"", "", ", protected: false", false, 0},
	{"", "", ", readonly: true", false, VOLUME_PROTECTED | VOLUME_READONLY},
	{"", "", ", readonly: yes, protected: off", false, VOLUME_READONLY},
};

START_TEST(protection_follows_ephemeral)
{
	const struct volume *v;
	cleanup_free char *text = NULL;

	ck_assert_int_gt(
		asprintf(&text,
			"project_name: t\nglobal: {}\ndomains: {pro: {subnet_id: 0, %s "
			"machines: {m: {%s persistent_data: {v: {path: /v%s}}}}}}\n",
			protections[_i].domain, protections[_i].machine, protections[_i].volume),
		0);
	ck_assert_msg(specs_load(text) == 0, "%s", specs_report());
	v = specs_volume("pro/m/v");
	ck_assert_uint_eq(v->spec_flags, protections[_i].flags);
	ck_assert_uint_eq(v->flags, protections[_i].flags);
	ck_assert(spec_get_infra(specs_last())->domains[0].machines[0].is_ephemeral ==
		  protections[_i].is_ephemeral);
}
END_TEST

static const struct {
	const char *keys;
	unsigned int uid, gid, mode;
	uint64_t size_bytes;
	const char *class, *description;
} own_keys[] = {
	{"", 0, 0, 0755, 0, NULL, NULL},
	{"owner: \"999:998\", mode: \"0750\"", 999, 998, 0750, 0, NULL, NULL},
	/* PyYAML reads 33:33 as 2013; the text counts. */
	{"owner: 33:33", 33, 33, 0755, 0, NULL, NULL},
	{"owner: 4294967294:0", 4294967294, 0, 0755, 0, NULL, NULL},
	{"mode: 0700", 0, 0, 0700, 0, NULL, NULL},
	{"mode: '700'", 0, 0, 0700, 0, NULL, NULL},
	{"mode: 0o2770", 0, 0, 02770, 0, NULL, NULL},
	{"size: 2GiB, class: database, description: \"a: b\"", 0, 0, 0755, UINT64_C(2) << 30,
		"database", "a: b"},
	{"size: 1000", 0, 0, 0755, 1000, NULL, NULL},
	{"owner: , mode: , size: , class: , description: , protected: ", 0, 0, 0755, 0, NULL, NULL},
};

START_TEST(own_keys_are_read)
{
	const struct volume *v;
	cleanup_free char *text = NULL;

	ck_assert_int_gt(
		asprintf(&text,
			"project_name: t\nglobal: {}\ndomains: {pro: {subnet_id: 0, machines: "
			"{m: {persistent_data: {v: {path: /v, %s}}}}}}\n",
			own_keys[_i].keys),
		0);
	ck_assert_msg(specs_load(text) == 0, "%s", specs_report());
	v = specs_volume("pro/m/v");
	ck_assert_uint_eq(v->uid, own_keys[_i].uid);
	ck_assert_uint_eq(v->gid, own_keys[_i].gid);
	ck_assert_uint_eq(v->mode, own_keys[_i].mode);
	ck_assert_uint_eq(v->size_bytes, own_keys[_i].size_bytes);
	ck_assert_pstr_eq(v->class, own_keys[_i].class);
	ck_assert_pstr_eq(v->description, own_keys[_i].description);
}
END_TEST

/* Upstream computes devices and makes directories for disabled domains too. */
START_TEST(disabled_domain_is_there_and_says_so)
{
	ck_assert_int_eq(specs_load("project_name: t\nglobal: {}\ndomains:\n  a: {subnet_id: 0}\n"
				    "  b: {subnet_id: 1, enabled: false, machines: {m: {type: vm, "
				    "persistent_data: {v: {path: /v}}}}}\n"),
		0);
	ck_assert(spec_get_infra(specs_last())->domains[0].is_enabled);
	ck_assert(!spec_get_infra(specs_last())->domains[1].is_enabled);
	ck_assert(spec_get_infra(specs_last())->domains[1].machines[0].is_vm);
	ck_assert_str_eq(specs_devices("b/m"),
		"pd-v: type=disk source=/srv/anklume/data/b/m/v path=/v shift=true\n");
}
END_TEST

START_TEST(unknown_machine_has_no_devices)
{
	cleanup_device_list struct device_list list;

	load_seed("");
	device_list_init(&list);
	ck_assert_int_eq(spec_list_devices(specs_last(), "pro", "nobody", &list), -ENOENT);
	ck_assert_int_eq(spec_list_devices(specs_last(), "nobody", "pro-dev", &list), -ENOENT);
}
END_TEST

/* A template by anchor and merge key, as people write it for a class of students. */
START_TEST(merged_machines_have_their_own_volumes)
{
	ck_assert_msg(
		specs_load(
			"project_name: t\nglobal: {addressing: {}}\ndomains:\n  lab:\n"
			"    machines:\n      s1: &student\n        ephemeral: true\n"
			"        persistent_data: {home: {path: /home}}\n"
			"      s2: {<<: *student}\n      s3: {<<: *student, ephemeral: false}\n") ==
			0,
		"%s", specs_report());
	ck_assert_uint_eq(specs_volume("lab/s2/home")->spec_flags, 0);
	ck_assert_uint_eq(specs_volume("lab/s3/home")->spec_flags, VOLUME_PROTECTED);
	ck_assert_str_eq(specs_devices("lab/s3"),
		"pd-home: type=disk source=/srv/anklume/data/lab/s3/home path=/home shift=true\n");
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("enrich");
	TCase *tc = tcase_create("enrich");

	tcase_add_checked_fixture(tc, specs_setup, specs_teardown);
	tcase_add_test(tc, devices_of_the_seed_are_those_of_upstream);
	tcase_add_test(tc, machine_without_sections_has_no_device);
	tcase_add_test(tc, personal_machine_has_eight_volumes);
	tcase_add_test(tc, universal_stands_for_the_eight_volumes);
	tcase_add_test(tc, names_with_dashes_have_their_own_directories);
	tcase_add_loop_test(tc, data_base_is_normalised, 0, ARRAY_SIZE(data_bases));
	tcase_add_loop_test(tc, nesting_prefix_is_for_incus_only, 0, ARRAY_SIZE(levels));
	tcase_add_loop_test(tc, anklume_layout_keeps_full_names, 0, ARRAY_SIZE(anklume_levels));
	tcase_add_loop_test(tc, protection_follows_ephemeral, 0, ARRAY_SIZE(protections));
	tcase_add_loop_test(tc, own_keys_are_read, 0, ARRAY_SIZE(own_keys));
	tcase_add_test(tc, disabled_domain_is_there_and_says_so);
	tcase_add_test(tc, unknown_machine_has_no_devices);
	tcase_add_test(tc, merged_machines_have_their_own_volumes);
	suite_add_tcase(s, tc);
	return s;
}
