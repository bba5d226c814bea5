/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_CMD_H
#define ANKLUME_CMD_H

/*
 * A verb and what it is given. The table cmds[] is read by the dispatcher, the help, the
 * completion and the tests: a new verb is one row there and one function.
 */

#include "catalog.h"
#include "cleanup.h"
#include "errors.h"
#include "out.h"
#include "select.h"
#include "volume.h"

/* Exit codes; exit_codes[] has their meaning for the help, the man page repeats it. */
enum cmd_exit {
	CMD_OK = 0,
	CMD_FAILED = 1,
	CMD_USAGE = 2,
	CMD_SPEC_INVALID = 3,
	CMD_NO_VOLUME = 4,
	CMD_REFUSED = 5,
	CMD_NOT_IN_FORCE = 6,
	CMD_CATALOG_DAMAGED = 7,
	CMD_SKIPPED = 8,
};

extern const char *const exit_codes[];
extern const size_t n_exit_codes;

/*
 * Options beyond the global ones, as bits of cmd.options. Counted, so that no two share a bit. POD is
 * --image and --undo, INSTANCES is --instance, --domain and --scope.
 */
#define CMD_OPTIONS(X)  \
	X(DRY_RUN)      \
	X(SPEC)         \
	X(INHERIT)      \
	X(IDS)          \
	X(REASON)       \
	X(UNTIL)        \
	X(LINES)        \
	X(MARKDOWN)     \
	X(WRITE)        \
	X(RECREATE)     \
	X(FORCE)        \
	X(REPAIR)       \
	X(DROP_MISSING) \
	X(FORCE_DELETE) \
	X(YES)          \
	X(STRICT)       \
	X(ALL_PROJECTS) \
	X(FILES)        \
	X(INSTANCES)    \
	X(PATH)         \
	X(MODE)         \
	X(GRACE)        \
	X(ALL)          \
	X(POD)          \
	X(REPLUG)       \
	X(ADOPT)        \
	X(DEVICES)      \
	X(LAZY)         \
	X(BINARY)       \
	X(ONCE)         \
	X(RESTART)

#define OPTION_NUMBER(name) OPT_NUMBER_##name,
enum cmd_option_number { CMD_OPTIONS(OPTION_NUMBER) N_CMD_OPTIONS };

/* GNU C gives an enum the width that it needs. */
#define OPTION_BIT(name) OPT_##name = 1ull << OPT_NUMBER_##name,
enum cmd_option { CMD_OPTIONS(OPTION_BIT) };
#undef OPTION_NUMBER
#undef OPTION_BIT
_Static_assert(N_CMD_OPTIONS <= 64, "cmd.options has 64 bits");

/* What was asked for: option values (borrowed from argv and the environment) and who asks. */
struct cmd_env {
	const char *catalog;
	const char *base;
	const char *mount;
	const char *control;
	const char *level; /* nesting level's file; NULL = the system's */
	const char *format_name; /* NULL = the verb's first */
	const char *spec;
	const char *ids;
	const char *reason;
	const char *until;
	const char *lines;
	const char *write;
	const char *files;
	const char *binary;
	const char *instance;
	const char *domain;
	const char *scope;
	const char *path;
	const char *mode;
	const char *grace;
	const char *image;
	bool is_mount_given; /* by option or environment */
	bool is_dry_run;
	bool is_quiet;
	bool is_debugging;
	bool is_inherit;
	bool is_markdown;
	bool is_recreate;
	bool is_forced;
	bool is_yes;
	bool is_strict;
	bool is_everywhere;
	bool is_dropping;
	bool is_repairing;
	bool is_all;
	bool is_undoing;
	bool is_replugging;
	bool is_adopting;
	bool is_attaching;
	bool is_lazy;
	bool is_restarting;
	bool is_once;
	bool wants_help;
	bool wants_version;
	enum out_format format; /* of verbs without formats of their own */
	struct actor actor;
	FILE *out;
	FILE *words; /* what is not a result */
};

struct cmd {
	const char *name;
	const char *args; /* synopsis after the name */
	const char *group;
	const char *help; /* one line */
	const char *text; /* more help */
	const char *examples; /* one command per line, for a fresh example tree */
	const char *formats; /* "incus json ..."; NULL = those of out.h */
	uint64_t options; /* enum cmd_option */
	int min_args;
	int max_args; /* -1 = any */
	/*
	 * ARGV holds ARGC operands. A negative errno or an enum cmd_exit; ERR is printed when it
	 * was set.
	 */
	int (*run)(struct cmd_env *env, int argc, char **argv, struct error *err);
};

extern const struct cmd cmds[];
extern const size_t n_cmds;

/* NULL when there is none of that name. */
const struct cmd *cmd_find(const char *name);

/* Set a usage message. Returns CMD_USAGE. */
int cmd_usage(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The exit code of a verb's result. */
enum cmd_exit cmd_exit_code(int r);

/* A catalogue and what it says, for the verbs that look and change. */
struct cmd_state {
	struct catalog *catalog;
	struct infra infra;
	uint64_t generation;
};

#define CMD_STATE_INIT \
	{              \
		NULL   \
	}

/* Open the catalogue and load it. -ENOENT says that 'apply' comes first. */
int cmd_state_open(struct cmd_state *state, const struct cmd_env *env, enum catalog_mode mode,
	struct error *err);
void cmd_state_finish(struct cmd_state *state);

DEFINE_FINISH(cmd_state_finishp, struct cmd_state, cmd_state_finish)

#define cleanup_cmd_state cleanup_(cmd_state_finishp)

/*
 * The volumes that ARGV means, at least one. A path in the base or the mount counts as the name
 * of its volume. CMD_NO_VOLUME or -ENOMEM with ERR set.
 */
int cmd_select(const struct cmd_env *env, const struct infra *infra, int argc, char **argv,
	enum select_mode mode, struct selection *ret, struct error *err);

/* As cmd_select() for exactly one. */
int cmd_select_one(const struct cmd_env *env, const struct infra *infra, char *arg,
	struct volume_ref *ret, struct error *err);

/* The base for reading, or -1 with a word on stderr when there is none. */
int cmd_open_base(const struct cmd_env *env);

/* "alice (root)", and ARGV as one line; both owned by the caller, NULL when out of memory. */
char *cmd_actor_user(void);
char *cmd_actor_command(int argc, char **argv);

int cmd_apply(struct cmd_env *env, int argc, char **argv, struct error *err);
int cmd_audit(struct cmd_env *env, int argc, char **argv, struct error *err);
int cmd_catalog(struct cmd_env *env, int argc, char **argv, struct error *err);
int cmd_completion(struct cmd_env *env, int argc, char **argv, struct error *err);
int cmd_devices(struct cmd_env *env, int argc, char **argv, struct error *err);
int cmd_doctor(struct cmd_env *env, int argc, char **argv, struct error *err);
int cmd_flush(struct cmd_env *env, int argc, char **argv, struct error *err);
int cmd_help(struct cmd_env *env, int argc, char **argv, struct error *err);
int cmd_hold(struct cmd_env *env, int argc, char **argv, struct error *err);
int cmd_holds(struct cmd_env *env, int argc, char **argv, struct error *err);
int cmd_ls(struct cmd_env *env, int argc, char **argv, struct error *err);
int cmd_orphans(struct cmd_env *env, int argc, char **argv, struct error *err);
int cmd_owner(struct cmd_env *env, int argc, char **argv, struct error *err);
int cmd_pod(struct cmd_env *env, int argc, char **argv, struct error *err);
int cmd_protect(struct cmd_env *env, int argc, char **argv, struct error *err);
int cmd_readonly(struct cmd_env *env, int argc, char **argv, struct error *err);
int cmd_release(struct cmd_env *env, int argc, char **argv, struct error *err);
int cmd_remove(struct cmd_env *env, int argc, char **argv, struct error *err);
int cmd_schema(struct cmd_env *env, int argc, char **argv, struct error *err);
int cmd_show(struct cmd_env *env, int argc, char **argv, struct error *err);
int cmd_status(struct cmd_env *env, int argc, char **argv, struct error *err);
int cmd_trash(struct cmd_env *env, int argc, char **argv, struct error *err);
int cmd_tree(struct cmd_env *env, int argc, char **argv, struct error *err);
int cmd_umount(struct cmd_env *env, int argc, char **argv, struct error *err);
int cmd_unprotect(struct cmd_env *env, int argc, char **argv, struct error *err);
int cmd_upgrade(struct cmd_env *env, int argc, char **argv, struct error *err);
int cmd_validate(struct cmd_env *env, int argc, char **argv, struct error *err);
int cmd_version(struct cmd_env *env, int argc, char **argv, struct error *err);
int cmd_volume(struct cmd_env *env, int argc, char **argv, struct error *err);
int cmd_watch(struct cmd_env *env, int argc, char **argv, struct error *err);
int cmd_which(struct cmd_env *env, int argc, char **argv, struct error *err);

#endif
