/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd.h"

#include <string.h>

#define DECLARE "Declare"
#define LOOK "Look"
#define PROTECT "Protect"
#define DELETE "Delete"
#define CHANGE "Make and remove"
#define MAINTAIN "Maintain"

#define VOLUME_WORDS                                                            \
	"VOLUME is domain/machine/volume, an end of it that only one volume\n"  \
	"has (db, pro-dev/db), a path in the base or the mount, or a pattern\n" \
	"(pro/*/*).\n"

const struct cmd cmds[] = {
	{"validate", "[SPEC]", DECLARE, "check the spec, change nothing",
		"Every error is reported in one run, with its file, line and column.\n"
		"SPEC is a file or a directory; without it ./infra, ./infra.yml or\n"
		"./anklume.yml is taken.\n",
		"validate\nvalidate infra.yml --json\n", NULL, OPT_SPEC, 0, 1, cmd_validate},
	{"apply", "[SPEC]", DECLARE, "record what the spec declares, create its directories",
		"Idempotent. Existing data is never touched and nothing is deleted: a\n"
		"volume that left the spec becomes an orphan, still mounted, still\n"
		"protected. A known volume whose directory is gone (a disk that is not\n"
		"mounted?) stops the run unless --recreate is given.\n",
		"apply --dry-run\napply\napply infra.yml --json\n", NULL,
		OPT_SPEC | OPT_DRY_RUN | OPT_RECREATE | OPT_DEVICES | OPT_REPLUG | OPT_ADOPT, 0, 1,
		cmd_apply},
	{"devices", "[diff|apply|heal] [SPEC] [MACHINE...]", DECLARE,
		"print the Incus devices of machines, attach them",
		"MACHINE is a machine, domain/machine or a domain; without it every\n"
		"machine of an enabled domain is meant. Formats: incus (as 'incus\n"
		"config edit' shows them), json, commands (for a shell), host_vars (for\n"
		"Ansible). incus and commands have the persistent volumes (pd-*) only;\n"
		"json and host_vars have shared volumes and the machine's own devices,\n"
		"too. --write merges the block into DIR/<machine>.yml and leaves\n"
		"the rest of the file alone.\n\n"
		"diff compares what the spec wants, what was applied last, and what the\n"
		"instances have; apply makes the instances so and looks from inside\n"
		"whether it is. Only their own pd-* devices are touched; others are\n"
		"shown as foreign. A change that takes a mount away from an instance\n"
		"that runs is marked REPLUG and left until --replug is given.\n"
		"heal [INSTANCE...] plugs anew what running containers lost sight of\n"
		"(a mount that was replaced under them). Formats: table, json, yaml,\n"
		"csv, compact.\n",
		"devices pro-dev\ndevices pro -f commands\ndevices infra.yml -f json\n"
		"devices diff\ndevices apply pro-dev --dry-run\ndevices apply\ndevices heal\n",
		"incus json commands host_vars table yaml csv compact",
		OPT_SPEC | OPT_WRITE | OPT_DRY_RUN | OPT_REPLUG | OPT_ADOPT, 0, -1, cmd_devices},
	{"schema", "", DECLARE, "print the JSON Schema of the spec, for editors", "",
		"schema\nschema --markdown\n", "json", OPT_MARKDOWN, 0, 0, cmd_schema},

	{"ls", "[VOLUME...]", LOOK, "list volumes",
		"VOLUME is a name, the beginning or the end of one (pro, pro-dev/db),\n"
		"or a pattern (pro/*/*).\n",
		"ls\nls pro\nls '*/*/db' --json\n", NULL, 0, 0, -1, cmd_ls},
	{"tree", "[VOLUME...]", LOOK, "draw domains, machines and volumes",
		"csv and compact have the rows of ls.\n", "tree\ntree pro\n", NULL, 0, 0, -1,
		cmd_tree},
	{"show", "VOLUME", LOOK, "show all about one volume",
		"Its record, its directory and whether the mark on that agrees, its\n"
		"holds, and for each flag who said so: the spec or the administrator.\n",
		"show pro/pro-dev/db\nshow db --json\n", NULL, 0, 1, 1, cmd_show},
	{"which", "PATH", LOOK, "say where a path lies: base, mount, instance",
		"PATH is a path in the base, in the mount or as instances see it,\n"
		"PROJECT/INSTANCE:/path, MACHINE:/path, or the name of a domain, machine\n"
		"or volume.\n",
		"which /srv/anklume/data/pro/pro-dev/db/base\nwhich pro-dev:/var/lib/postgresql\n"
		"which db\n",
		NULL, 0, 1, 1, cmd_which},
	{"orphans", "", LOOK, "list data that the spec does not declare",
		"Recorded volumes that left the spec, and directories, symlinks and\n"
		"files of the base that were never declared (the mount hides those).\n",
		"orphans\norphans -f compact\n", NULL, 0, 0, 0, cmd_orphans},
	{"holds", "[VOLUME...]", LOOK, "list holds", "", "holds\nholds pro/pro-dev/db\n", NULL, 0,
		0, -1, cmd_holds},
	{"audit", "[OBJECT]", LOOK, "list who changed what, when",
		"OBJECT is a volume, or any other word of the OBJECT column.\n",
		"audit\naudit pro/pro-dev/db -n 5\n", NULL, OPT_LINES, 0, 1, cmd_audit},
	{"status", "", LOOK, "say how the daemon does",
		"Exit code 0: it runs and all recorded changes are in force; 6: it does\n"
		"not run, or is behind the catalogue.\n",
		"status\nstatus --json\n", NULL, 0, 0, 0, cmd_status},
	{"doctor", "", LOOK, "look for what keeps containers from their volumes",
		"The daemon, the mount, Incus, and what is known to come between them.\n"
		"Says what the oldest request is when the daemon or its base hangs, and\n"
		"where its threads are; also when the daemon answers nobody. --restart\n"
		"kills a stuck daemon and waits until the next one serves; with the base\n"
		"itself stuck that is refused. Exit codes: 1 a check failed, or no other\n"
		"daemon came; 5 refused.\n",
		"doctor\ndoctor --json\n", NULL, OPT_RESTART, 0, 0, cmd_doctor},
	{"watch", "", LOOK, "follow Incus' events, keep the catalogue's owners right",
		"A renamed owner instance stays the owner; a deleted one is noted; what\n"
		"is not as 'devices apply' left it is said. Runs until it is stopped,\n"
		"and connects again when Incus was away. --once looks once and ends.\n",
		"watch --once\n", NULL, OPT_ONCE, 0, 0, cmd_watch},

	{"protect", "VOLUME...", PROTECT, "let only the owner instance delete",
		VOLUME_WORDS "--inherit drops what was said here and follows the spec.\n",
		"protect db\nprotect 'pro/*/*' --dry-run\nprotect --inherit db\n", NULL,
		OPT_DRY_RUN | OPT_INHERIT, 1, -1, cmd_protect},
	{"unprotect", "VOLUME...", PROTECT, "let everybody delete who may write",
		VOLUME_WORDS "--inherit drops what was said here and follows the spec.\n",
		"unprotect db\nunprotect --inherit db\n", NULL, OPT_DRY_RUN | OPT_INHERIT, 1, -1,
		cmd_unprotect},
	{"readonly", "on|off VOLUME...", PROTECT, "freeze or thaw volumes",
		VOLUME_WORDS
		"In force at once, for what is opened from then on; files that are open\n"
		"for writing stay so, and are counted. 'readonly --inherit VOLUME...'\n"
		"follows the spec again.\n",
		"readonly on db\nreadonly off db\nreadonly --inherit db\n", NULL,
		OPT_DRY_RUN | OPT_INHERIT, 1, -1, cmd_readonly},
	{"hold", "TAG VOLUME...", PROTECT, "let nobody delete, not even the owner",
		VOLUME_WORDS "A volume may have several holds; each has its own TAG.\n",
		"hold audit-2030 db --reason 'yearly audit' --until 30d\n"
		"hold migration 'pro/*/*' --reason 'moving to the new host'\n",
		NULL, OPT_DRY_RUN | OPT_REASON | OPT_UNTIL, 2, -1, cmd_hold},
	{"release", "TAG VOLUME...", PROTECT, "end a hold", VOLUME_WORDS,
		"release audit-2030 db\nrelease migration 'pro/*/*'\n", NULL, OPT_DRY_RUN, 2, -1,
		cmd_release},
	{"owner", "VOLUME [PROJECT/INSTANCE]", PROTECT, "show or set the owner instance",
		"The owner instance may delete in protected volumes. It belongs to the\n"
		"machine: all its volumes change. --ids sets the ids recorded for the\n"
		"volume's top directory; an existing directory is not changed.\n"
		"--inherit drops what was said here and follows the spec.\n",
		"owner db\nowner db pro/pro-dev\nowner db --ids 999:999 --dry-run\n"
		"owner db --inherit\n",
		NULL, OPT_DRY_RUN | OPT_IDS | OPT_INHERIT, 1, 2, cmd_owner},

	{"remove", "", DELETE, "remove instances, keep their data",
		"One instance, found over all projects, or instances of a domain: the\n"
		"ephemeral machines, or all. A protected instance, and a whole domain,\n"
		"want their name typed on a terminal; without one they are refused.\n"
		"--force asks nothing and is recorded in the audit trail.\n",
		"remove --instance pro/pro-dev --dry-run\n"
		"remove --domain lab --scope ephemeral\n"
		"remove --domain pro --scope all --force\n",
		NULL,
		OPT_SPEC | OPT_DRY_RUN | OPT_FORCE_DELETE | OPT_YES | OPT_STRICT | OPT_INSTANCES, 0,
		0, cmd_remove},
	{"flush", "", DELETE, "delete the infrastructure, spare what is protected",
		"Instances, images, profiles, projects and networks of the domains that\n"
		"spec and catalogue know. Protected instances (security.protection.delete,\n"
		"from a profile too) are left alone, and so are the images, profiles and\n"
		"networks of a project in which something stays. Data is never touched.\n"
		"Asks for a literal 'yes' on a terminal. On a production host (nesting\n"
		"level 0) it wants --force, or 'true' in /etc/anklume/yolo.\n",
		"flush --dry-run\nflush --yes\nflush --force --json\n", NULL,
		OPT_SPEC | OPT_DRY_RUN | OPT_FORCE_DELETE | OPT_YES | OPT_STRICT |
			OPT_ALL_PROJECTS | OPT_FILES,
		0, 0, cmd_flush},
	{"volume", "create|copy|adopt|rename|rm|undelete ...", CHANGE,
		"make, copy, move, remove data itself",
		"create DOMAIN/MACHINE/VOLUME --path PATH: a directory and its record, in\n"
		"a machine that is recorded. Until the spec declares it, it is an orphan.\n"
		"copy VOLUME DOMAIN/MACHINE/VOLUME: owners, attributes, hard links and\n"
		"holes as they are; blocks are shared where the filesystem can. Refused\n"
		"while the volume is written to, unless --force.\n"
		"adopt [[PROJECT/]POOL/]NAME VOLUME: copy a custom volume of a storage\n"
		"pool of Incus into a volume that is declared, empty and not attached,\n"
		"with owners as its containers see them. The pool keeps its volume.\n"
		"Refused while an instance that runs has it, unless --force.\n"
		"rename VOLUME NEW-NAME: in its machine, or with a full name in another.\n"
		"rm VOLUME: move it to the trash. Refused while it is protected,\n"
		"read-only, on hold, or attached to an instance. Asks for the full name;\n"
		"without a terminal give the full name and --yes.\n"
		"undelete VOLUME[@TIME] [DOMAIN/MACHINE/VOLUME]: bring it back, with all\n"
		"flags, holds and numbers, under its own or another name.\n",
		"volume create lab/test/more --path /more\n"
		"volume copy lab/test/scratch lab/test/twin --path /twin\n"
		"volume rename twin double\n"
		"volume rm lab/test/double --yes --grace 30d\nvolume undelete double\n",
		NULL, OPT_DRY_RUN | OPT_PATH | OPT_IDS | OPT_MODE | OPT_GRACE | OPT_YES | OPT_FORCE,
		2, 3, cmd_volume},
	{"pod", "create|migrate|start|stop|check|delete NAME", CHANGE,
		"machines that keep everything, their instances",
		"NAME is a machine, with all volumes that are recorded for it, and its\n"
		"instance.\n"
		"create: the instance (--image), its volumes filled once from its own\n"
		"files where they are empty, attached, started. Also after the instance\n"
		"was deleted: the data is taken as it is.\n"
		"migrate: the same for an instance that is there, stopped meanwhile;\n"
		"--undo takes the volumes off again. stop and start: the instance.\n"
		"check: what is attached, and whether /usr is older or newer than the\n"
		"package database in /var. delete: instance and volumes, these to the\n"
		"trash; refused while one of them is protected or on hold; asks.\n",
		"pod check pro-dev --dry-run\n", NULL,
		OPT_DRY_RUN | OPT_POD | OPT_YES | OPT_GRACE | OPT_FORCE_DELETE, 2, 2, cmd_pod},
	{"trash", "ls|empty [VOLUME@TIME...]", CHANGE,
		"list what was removed, or let it go for good",
		"empty removes what has had its grace, and what killed copies left;\n"
		"named entries and --all also what has not. These ask.\n",
		"trash ls\ntrash empty --dry-run\ntrash empty\n", NULL,
		OPT_DRY_RUN | OPT_YES | OPT_ALL, 1, -1, cmd_trash},

	{"catalog", "check|rebuild", MAINTAIN, "check the catalogue, or rebuild it from the data",
		"The mark on each volume's directory repeats its record. check compares\n"
		"the two; with --repair the records win and the marks are written anew.\n"
		"rebuild makes a new catalogue from the marks and keeps the old file\n"
		"beside it; a healthy catalogue is only replaced with --force. Where the\n"
		"old catalogue can be read and has volumes without a directory or a\n"
		"mark (a disk that is not mounted?), rebuild stops, unless\n"
		"--drop-missing gives those volumes up.\n",
		"catalog check\ncatalog rebuild --dry-run --force\n", NULL,
		OPT_DRY_RUN | OPT_FORCE | OPT_REPAIR | OPT_DROP_MISSING, 1, 1, cmd_catalog},
	{"upgrade", "", MAINTAIN, "put another build of the daemon in its place",
		"Requests under way finish; the new executable says whether it can go on\n"
		"with what the old one leaves, and takes its place. Whoever uses the\n"
		"mount waits for some milliseconds and sees nothing else. When it cannot,\n"
		"or says nothing within 10 s, the old daemon goes on, and the exit code is\n"
		"5. An older build does as well, as long as it understands the state.\n",
		"upgrade\nupgrade --binary /usr/sbin/anklume-fs\n", NULL, OPT_BINARY, 0, 0,
		cmd_upgrade},
	{"umount", "", MAINTAIN, "take the mount away and end the daemon",
		"Refused while somebody uses it: an open file, a container's device.\n"
		"Under systemd the service is stopped then, too.\n",
		"umount\numount --lazy\n", NULL, OPT_LAZY, 0, 0, cmd_umount},
	{"completion", "bash", MAINTAIN, "print the shell completion", "", "completion bash\n",
		"bash", 0, 1, 1, cmd_completion},
	{"version", "", MAINTAIN, "print the version", "", "version\n", NULL, 0, 0, 0, cmd_version},
	{"help", "[VERB]", MAINTAIN, "print help", "", "help\nhelp apply\n", "text", 0, 0, 1,
		cmd_help},
};

const size_t n_cmds = ARRAY_SIZE(cmds);

const char *const exit_codes[] = {
	[CMD_OK] = "done",
	[CMD_FAILED] = "failed: the system refused something",
	[CMD_USAGE] = "usage: unknown verb, option or value",
	[CMD_SPEC_INVALID] = "the spec is invalid; nothing was changed",
	[CMD_NO_VOLUME] = "no such volume, domain or instance, or it is ambiguous",
	[CMD_REFUSED] = "refused: the present state forbids it",
	[CMD_NOT_IN_FORCE] = "recorded, but the daemon has not taken it into force",
	[CMD_SKIPPED] = "done, but something was skipped (with --strict)",
	[CMD_CATALOG_DAMAGED] = "the catalogue is damaged, or the data disagrees with it",
};

const size_t n_exit_codes = ARRAY_SIZE(exit_codes);

const struct cmd *cmd_find(const char *name)
{
	for (size_t i = 0; i < n_cmds; i++) {
		if (strcmp(cmds[i].name, name) == 0)
			return &cmds[i];
	}
	return NULL;
}
