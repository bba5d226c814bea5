/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fs.h"

#include "base.h"
#include "catalog.h"
#include "failpoint.h"
#include "kcache.h"
#include "keep.h"

#include <string.h>
#include <time.h>

#define RELOAD_RETRY_S 10

const char *const op_names[OP_COUNT] = {
	[OP_LOOKUP] = "lookup",
	[OP_FORGET] = "forget",
	[OP_READDIR] = "readdir",
	[OP_READDIRPLUS] = "readdirplus",
	[OP_GETATTR] = "getattr",
	[OP_STATX] = "statx",
	[OP_SETATTR] = "setattr",
	[OP_READLINK] = "readlink",
	[OP_CREATE] = "create",
	[OP_MKNOD] = "mknod",
	[OP_MKDIR] = "mkdir",
	[OP_SYMLINK] = "symlink",
	[OP_TMPFILE] = "tmpfile",
	[OP_UNLINK] = "unlink",
	[OP_RMDIR] = "rmdir",
	[OP_RENAME] = "rename",
	[OP_LINK] = "link",
	[OP_OPEN] = "open",
	[OP_RELEASE] = "release",
	[OP_READ] = "read",
	[OP_WRITE] = "write",
	[OP_FSYNC] = "fsync",
	[OP_FSYNCDIR] = "fsyncdir",
	[OP_FALLOCATE] = "fallocate",
	[OP_LSEEK] = "lseek",
	[OP_COPY_FILE_RANGE] = "copy_file_range",
	[OP_STATFS] = "statfs",
	[OP_GETXATTR] = "getxattr",
	[OP_SETXATTR] = "setxattr",
	[OP_LISTXATTR] = "listxattr",
	[OP_REMOVEXATTR] = "removexattr",
	[OP_IOCTL] = "ioctl",
};

/* An empty tree to serve until the first catalogue is there. */
static int make_empty_tree(struct fs *fs, struct error *err)
{
	struct infra none = {0};
	int r = vtree_build(&none, &fs->tree);

	return r < 0 ? error_errno(err, r, "cannot build the tree") : 0;
}

struct state_identity fs_identity(const struct fs *fs)
{
	struct stat st = {0};

	fstat(fs->base_fd, &st);
	return (struct state_identity){
		.base_dev = st.st_dev, .base_ino = st.st_ino, .is_plain = fs->options.is_plain};
}

int fs_make_state(struct fs *fs, uint32_t epoch, struct error *err)
{
	const struct state_identity who = fs_identity(fs);
	int r = state_create(&fs->state, &who, epoch, err);

	if (r < 0)
		return r;
	journal_init(&fs->journal, state_region(&fs->state, STATE_JOURNAL));
	r = node_table_init(&fs->nodes, state_region(&fs->state, STATE_NODES), epoch);
	if (r == 0)
		r = openfile_table_init(&fs->files, state_region(&fs->state, STATE_FILES), epoch);
	if (r == 0)
		r = livevol_table_init(&fs->volumes, state_region(&fs->state, STATE_VOLUMES));
	return r < 0 ? error_errno(err, r, "cannot make the tables") : 0;
}

/* Volume 1 is the base itself, under the name that the mount shows as its source. */
static int serve_base_itself(struct fs *fs, struct error *err)
{
	int r = livevol_serve_directory(
		&fs->volumes, fs->base_fd, &fs->mounts, fs->options.source, 0);

	return r < 0 ? error_errno(err, r, "cannot serve '%s'", fs->options.base) : 0;
}

/* Go on with what is kept. A state that was lost has lost the one volume of plain mode too. */
static int resume(struct fs *fs, struct fdstore *kept, struct error *err)
{
	int r = keep_resume(fs, kept, err);

	if (r == 0 && fs->options.is_plain && livevol_count(&fs->volumes) == 0)
		r = serve_base_itself(fs, err);
	return r;
}

int fs_init(
	struct fs *fs, const struct fs_options *options, struct fdstore *kept, struct error *err)
{
	struct timespec now;
	int r;

	memset(fs, 0, sizeof(*fs));
	fs->options = *options;
	fs->base_fd = -1;
	fs->init_fd = -1;
	fs->denial_limit = (struct log_limit){.burst = 20, .interval_ms = 5000};
	clock_gettime(CLOCK_BOOTTIME, &now);
	fs->started = now.tv_sec;

	fhandle_mounts_init(&fs->mounts);
	pthread_rwlock_init(&fs->tree_lock, NULL);
	r = make_empty_tree(fs, err);
	if (r == 0)
		r = pins_init(&fs->pins, err);
	if (r < 0)
		return r;
	if (fdstore_has(kept, "fuse"))
		return resume(fs, kept, err);

	r = base_open(options->base, options->mount, options->mount_flags, &fs->mounts,
		&fs->base_fd, err);
	if (r == 0)
		r = fs_make_state(fs, 0, err);
	if (r == 0 && options->is_plain)
		r = serve_base_itself(fs, err);
	return r;
}

/* Half-made ones too: each part tells by itself whether it is there. */
void fs_finish(struct fs *fs)
{
	if (!fs->tree)
		return; /* never came to life */
	vtree_free(fs->tree);
	if (fs->state.header) {
		livevol_table_finish(&fs->volumes);
		openfile_table_finish(&fs->files);
		node_table_finish(&fs->nodes);
		state_finish(&fs->state);
	}
	pins_finish(&fs->pins);
	fhandle_mounts_finish(&fs->mounts);
	pthread_rwlock_destroy(&fs->tree_lock);
	if (fs->base_fd >= 0)
		close(fs->base_fd);
	if (fs->init_fd >= 0)
		close(fs->init_fd);
}

void fs_pin(struct fs *fs, struct node *node, int fd, uint64_t ticket)
{
	node_lock(&fs->nodes, node);
	node->is_pinned = 1;
	node_unlock(&fs->nodes, node);
	pins_keep(&fs->pins, slot_id(&node->slot), fd, ticket);
}

void fs_unpin(struct fs *fs, struct node *node)
{
	bool was_pinned;

	node_lock(&fs->nodes, node);
	was_pinned = node->is_pinned;
	node->is_pinned = 0;
	node_unlock(&fs->nodes, node);
	if (was_pinned)
		pins_drop(&fs->pins, slot_id(&node->slot));
}

/* *RET_RETRY: some should be looked for again. */
static int update_volumes(struct fs *fs, const struct infra *infra, bool *ret_retry)
{
	struct infra_walk w = {0};
	int r = 0;

	*ret_retry = false;
	while (r == 0 && infra_walk_next(infra, &w)) {
		r = livevol_update(
			&fs->volumes, fs->base_fd, &fs->mounts, w.domain, w.machine, w.volume);
		if (r == -EAGAIN) {
			*ret_retry = true;
			r = 0;
		}
	}
	return r;
}

static int load_catalog(
	struct fs *fs, struct infra *ret, uint64_t *ret_generation, struct error *err)
{
	cleanup_catalog struct catalog *cat = NULL;
	int r;

	r = catalog_open(fs->options.catalog, CATALOG_READ, &cat, err);
	return r < 0 ? r : catalog_load(cat, ret, ret_generation, err);
}

/* The moment of the next change that nobody announces: a hold that expires. */
static int64_t next_expiry(const struct infra *infra, int64_t now)
{
	struct infra_walk w = {0};
	int64_t next = 0;

	while (infra_walk_next(infra, &w)) {
		for (size_t i = 0; i < w.volume->n_holds; i++) {
			int64_t until = w.volume->holds[i].until;

			if (until > now && (next == 0 || until < next))
				next = until;
		}
	}
	return next;
}

void fs_reload_soon(struct fs *fs)
{
	int64_t now = (int64_t)time(NULL);

	if (fs->reload_at <= now || fs->reload_at > now + RELOAD_RETRY_S)
		fs->reload_at = now + RELOAD_RETRY_S;
}

int fs_reload(struct fs *fs, struct error *err)
{
	cleanup_infra struct infra infra = {0};
	struct vtree *tree;
	struct vtree *old;
	uint64_t generation;
	bool must_retry;
	int r;

	failpoint_load();
	if (fs->options.is_plain)
		return 0;
	r = load_catalog(fs, &infra, &generation, err);
	if (r < 0)
		return r;

	/* Flags first: a name must never be reachable before what protects it is in force. */
	r = update_volumes(fs, &infra, &must_retry);
	if (r == 0)
		r = vtree_build(&infra, &tree);
	if (r < 0)
		return error_errno(err, r, "cannot take over the catalogue");

	pthread_rwlock_wrlock(&fs->tree_lock);
	old = fs->tree;
	fs->tree = tree;
	fs->generation = generation;
	fs->n_volumes = infra_count_volumes(&infra);
	fs->reload_at = next_expiry(&infra, time(NULL));
	pthread_rwlock_unlock(&fs->tree_lock);

	if (must_retry)
		fs_reload_soon(fs);
	kcache_drop_changed_dirs(fs->session, old, tree);
	vtree_free(old);
	return 0;
}
