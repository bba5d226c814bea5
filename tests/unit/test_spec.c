/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cleanup.h"
#include "specs.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define GLOBAL "project_name: t\nglobal: {base_subnet: \"10.100\"}\n"
#define PRO "pro:\n  subnet_id: 0\n  machines: {pro-dev: {persistent_data: {db: {path: /db}}}}\n"

/* The directory layout under DIR. */
static void write_directory(const char *dir)
{
	char name[64];

	ck_assert_int_eq(mkdir(dir, 0755), 0);
	snprintf(name, sizeof(name), "%s/base.yml", dir);
	unit_write(name, GLOBAL);
	snprintf(name, sizeof(name), "%s/domains/pro.yml", dir);
	unit_write(name, PRO);
}

static void write_anklume(void)
{
	unit_write("anklume.yml", "schema_version: 1\n");
	unit_write("domains/pro.yml", "description: work\nmachines:\n  dev:\n    description: d\n"
				      "    persistent: {db: /var/lib/db}\n");
}

START_TEST(single_file_is_read)
{
	ck_assert_int_eq(specs_load(GLOBAL "domains: {pro: {subnet_id: 0, machines: {pro-dev: "
					   "{persistent_data: {db: {path: /db}}}}}}\n"),
		0);
	specs_expect("", "");
	ck_assert_int_eq(spec_get_layout(specs_last()), SPEC_FILE);
	ck_assert_str_eq(specs_volume("pro/pro-dev/db")->path, "/db");
}
END_TEST

START_TEST(directory_is_read)
{
	write_directory("infra");
	unit_write("infra/policies.yml", "network_policies: [{from: host, to: pro}]\n");
	ck_assert_int_eq(specs_load_path("infra"), 0);
	specs_expect("", "");
	ck_assert_int_eq(spec_get_layout(specs_last()), SPEC_DIRECTORY);
	ck_assert_str_eq(specs_volume("pro/pro-dev/db")->path, "/db");
}
END_TEST

START_TEST(anklume_layout_is_read)
{
	write_anklume();
	unit_write("policies.yml", "policies: [{from: host, to: pro-dev, description: d}]\n");
	ck_assert_int_eq(specs_load_path("."), 0);
	specs_expect("", "");
	ck_assert_int_eq(spec_get_layout(specs_last()), SPEC_ANKLUME);
	ck_assert_str_eq(specs_volume("pro/pro-dev/db")->path, "/var/lib/db");
}
END_TEST

/* What may be given for the same spec. */
static const struct {
	const char *given;
	enum spec_layout layout;
} paths[] = {
	{"infra.yml", SPEC_DIRECTORY}, /* not there: X for X.yml */
	{"infra", SPEC_DIRECTORY},
	{"infra/", SPEC_DIRECTORY},
	{"infra/base.yml", SPEC_DIRECTORY},
	{".", SPEC_DIRECTORY}, /* the Makefile's rule */
	{"single", SPEC_FILE}, /* not there: X.yml for X */
	{"single/", SPEC_FILE},
	{"single.yml", SPEC_FILE},
};

START_TEST(path_finds_its_layout)
{
	write_directory("infra");
	unit_write("single.yml", GLOBAL "domains:\n");
	ck_assert_int_eq(specs_load_path(paths[_i].given), 0);
	ck_assert_int_eq(spec_get_layout(specs_last()), paths[_i].layout);
}
END_TEST

START_TEST(directory_wins_over_the_file_beside_it)
{
	write_directory("infra");
	unit_write("infra.yml", GLOBAL "domains:\n");
	ck_assert_int_eq(specs_load_path("."), 0);
	ck_assert_int_eq(spec_get_layout(specs_last()), SPEC_DIRECTORY);
	ck_assert_int_eq(specs_load_path("infra.yml"), 0);
	ck_assert_int_eq(spec_get_layout(specs_last()), SPEC_FILE);
}
END_TEST

START_TEST(path_that_is_no_spec_is_told)
{
	ck_assert_int_eq(specs_load_path("none"), -ENOENT);
	specs_expect("", "there is no 'none' and no 'none.yml'\n");
	ck_assert_int_eq(specs_load_path("none.yml"), -ENOENT);
	specs_expect("", "there is no 'none.yml' and no 'none'\n");
	ck_assert_int_eq(specs_load_path("."), -ENOENT);
	specs_expect("", "'.' holds no base.yml, anklume.yml, infra/base.yml or infra.yml\n");
	unit_write("base.yml", GLOBAL);
	unit_write("anklume.yml", "");
	ck_assert_int_eq(specs_load_path("."), -EEXIST);
	specs_expect("", "'.' holds both base.yml and anklume.yml: name the one to read\n");
}
END_TEST

START_TEST(unreadable_domain_file_is_told)
{
	write_directory("infra");
	ck_assert_int_eq(symlink("nowhere", "infra/domains/x.yml"), 0);
	ck_assert_int_eq(specs_load_path("infra"), -ENOENT);
	specs_expect("", "cannot read 'infra/domains/x.yml': No such file or directory\n");
}
END_TEST

/* Opening the first would wait for a writer for ever. */
START_TEST(only_regular_files_are_read)
{
	write_directory("infra");
	ck_assert_int_eq(mkfifo("infra/domains/a.yml", 0600), 0);
	ck_assert_int_eq(mkdir("infra/domains/b.yml", 0700), 0);
	ck_assert_int_eq(mkfifo("infra/policies.yml", 0600), 0);
	ck_assert_int_eq(specs_load_path("infra"), -EINVAL);
	specs_expect("", "infra/domains/a.yml: error: not a regular file\n"
			 "infra/domains/b.yml: error: not a regular file\n"
			 "infra/policies.yml: error: not a regular file\n");
}
END_TEST

START_TEST(paths_that_cannot_be_looked_at_are_told)
{
	ck_assert_int_eq(symlink("loop", "loop"), 0);
	ck_assert_int_eq(specs_load_path("loop"), -ELOOP);
	specs_expect("", "cannot read 'loop': Too many levels of symbolic links\n");

	unit_write("infra/base.yml", GLOBAL);
	unit_write("infra/domains", "");
	ck_assert_int_eq(specs_load_path("infra"), -ENOTDIR);
	specs_expect("", "cannot list 'infra/domains': Not a directory\n");

	ck_assert_int_eq(unlink("infra/base.yml"), 0);
	ck_assert_int_eq(symlink("base.yml", "infra/base.yml"), 0);
	ck_assert_int_eq(specs_load_path("infra"), -ELOOP);
	specs_expect("", "cannot read 'infra/base.yml': Too many levels of symbolic links\n");
}
END_TEST

/* Upstream: files sorted, a later definition wins whole, at the place of the earlier one. */
START_TEST(redefined_domain_warns_and_wins)
{
	write_directory("infra");
	unit_write("infra/domains/zz.yml",
		"last: {subnet_id: 9}\npro: {subnet_id: 1, machines: {other: {}}}\n");
	ck_assert_int_eq(specs_load_path("infra"), 0);
	specs_expect("", "infra/domains/zz.yml:2:1: warning: domain 'pro' "
			 "replaces its definition at infra/domains/pro.yml:1:1\n");
	ck_assert_uint_eq(spec_get_infra(specs_last())->n_domains, 2);
	ck_assert_str_eq(spec_get_infra(specs_last())->domains[0].name, "pro");
	ck_assert_str_eq(spec_get_infra(specs_last())->domains[0].machines[0].name, "other");
}
END_TEST

/* A replaced definition is not read, so its volumes are not checked either. */
START_TEST(base_file_may_hold_domains_too)
{
	write_directory("infra");
	unit_write("infra/base.yml", GLOBAL "domains: {perso: {subnet_id: 5}}\n");
	ck_assert_int_eq(specs_load_path("infra"), 0);
	ck_assert_uint_eq(spec_get_infra(specs_last())->n_domains, 2);
	ck_assert_str_eq(spec_get_infra(specs_last())->domains[0].name, "perso");
}
END_TEST

START_TEST(policies_of_their_file_replace_those_of_base)
{
	write_directory("infra");
	unit_write("infra/base.yml", GLOBAL "network_policies: [{from: gone, to: pro}]\n");
	ck_assert_int_eq(specs_load_path("infra"), -EINVAL);
	unit_write("infra/policies.yml", "network_policies: [{from: host, to: pro}]\n");
	ck_assert_int_eq(specs_load_path("infra"), 0);
}
END_TEST

START_TEST(files_that_are_not_read_are_told)
{
	write_directory("infra");
	unit_write("infra/domains/a.yaml", "x: {}\n");
	unit_write("infra/domains/.hidden.yml", "x: {}\n");
	unit_write("infra/domains/notes.txt", "x\n");
	unit_write("infra/domains/empty.yml", "# nothing yet\n");
	ck_assert_int_eq(specs_load_path("infra"), 0);
	specs_expect("", "infra/domains/.hidden.yml: warning: ignored: a domain's "
			 "file is called <name>.yml\n"
			 "infra/domains/a.yaml: warning: ignored: a domain's file is "
			 "called <name>.yml\n");
}
END_TEST

START_TEST(errors_of_all_files_come_in_one_run)
{
	ck_assert_int_eq(mkdir("infra", 0755), 0);
	unit_write("infra/base.yml", "project_name: t\nglobal: {persistent_data_base: x}\n");
	unit_write("infra/domains/a.yml", "a: {subnet_id: 300}\n");
	unit_write("infra/domains/b.yml", "b: [\n");
	unit_write("infra/domains/c.yml", "- c\n");
	unit_write("infra/policies.yml", "network_policies: 5\n");
	ck_assert_int_eq(specs_load_path("infra"), -EINVAL);
	specs_expect("",
		"infra/base.yml:2:32: error: global: persistent_data_base must be an absolute path, "
		"got 'x'\n"
		"infra/domains/a.yml:1:16: error: domain 'a': subnet_id must be an integer 0-254, got "
		"'300'\n"
		"infra/domains/b.yml:2:1: error: not YAML: did not find expected node content while "
		"parsing a flow node\n"
		"infra/domains/c.yml:1:1: error: must be a mapping of domains, got a list\n"
		"infra/policies.yml:1:19: error: network_policies must be a list, got '5'\n");
}
END_TEST

START_TEST(policies_file_is_a_mapping)
{
	write_directory("infra");
	unit_write("infra/policies.yml", "- {from: host, to: pro}\n");
	ck_assert_int_eq(specs_load_path("infra"), -EINVAL);
	specs_expect("", "infra/policies.yml:1:1: error: must be a mapping, got a list\n");
	unit_write("infra/policies.yml", "# none yet\n");
	ck_assert_int_eq(specs_load_path("infra"), 0);
	unit_write("infra/policies.yml", "policies: []\n");
	ck_assert_int_eq(specs_load_path("infra"), 0);
	specs_expect("", "infra/policies.yml:1:1: warning: 'policies' is read in anklume.yml + "
			 "domains/ only\n");
}
END_TEST

START_TEST(directory_without_domains_lacks_a_key)
{
	unit_write("infra/base.yml", GLOBAL);
	ck_assert_int_eq(specs_load_path("infra"), -EINVAL);
	specs_expect("", "infra/base.yml: error: missing required key 'domains'\n");
}
END_TEST

START_TEST(anklume_layout_has_its_own_keys)
{
	write_anklume();
	unit_write("anklume.yml",
		"schema_version: 2\nglobal: {}\ndefaults: {trust_level: x}\nnesting: {prefix: 1}\n");
	unit_write("domains/pro.yml",
		"machines:\n  dev: {persistent_data: {}}\n  web:\n"
		"  db: {description: d, persistent: {a: rel, b: {path: /b, shift: x}, c: 5, D: /d},\n"
		"    config: {security.privileged: 'false'}, devices: {}}\n");
	unit_write("domains/far-too-long.yml", "description: d\n");
	unit_write("domains/Bad.yml", "");
	ck_assert_int_eq(specs_load_path("anklume.yml"), -EINVAL);
	specs_expect("",
		"anklume.yml:1:17: error: schema_version must be 1, got '2'\n"
		"anklume.yml:2:1: warning: unknown key 'global'\n"
		"anklume.yml:3:25: error: defaults: trust_level must be admin, trusted, "
		"semi-trusted, untrusted or disposable, got 'x'\n"
		"anklume.yml:4:19: error: nesting: prefix must be a boolean, got an integer\n"
		"./domains/Bad.yml: error: domain 'Bad': invalid name: use a-z, 0-9 and '-', which is "
		"neither first nor last\n"
		"./domains/Bad.yml: error: domain 'Bad': must be a mapping, got nothing\n"
		"./domains/far-too-long.yml: error: domain 'far-too-long': invalid name: longer than "
		"11 characters, the bridge 'net-...' could not be made\n"
		"./domains/pro.yml: error: domain 'pro': description is required\n"
		"./domains/pro.yml:2:3: error: machine 'dev': description is required\n"
		"./domains/pro.yml:2:9: error: machine 'dev': 'persistent_data' is read in infra.yml "
		"only, here it is 'persistent'\n"
		"./domains/pro.yml:3:3: error: machine 'web': must be a mapping, got nothing\n"
		"./domains/pro.yml:4:40: error: machine 'db': persistent.a: must be an absolute path\n"
		"./domains/pro.yml:4:59: error: machine 'db': persistent.b: unknown key 'shift'\n"
		"./domains/pro.yml:4:73: error: machine 'db': persistent.c: must be a mapping, got an "
		"integer\n"
		"./domains/pro.yml:4:76: error: machine 'db': persistent.D: invalid name: use a-z, "
		"0-9 and '-', which is neither first nor last\n"
		"./domains/pro.yml:5:14: error: machine 'db': config must not set "
		"security.privileged\n"
		"./domains/pro.yml:5:45: warning: machine 'db': 'devices' is read in infra.yml only\n");
}
END_TEST

/* a-b + c and a + b-c would be one instance. */
START_TEST(full_names_are_unique)
{
	unit_write("anklume.yml", "");
	unit_write("domains/a.yml", "description: d\nmachines: {b-c: {description: d}}\n");
	unit_write("domains/a-b.yml", "description: d\nmachines: {c: {description: d}}\n");
	ck_assert_int_eq(specs_load_path("anklume.yml"), -EINVAL);
	specs_expect("", "./domains/a.yml:2:12: error: machine 'a-b-c': duplicate, "
			 "already in domain 'a-b' at ./domains/a-b.yml:2:12\n");
}
END_TEST

START_TEST(volumes_of_the_anklume_layout_follow_the_rules)
{
	write_anklume();
	unit_write("domains/pro.yml", "description: work\nmachines:\n  dev:\n    description: d\n"
				      "    persistent: {a: /x, b: {path: /x/}, c: /tmp, d: /}\n");
	ck_assert_int_eq(specs_load_path("."), -EINVAL);
	specs_expect("",
		"./domains/pro.yml:5:35: error: machine 'dev': persistent.b: duplicate mount path "
		"'/x', used by volume 'a' at ./domains/pro.yml:5:21\n"
		"./domains/pro.yml:5:44: error: machine 'dev': persistent.c: path must not be in "
		"'/tmp': the machine empties it at each start\n"
		"./domains/pro.yml:5:53: error: machine 'dev': persistent.d: path must not be "
		"'/': a volume is no root\n");
}
END_TEST

START_TEST(shipped_example_is_accepted)
{
	ck_assert_msg(
		specs_load_path(SOURCE_ROOT "/examples/infra.yml") == 0, "%s", specs_report());
	specs_expect("", "");
}
END_TEST

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void write_lab(size_t n_machines)
{
	FILE *f = fopen("infra.yml", "w");

	ck_assert_ptr_nonnull(f);
	fputs("project_name: lab\nglobal: {addressing: {}}\ndomains:\n", f);
	for (size_t i = 0; i < n_machines; i++) {
		if (i % 20 == 0)
			fprintf(f, "  student-%zu:\n    ephemeral: true\n    machines:\n", i / 20);
		fprintf(f, "      m%zu:\n        type: lxc\n        persistent_data:\n", i);
		for (int v = 0; v < 4; v++)
			fprintf(f,
				"          vol-%d:\n            path: /srv/data/vol-%d\n"
				"            owner: \"999:999\"\n            size: 20GiB\n",
				v, v);
	}
	ck_assert_int_eq(fclose(f), 0);
}

/* No measurement: the work must grow with the file, not with its square. */
START_TEST(work_grows_with_the_file)
{
	double small, large;

	write_lab(1000);
	small = -seconds();
	ck_assert_int_eq(specs_load_path("infra.yml"), 0);
	small += seconds();
	ck_assert_uint_eq(infra_count_volumes(spec_get_infra(specs_last())), 4000);

	write_lab(16000);
	large = -seconds();
	ck_assert_int_eq(specs_load_path("infra.yml"), 0);
	large += seconds();
	ck_assert_uint_eq(infra_count_volumes(spec_get_infra(specs_last())), 64000);
	ck_assert_msg(
		large < 64 * small, "16 times the machines take %.1f times as long", large / small);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("spec");
	TCase *tc = tcase_create("spec");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, specs_setup, specs_teardown);
	tcase_add_test(tc, single_file_is_read);
	tcase_add_test(tc, directory_is_read);
	tcase_add_test(tc, anklume_layout_is_read);
	tcase_add_loop_test(tc, path_finds_its_layout, 0, ARRAY_SIZE(paths));
	tcase_add_test(tc, directory_wins_over_the_file_beside_it);
	tcase_add_test(tc, path_that_is_no_spec_is_told);
	tcase_add_test(tc, unreadable_domain_file_is_told);
	tcase_add_test(tc, only_regular_files_are_read);
	tcase_add_test(tc, paths_that_cannot_be_looked_at_are_told);
	tcase_add_test(tc, redefined_domain_warns_and_wins);
	tcase_add_test(tc, base_file_may_hold_domains_too);
	tcase_add_test(tc, policies_of_their_file_replace_those_of_base);
	tcase_add_test(tc, files_that_are_not_read_are_told);
	tcase_add_test(tc, errors_of_all_files_come_in_one_run);
	tcase_add_test(tc, policies_file_is_a_mapping);
	tcase_add_test(tc, directory_without_domains_lacks_a_key);
	tcase_add_test(tc, anklume_layout_has_its_own_keys);
	tcase_add_test(tc, full_names_are_unique);
	tcase_add_test(tc, volumes_of_the_anklume_layout_follow_the_rules);
	tcase_add_test(tc, shipped_example_is_accepted);
	tcase_add_test(tc, work_grows_with_the_file);
	suite_add_tcase(s, tc);
	return s;
}
