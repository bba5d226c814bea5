/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Verbs that end the daemon or put another one in its place. */

#include "cmd.h"
#include "clock.h"
#include "ctl.h"
#include "wire.h"

#include <string.h>
#include <time.h>

#define UMOUNT_TIMEOUT_MS 60000
#define UPGRADE_TIMEOUT_MS 60000
#define LOOK_AGAIN_MS 5

static int not_running(const struct cmd_env *env, struct error *err)
{
	return error_set(err, CMD_NOT_IN_FORCE,
		"no daemon runs behind '%s'\n  start it with 'systemctl start anklume-fs'",
		env->control);
}

static void say(const struct cmd_env *env, const char *text)
{
	if (!env->is_quiet)
		fprintf(env->words, "%s\n", text);
}

int cmd_umount(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	cleanup_json json_t *args = json_pack("{s:b}", "lazy", env->is_lazy);
	int r;

	(void)argc;
	(void)argv;
	if (!args)
		return error_set(err, -ENOMEM, "out of memory");
	r = ctl_call(env->control, "umount", args, UMOUNT_TIMEOUT_MS, NULL, err);
	if (r == 0)
		return not_running(env, err);
	if (r == -EBUSY)
		return CMD_REFUSED;
	if (r < 0)
		return r;
	say(env, env->is_lazy ? "taken away; what is open is served until it is closed"
			      : "unmounted");
	return 0;
}

/* The next one has not been there before. */
static int wait_successor(
	const struct cmd_env *env, json_int_t starts, json_t **ret, struct error *err)
{
	const struct timespec pause = {.tv_nsec = LOOK_AGAIN_MS * 1000000};
	int64_t deadline = clock_ms(CLOCK_MONOTONIC) + UPGRADE_TIMEOUT_MS;

	while (clock_ms(CLOCK_MONOTONIC) < deadline) {
		cleanup_json json_t *answer = NULL;

		if (ctl_status(env->control, &answer, NULL) > 0 &&
			json_integer_value(json_object_get(answer, "takeovers")) > starts) {
			*ret = steal_ptr(&answer);
			return 0;
		}
		nanosleep(&pause, NULL);
	}
	return error_set(
		err, CMD_FAILED, "the new daemon does not answer; see 'anklume-fsctl doctor'");
}

/* It said that it could, and then died: who starts daemons found one that can. */
static int rolled_back(const json_t *after, struct error *err)
{
	return error_set(err, CMD_REFUSED,
		"the new daemon died before it served; nothing is lost, another one serves:\n"
		"  '%s'\n"
		"  'journalctl -u anklume-fs' shows why",
		json_string_value(json_object_get(after, "executable")));
}

/* Caller frees. */
static char *absolute_binary(const struct cmd_env *env, struct error *err)
{
	char *path = realpath(env->binary, NULL);

	if (!path)
		error_errno(err, -errno, "executable '%s'", env->binary);
	return path;
}

int cmd_upgrade(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	cleanup_json json_t *args = json_object();
	cleanup_json json_t *before = NULL;
	cleanup_json json_t *after = NULL;
	cleanup_free char *binary = NULL;
	int64_t start_ms;
	int r;

	(void)argc;
	(void)argv;
	r = ctl_status(env->control, &before, err);
	if (r <= 0)
		return r < 0 ? r : not_running(env, err);
	if (env->binary && !(binary = absolute_binary(env, err)))
		return CMD_USAGE;
	if (!args || (binary && json_object_set_new(args, "binary", json_string(binary)) < 0))
		return error_set(err, -ENOMEM, "out of memory");

	start_ms = clock_ms(CLOCK_MONOTONIC);
	r = ctl_call(env->control, "upgrade", args, UPGRADE_TIMEOUT_MS, NULL, err);
	if (r < 0) {
		error_prefix(err, r, "the old daemon goes on");
		return CMD_REFUSED;
	}
	r = wait_successor(
		env, json_integer_value(json_object_get(before, "takeovers")), &after, err);
	if (r != 0)
		return r;
	/* An executable that takes over does so in the same process. */
	if (json_integer_value(json_object_get(after, "pid")) !=
		json_integer_value(json_object_get(before, "pid")))
		return rolled_back(after, err);
	if (!env->is_quiet)
		fprintf(env->words, "upgraded from %s to %s in %lld ms\n",
			json_string_value(json_object_get(before, "release")),
			json_string_value(json_object_get(after, "release")),
			(long long)(clock_ms(CLOCK_MONOTONIC) - start_ms));
	return 0;
}
