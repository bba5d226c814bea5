/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_CATALOG_FILES_H
#define ANKLUME_CATALOG_FILES_H

/*
 * Make the directory that PATH lies in when it is missing, open it, and lock it against others
 * who create or replace a catalogue there, until the descriptor is closed.
 */
int files_lock_parent(const char *path, int *ret_fd);

#endif
