/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "inbox.h"

#include "cleanup.h"
#include "str.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define TEXT_MAX 4096 /* what systemd takes (NOTIFY_BUFFER_MAX) */

int inbox_init(int fd)
{
	int on = 1;

	return setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 ? -errno : 0;
}

/* Words that are either there or not. */
static const struct {
	const char *word;
	size_t where; /* of a bool in struct message */
} flags[] = {
	{"READY=1", offsetof(struct message, is_ready)},
	{"STOPPING=1", offsetof(struct message, is_stopping)},
	{"WATCHDOG=1", offsetof(struct message, is_watchdog)},
	{"FDSTORE=1", offsetof(struct message, is_store)},
	{"FDSTOREREMOVE=1", offsetof(struct message, is_remove)},
	{"BARRIER=1", offsetof(struct message, is_barrier)},
};

static void parse_line(const char *line, struct message *m)
{
	uint32_t pid;

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (strcmp(line, flags[i].word) == 0)
			*(bool *)((char *)m + flags[i].where) = true;

	if (str_has_prefix(line, "FDNAME=") && strlen(line + 7) <= STORE_NAME_MAX && line[7])
		strcpy(m->name, line + 7);
	if (str_has_prefix(line, "MAINPID=") && parse_u32(line + 8, &pid) == 0 && pid <= INT32_MAX)
		m->main_pid = (pid_t)pid;
}

void message_parse(char *text, struct message *ret)
{
	char *save = NULL;

	strcpy(ret->name, "stored");
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		parse_line(line, ret);
}

static void take_control(struct msghdr *header, struct message *m)
{
	struct ucred ucred;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_CREDENTIALS) {
			memcpy(&ucred, CMSG_DATA(c), sizeof(ucred));
			m->pid = ucred.pid;
			m->uid = ucred.uid;
		} else if (c->cmsg_type == SCM_RIGHTS) {
			m->n_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			memcpy(m->fds, CMSG_DATA(c), m->n_fds * sizeof(int));
		}
	}
}

int inbox_receive(int fd, struct message *ret)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(struct ucred)) +
			   CMSG_SPACE(INBOX_FDS_MAX * sizeof(int))];
	} control;
	char text[TEXT_MAX + 1] = "";
	struct iovec iov = {.iov_base = text, .iov_len = TEXT_MAX};
	struct msghdr header = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n;

	*ret = (struct message){.uid = (uid_t)-1};
	do
		n = recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;

	take_control(&header, ret);
	ret->is_short = header.msg_flags & MSG_CTRUNC;
	if ((header.msg_flags & MSG_TRUNC) || memchr(text, '\0', (size_t)n)) {
		message_finish(ret);
		return -EBADMSG;
	}
	text[n] = '\0';
	message_parse(text, ret);
	return 0;
}

void message_finish(struct message *m)
{
	for (size_t i = 0; i < m->n_fds; i++)
		cleanup_closep(&m->fds[i]);
	m->n_fds = 0;
}
