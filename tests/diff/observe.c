/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "observe.h"

#include "args.h"
#include "exec.h"
#include "look.h"

#include <stdio.h>
#include <string.h>

static struct seen *find_seen(struct observer *o, const char *key)
{
	for (size_t i = 0; i < o->n_seen; i++)
		if (str_equal(o->seen[i].key, key))
			return &o->seen[i];
	return NULL;
}

static void remember(struct observer *o, struct seen *seen, const char *key, const struct statx *s)
{
	if (!seen) {
		/* Which keys there are is the same on both sides, so both forget together. */
		if (o->n_seen == SEEN_MAX)
			o->n_seen = 0;
		seen = &o->seen[o->n_seen++];
		snprintf(seen->key, sizeof(seen->key), "%s", key);
	}
	seen->stat = *s;
}

static void forget(struct observer *o, const char *key)
{
	struct seen *seen = find_seen(o, key);

	if (seen)
		seen->stat.stx_ino = 0;
}

static int order(const struct statx_timestamp *a, const struct statx_timestamp *b)
{
	if (a->tv_sec != b->tv_sec)
		return a->tv_sec < b->tv_sec ? -1 : 1;
	return a->tv_nsec < b->tv_nsec ? -1 : a->tv_nsec > b->tv_nsec;
}

static void out_time(struct strbuf *out, const char *name, const struct statx_timestamp *now,
	const struct statx_timestamp *before)
{
	static const char *const words[] = {"<", "=", ">"};

	if (look_is_explicit_time(now))
		strbuf_printf(out, " %s %lld.%09u", name, (long long)now->tv_sec, now->tv_nsec);
	else
		strbuf_printf(out, " %s %s", name, before ? words[1 + order(now, before)] : "?");
}

static void observe(
	struct observer *o, const char *key, const char *path, bool follow, struct strbuf *out)
{
	struct seen *seen = find_seen(o, key);
	const struct statx *before = NULL;
	struct statx s = {0};
	int r = look_statx(path, follow, &s);

	strbuf_puts(out, "\n  ");
	strbuf_puts(out, key);
	strbuf_puts(out, ":");
	if (r < 0) {
		strbuf_printf(out, " %s", errno_word(-r));
	} else if (follow && S_ISSOCK(s.stx_mode)) {
		/* A bound socket itself, of no filesystem: its times were never set. */
		look_file(path, &s, follow, out);
	} else {
		if (seen && seen->stat.stx_ino == s.stx_ino)
			before = &seen->stat;
		out_time(out, "m", &s.stx_mtime, before ? &before->stx_mtime : NULL);
		out_time(out, "c", &s.stx_ctime, before ? &before->stx_ctime : NULL);
		if (look_is_explicit_time(&s.stx_atime))
			out_time(out, "a", &s.stx_atime, NULL);
		look_file(path, &s, follow, out);
	}
	remember(o, seen, key, &s);
}

/* TEXT, what it is a symbolic link to, and the directory that it is in. */
static void observe_path(struct observer *o, const char *text, struct strbuf *out)
{
	char path[ARG_PATH_MAX], parent[OP_PATH_LEN], key[OP_PATH_LEN + 8], *slash;
	struct statx s;

	observe(o, text, arg_expand_path(text, path), false, out);
	if (look_statx(arg_expand_path(text, path), false, &s) == 0 && S_ISLNK(s.stx_mode)) {
		snprintf(key, sizeof(key), "%s->", text);
		observe(o, key, arg_expand_path(text, path), true, out);
	}
	snprintf(parent, sizeof(parent), "%s", text);
	slash = strrchr(parent, '/');
	if (slash)
		*slash = '\0';
	else
		strcpy(parent, ".");
	observe(o, parent, arg_expand_path(parent, path), false, out);
}

static void observe_slot(struct observer *o, const struct op *op, int64_t slot,
	const struct actor_state *actor, struct strbuf *out)
{
	char key[16], path[64];

	slot %= SLOTS;
	if (actor->fds[slot] < 0)
		return;
	snprintf(key, sizeof(key), "slot%d.%d", op->actor, (int)slot);
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", actor->pid, actor->fds[slot]);
	/* Another file now, if perhaps with the inode number of the one before. */
	if (op->code == OP_open || op->code == OP_tmpfile || op->code == OP_reopen)
		forget(o, key);
	observe(o, key, path, true, out);
}

void observe_step(struct observer *o, const struct op *op, const struct actor_state *actor,
	struct strbuf *out)
{
	size_t paths = 0, nums = 0;

	/* What happens unseen would make "before" mean different things on the two sides. */
	if (op->quiet) {
		o->n_seen = 0;
		return;
	}
	for (const char *c = op_table[op->code].args; *c; c++) {
		if (arg_kind(*c)->make_path)
			observe_path(o, op->path[paths++], out);
		else if (*c == 'h')
			observe_slot(o, op, op->num[nums++], actor, out);
		else
			nums++;
	}
}
