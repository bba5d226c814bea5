/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "openfile.h"

#include "checksum.h"
#include "journal.h"

#include <fcntl.h>
#include <unistd.h>

static uint32_t file_check(const struct openfile *f)
{
	uint32_t x = CHECKSUM_SEED;

	x = checksum_add(x, &f->slot.next_generation, sizeof(f->slot.next_generation));
	x = checksum_add(x, &f->node, sizeof(f->node));
	return checksum_add(x, &f->flags, sizeof(f->flags));
}

int openfile_table_init(struct openfile_table *t, void *memory, uint32_t epoch)
{
	t->n_fds = 0;
	return slots_init(&t->slots, memory, sizeof(struct openfile), OPENFILES_MAX, epoch);
}

int openfile_table_adopt(
	struct openfile_table *t, void *memory, uint32_t epoch, uint32_t *ret_damaged)
{
	struct openfile *f = NULL;
	int r = slots_adopt(&t->slots, memory, sizeof(*f), OPENFILES_MAX, epoch);

	t->n_fds = 0;
	*ret_damaged = 0;
	while (r == 0 && (f = slots_next(&t->slots, f ? f->slot.number : 0))) {
		f->fd = -1;
		if (f->check == file_check(f) && f->slot.generation == f->slot.next_generation)
			continue;
		slot_give(&t->slots, &f->slot);
		(*ret_damaged)++;
	}
	return r;
}

void openfile_table_finish(struct openfile_table *t)
{
	slots_finish(&t->slots);
}

int openfile_add(struct openfile_table *t, uint64_t node, int fd, int flags, uint32_t wb_errors,
	uint64_t *ret_fh)
{
	struct openfile *file;
	int r;

	r = slot_take(&t->slots, &file);
	if (r < 0)
		return r;

	file->node = node;
	file->fd = -1;
	if (fd >= 0)
		openfile_set_fd(t, file, fd);
	file->flags = flags;
	file->wb_errors = wb_errors;
	file->check = file_check(file);
	*ret_fh = slot_future_id(&file->slot);
	journal_opening(*ret_fh);
	slot_publish(&file->slot);
	return 0;
}

struct openfile *openfile_get(struct openfile_table *t, uint64_t fh)
{
	return slot_get(&t->slots, fh);
}

void openfile_set_fd(struct openfile_table *t, struct openfile *file, int fd)
{
	__atomic_store_n(&file->fd, fd, __ATOMIC_RELEASE);
	__atomic_add_fetch(&t->n_fds, 1, __ATOMIC_RELAXED);
}

void openfile_remove(struct openfile_table *t, struct openfile *file)
{
	if (file->fd >= 0) {
		close(file->fd);
		__atomic_sub_fetch(&t->n_fds, 1, __ATOMIC_RELAXED);
	}
	slot_give(&t->slots, &file->slot);
}

bool openfile_is_writable(int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY;
}

bool openfile_is_mappable(int flags)
{
	return (flags & O_ACCMODE) == O_RDWR;
}
