/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_DATAMOVE_H
#define ANKLUME_DATAMOVE_H

/* A volume's directory gets another name, as the step of a change of the catalogue. */

#include "datadir.h"

/* Texts borrowed. NAME is a volume's, or one of the prefixes of datadir.h with that behind. */
struct data_place {
	const char *domain, *machine, *name;
};

struct data_move {
	int base_fd;
	struct data_place from, to;
	int64_t id; /* row of the volume, as its mark has it; 0 = it has none */
};

/*
 * Rename FROM to TO, durably. When there is no FROM, a directory TO whose mark has the id is what a
 * run that was killed has moved. -EEXIST, -ENOENT, -EBUSY, -EXDEV.
 */
int data_move(void *move, struct error *err);
void data_move_undo(void *move);

/* One rename between two open directories, on the disk before the return. -EEXIST ... */
int data_rename(int from_fd, const char *from, int to_fd, const char *to);

#endif
