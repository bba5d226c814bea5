/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "handover.h"

#include "launch.h"
#include "log.h"
#include "str.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define ANSWER_MAX 4096
#define ANSWER_YES "can " ANKLUME_VERSION
#define YES "can "
#define NO "no "

/* What would be stored now: there may be as many as this process can have, so they are no copies. */
static int collect(const struct handover *h, struct fdstore *ret)
{
	fdstore_collect(ret);
	h->keep(h->data);
	return fdstore_collect_end();
}

/* ARGV with BINARY in front and, before everything else, OPTION where one is given. To free. */
static char **make_args(const struct handover *h, const char *option)
{
	size_t n = 0;
	char **args;
	size_t i = 0;

	while (h->argv[n])
		n++;
	args = calloc(n + 2, sizeof(*args));
	if (!args)
		return NULL;
	args[i++] = (char *)h->binary;
	if (option)
		args[i++] = (char *)option;
	for (size_t j = 1; j < n; j++)
		if (strcmp(h->argv[j], HANDOVER_OPTION) != 0)
			args[i++] = h->argv[j];
	return args;
}

/* KEPT, and ANSWER_FD unless it is -1, for the launch; names and descriptors stay KEPT's. */
static int make_store(
	const struct fdstore *kept, int answer_fd, struct store_item **ret_items, struct store *ret)
{
	struct store_item *items = calloc(kept->n_items + 1, sizeof(*items));
	size_t n = kept->n_items;

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		items[i] = (struct store_item){kept->items[i].name, kept->items[i].fd};
	if (answer_fd >= 0)
		items[n++] = (struct store_item){(char *)HANDOVER_ANSWER, answer_fd};
	*ret_items = items;
	*ret = (struct store){.items = items, .n_items = n};
	return 0;
}

struct child {
	pid_t pid;
	int pidfd;
	int answer_fd;
};

static int start_child(
	const struct handover *h, const struct fdstore *kept, struct child *ret, struct error *err)
{
	cleanup_free char **args = make_args(h, HANDOVER_OPTION);
	cleanup_free struct store_item *items = NULL;
	cleanup_fd int mine = -1;
	cleanup_fd int yours = -1;
	struct store store;
	int pair[2];
	int r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_errno(err, -errno, "cannot make a socket");
	mine = pair[0];
	yours = pair[1];
	r = args ? make_store(kept, yours, &items, &store) : -ENOMEM;
	if (r == 0)
		r = launch_daemon(
			&(struct launch){
				.path = h->binary, .exe_fd = -1, .argv = args, .store = &store},
			&ret->pid, &ret->pidfd);
	if (r < 0)
		return error_errno(err, r, "cannot start '%s'", h->binary);
	ret->answer_fd = steal_fd(&mine);
	return 0;
}

/* Its answer, or its end without one, which closes the socket. */
static ssize_t wait_answer(const struct child *c, int timeout_ms, char *text)
{
	struct pollfd p = {.fd = c->answer_fd, .events = POLLIN};
	ssize_t n;
	int r;

	do
		r = poll(&p, 1, timeout_ms);
	while (r < 0 && errno == EINTR);
	if (r == 0)
		return -ETIMEDOUT;
	n = recv(c->answer_fd, text, ANSWER_MAX, 0);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	return n;
}

static void end_child(struct child *c)
{
	syscall(SYS_pidfd_send_signal, c->pidfd, SIGKILL, NULL, 0);
	while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
		;
	close(c->pidfd);
	close(c->answer_fd);
}

static int judge(const struct handover *h, ssize_t n, char *text, struct error *err)
{
	if (n == -ETIMEDOUT)
		return error_set(err, -ETIMEDOUT, "'%s' did not say within %d s whether it can",
			h->binary, h->timeout_ms / 1000);
	if (n < 0)
		return error_errno(err, (int)n, "no answer from '%s'", h->binary);
	if (str_has_prefix(text, YES)) {
		str_make_printable(text);
		log_notice("'%s' can take over (version %s)", h->binary, text + strlen(YES));
		return 0;
	}
	if (str_has_prefix(text, NO)) {
		str_make_printable(text);
		return error_set(
			err, -ENOTSUP, "'%s' cannot take over: %s", h->binary, text + strlen(NO));
	}
	return error_set(err, -ENOEXEC,
		"'%s' did not answer: it cannot be run here, or is no anklume-fs", h->binary);
}

int handover_ask(const struct handover *h, struct error *err)
{
	struct fdstore kept = {.is_borrowed = true};
	char text[ANSWER_MAX + 1];
	struct child child;
	ssize_t n;
	int r;

	r = collect(h, &kept);
	if (r < 0)
		error_errno(err, r, "what is to be handed over");
	else
		r = start_child(h, &kept, &child, err);
	fdstore_finish(&kept);
	if (r < 0)
		return r;

	n = wait_answer(&child, h->timeout_ms, text);
	end_child(&child);
	return judge(h, n, text, err);
}

int handover_exec(const struct handover *h, struct error *err)
{
	cleanup_free char **args = make_args(h, NULL);
	struct fdstore kept = {.is_borrowed = true};
	cleanup_free struct store_item *items = NULL;
	struct store store;
	int r = args ? collect(h, &kept) : -ENOMEM;

	if (r == 0)
		r = make_store(&kept, -1, &items, &store);
	if (r == 0)
		launch_exec(&(struct launch){
			.path = h->binary, .exe_fd = -1, .argv = args, .store = &store});
	fdstore_finish(&kept);
	return error_errno(err, r, "cannot hand over to '%s'", h->binary);
}

void handover_answer(int fd, const char *why)
{
	char text[ANSWER_MAX];

	if (why)
		snprintf(text, sizeof(text), NO "%s", why);
	else
		snprintf(text, sizeof(text), ANSWER_YES);
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		log_error("nobody hears the answer '%s': %s", text, strerror(errno));
	close(fd);
}
