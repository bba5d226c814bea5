/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "untold.h"

#include "call.h"
#include "fs.h"
#include "fuseproto.h"
#include "kcache.h"

#include <string.h>

/* Where a request that changes something says what: after its header. */
struct shape {
	uint32_t opcode;
	uint32_t arguments; /* bytes before the names */
	uint32_t n_names; /* in the directory of the header; the second in the other one */
	bool has_other; /* the arguments begin with the id of another inode */
};

static const struct shape shapes[] = {
	{FUSE_SETATTR, 0, 0, false},
	{FUSE_SETXATTR, 0, 0, false},
	{FUSE_REMOVEXATTR, 0, 0, false},
	{FUSE_WRITE, 0, 0, false},
	{FUSE_FALLOCATE, 0, 0, false},
	{FUSE_IOCTL, 0, 0, false},
	{FUSE_COPY_FILE_RANGE, 0, 0, false},
	{FUSE_OPEN, 0, 0, false},
	{FUSE_RELEASE, 0, 0, false},
	{FUSE_SYMLINK, 0, 1, false},
	{FUSE_MKNOD, sizeof(struct fuse_mknod_in), 1, false},
	{FUSE_MKDIR, sizeof(struct fuse_mkdir_in), 1, false},
	{FUSE_CREATE, sizeof(struct fuse_create_in), 1, false},
	{FUSE_LINK, sizeof(struct fuse_link_in), 1, true},
	{FUSE_UNLINK, 0, 1, false},
	{FUSE_RMDIR, 0, 1, false},
	{FUSE_RENAME, sizeof(struct fuse_rename_in), 2, true},
	{FUSE_RENAME2, sizeof(struct fuse_rename2_in), 2, true},
};

static const struct shape *shape_of(const struct journal_entry *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		if (shapes[i].opcode == e->header.opcode &&
			e->header.len >= sizeof(e->header) + shapes[i].arguments &&
			e->header.len <= JOURNAL_MESSAGE_MAX)
			return &shapes[i];
	}
	return NULL;
}

static uint64_t other_inode(const struct journal_entry *e, const struct shape *s)
{
	uint64_t id = 0;

	if (s->has_other)
		memcpy(&id, e->message + sizeof(e->header), sizeof(id));
	return id;
}

/* Name number I of the request; NULL: the message is not what it should be. */
static const char *name_at(const struct journal_entry *e, const struct shape *s, uint32_t i)
{
	const char *name = e->message + sizeof(e->header) + s->arguments;
	const char *end = e->message + e->header.len;

	for (;; i--) {
		const char *zero = memchr(name, '\0', (size_t)(end - name));

		if (!zero || i == 0)
			return zero && zero > name ? name : NULL;
		name = zero + 1;
	}
}

static void drop_attr_of(struct fs *fs, const struct fhandle *handle, uint32_t volume)
{
	struct node *node = node_find(&fs->nodes, handle, volume);

	if (node)
		kcache_forget_attr(fs->session, slot_id(&node->slot));
}

void untold_drop_attrs(struct fs *fs, const struct journal_entry *e)
{
	const struct shape *s = shape_of(e);
	struct call c = {.fs = fs};
	struct node *node;

	if (!s)
		return;
	kcache_forget_attr(fs->session, e->header.nodeid);
	if (s->has_other)
		kcache_forget_attr(fs->session, other_inode(e, s));
	node = call_node(&c, e->header.nodeid);
	if (!node || e->intent.state == INTENT_NONE)
		return;
	if (e->intent.had_source)
		drop_attr_of(fs, &e->intent.source, node->volume);
	if (e->intent.had_target)
		drop_attr_of(fs, &e->intent.target, node->volume);
}

void untold_add(struct fs *fs, struct journal_entry *e)
{
	if (shape_of(e))
		fs->untold.entries[fs->untold.n++] = e;
	else
		journal_release(e);
}

/* The names that E is about, at RET. Returns how many there are. */
static size_t names_of(const struct journal_entry *e, struct kcache_name ret[2])
{
	const struct shape *s = shape_of(e);
	size_t n = 0;

	for (uint32_t i = 0; s && i < s->n_names; i++) {
		const char *name = name_at(e, s, i);

		if (name)
			ret[n++] = (struct kcache_name){
				i == 0 ? e->header.nodeid : other_inode(e, s), name};
	}
	return n;
}

static void *tell_all(void *data)
{
	struct fs *fs = data;
	struct untold *u = &fs->untold;
	size_t n = 0;
	int r;

	for (size_t i = 0; i < u->n; i++)
		n += names_of(u->entries[i], &u->names[n]);
	r = kcache_expire_names(fs->session, u->names, n);
	if (r < 0)
		log_error("names that changed may be seen as they were: %s", strerror(-r));
	for (size_t i = 0; i < n; i++)
		kcache_drop_content(fs->session, u->names[i].dir);
	for (size_t i = 0; i < u->n; i++)
		journal_release(u->entries[i]);
	return NULL;
}

void untold_tell(struct fs *fs)
{
	int r;

	if (fs->untold.n == 0)
		return;
	r = pthread_create(&fs->untold.thread, NULL, tell_all, fs);
	fs->untold.is_telling = r == 0;
	if (r != 0)
		log_error("names that changed may be seen as they were: %s", strerror(r));
}

void untold_finish(struct fs *fs)
{
	if (fs->untold.is_telling)
		pthread_join(fs->untold.thread, NULL);
	fs->untold.is_telling = false;
}
