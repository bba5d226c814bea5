/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_BACKGROUND_H
#define ANKLUME_BACKGROUND_H

/* A daemon's way from the command that started it to a process of its own. */

/*
 * Go into the background: the parent waits for the child's word, one byte, and exits with it (or
 * with FAILED when the child ends without one). Returns in the child only: 0 and in *RET_READY_FD what
 * background_tell() takes, or -errno.
 */
int background_enter(char failed, int *ret_ready_fd);

/* STATUS is the word, and the end of the wait. Nothing when *READY_FD is -1, which it then is. */
void background_tell(int *ready_fd, char status);

/* The terminal belongs to whoever typed the command: leave it, and take the log along. */
void background_leave_terminal(void);

#endif
