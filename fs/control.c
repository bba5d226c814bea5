/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control.h"

#include "fuseproto.h"
#include "str.h"
#include "threadstat.h"
#include "wire.h"

#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define QUIESCE_TIMEOUT_S 10 /* how long a flag waits for requests that were judged without it */
#define WRITERS_MAX 1000 /* volumes listed in one answer; the rest is counted */
#define RECEIVE_TIMEOUT_MS 2000 /* a client that connects and says nothing blocks nobody longer */

struct exchange {
	struct fs *fs;
	struct session *session;
	const struct hang *hang;
	struct control_order *order;
};

/* Files that stay open for writing: what a new readonly flag cannot reach (passthrough). */
static json_t *list_writers(struct fs *fs)
{
	json_t *list = json_array();

	pthread_rwlock_rdlock(&fs->volumes.lock);
	for (uint32_t i = 1; i <= livevol_count(&fs->volumes); i++) {
		const struct livevol *v = &fs->volumes.items[i];
		unsigned int n = __atomic_load_n(&v->n_writers, __ATOMIC_RELAXED);

		if (n > 0 && json_array_size(list) < WRITERS_MAX)
			json_array_append_new(
				list, json_pack("{s:s, s:i}", "volume", v->name, "open", (int)n));
	}
	pthread_rwlock_unlock(&fs->volumes.lock);
	return list;
}

static int verb_reload(struct exchange *x, json_t *request, json_t **ret, struct error *err)
{
	int r;

	(void)request;
	r = fs_reload(x->fs, err);
	if (r < 0)
		return r;
	r = session_quiesce(x->session, QUIESCE_TIMEOUT_S);
	if (r < 0)
		return error_set(err, r, "a request that began before takes longer than %d s",
			QUIESCE_TIMEOUT_S);

	*ret = json_pack("{s:b, s:I, s:i, s:o}", "ok", 1, "generation",
		(json_int_t)x->fs->generation, "volumes", (int)x->fs->n_volumes, "writers",
		list_writers(x->fs));
	return *ret ? 0 : -ENOMEM;
}

static json_t *list_counts(struct fs *fs, uint64_t *ret_total)
{
	json_t *counts = json_object();

	*ret_total = 0;
	for (int op = 0; op < OP_COUNT; op++) {
		uint64_t n = __atomic_load_n(&fs->counts[op], __ATOMIC_RELAXED);

		*ret_total += n;
		json_object_set_new(counts, op_names[op], json_integer((json_int_t)n));
	}
	return counts;
}

/* The oldest request under way; null: there is none. */
static json_t *describe_oldest(const struct exchange *x)
{
	static const char *const places[] = {
		[THREAD_IN_KERNEL] = "base",
		[THREAD_IN_DAEMON] = "daemon",
		[THREAD_RUNNING] = "running",
		[THREAD_GONE] = "unknown",
	};
	char volume[VOLUME_PATH_MAX], command[UNDERWAY_COMMAND_MAX];
	struct underway f;

	if (!hang_oldest(x->session, &f))
		return json_null();
	underway_volume(x->fs, &f, volume);
	underway_command(&f, command);
	return json_pack("{s:s, s:s?, s:i, s:s?, s:I, s:i, s:s}", "operation",
		fuseproto_opcode_name(f.opcode), "volume", volume[0] ? volume : NULL, "pid",
		(int)f.caller, "command", command[0] ? command : NULL, "age_ms",
		(json_int_t)f.age_ms, "thread", (int)f.tid, "place",
		places[threadstat_read(f.tid).place]);
}

/* As the kernel says it: "(deleted)" after the name of one that was replaced by another. */
static void read_executable(char ret[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", ret, PATH_MAX - 1);

	ret[n > 0 ? n : 0] = '\0';
	str_make_printable(ret);
}

static int verb_status(struct exchange *x, json_t *request, json_t **ret, struct error *err)
{
	struct fs *fs = x->fs;
	char executable[PATH_MAX];
	struct timespec now;
	uint64_t total;
	json_t *counts = list_counts(fs, &total);

	(void)request;
	(void)err;
	clock_gettime(CLOCK_BOOTTIME, &now);
	read_executable(executable);
	*ret = json_pack("{s:b, s:i, s:s, s:s, s:s, s:s?, s:I, s:I, s:i, s:i, s:i, s:b, s:b, s:i, "
			 "s:I, s:I, s:I, s:b, s:o, s:o, s:o, s:i, s:i, "
			 "s:s}",
		"ok", 1, "pid", (int)getpid(), "release", ANKLUME_VERSION, "base", fs->options.base,
		"mount", fs->options.mount, "catalog", fs->options.catalog, "generation",
		(json_int_t)fs->generation, "uptime_s", (json_int_t)(now.tv_sec - fs->started),
		"volumes", (int)fs->n_volumes, "inodes",
		(int)__atomic_load_n(&fs->nodes.slots.n_used, __ATOMIC_RELAXED), "open_files",
		(int)__atomic_load_n(&fs->files.slots.n_used, __ATOMIC_RELAXED), "passthrough",
		fs->has_passthrough, "idmap", fs->has_idmap, "workers", (int)fs->options.n_workers,
		"requests", (json_int_t)total, "denials",
		(json_int_t)__atomic_load_n(&fs->n_denials, __ATOMIC_RELAXED), "takeovers",
		(json_int_t)fs->state.header->n_takeovers, "degraded", fs->is_degraded, "writers",
		list_writers(fs), "operations", counts, "oldest", describe_oldest(x), "stuck",
		(int)hang_count(x->hang, x->session), "journal_entries",
		(int)journal_n_claimed(&fs->journal), "executable", executable);
	return *ret ? 0 : -ENOMEM;
}

static int verb_umount(struct exchange *x, json_t *request, json_t **ret, struct error *err)
{
	(void)ret;
	(void)err;
	x->order->kind = ORDER_UMOUNT;
	x->order->is_lazy = json_is_true(json_object_get(request, "lazy"));
	return 0;
}

static int verb_upgrade(struct exchange *x, json_t *request, json_t **ret, struct error *err)
{
	const char *binary = json_string_value(json_object_get(request, "binary"));

	(void)ret;
	if (binary && binary[0] != '/')
		return error_set(err, -EINVAL, "executable '%s' is not absolute", binary);
	x->order->binary = binary ? strdup(binary) : NULL;
	if (binary && !x->order->binary)
		return error_set(err, -ENOMEM, "out of memory");
	x->order->kind = ORDER_UPGRADE;
	return 0;
}

static const struct verb {
	const char *name;
	int (*run)(struct exchange *x, json_t *request, json_t **ret, struct error *err);
} verbs[] = {
	{"reload", verb_reload},
	{"status", verb_status},
	{"umount", verb_umount},
	{"upgrade", verb_upgrade},
};

static int run_verb(struct exchange *x, json_t *request, json_t **ret, struct error *err)
{
	const char *name = json_string_value(json_object_get(request, "verb"));

	for (size_t i = 0; name && i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return verbs[i].run(x, request, ret, err);
	}
	return error_set(err, -EINVAL, "unknown verb '%s'", name ? name : "");
}

static json_t *refusal(int r, const struct error *err)
{
	return json_pack("{s:b, s:i, s:s}", "ok", 0, "errno", -r, "error", error_text(err, r));
}

void control_answer(struct control_order *o, int r, const struct error *err)
{
	cleanup_json json_t *reply = r < 0 ? refusal(r, err) : json_pack("{s:b}", "ok", 1);

	if (o->fd < 0)
		return;
	if (!reply || wire_send(o->fd, reply, NULL) < 0)
		log_debug("control: nobody waits for the answer");
	close(steal_fd(&o->fd));
}

void control_order_finish(struct control_order *o)
{
	free(o->binary);
	cleanup_closep(&o->fd);
	*o = (struct control_order){.fd = -1};
}

/* The answer to an order comes from who carries it out. */
static int answer(struct exchange *x, int fd, struct error *err)
{
	cleanup_json json_t *request = NULL;
	cleanup_json json_t *reply = NULL;
	cleanup_error struct error verb_err = {0};
	int r;

	r = wire_recv(fd, RECEIVE_TIMEOUT_MS, &request, err);
	if (r < 0)
		return r;

	r = run_verb(x, request, &reply, &verb_err);
	if (r == 0 && x->order->kind != ORDER_NONE)
		return 0;
	if (r < 0)
		reply = refusal(r, &verb_err);
	return reply ? wire_send(fd, reply, err) : -ENOMEM;
}

int control_serve(struct fs *fs, struct session *session, const struct hang *hang, int listen_fd,
	struct control_order *ret_order)
{
	struct exchange x = {.fs = fs, .session = session, .hang = hang, .order = ret_order};
	cleanup_error struct error err = {0};
	cleanup_fd int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	int r;

	*ret_order = (struct control_order){.fd = -1};
	if (fd < 0)
		return -errno;
	r = answer(&x, fd, &err);
	/* -ECONNRESET: somebody only looked whether we are here. */
	if (r < 0 && r != -ECONNRESET)
		log_warning("control: %s", error_text(&err, r));
	if (ret_order->kind != ORDER_NONE)
		ret_order->fd = steal_fd(&fd);
	return 0;
}
