/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_HOLD_INBOX_H
#define ANKLUME_HOLD_INBOX_H

/* The receiving end of sd_notify(3): a datagram of assignments, descriptors and who sent it. */

#include "store.h"

#include <stdbool.h>
#include <sys/types.h>

#define INBOX_FDS_MAX 253 /* the kernel's SCM_MAX_FD */

struct message {
	pid_t pid; /* who sent it, as the kernel says */
	uid_t uid;
	bool is_ready;
	bool is_stopping;
	bool is_watchdog;
	bool is_store;
	bool is_remove;
	bool is_barrier; /* whoever sent it waits until its descriptor is closed */
	bool is_short; /* the kernel could not hand over every descriptor: too many are open */
	pid_t main_pid; /* 0: not said */
	char name[STORE_NAME_MAX + 1]; /* "stored" when not said, as systemd */
	int fds[INBOX_FDS_MAX];
	size_t n_fds;
};

/* Have the kernel tell who sends to FD. */
int inbox_init(int fd);

/*
 * Receive one message from FD without waiting; message_finish() closes what nobody took out of
 * RET->fds. -EAGAIN: none waits; -EBADMSG: it was no message, and is gone.
 */
int inbox_receive(int fd, struct message *ret);

/* Read TEXT, which is modified, into RET. What we do not know is skipped, as sd_notify(3) wants. */
void message_parse(char *text, struct message *ret);

void message_finish(struct message *m);

#endif
