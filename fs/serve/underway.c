/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "underway.h"

#include "fdio.h"
#include "fuseproto.h"
#include "str.h"

#include <fcntl.h>
#include <string.h>

bool underway_look(const struct worker *w, int64_t now_ns, struct underway *ret)
{
	uint64_t progress = worker_progress(w);
	struct journal_entry *e = __atomic_load_n(&w->serving, __ATOMIC_ACQUIRE);
	int64_t read_ns, begun_ns;

	if (!worker_is_serving(w, progress) || !e)
		return false;
	read_ns = __atomic_load_n(&e->read_ns, __ATOMIC_RELAXED);
	begun_ns = __atomic_load_n(&w->begun_ns, __ATOMIC_RELAXED);
	*ret = (struct underway){
		.entry = e,
		.progress = progress,
		.opcode = __atomic_load_n(&w->opcode, __ATOMIC_ACQUIRE),
		.nodeid = __atomic_load_n(&w->nodeid, __ATOMIC_ACQUIRE),
		.caller = (pid_t)__atomic_load_n(&w->caller, __ATOMIC_ACQUIRE),
		.tid = __atomic_load_n(&w->tid, __ATOMIC_RELAXED),
		.age_ms = (now_ns - read_ns) / 1000000,
		.served_ms = (now_ns - (read_ns > begun_ns ? read_ns : begun_ns)) / 1000000,
	};
	/* Not before the loads above, which are of the same request only then. */
	return worker_is_serving(w, progress);
}

/* NULL: none. The node may be forgotten meanwhile; its memory is there all the same. */
static const struct livevol *find_volume(struct fs *fs, uint64_t id)
{
	const struct node *node;

	if (fs->options.is_plain && id == VTREE_ROOT_ID)
		return livevol_get(&fs->volumes, 1);
	if (vtree_is_fixed_id(id))
		return vtree_id_kind(id) == VTREE_VOLUME
			       ? livevol_find(&fs->volumes, vtree_id_row(id))
			       : NULL;
	node = node_get(&fs->nodes, id);
	return node ? livevol_get(&fs->volumes, node->volume) : NULL;
}

void underway_volume(struct fs *fs, const struct underway *f, char ret[VOLUME_PATH_MAX])
{
	const struct livevol *v = f->nodeid ? find_volume(fs, f->nodeid) : NULL;

	ret[0] = '\0';
	if (!v)
		return;
	pthread_rwlock_rdlock(&fs->volumes.lock);
	snprintf(ret, VOLUME_PATH_MAX, "%s", v->name);
	pthread_rwlock_unlock(&fs->volumes.lock);
}

void underway_command(const struct underway *f, char ret[UNDERWAY_COMMAND_MAX])
{
	cleanup_free char *text = NULL;
	char path[32];
	size_t len;

	ret[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)f->caller);
	if (f->caller == 0 || read_file(AT_FDCWD, path, UNDERWAY_COMMAND_MAX, &text, &len) < 0)
		return;
	text[strcspn(text, "\n")] = '\0';
	str_make_printable(text);
	snprintf(ret, UNDERWAY_COMMAND_MAX, "%s", text);
}

char *underway_text(struct fs *fs, const struct underway *f)
{
	char volume[VOLUME_PATH_MAX], command[UNDERWAY_COMMAND_MAX];
	char *text;

	underway_volume(fs, f, volume);
	underway_command(f, command);
	if (asprintf(&text, "%s%s%s%s for %s[%d], %lld s old", fuseproto_opcode_name(f->opcode),
		    volume[0] ? " in volume '" : "", volume, volume[0] ? "'" : "",
		    command[0] ? command : "process", (int)f->caller,
		    (long long)(f->age_ms / 1000)) < 0)
		return NULL;
	return text;
}
