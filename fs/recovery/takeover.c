/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "takeover.h"

#include "backing.h"
#include "blame.h"
#include "entry.h"
#include "failpoint.h"
#include "fdstore.h"
#include "filemode.h"
#include "fuseproto.h"
#include "request.h"
#include "untold.h"
#include "writeback.h"

#include <fuse_lowlevel.h>
#include <string.h>

static int adopt_tables(struct fs *fs, uint32_t *ret_damaged, struct error *err)
{
	uint32_t epoch = fs->state.header->epoch;
	uint32_t n_nodes, n_files;
	int r;

	journal_init(&fs->journal, state_region(&fs->state, STATE_JOURNAL));
	r = livevol_table_adopt(&fs->volumes, state_region(&fs->state, STATE_VOLUMES));
	if (r == 0)
		r = node_table_adopt(
			&fs->nodes, state_region(&fs->state, STATE_NODES), epoch, &n_nodes);
	if (r == 0)
		r = openfile_table_adopt(
			&fs->files, state_region(&fs->state, STATE_FILES), epoch, &n_files);
	if (r < 0)
		return error_errno(err, r, "the tables of the state");
	*ret_damaged = n_nodes + n_files;
	return 0;
}

/* What a request of the dead process was counting is counted, once. */
static void settle_counts(struct fs *fs)
{
	for (size_t i = 0; i < JOURNAL_ENTRIES; i++) {
		struct journal_entry *e = &fs->journal.entries[i];
		struct node *node;
		uint64_t id;

		if (!e->is_claimed || !journal_step_node(e, &id))
			continue;
		node = node_get(&fs->nodes, id);
		journal_finish_step(e, node ? &node->nlookup : NULL);
	}
}

/* Open files are the truth; the counts of nodes and volumes follow from them. */
static void count_opens(struct fs *fs)
{
	struct openfile *f = NULL;

	while ((f = slots_next(&fs->files.slots, f ? f->slot.number : 0))) {
		struct node *node = node_get(&fs->nodes, f->node);
		struct livevol *v = node ? livevol_get(&fs->volumes, node->volume) : NULL;

		if (!v) {
			openfile_remove(&fs->files, f);
			continue;
		}
		node->n_open++;
		if (openfile_is_writable(f->flags)) {
			node->n_writers++;
			v->n_writers++;
		}
		fs->mounts.items[node->handle.mount].passthrough = node->backing_id > 0 ? 1 : -1;
		if (node->backing_id == 0)
			request_expect_writes();
		else if (openfile_is_writable(f->flags))
			writeback_listen_again(fs, node);
	}
}

/* Sound by itself, but of a mount that nobody has handed over. */
static bool knows_all_mounts(struct fs *fs)
{
	struct node *node = NULL;

	while ((node = slots_next(&fs->nodes.slots, node ? node->slot.number : 0))) {
		if (node->handle.mount >= fs->mounts.n)
			return false;
	}
	for (uint32_t i = 1; i <= livevol_count(&fs->volumes); i++) {
		const struct livevol *v = livevol_get(&fs->volumes, i);

		if (v->is_present && v->root.handle.mount >= fs->mounts.n)
			return false;
	}
	return true;
}

static int adopt(struct fs *fs, struct error *err)
{
	uint32_t n_damaged = 0;
	int r;

	r = adopt_tables(fs, &n_damaged, err);
	if (r == 0 && !knows_all_mounts(fs))
		r = error_set(
			err, -EUCLEAN, "the state is damaged: it names a mount that is not there");
	if (r < 0)
		return r;
	if (n_damaged > 0)
		log_error("state: %u records are damaged; their inodes answer ESTALE", n_damaged);

	settle_counts(fs);
	r = node_table_link(&fs->nodes);
	if (r < 0)
		return error_errno(err, r, "the table of inodes");
	count_opens(fs);
	fs->state.header->n_takeovers++;
	fs->state.header->owner = getpid();
	return 0;
}

/* Nothing of the state can be trusted: start anew, with ids that no old one can be taken for. */
static int start_degraded(struct fs *fs, uint32_t epoch, struct error *err)
{
	cleanup_error struct error cause = *err;

	*err = (struct error){0};
	log_error(
		"%s: going on without it. Files that are open go on reading and writing where the "
		"kernel has passthrough; what else was open answers ESTALE and must be opened again",
		error_text(&cause, -EUCLEAN));
	fs->is_degraded = true;
	fdstore_drop("state");
	return fs_make_state(fs, epoch, err);
}

int takeover_tables(struct fs *fs, int fd, struct error *err)
{
	const struct state_identity who = fs_identity(fs);
	uint32_t epoch = 1;
	int r;

	r = state_adopt(&fs->state, fd, fs->options.is_checking, &who, &epoch, err);
	if (r == 0)
		r = adopt(fs, err);
	if (r != -EUCLEAN)
		return r;
	state_finish(&fs->state);
	return start_degraded(fs, epoch, err);
}

/* FORGETs are not sent again: the rest of one that was begun is done here. */
static void forget(struct fs *fs, struct journal_entry *e)
{
	const void *arguments = &e->header + 1;
	const struct fuse_forget_in *single = arguments;
	const struct fuse_batch_forget_in *batch = arguments;
	const struct fuse_forget_one *nodes = (const void *)(batch + 1);
	const struct fuse_forget_one one = {e->header.nodeid, single->nlookup};
	uint32_t n = 1;

	if (e->header.opcode == FUSE_FORGET)
		nodes = &one;
	else
		n = batch->count;

	journal_set_current(e);
	for (uint32_t i = e->n_forgotten; i < n; i++) {
		journal_forgetting(i);
		entry_forget(fs, nodes[i].nodeid, nodes[i].nlookup);
	}
	journal_set_current(NULL);
}

/* Idle entries of the dead process are free again; its FORGETs are finished. */
static void finish_entries(struct fs *fs)
{
	for (size_t i = 0; i < JOURNAL_ENTRIES; i++) {
		struct journal_entry *e = &fs->journal.entries[i];

		if (!e->is_claimed)
			continue;
		if (e->header.len > 0 && journal_is_forget(e))
			forget(fs, e);
		if (e->header.len == 0 || journal_is_forget(e))
			journal_release(e);
	}
}

/* What the request had made for its answer, which was never sent, is unmade. */
static void undo(struct fs *fs, struct journal_entry *e)
{
	journal_set_current(e);
	if (e->file)
		filemode_detach(fs, e->file);
	journal_opening(0);
	while (e->n_counted > 0) {
		uint32_t n = e->n_counted;

		entry_forget(fs, e->counted[n - 1], 1);
		if (e->n_counted == n) /* the node is gone already */
			e->n_counted = n - 1;
	}
	journal_set_current(NULL);
}

static int answer_error(struct fs *fs, const struct journal_entry *e, int r)
{
	const struct fuse_out_header out = {
		.len = sizeof(out), .error = r, .unique = e->header.unique};
	ssize_t n = write(fuse_session_fd(fs->session), &out, sizeof(out));

	return n == sizeof(out) ? 0 : -errno;
}

/* In the degraded state nobody knows whether these were done. */
static bool must_happen_once(uint32_t opcode)
{
	switch (opcode) {
	case FUSE_CREATE:
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_SYMLINK:
	case FUSE_LINK:
	case FUSE_UNLINK:
	case FUSE_RMDIR:
	case FUSE_RENAME:
	case FUSE_RENAME2:
	case FUSE_SETXATTR:
	case FUSE_REMOVEXATTR:
		return true;
	default:
		return false;
	}
}

/* The request in E is for a worker, or ends here. */
static void inherit(struct fs *fs, struct journal_entry *e, bool is_resent)
{
	const char *name = fuseproto_opcode_name(e->header.opcode);

	undo(fs, e);
	if (e->n_crashes >= BLAME_MAX) {
		log_error("%s of process %u brought %u daemons down: it is answered EIO", name,
			e->header.pid, e->n_crashes);
	} else if (fs->is_degraded && is_resent && must_happen_once(e->header.opcode)) {
		log_error("%s of process %u: nobody knows whether it was done; it is answered EIO",
			name, e->header.pid);
	} else {
		fs->inherited.entries[fs->inherited.n++] = e;
		return;
	}
	answer_error(fs, e, -EIO);
	journal_release(e);
}

static int ask_again(int fuse_fd)
{
	const struct fuse_out_header out = {.len = sizeof(out), .error = FUSEPROTO_NOTIFY_RESEND};

	return write(fuse_fd, &out, sizeof(out)) == sizeof(out) ? 0 : -errno;
}

/*
 * Take in the request just read into E. True: it was sent again, and more of those may come. The
 * entry that the dead process had for it goes on; E is then given back.
 */
static bool take_in(struct fs *fs, struct journal_entry *e)
{
	bool is_resent = e->header.unique & FUSEPROTO_UNIQUE_RESENT;
	uint64_t unique = e->header.unique;
	struct journal_entry *known;

	if (journal_is_forget(e)) {
		forget(fs, e);
		journal_release(e);
		return true;
	}
	known = is_resent ? journal_find(&fs->journal, unique) : e;
	if (known != e) {
		journal_release(e);
		known->header.unique = unique;
	}
	inherit(fs, known, is_resent);
	return is_resent || known->header.opcode == FUSE_INTERRUPT;
}

/*
 * Those that are sent again stand at the head of the kernel's queue (Linux, fuse_dev_resend());
 * only interrupts and FORGETs come before them. The first other one ends the collection.
 */
static int collect(struct fs *fs)
{
	for (;;) {
		struct journal_entry *e = journal_claim(&fs->journal);
		int r;

		if (!e)
			return -ENFILE;
		do
			r = request_read(fs->session, e);
		while (r == -EINTR);
		if (r == -EAGAIN || r == 0) {
			journal_release(e);
			return 0; /* 0: unmounted meanwhile, which the workers will see */
		}
		if (r < 0) {
			journal_release(e);
			return r;
		}
		if (!take_in(fs, e))
			return 0;
	}
}

/*
 * Entries that nobody sent again were answered, by the last thing that the dead process did; or
 * their caller was killed while they waited for us, and the kernel took them back unread.
 */
static void release_ended(struct fs *fs)
{
	for (size_t i = 0; i < JOURNAL_ENTRIES; i++) {
		struct journal_entry *e = &fs->journal.entries[i];
		bool is_inherited = false;

		for (size_t j = 0; j < fs->inherited.n; j++)
			is_inherited |= fs->inherited.entries[j] == e;
		if (!e->is_claimed || is_inherited)
			continue;
		if (!e->is_answering)
			undo(fs, e);
		untold_add(fs, e);
	}
}

/*
 * Between a change and the notification of it the dead process may have left the kernel with
 * attributes from before, and the word that nothing is left to notify of (kcache_drop_attr()).
 */
static void drop_attrs(struct fs *fs)
{
	for (size_t i = 0; i < JOURNAL_ENTRIES; i++) {
		const struct journal_entry *e = &fs->journal.entries[i];

		if (e->is_claimed && e->header.len > 0)
			untold_drop_attrs(fs, e);
	}
}

int takeover_requests(struct fs *fs, struct error *err)
{
	int fuse_fd = fuse_session_fd(fs->session);
	int r;

	backing_sweep(fs);
	finish_entries(fs);
	drop_attrs(fs);
	r = ask_again(fuse_fd);
	failpoint_hit(FAILPOINT_TAKEOVER, 0);
	if (r == 0)
		r = collect(fs);
	if (r < 0 && r != -ENODEV)
		return error_errno(err, r, "cannot take over the requests under way");

	release_ended(fs);
	return 0;
}

struct journal_entry *takeover_next(struct inherited *list)
{
	size_t i = __atomic_fetch_add(&list->next, 1, __ATOMIC_ACQ_REL);

	return i < list->n ? list->entries[i] : NULL;
}
