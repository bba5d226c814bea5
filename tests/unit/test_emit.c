/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "emit.h"

#include "str.h"
#include "unit.h"
#include "yamldoc.h"

#include <string.h>
#include <sys/wait.h>

static struct device_list list;

static void add(const char *name, const char *const *properties)
{
	struct device *d = device_list_add(&list, name, DEVICE_PERSISTENT);

	ck_assert_ptr_nonnull(d);
	for (; *properties; properties += 2)
		ck_assert_int_eq(device_set(d, properties[0], properties[1]), 0);
}

static void setup(void)
{
	device_list_init(&list);
}

static void setup_two(void)
{
	setup();
	add("pd-db",
		(const char *const[]){"type", "disk", "source", "/srv/anklume/data/pro/pro-dev/db",
			"path", "/var/lib/postgresql", "shift", "true", NULL});
	add("pd-docs", (const char *const[]){"type", "disk", "source", "/srv/my data/x", "path",
			       "/docs", "shift", "true", "readonly", "true", NULL});
}

static void teardown(void)
{
	device_list_finish(&list);
}

START_TEST(incus_yaml_is_as_incus_shows_it)
{
	cleanup_free char *text = emit_incus_yaml(&list);

	ck_assert_str_eq(text, "devices:\n"
			       "  pd-db:\n"
			       "    type: disk\n"
			       "    source: /srv/anklume/data/pro/pro-dev/db\n"
			       "    path: /var/lib/postgresql\n"
			       "    shift: \"true\"\n"
			       "  pd-docs:\n"
			       "    type: disk\n"
			       "    source: \"/srv/my data/x\"\n"
			       "    path: /docs\n"
			       "    shift: \"true\"\n"
			       "    readonly: \"true\"\n");
}
END_TEST

START_TEST(json_keeps_the_order)
{
	cleanup_free char *text = emit_json(&list);

	ck_assert_str_eq(text, "{\n"
			       "  \"pd-db\": {\n"
			       "    \"type\": \"disk\",\n"
			       "    \"source\": \"/srv/anklume/data/pro/pro-dev/db\",\n"
			       "    \"path\": \"/var/lib/postgresql\",\n"
			       "    \"shift\": \"true\"\n"
			       "  },\n"
			       "  \"pd-docs\": {\n"
			       "    \"type\": \"disk\",\n"
			       "    \"source\": \"/srv/my data/x\",\n"
			       "    \"path\": \"/docs\",\n"
			       "    \"shift\": \"true\",\n"
			       "    \"readonly\": \"true\"\n"
			       "  }\n"
			       "}");
}
END_TEST

START_TEST(commands_add_each_device)
{
	cleanup_free char *text = emit_commands(&list, "001-pro", "001-pro-dev");

	ck_assert_str_eq(text,
		"incus config device add --project 001-pro 001-pro-dev pd-db disk "
		"source=/srv/anklume/data/pro/pro-dev/db path=/var/lib/postgresql shift=true\n"
		"incus config device add --project 001-pro 001-pro-dev pd-docs disk "
		"'source=/srv/my data/x' path=/docs shift=true readonly=true\n");
}
END_TEST

/* S0-18: nothing that Incus' disk devices do not know (doc/reference/devices_disk.md). */
START_TEST(emitted_keys_are_those_of_an_incus_disk)
{
	static const char *const known[] = {"type", "source", "path", "readonly", "required",
		"shift", "propagation", "recursive", "raw.mount.options"};
	cleanup_device_list struct device_list ours;
	struct domain domain = {.name = (char *)"d"};
	struct machine machine = {.name = (char *)"m"};
	struct volume volume = {
		.name = (char *)"v", .path = (char *)"/v", .spec_flags = VOLUME_READONLY};

	device_list_init(&ours);
	ck_assert_int_eq(device_list_add_volume(&ours, "/b", &domain, &machine, &volume), 0);
	ck_assert_uint_eq(ours.items[0].n_properties, 5);
	for (size_t i = 0; i < ours.items[0].n_properties; i++) {
		bool is_known = false;

		for (size_t j = 0; j < ARRAY_SIZE(known); j++)
			is_known |= str_equal(known[j], ours.items[0].properties[i].key);
		ck_assert_msg(is_known, "key '%s'", ours.items[0].properties[i].key);
	}
}
END_TEST

/* Values that a careless writer loses. */
static const char *const values[] = {
	"plain",
	"/a/b",
	"",
	" lead",
	"trail ",
	"yes",
	"No",
	"y",
	"null",
	"~",
	"0750",
	"1e3",
	"0x1f",
	"0o17",
	"1.5",
	"33:33",
	"2026-03-06",
	".inf",
	"-",
	"- a",
	"a: b",
	"a:",
	"a #b",
	"#a",
	"*a",
	"&a",
	"!a",
	"{a}",
	"[a]",
	"%a",
	"@a",
	"`a`",
	"|",
	">",
	"it's",
	"say \"hi\"",
	"back\\slash",
	"$HOME",
	"`id`",
	"$(id)",
	"a;b",
	"two\nlines\n",
	"tab\there",
	"esc\x1b[31m",
	"del\x7f",
	"d\xc3\xa9j\xc3\xa0 vu",
	"<<",
	"=",
};

static void assert_yaml_value(const char *text, const char *key, const char *wanted)
{
	cleanup_diags struct diags diags;
	cleanup_yamldoc struct yamldoc *doc = NULL;
	const struct yamlnode *value;

	diags_init(&diags);
	ck_assert_msg(yamldoc_parse("t", text, strlen(text), &diags, &doc) == 0, "%s", text);
	ck_assert_uint_eq(diags.n_errors, 0);
	value = yamlnode_get(yamlnode_get(yamlnode_get(yamldoc_root(doc), key), "pd-x"), "k");
	ck_assert_msg(yamlnode_is(value, YAMLNODE_STRING), "%s", text);
	ck_assert_str_eq(value->text, wanted);
}

START_TEST(every_value_survives_yaml)
{
	cleanup_free char *incus = NULL;
	cleanup_free char *ansible = NULL;

	add("pd-x", (const char *const[]){"k", values[_i], NULL});
	incus = emit_incus_yaml(&list);
	assert_yaml_value(incus, "devices", values[_i]);
	ansible = emit_host_vars(&list);
	assert_yaml_value(ansible, "instance_devices", values[_i]);
}
END_TEST

/* A real shell gets the words back: 'incus' is a function that prints its arguments. */
START_TEST(every_value_survives_the_shell)
{
	cleanup_free char *commands = NULL;
	cleanup_free char *wanted = NULL;
	char got[512];
	FILE *script;
	size_t n;
	int fds[2];

	add("pd-x", (const char *const[]){"type", "disk", "k", values[_i], NULL});
	commands = emit_commands(&list, "p q", "i'j");
	ck_assert_int_gt(asprintf(&wanted, "config|device|add|--project|p q|i'j|pd-x|disk|k=%s|",
				 values[_i]),
		0);

	ck_assert_int_eq(pipe(fds), 0);
	if (fork() == 0) {
		dup2(fds[1], STDOUT_FILENO);
		script = popen("sh", "w");
		fprintf(script, "incus() { printf '%%s|' \"$@\"; }\n%s", commands);
		_exit(pclose(script) ? 1 : 0);
	}
	close(fds[1]);
	script = fdopen(fds[0], "r");
	n = fread(got, 1, sizeof(got) - 1, script);
	got[n] = '\0';
	fclose(script);
	wait(NULL);
	ck_assert_str_eq(got, wanted);
}
END_TEST

#define DEVICES                                          \
	"instance_devices:\n"                            \
	"  pd-db:\n"                                     \
	"    type: disk\n"                               \
	"    source: /srv/anklume/data/pro/pro-dev/db\n" \
	"    path: /var/lib/postgresql\n"                \
	"    shift: 'true'\n"                            \
	"  pd-docs:\n"                                   \
	"    type: disk\n"                               \
	"    source: '/srv/my data/x'\n"                 \
	"    path: /docs\n"                              \
	"    shift: 'true'\n"                            \
	"    readonly: 'true'\n"
#define BLOCK_BEGIN                        \
	"# === MANAGED BY infra.yml ===\n" \
	"# Do not edit this section — it will be overwritten by `make sync`\n"
#define BLOCK_END "# === END MANAGED ===\n"

START_TEST(host_vars_block_is_upstreams)
{
	cleanup_free char *text = emit_host_vars(&list);

	ck_assert_str_eq(text, BLOCK_BEGIN DEVICES BLOCK_END);
}
END_TEST

START_TEST(host_vars_without_devices_lack_the_key)
{
	cleanup_free char *text = emit_host_vars(&list);

	ck_assert_str_eq(text, BLOCK_BEGIN BLOCK_END);
}
END_TEST

static const struct {
	const char *old;
	const char *merged;
} merges[] = {
	{NULL, "---\n" BLOCK_BEGIN DEVICES BLOCK_END "\n# Your custom variables below:\n"},
	{"", "---\n" BLOCK_BEGIN DEVICES BLOCK_END "\n# Your custom variables below:\n"},
	{"mine: 1\n", "---\n" BLOCK_BEGIN DEVICES BLOCK_END "\nmine: 1\n"},
	{"---\nmine: 1\n", "---\n" BLOCK_BEGIN DEVICES BLOCK_END "\nmine: 1\n"},
	/* Upstream's other variables in the block stay, before and behind. */
	{"---\n" BLOCK_BEGIN "instance_name: pro-dev\n"
	 "instance_devices:\n  eth0:\n    type: nic\n\n  old: {}\ninstance_roles:\n  - base\n" BLOCK_END
	 "\n# mine\nzone: 1\n",
		"---\n" BLOCK_BEGIN "instance_name: pro-dev\n" DEVICES
		"instance_roles:\n  - base\n" BLOCK_END "\n# mine\nzone: 1\n"},
	{"---\n" BLOCK_BEGIN "instance_name: pro-dev\n" BLOCK_END "zone: 1",
		"---\n" BLOCK_BEGIN "instance_name: pro-dev\n" DEVICES BLOCK_END "zone: 1"},
	/* Only the first block, and only a key of the block. */
	{"instance_devices: {}\n" BLOCK_BEGIN BLOCK_END BLOCK_BEGIN BLOCK_END,
		"instance_devices: {}\n" BLOCK_BEGIN DEVICES BLOCK_END BLOCK_BEGIN BLOCK_END},
	/* A block that never ends is no block. */
	{"# === MANAGED BY infra.yml ===\nmine: 1\n",
		"---\n" BLOCK_BEGIN DEVICES BLOCK_END
		"\n# === MANAGED BY infra.yml ===\nmine: 1\n"},
};

/* S0-16 */
START_TEST(merge_keeps_foreign_lines_and_settles)
{
	cleanup_free char *once = emit_merge_host_vars(merges[_i].old, &list);
	cleanup_free char *twice = emit_merge_host_vars(once, &list);

	ck_assert_str_eq(once, merges[_i].merged);
	ck_assert_str_eq(twice, once);
}
END_TEST

START_TEST(merge_takes_the_last_device_away)
{
	cleanup_free char *text = emit_merge_host_vars(
		"---\n" BLOCK_BEGIN "a: 1\n" DEVICES "z: 2\n" BLOCK_END, &list);

	ck_assert_str_eq(text, "---\n" BLOCK_BEGIN "a: 1\nz: 2\n" BLOCK_END);
}
END_TEST

START_TEST(no_devices_are_still_valid_text)
{
	cleanup_free char *yaml = emit_incus_yaml(&list);
	cleanup_free char *json = emit_json(&list);
	cleanup_free char *commands = emit_commands(&list, "p", "i");

	ck_assert_str_eq(yaml, "devices: {}\n");
	ck_assert_str_eq(json, "{}");
	ck_assert_str_eq(commands, "");
}
END_TEST

#define BEGIN "# === MANAGED BY infra.yml ===\n"
#define END "# === END MANAGED ===\n"

static const struct {
	const char *text;
	bool want;
} generated[] = {
	{BEGIN "a: 1\n" END, true},
	{"---\n" BEGIN "a: 1\n" END "\n# Your custom variables below:\n", true},
	{"---\n" BEGIN END, true},
	{"---\n" BEGIN "a: 1\n# === END MANAGED ===", true},
	{"", false},
	{"---\n", false},
	{"a: 1\n", false},
	{BEGIN "a: 1\n", false},
	{END BEGIN, false},
	{"mine: 1\n" BEGIN END, false},
	{"# mine\n" BEGIN END, false},
	{BEGIN END "mine: 1\n", false},
	{BEGIN END "mine: 1", false},
	{BEGIN END "# Your custom variables below:\nmine: 1\n", false},
	{BEGIN END " \n", false},
};

START_TEST(only_what_nobody_wrote_in_is_generated)
{
	ck_assert_msg(emit_is_generated(generated[_i].text) == generated[_i].want, "'%s'",
		generated[_i].text);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("emit");
	TCase *two = tcase_create("two devices");
	TCase *none = tcase_create("no device");

	tcase_add_checked_fixture(two, setup_two, teardown);
	tcase_add_test(two, incus_yaml_is_as_incus_shows_it);
	tcase_add_test(two, json_keeps_the_order);
	tcase_add_test(two, commands_add_each_device);
	tcase_add_test(two, host_vars_block_is_upstreams);
	tcase_add_loop_test(two, merge_keeps_foreign_lines_and_settles, 0, ARRAY_SIZE(merges));
	suite_add_tcase(s, two);

	tcase_add_checked_fixture(none, setup, teardown);
	tcase_add_test(none, emitted_keys_are_those_of_an_incus_disk);
	tcase_add_loop_test(none, every_value_survives_yaml, 0, ARRAY_SIZE(values));
	tcase_add_loop_test(none, every_value_survives_the_shell, 0, ARRAY_SIZE(values));
	tcase_add_test(none, host_vars_without_devices_lack_the_key);
	tcase_add_test(none, merge_takes_the_last_device_away);
	tcase_add_test(none, no_devices_are_still_valid_text);
	tcase_add_loop_test(none, only_what_nobody_wrote_in_is_generated, 0, ARRAY_SIZE(generated));
	suite_add_tcase(s, none);
	return s;
}
