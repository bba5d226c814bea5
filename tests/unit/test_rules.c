/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cleanup.h"
#include "specs.h"

#include <string.h>

/* Line 10 on is the fragment of the machine 'pro-dev', then the top-level one. */
static const char frame[] = "project_name: t\n"
			    "global:\n"
			    "  base_subnet: \"10.100\"\n"
			    "domains:\n"
			    "  pro:\n"
			    "    subnet_id: 0\n"
			    "    machines:\n"
			    "      pro-dev:\n"
			    "        ip: \"10.100.0.1\"\n"
			    "%s%s";

#define PD "        persistent_data:\n"
#define DEV "        devices:\n"
#define STO "        storage_volumes:\n"
#define M "machine 'pro-dev': "
#define V M "persistent_data."
#define NAME_RULE "invalid name: use a-z, 0-9 and '-', which is neither first nor last\n"

struct row {
	const char *ids;
	const char *machine; /* lines of the machine 'pro-dev' */
	const char *top; /* lines at the top level */
	const char *report; /* exactly what is said */
};

#define A20 "aaaaaaaaaaaaaaaaaaaa"
#define A100 A20 A20 A20 A20 A20

static const struct row volume_rows[] = {
	{"PD-001", PD "          projects: {path: /home/user/projects}\n", "", ""},
	/* PD-001, S0-20: a trailing slash is no other path. */
	{"S0-20", PD "          projects: {path: /home/user//projects/}\n", "", ""},
	{"a path reads as it is",
		PD "          a: {path: \"/a\\u0085\"}\n          b: {path: \"/\\u202eb\"}\n"
		   "          c: {path: \"/c\xe2\x81\xa9\"}\n          d: {path: \"/d\xc3\xa9\"}\n",
		"",
		"infra.yml:11:21: error: " V "a: path must not hold characters that control a "
		"terminal or turn text, got '/a?"
		"?'\n"
		"infra.yml:12:21: error: " V "b: path must not hold characters that control a "
		"terminal or turn text, got '/???b'\n"
		"infra.yml:13:21: error: " V "c: path must not hold characters that control a "
		"terminal or turn text, got '/c??"
		"?'\n"},
	{"one key twice and a control character hide nothing",
		PD "          a: {path: x}\n          a: {path: /a}\n          b: {path: /b\x1b}\n"
		   "          BAD: {path: /c}\n",
		"",
		"infra.yml:11:21: error: " V "a: path must be an absolute path, got 'x'\n"
		"infra.yml:12:11: error: key 'a' is there twice, first on line 11\n"
		"infra.yml:13:23: error: character U+001B is not allowed in YAML\n"
		"infra.yml:14:11: error: " V "BAD: " NAME_RULE},
	{"PD-002 S0-19", PD "          BAD_NAME: {path: /x}\n", "",
		"infra.yml:11:11: error: " V "BAD_NAME: " NAME_RULE},
	{"S0-19",
		PD
		"          -a: {path: /a}\n          a-: {path: /b}\n          a.b: {path: /c}\n",
		"",
		"infra.yml:11:11: error: " V "-a: " NAME_RULE "infra.yml:12:11: error: " V
		"a-: " NAME_RULE "infra.yml:13:11: error: " V "a.b: " NAME_RULE},
	{"S0-19 final newline", PD "          \"db\\n\": {path: /x}\n", "",
		"infra.yml:11:11: error: " V "db?: invalid name: it ends with a newline\n"},
	{"S0-19 UTF-8 and escape",
		PD "          d\xc3\xa9: {path: /x}\n          \"\\e[m\": {path: /y}\n", "",
		"infra.yml:11:11: error: " V "d\xc3\xa9: " NAME_RULE "infra.yml:12:11: error: " V
		"?[m: " NAME_RULE},
	{"S0-19 64 characters",
		PD "          "
		   "0123456789012345678901234567890123456789012345678901234567890123: {path: /x}\n",
		"",
		"infra.yml:11:11: error: " V
		"0123456789012345678901234567890123456789012345678901234567890123: "
		"invalid name: it is longer than 63 characters\n"},
	{"Incus takes 64 characters for a device",
		PD "          "
		   "01234567890123456789012345678901234567890123456789012345678901: {path: /x}\n",
		"",
		"infra.yml:11:11: error: " V
		"01234567890123456789012345678901234567890123456789012345678901: "
		"the device name 'pd-...' would be longer than Incus' 64 characters\n"},
	{"names that are no strings", PD "          1: {path: /x}\n          on: {path: /y}\n", "",
		"infra.yml:11:11: error: " V
		"1: invalid name: it is an integer, write it in quotes\n"
		"infra.yml:12:11: error: " V
		"on: invalid name: it is a boolean, write it in quotes\n"},
	{"PD-003 S0-13", PD "          db: {}\n          web: {path: }\n", "",
		"infra.yml:11:11: error: " V "db: path is required\n"
		"infra.yml:12:17: error: " V "web: path is required\n"},
	{"PD-004 S0-13 S0-20", PD "          db: {path: relative/path}\n          e: {path: ''}\n",
		"",
		"infra.yml:11:22: error: " V
		"db: path must be an absolute path, got 'relative/path'\n"
		"infra.yml:12:21: error: " V "e: path must be an absolute path, got ''\n"},
	{"S0-20", PD "          db: {path: 5}\n          web: {path: [/x]}\n", "",
		"infra.yml:11:22: error: " V "db: path must be an absolute path, got '5'\n"
		"infra.yml:12:23: error: " V "web: path must be an absolute path, got a list\n"},
	{"PD-005 S0-13", PD "          db: {path: /x, readonly: \"yes\"}\n", "",
		"infra.yml:11:36: error: " V
		"db: readonly must be a boolean, got a string: drop the quotes\n"},
	{"S0-20",
		PD "          db: {path: /x, readonly: 1}\n          web: {path: /y, readonly: }\n",
		"",
		"infra.yml:11:36: error: " V "db: readonly must be a boolean, got an integer\n"},
	{"PD-006", "", "", ""},
	{"PD-006", PD, "", ""},
	{"PD-006", "        persistent_data: {}\n", "", ""},
	{"S0-13", "        persistent_data: []\n", "",
		"infra.yml:10:26: error: " M "persistent_data must list, each once: workspace "
		"home root etc usr-local opt var srv, got a list\n"},
	{"S0-13", PD "          db:\n          web: /y\n", "",
		"infra.yml:11:11: error: " V "db: must be a mapping, got nothing\n"
		"infra.yml:12:16: error: " V "web: must be a mapping, got a string\n"},
	{"S0-13", PD "          db: {pth: /x, path: /x, shift: true}\n", "",
		"infra.yml:11:16: error: " V "db: unknown key 'pth', did you mean 'path'?\n"
		"infra.yml:11:35: error: " V "db: unknown key 'shift'\n"},
	{"S0-13 errors of one volume add up",
		PD "          X: {path: rel, readonly: no way}\n" DEV
		   "          pd-X: {type: disk, path: /z, source: /s}\n",
		"",
		"infra.yml:11:11: error: " V
		"X: device name 'pd-X' collision with the device at infra.yml:13:11\n"
		"infra.yml:11:11: error: " V "X: " NAME_RULE "infra.yml:11:21: error: " V
		"X: path must be an absolute path, got 'rel'\n"
		"infra.yml:11:36: error: " V "X: readonly must be a boolean, got a string\n"},
	{"S0-20", PD "          db: {path: /a/../b}\n          web: {path: \"/a\\nb\"}\n", "",
		"infra.yml:11:22: error: " V
		"db: path must not hold '.', '..' or control characters, got '/a/../b'\n"
		"infra.yml:12:23: error: " V
		"web: path must not hold '.', '..' or control characters, got '/a?b'\n"},
	{"S0-20", PD "          db: {path: /" A100 A100 A100 A100 "}\n", "",
		"infra.yml:11:22: error: " V "db: path is longer than 400 bytes, got '/" A20 A20 A20
		"aaa...'\n"},
	{"S0-20", PD "          db: {path: /}\n", "",
		"infra.yml:11:22: error: " V "db: path must not be '/': a volume is no root\n"},
	{"S2-2",
		PD "          home: {path: /home}\n          root: {path: /root}\n"
		   "          etc: {path: /etc}\n          usr-local: {path: /usr/local}\n"
		   "          opt: {path: /opt}\n          var: {path: /var}\n"
		   "          srv: {path: /srv}\n          workspace: {path: /workspace}\n",
		"", ""},
	{"S2-1",
		"        persistent_data: universal\n" DEV
		"          x: {type: disk, path: /var/}\n",
		"",
		"infra.yml:10:26: error: " M
		"persistent_data.var: duplicate mount path '/var', used by device 'x' at "
		"infra.yml:12:33\n"},
	{"S2-1", "        persistent_data: everything\n", "",
		"infra.yml:10:26: error: " M
		"persistent_data must be a mapping, a list or 'universal', got 'everything'\n"},
	{"S2-1", "        persistent_data: [var, etc, var]\n", "",
		"infra.yml:10:26: error: " M "persistent_data must list, each once: workspace "
		"home root etc usr-local opt var srv, got a list\n"},
	{"S2-4",
		PD
		"          a: {path: /tmp}\n          b: {path: /proc/x}\n          c: {path: /sys/}\n"
		"          d: {path: /dev/shm}\n          e: {path: /run/x}\n          f: {path: /runs}\n",
		"",
		"infra.yml:11:21: error: " V
		"a: path must not be in '/tmp': the machine empties it at each start\n"
		"infra.yml:12:21: error: " V "b: path must not be in '/proc': the kernel makes it\n"
		"infra.yml:13:21: error: " V "c: path must not be in '/sys': the kernel makes it\n"
		"infra.yml:14:21: error: " V "d: path must not be in '/dev': the kernel makes it\n"
		"infra.yml:15:21: error: " V
		"e: path must not be in '/run': the machine empties it at each start\n"},
	{"S2-4", PD "          a: {path: /var/run/app}\n", "",
		"infra.yml:11:21: warning: " V
		"a: path is in '/var/run': in most machines it is a link to '/run'\n"},
	{"S0-21 PD-2-002",
		PD "          mydata: {path: /x}\n" DEV
		   "          pd-mydata: {type: disk, path: /y, source: /s}\n",
		"",
		"infra.yml:11:11: error: " V
		"mydata: device name 'pd-mydata' collision with the device at infra.yml:13:11\n"},
	{"S0-21", PD "          db: {path: /x}\n" STO "          pd-db: {path: /y}\n", "",
		"infra.yml:11:11: error: " V
		"db: device name 'pd-db' collision with the storage volume at infra.yml:13:11\n"},
	{"no device is an option of the incus command",
		DEV "          --help: {type: none}\n          -: {type: none}\n"
		    "          a-b: {type: none, --force: x, a-: y}\n          c: {type: --help}\n",
		"",
		"infra.yml:11:11: error: " M "device '--help': a name must not begin with '-'\n"
		"infra.yml:12:11: error: " M "device '-': a name must not begin with '-'\n"
		"infra.yml:13:29: error: " M
		"device 'a-b': a key must not begin with '-', got '--force'\n"
		"infra.yml:14:21: error: " M
		"device 'c': type must not begin with '-', got '--help'\n"},
	{"S0-15", DEV "          pd-x: {type: disk, path: /y, source: /s}\n", "",
		"infra.yml:11:11: error: " M
		"device 'pd-x': names with 'pd-' are reserved for volumes\n"},
	{"S0-22", PD "          a: {path: /var/lib/x}\n          b: {path: /var/lib/x/}\n", "",
		"infra.yml:12:21: error: " V
		"b: duplicate mount path '/var/lib/x', used by volume 'a' at infra.yml:11:21\n"},
	{"S0-22 three on one path",
		PD "          a: {path: /x}\n          b: {path: /x}\n          c: {path: /x}\n",
		"",
		"infra.yml:12:21: error: " V
		"b: duplicate mount path '/x', used by volume 'a' at infra.yml:11:21\n"
		"infra.yml:13:21: error: " V
		"c: duplicate mount path '/x', used by volume 'b' at infra.yml:12:21\n"},
	{"S0-22 nested",
		PD
		"          x: {path: /var/lib/x}\n          v: {path: /var}\n          w: {path: /variant}\n",
		"",
		"infra.yml:11:21: warning: " M
		"'/var/lib/x' (volume 'x') lies inside '/var' (volume 'v'): mount '/var' first, or it "
		"hides the other\n"},
	{"S0-22 neighbours between parent and child",
		PD
		"          a: {path: /a}\n          b: {path: /a-b}\n          c: {path: /a/c/d}\n"
		"          d: {path: /a/c}\n          e: {path: /a/e}\n",
		"",
		"infra.yml:13:21: warning: " M
		"'/a/c/d' (volume 'c') lies inside '/a/c' (volume 'd'): mount '/a/c' first, or it "
		"hides the other\n"
		"infra.yml:14:21: warning: " M
		"'/a/c' (volume 'd') lies inside '/a' (volume 'a'): mount '/a' first, or it hides the "
		"other\n"
		"infra.yml:15:21: warning: " M
		"'/a/e' (volume 'e') lies inside '/a' (volume 'a'): mount '/a' first, or it hides the "
		"other\n"},
	{"S0-22 user device",
		PD "          a: {path: /x}\n          b: {path: /y}\n" DEV
		   "          root: {type: disk, path: /, pool: default}\n"
		   "          eth0: {type: nic, path: /x}\n"
		   "          conf: {type: disk, path: /x/, source: /s}\n"
		   "          sub: {type: disk, path: /y/sub, source: /s}\n",
		"",
		"infra.yml:11:21: error: " V
		"a: duplicate mount path '/x', used by device 'conf' at infra.yml:16:36\n"
		"infra.yml:12:21: warning: " M
		"'/y/sub' (device 'sub') lies inside '/y' (volume 'b'): mount '/y' first, or it hides "
		"the other\n"},
	{"S0-22 S0-24",
		PD "          a: {path: /x}\n" STO "          s: {pool: default, path: /x}\n", "",
		"infra.yml:11:21: error: " V
		"a: duplicate mount path '/x', used by storage volume 's' at infra.yml:13:36\n"},
	{"S0-22 PD-2-001", PD "          a: {path: /shared/docs/}\n",
		"shared_volumes:\n  docs: {consumers: {pro: ro}}\n",
		"infra.yml:11:21: error: " V
		"a: duplicate mount path '/shared/docs', used by shared volume 'docs' at "
		"infra.yml:13:3\n"},
	{"S0-22", PD "          a: {path: /data}\n",
		"shared_volumes:\n  docs: {path: /data/docs, consumers: {pro-dev: rw}}\n",
		"infra.yml:11:21: warning: " M
		"'/data/docs' (shared volume 'docs') lies inside '/data' (volume 'a'): mount '/data' "
		"first, or it hides the other\n"},
	{"PD-2-001", PD "          projects: {path: /p}\n",
		"shared_volumes:\n  docs: {consumers: {pro: ro}}\n", ""},
	{"own keys",
		PD
		"          a: {path: /a, owner: \"999:999\", mode: \"0750\", class: database, size: 20GiB,\n"
		"              protected: false, description: d}\n"
		"          b: {path: /b, owner: 33:33, mode: 0750, size: 1000000}\n"
		"          c: {path: /c, mode: 0o750}\n          d: {path: /d, mode: '750'}\n",
		"", ""},
	{"own keys",
		PD
		"          a: {path: /a, owner: root, mode: 750, class: Data_Base, size: lots}\n"
		"          b: {path: /b, owner: 1, mode: rwx, class: 5, size: 0, protected: 'no'}\n"
		"          c: {path: /c, owner: \"-1:0\", mode: '99', description: 5}\n",
		"",
		"infra.yml:11:32: error: " V "a: owner must be uid:gid in numbers, got 'root'\n"
		"infra.yml:11:44: error: " V
		"a: mode must be octal in quotes, such as \"0750\", got '750'\n"
		"infra.yml:11:56: error: " V
		"a: class must be a name of a-z, 0-9 and '-', got 'Data_Base'\n"
		"infra.yml:11:73: error: " V "a: size must be a size such as 20GiB, got 'lots'\n"
		"infra.yml:12:32: error: " V "b: owner must be uid:gid in numbers, got '1'\n"
		"infra.yml:12:41: error: " V
		"b: mode must be octal in quotes, such as \"0750\", got 'rwx'\n"
		"infra.yml:12:53: error: " V
		"b: class must be a name of a-z, 0-9 and '-', got '5'\n"
		"infra.yml:12:62: error: " V "b: size must be a size such as 20GiB, got '0'\n"
		"infra.yml:12:76: error: " V
		"b: protected must be a boolean, got a string: drop the quotes\n"
		"infra.yml:13:32: error: " V "c: owner must be uid:gid in numbers, got '-1:0'\n"
		"infra.yml:13:46: error: " V
		"c: mode must be octal in quotes, such as \"0750\", got '99'\n"
		"infra.yml:13:65: error: " V
		"c: description must be a string, got an integer: write it in quotes\n"},
};

static void load_row(const struct row *row)
{
	cleanup_free char *text = NULL;
	int r;

	ck_assert_int_gt(asprintf(&text, frame, row->machine, row->top), 0);
	r = specs_load(text);
	specs_expect(row->ids, row->report);
	ck_assert_int_eq(r, strstr(row->report, ": error: ") ? -EINVAL : 0);
}

START_TEST(volumes_follow_their_rules)
{
	load_row(&volume_rows[_i]);
}
END_TEST

static const struct row machine_rows[] = {
	{"ip", "", "", ""},
	{"types",
		"        type: docker\n        ephemeral: maybe\n        boot_autostart: 1\n"
		"        boot_priority: true\n        snapshots_schedule: daily\n"
		"        snapshots_expiry: 30\n        weight: 0\n        gpu: 1\n        roles: base\n",
		"",
		"infra.yml:10:15: error: " M "type must be lxc or vm, got 'docker'\n"
		"infra.yml:11:20: error: " M "ephemeral must be a boolean, got a string\n"
		"infra.yml:12:25: error: " M "boot_autostart must be a boolean, got an integer\n"
		"infra.yml:13:24: error: " M "boot_priority must be an integer 0-100, got 'true'\n"
		"infra.yml:14:29: error: " M
		"snapshots_schedule must be a cron expression of 5 fields, got 'daily'\n"
		"infra.yml:15:27: error: " M
		"snapshots_expiry must be a duration such as 30d, 24h or 60m, got '30'\n"
		"infra.yml:16:17: error: " M "weight must be an integer of at least 1, got '0'\n"
		"infra.yml:17:14: error: " M "gpu must be a boolean, got an integer\n"
		"infra.yml:18:16: error: " M "roles must be a list, got 'base'\n"},
	{"fine",
		"        type: vm\n        ephemeral: yes\n        boot_autostart: true\n"
		"        boot_priority: 100\n        snapshots_schedule: '0 3 * * *'\n"
		"        snapshots_expiry: 30d\n        weight: 3\n        gpu: true\n"
		"        roles: [base]\n        profiles: [default]\n",
		"", ""},
	{"profile", "        profiles: [default, nvidia]\n", "",
		"infra.yml:10:29: error: " M "profile 'nvidia' not defined in domain 'pro'\n"},
	{"misspelt", "        persistant_data: {db: {path: /x}}\n", "",
		"infra.yml:10:9: warning: " M
		"unknown key 'persistant_data', did you mean 'persistent_data'?\n"},
	/* Silently ignored, its data would be lost with the machine. */
	{"other layout", "        persistent: {db: /x}\n", "",
		"infra.yml:10:9: error: " M
		"'persistent' is read in anklume.yml + domains/ only, here it is 'persistent_data'\n"},
	{"other layout", "        gui: true\n", "",
		"infra.yml:10:9: warning: " M "'gui' is read in anklume.yml + domains/ only\n"},
	{"devices", "        devices:\n          a:\n          b: {path: [1]}\n          c: 5\n",
		"",
		"infra.yml:11:11: error: device 'a': must be a mapping, got nothing\n"
		"infra.yml:12:21: error: device 'b': a device key must have a plain value\n"
		"infra.yml:13:14: error: device 'c': must be a mapping, got an integer\n"},
	{"storage_volumes", "        storage_volumes: [a]\n", "",
		"infra.yml:10:26: error: " M "storage_volumes must be a mapping, got a list\n"},
	{"privileged", "        config: {security.privileged: \"true\"}\n", "",
		"infra.yml:10:18: warning: " M
		"root in a privileged container is root on the host, and its volumes cannot be "
		"shifted\n"},
	{"privileged", "        config: {security.privileged: true}\n", "",
		"infra.yml:10:18: warning: " M
		"root in a privileged container is root on the host, and its volumes cannot be "
		"shifted\n"},
	{"privileged", "        config: {security.privileged: 1}\n", "", ""},
	{"privileged", "        type: vm\n        config: {security.privileged: \"true\"}\n", "",
		""},
};

START_TEST(machines_follow_their_rules)
{
	load_row(&machine_rows[_i]);
}
END_TEST

#define SV "shared volume "

static const struct row shared_rows[] = {
	{"SV-001", "", "shared_volumes:\n  docs: {source: /s, path: /d, consumers: {pro: ro}}\n",
		""},
	{"SV-002", "", "shared_volumes:\n  docs: {consumers: {pro-dev: rw}}\n", ""},
	{"SV-003", "", "shared_volumes:\n  Docs: {consumers: {pro: ro}}\n",
		"infra.yml:11:3: error: " SV "'Docs': " NAME_RULE},
	{"types", "",
		"shared_volumes:\n  docs: {source: s, path: p, shift: 1, consumers: {pro: ro}}\n",
		"infra.yml:11:18: error: " SV "'docs': source must be an absolute path, got 's'\n"
		"infra.yml:11:27: error: " SV "'docs': path must be an absolute path, got 'p'\n"
		"infra.yml:11:37: error: " SV "'docs': shift must be a boolean, got an integer\n"},
	{"SV-004", "", "shared_volumes:\n  docs: {consumers: {nobody: ro}}\n",
		"infra.yml:11:22: error: " SV
		"'docs': consumer 'nobody' is not a known domain or machine\n"},
	{"SV-005", "", "shared_volumes:\n  docs: {consumers: {pro: rx}}\n",
		"infra.yml:11:27: error: " SV "'docs': access of 'pro' must be 'ro' or 'rw'\n"},
	{"SV-2-003", DEV "          sv-docs: {type: disk, path: /x, source: /s}\n",
		"shared_volumes:\n  docs: {consumers: {pro: ro}}\n",
		"infra.yml:11:11: error: " M
		"device name 'sv-docs' collision with shared volume 'docs'\n"},
	{"SV-2-004", "",
		"shared_volumes:\n  a: {path: /x, consumers: {pro: ro}}\n"
		"  b: {path: /x/, consumers: {pro-dev: rw}}\n",
		"infra.yml:12:13: error: " SV
		"'b': duplicate mount path '/x' on machine 'pro-dev', used by shared volume 'a' at "
		"infra.yml:11:13\n"},
	/* Upstream documents it and its validation refuses it. */
	{"SV-2-001", "", "shared_volumes:\n  docs: {consumers: {pro: ro, pro-dev: rw}}\n", ""},
	{"SV-006", "", "shared_volumes:\n  a: {consumers: }\n  b: {consumers: {}}\n  c: {}\n  d:\n",
		"infra.yml:11:7: error: " SV "'a': consumers is required\n"
		"infra.yml:12:18: error: " SV
		"'b': consumers must be a non-empty mapping, got an empty one\n"
		"infra.yml:13:3: error: " SV "'c': consumers is required\n"
		"infra.yml:14:3: error: " SV "'d': must be a mapping, got nothing\n"},
	{"S0-23 independent of ours", "", "shared_volumes: []\n",
		"infra.yml:10:17: error: shared_volumes must be a mapping, got a list\n"},
};

START_TEST(shared_volumes_follow_their_rules)
{
	load_row(&shared_rows[_i]);
}
END_TEST

#define G "project_name: t\nglobal: {base_subnet: \"10.100\""
#define D "}\ndomains:\n  pro: {subnet_id: 0}\n"
#define BASE_ERROR "error: persistent_data_base "

/* Whole files. */
static const struct {
	const char *ids;
	const char *text;
	const char *report;
} file_rows[] = {
	{"empty", "", "infra.yml: error: the file is empty\n"},
	{"no mapping", "- a\n", "infra.yml:1:1: error: must be a mapping, got a list\n"},
	{"required", "{}\n",
		"infra.yml: error: missing required key 'domains'\n"
		"infra.yml: error: missing required key 'global'\n"
		"infra.yml: error: missing required key 'project_name'\n"},
	{"null", "project_name:\nglobal:\ndomains:\n",
		"infra.yml:1:1: error: project_name is required\n"
		"infra.yml:2:1: error: global is required\n"},
	{"types", "project_name: 5\nglobal: 5\ndomains: 5\n",
		"infra.yml:1:15: error: project_name must be a string, got an integer: write it in "
		"quotes\n"
		"infra.yml:2:9: error: global must be a mapping, got '5'\n"
		"infra.yml:3:10: error: domains must be a mapping, got '5'\n"},
	{"null domain", G "}\ndomains:\n  pro:\n  perso: {subnet_id: 1, machines: {a: , b: []}}\n",
		"infra.yml:4:3: error: domain 'pro': must be a mapping, got nothing\n"
		"infra.yml:5:36: error: machine 'a': must be a mapping, got nothing\n"
		"infra.yml:5:44: error: machine 'b': must be a mapping, got a list\n"},
	{"S0-12 PD-007", G ", persistent_data_base: relative/path" D,
		"infra.yml:2:55: error: global: persistent_data_base must be an absolute path, got "
		"'relative/path'\n"},
	{"S0-12", G ", persistent_data_base: /mnt/storage/" D, ""},
	{"S0-12", G ", persistent_data_base: 5" D,
		"infra.yml:2:55: error: global: persistent_data_base must be an absolute path, got "
		"'5'\n"},
	{"S0-12", G ", persistent_data_base: " D,
		"infra.yml:2:33: warning: persistent_data_base is empty: '/srv/anklume/data' is used\n"},
	{"S0-20", G ", persistent_data_base: /a/../b" D,
		"infra.yml:2:55: error: global: persistent_data_base must not hold '.', '..' or "
		"control characters, got '/a/../b'\n"},
	{"S0-12", G ", persistent_data_base: //" D,
		"infra.yml:2:55: " BASE_ERROR "must not be '/'\n"},
	{"S0-12", G ", persistent_data_base: /proc/x" D,
		"infra.yml:2:55: " BASE_ERROR "must not be in '/proc'\n"},
	{"S0-12", G ", persistent_data_base: /run/x" D,
		"infra.yml:2:55: warning: persistent_data_base is in '/run', which a restart "
		"empties\n"},
	{"S0-12", G ", persistent_data_base: /var/lib/anklume/data/" D,
		"infra.yml:2:55: warning: persistent_data_base is the data base itself: machines "
		"would bypass the protection\n"},
	{"global", G ", nesting_prefix: 1, gpu_policy: both, firewall_mode: vpn, default_user: 1" D,
		"infra.yml:2:49: error: global: nesting_prefix must be a boolean, got an integer\n"
		"infra.yml:2:64: error: global: gpu_policy must be exclusive or shared, got 'both'\n"
		"infra.yml:2:85: error: global: firewall_mode must be host or vm, got 'vpn'\n"
		"infra.yml:2:104: error: global: default_user must be a string, got an integer: "
		"write it in quotes\n"},
	{"global", G ", shared_volumes_base: x, gpu_polcy: shared" D,
		"infra.yml:2:54: error: global: shared_volumes_base must be an absolute path, got "
		"'x'\n"
		"infra.yml:2:57: warning: global: unknown key 'gpu_polcy', did you mean "
		"'gpu_policy'?\n"},
	{"base_subnet as a number", "project_name: t\nglobal: {base_subnet: 10.100}\ndomains: {}\n",
		"infra.yml:2:23: warning: global: base_subnet must be a string, got a number: write "
		"it in quotes\n"},
	{"addressing", "project_name: t\nglobal: {addressing: []}\ndomains: {}\n",
		"infra.yml:2:22: error: global: addressing must be a mapping, got a list\n"},
	{"addressing",
		"project_name: t\nglobal: {addressing: {base_octet: 172, zone_base: 246, "
		"zone_step: 0}}\ndomains: {}\n",
		"infra.yml:2:35: error: global.addressing: base_octet must be 10, got '172'\n"
		"infra.yml:2:51: error: global.addressing: zone_base must be an integer 0-245, got "
		"'246'\n"
		"infra.yml:2:67: error: global.addressing: zone_step must be an integer of at least "
		"1, got '0'\n"},
	{"resource_policy",
		"project_name: t\nglobal: {resource_policy: {mode: x, cpu_mode: y, memory_enforce: z, "
		"overcommit: 1, host_reserve: 5}}\ndomains: {}\n",
		"infra.yml:2:34: error: global.resource_policy: mode must be proportional or equal, "
		"got 'x'\n"
		"infra.yml:2:47: error: global.resource_policy: cpu_mode must be allowance or count, "
		"got 'y'\n"
		"infra.yml:2:66: error: global.resource_policy: memory_enforce must be soft or hard, "
		"got 'z'\n"
		"infra.yml:2:81: error: global.resource_policy: overcommit must be a boolean, got an "
		"integer\n"
		"infra.yml:2:98: error: global.resource_policy: host_reserve must be a mapping, got "
		"'5'\n"},
	{"resource_policy", "project_name: t\nglobal: {resource_policy: true}\ndomains: {}\n", ""},
	{"resource_policy", "project_name: t\nglobal: {resource_policy: yep}\ndomains: {}\n",
		"infra.yml:2:27: error: global: resource_policy must be a mapping or true, got 'yep'\n"},
	{"domain types",
		G "}\ndomains:\n  pro: {subnet_id: 255, enabled: x, ephemeral: y, trust_level: z,\n"
		  "        machines: [], profiles: 5}\n",
		"infra.yml:4:20: error: domain 'pro': subnet_id must be an integer 0-254, got '255'\n"
		"infra.yml:4:34: error: domain 'pro': enabled must be a boolean, got a string\n"
		"infra.yml:4:48: error: domain 'pro': ephemeral must be a boolean, got a string\n"
		"infra.yml:4:64: error: domain 'pro': trust_level must be admin, trusted, "
		"semi-trusted, untrusted or disposable, got 'z'\n"
		"infra.yml:5:19: error: domain 'pro': machines must be a mapping, got a list\n"
		"infra.yml:5:33: error: domain 'pro': profiles must be a mapping, got '5'\n"},
	{"subnet_id", G "}\ndomains:\n  a: {}\n  b: {subnet_id: 1}\n  c: {subnet_id: 1}\n",
		"infra.yml:4:3: error: domain 'a': missing subnet_id, which is needed without "
		"addressing\n"
		"infra.yml:6:18: error: domain 'c': subnet_id 1 already used by domain 'b'\n"},
	{"subnet_id is unique per zone",
		"project_name: t\nglobal: {addressing: {}}\ndomains:\n"
		"  a: {subnet_id: 1, trust_level: admin}\n  b: {subnet_id: 1, trust_level: trusted}\n"
		"  c: {subnet_id: 1}\n  d: {subnet_id: 1, trust_level: semi-trusted}\n",
		"infra.yml:7:18: error: domain 'd': subnet_id 1 already used by domain 'c'\n"},
	{"ip",
		G "}\ndomains:\n  a: {subnet_id: 1, machines: {m: {ip: 10.100.2.1}, n: {ip: x}}}\n"
		  "  b: {subnet_id: 2, machines: {o: {ip: 10.100.2.1}}}\n",
		"infra.yml:4:40: error: machine 'm': IP 10.100.2.1 not in subnet 10.100.1.0/24\n"
		"infra.yml:4:61: error: machine 'n': ip must be an IPv4 address, got 'x'\n"
		"infra.yml:5:40: error: machine 'o': IP 10.100.2.1 already used by machine 'm'\n"},
	{"ip with addressing: free subnets go to the domains by name",
		"project_name: t\nglobal: {addressing: {zone_base: 50}}\ndomains:\n"
		"  z: {trust_level: trusted, machines: {m: {ip: 10.60.2.1}}}\n"
		"  a: {trust_level: trusted, machines: {n: {ip: 10.60.0.1}}}\n"
		"  k: {trust_level: trusted, subnet_id: 1, machines: {o: {ip: 10.60.2.9}}}\n"
		"  u: {machines: {p: {ip: 10.70.0.7}}}\n",
		"infra.yml:6:62: error: machine 'o': IP 10.60.2.9 not in subnet 10.60.1.0/24\n"},
	{"machine names are unique over the domains",
		G "}\ndomains:\n  a: {subnet_id: 1, machines: {m: {}}}\n"
		  "  b: {subnet_id: 2, machines: {m: {}}}\n",
		"infra.yml:5:32: error: machine 'm': duplicate, already in domain 'a' at "
		"infra.yml:4:32\n"},
	{"names", G "}\ndomains:\n  Pro: {subnet_id: 1, machines: {web_1: {}, on: {}}}\n",
		"infra.yml:4:3: error: domain 'Pro': " NAME_RULE
		"infra.yml:4:34: error: machine 'web_1': " NAME_RULE
		"infra.yml:4:45: error: machine 'on': invalid name: it is a boolean, write it in "
		"quotes\n"},
	{"gpu",
		G
		"}\ndomains:\n  a: {subnet_id: 1, profiles: {nv: {devices: {g: {type: gpu}}}, e: },\n"
		"      machines: {m: {gpu: true}, n: {profiles: [nv]}, o: {profiles: [e]}}}\n",
		"infra.yml:5:34: error: machine 'n': the GPU is exclusive and machine 'm' has it, or "
		"set gpu_policy: shared\n"},
	{"profile devices are no options either",
		G "}\ndomains:\n  a: {subnet_id: 1, profiles: {p: {devices: {-x: {type: none}}}},\n"
		  "      machines: {}}\n",
		"infra.yml:4:46: error: profile 'p': device '-x': a name must not begin with '-'\n"},
	{"gpu shared",
		G ", gpu_policy: shared}\ndomains:\n  a: {subnet_id: 1, machines: {m: {gpu: true}, "
		  "n: {gpu: true}}}\n",
		""},
	{"S0-15 in profiles",
		G
		"}\ndomains:\n  a: {subnet_id: 1, profiles: {p: {devices: {pd-x: {type: disk}}}}}\n",
		"infra.yml:4:46: error: profile 'p': device 'pd-x': names with 'pd-' are reserved for "
		"volumes\n"},
	{"S0-22 profile device",
		G "}\ndomains:\n  a:\n    subnet_id: 1\n"
		  "    profiles: {p: {devices: {conf: {type: disk, path: /x}}}}\n"
		  "    machines: {m: {profiles: [p], persistent_data: {v: {path: /x}}}}\n",
		"infra.yml:7:63: error: machine 'm': persistent_data.v: duplicate mount path '/x', "
		"used by profile device 'conf' at infra.yml:6:55\n"},
	{"S0-22 a device of the machine's own hides the profile's",
		G
		"}\ndomains:\n  a:\n    subnet_id: 1\n"
		"    profiles: {p: {devices: {conf: {type: disk, path: /x}}}}\n"
		"    machines: {m: {profiles: [p], devices: {conf: {type: none}}, persistent_data: "
		"{v: {path: /x}}}}\n",
		""},
	{"consumer that is two things",
		G "}\ndomains:\n  a: {subnet_id: 1, machines: {b: {}}}\n  b: {subnet_id: 2}\n"
		  "shared_volumes: {s: {consumers: {b: ro}}}\n",
		"infra.yml:6:34: warning: shared volume 's': 'b' is a domain and a machine, the domain "
		"is meant\n"},
	{"policy of a disabled domain",
		"network_policies: [{from: host, to: pro}]\n" G
		"}\ndomains:\n  pro: {subnet_id: 0, enabled: false}\n",
		"infra.yml:1:37: warning: policy: to 'pro' is a disabled domain\n"},
	{"policies",
		"network_policies:\n  - {from: pro, to: nobody}\n  - {from: host}\n  - 5\n"
		"  - {from: host, to: pro, ports: [0], protocol: icmp, bidirectional: 1}\n" G D,
		"infra.yml:2:21: error: policy: to 'nobody' is not a known domain, machine or 'host'\n"
		"infra.yml:3:5: error: network_policies[1]: to is required\n"
		"infra.yml:4:5: error: network_policies[2]: must be a mapping\n"
		"infra.yml:5:34: error: network_policies[3]: ports must be 'all' or a list of ports "
		"1-65535, got a list\n"
		"infra.yml:5:49: error: network_policies[3]: protocol must be tcp or udp, got 'icmp'\n"
		"infra.yml:5:70: error: network_policies[3]: bidirectional must be a boolean, got an "
		"integer\n"},
	{"ai access", G ", ai_access_policy: exclusive" D,
		"infra.yml:2:33: error: global: ai_access_policy 'exclusive' needs a domain "
		"'ai-tools'\n"
		"infra.yml:2:33: error: global: ai_access_policy 'exclusive' needs "
		"ai_access_default\n"},
	{"ai access",
		"network_policies: [{from: pro, to: ai-tools}, {from: host, to: ai-tools}]\n" G
		", ai_access_policy: exclusive, ai_access_default: ai-tools" D
		"  ai-tools: {subnet_id: 1}\n",
		"infra.yml:1:47: error: policy: a second one to ai-tools, with exclusive access\n"
		"infra.yml:3:81: error: global: ai_access_default 'ai-tools' is not a domain that may "
		"use ai-tools\n"},
	{"firewall", G ", firewall_mode: vm" D,
		"infra.yml:2:33: error: global: firewall_mode 'vm' needs a domain 'anklume' for its "
		"machine\n"},
	{"other formats", "live_os: {base: debian}\ndomains: [{name: x}]\nstorage: {}\n",
		"infra.yml:1:1: error: this is a live OS image description, which declares no "
		"machines for Incus: give the infra.yml of the host\n"},
	{"other formats", "schema_version: 1\n",
		"infra.yml:1:1: error: this looks like an anklume.yml: name it so, beside its "
		"domains/\n"},
	{"other formats", "machines: {}\n",
		"infra.yml:1:1: error: this looks like the file of one domain: give the directory "
		"above domains/\n"},
	{"syntax", G "\n",
		"infra.yml:3:1: error: not YAML: did not find expected ',' or '}' while "
		"parsing a flow mapping\n"},
};

START_TEST(files_follow_their_rules)
{
	int r = specs_load(file_rows[_i].text);

	specs_expect(file_rows[_i].ids, file_rows[_i].report);
	ck_assert_int_eq(r, strstr(file_rows[_i].report, " error: ") ? -EINVAL : 0);
}
END_TEST

/* The prefix of the nesting level is part of the instance's name. */
START_TEST(instance_name_fits_with_its_prefix)
{
	static const char text[] =
		G "}\ndomains:\n  pro: {subnet_id: 0, machines: {"
		  "012345678901234567890123456789012345678901234567890123456789a: {}}}\n";

	ck_assert_int_eq(specs_load(text), 0);
	unit_write("level", "1\n");
	ck_assert_int_eq(specs_load(text), -EINVAL);
	specs_expect("",
		"infra.yml:4:34: error: machine "
		"'012345678901234567890123456789012345678901234567890123456789a': its instance name "
		"'001-...' has 65 characters, at most 63 fit\n");
}
END_TEST

/* Upstream's enrichment raises an exception on the hundredth machine. */
START_TEST(machines_without_room_for_addresses_are_told)
{
	char text[8192];
	int n = snprintf(text, sizeof(text),
		"project_name: t\nglobal: {addressing: {}}\ndomains: {pro: {machines: {");

	for (int i = 0; i < 100; i++)
		n += snprintf(text + n, sizeof(text) - n, "m%d: {},", i);
	snprintf(text + n, sizeof(text) - n, "}}}\n");
	ck_assert_int_eq(specs_load(text), 0);
	specs_expect("", "infra.yml:3:11: warning: domain 'pro': 100 machines without "
			 "ip, upstream has 99 addresses for them\n");
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("rules");
	TCase *tc = tcase_create("rules");

	tcase_add_checked_fixture(tc, specs_setup, specs_teardown);
	tcase_add_loop_test(tc, volumes_follow_their_rules, 0, ARRAY_SIZE(volume_rows));
	tcase_add_loop_test(tc, machines_follow_their_rules, 0, ARRAY_SIZE(machine_rows));
	tcase_add_loop_test(tc, shared_volumes_follow_their_rules, 0, ARRAY_SIZE(shared_rows));
	tcase_add_loop_test(tc, files_follow_their_rules, 0, ARRAY_SIZE(file_rows));
	tcase_add_test(tc, instance_name_fits_with_its_prefix);
	tcase_add_test(tc, machines_without_room_for_addresses_are_told);
	suite_add_tcase(s, tc);
	return s;
}
