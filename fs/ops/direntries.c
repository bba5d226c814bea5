/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "direntries.h"

#include "entry.h"
#include "listend.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <string.h>
#include <sys/syscall.h>

#define GETDENTS_BYTES 32768

/* struct linux_dirent64 of getdents64(2). */
struct kernel_dirent {
	uint64_t d_ino;
	int64_t d_off;
	unsigned short d_reclen;
	unsigned char d_type;
	char d_name[];
};

static bool is_dot_or_dotdot(const char *name)
{
	return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

/* Append one entry; false when it does not fit. NEXT is the cookie to go on from. */
static bool add(
	struct direntries *l, const char *name, const struct fuse_entry_param *e, off_t next)
{
	char *at = l->data + l->used;
	size_t left = l->size - l->used;
	size_t need;

	if (l->is_plus)
		need = fuse_add_direntry_plus(l->call->req, at, left, name, e, next);
	else
		need = fuse_add_direntry(l->call->req, at, left, name, &e->attr, next);
	if (need > left)
		return false;
	l->used += need;
	return true;
}

/* Shall the kernel get the inode of D as well? */
static bool is_wanted(struct direntries *l, const struct kernel_dirent *d)
{
	if (!l->is_plus || is_dot_or_dotdot(d->d_name))
		return false;
	if (l->which == LISTING_ALL || d->d_type == DT_DIR || d->d_type == DT_UNKNOWN)
		return true;
	return l->which == LISTING_SAMPLED && l->n_files++ != LISTER_BEFORE_SAMPLE;
}

/* False: the buffer is full. An entry that went away meanwhile is left out. NEXT is its cookie. */
static bool add_from_base(struct direntries *l, const struct node *dir, int dir_fd,
	const struct kernel_dirent *d, off_t next)
{
	struct fuse_entry_param e = {0};
	int r = is_wanted(l, d) ? entry_lookup(l->call, dir, dir_fd, d->d_name, &e, NULL) : -EAGAIN;

	if (r == -ENOENT)
		return true;
	/* Not asked for, or not to be had: the name is there all the same, and who looks hears why. */
	if (r < 0) {
		struct stat st = {.st_ino = d->d_ino};

		e.attr.st_ino = node_make_ino(&dir->handle, &st);
		e.attr.st_mode = DTTOIF(d->d_type);
	}

	if (add(l, d->d_name, &e, next))
		return true;
	if (e.ino)
		entry_forget(l->call->fs, e.ino, 1);
	return false;
}

int direntries_read(struct direntries *l, const struct node *dir, off_t cookie)
{
	struct listend at = listend_unpack(&dir->handle, cookie);
	_Alignas(struct kernel_dirent) char buf[GETDENTS_BYTES];
	cleanup_fd int fd = call_open_dir(l->call, dir);

	if (fd < 0)
		return fd;
	if (at.off != 0 && lseek(fd, at.off, SEEK_SET) < 0)
		return -errno;
	listend_find(&at, &dir->handle, fd, l->size);

	for (;;) {
		long n = syscall(SYS_getdents64, fd, buf, sizeof(buf));

		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		for (long i = 0; i < n;) {
			const struct kernel_dirent *d = (const void *)(buf + i);

			if (at.last != 0 && at.off > at.last)
				return 0;
			at.off = d->d_off;
			if (!add_from_base(l, dir, fd, d, listend_pack(&at)))
				return 0;
			i += d->d_reclen;
		}
	}
}

/* The name and id of entry INDEX of a virtual directory; "." and ".." come first. */
static int virtual_entry(
	struct direntries *l, fuse_ino_t ino, size_t index, char *name, uint64_t *ret_id)
{
	struct fs *fs = l->call->fs;
	const struct vtree_dir *dir;
	int r = -ENOENT;

	pthread_rwlock_rdlock(&fs->tree_lock);
	dir = vtree_dir(fs->tree, ino);
	if (dir && index < dir->n_entries + 2) {
		if (index < 2) {
			strcpy(name, index ? ".." : ".");
			*ret_id = index ? dir->parent : ino;
		} else {
			snprintf(name, NAME_MAX + 1, "%s", dir->entries[index - 2].name);
			*ret_id = dir->entries[index - 2].id;
		}
		r = 0;
	}
	pthread_rwlock_unlock(&fs->tree_lock);
	return r;
}

int direntries_read_virtual(struct direntries *l, fuse_ino_t ino, off_t off)
{
	char name[NAME_MAX + 1];
	uint64_t id;

	for (size_t i = (size_t)off; virtual_entry(l, ino, i, name, &id) == 0; i++) {
		struct fuse_entry_param e;

		/* A volume without a directory in the base is not there. */
		if (entry_of_fixed(l->call, id, &e) < 0)
			continue;
		if (i < 2)
			e.ino = 0;
		if (!add(l, name, &e, (off_t)i + 1))
			break;
	}
	return 0;
}

void direntries_forget(struct direntries *l)
{
	if (!l->is_plus)
		return;

	for (size_t at = 0; at < l->used;) {
		const struct fuse_direntplus *d = (const void *)(l->data + at);

		if (d->entry_out.nodeid)
			entry_forget(l->call->fs, d->entry_out.nodeid, 1);
		at += FUSE_DIRENTPLUS_SIZE(d);
	}
}
