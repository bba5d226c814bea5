/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "openfile.h"

#include <fcntl.h>
#include <unistd.h>

#define OPENFILES_MAX (UINT32_C(1) << 24)

int openfile_table_init(struct openfile_table *t)
{
	return slots_init(&t->slots, sizeof(struct openfile), OPENFILES_MAX);
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
	file->fd = fd;
	file->flags = flags;
	file->wb_errors = wb_errors;
	slot_publish(&file->slot);
	*ret_fh = slot_id(&file->slot);
	return 0;
}

struct openfile *openfile_get(struct openfile_table *t, uint64_t fh)
{
	return slot_get(&t->slots, fh);
}

void openfile_remove(struct openfile_table *t, struct openfile *file)
{
	if (file->fd >= 0)
		close(file->fd);
	slot_give(&t->slots, &file->slot);
}

bool openfile_is_writable(int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY;
}
