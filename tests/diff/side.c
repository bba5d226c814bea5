/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "side.h"

#include "exec.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/close_range.h>
#include <linux/fs.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* A call that takes longer hangs. */
#define ANSWER_MS 60000

struct request {
	bool is_tree;
	struct op op;
	struct actor_state actor;
};

/* --- messages: a length and that many bytes --------------------------------------------------- */

static bool send_all(int sock, const void *data, size_t len)
{
	for (const char *p = data; len > 0;) {
		ssize_t n = send(sock, p, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static bool receive_all(int sock, void *data, size_t len)
{
	for (char *p = data; len > 0;) {
		ssize_t n = recv(sock, p, len, 0);

		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static bool send_text(int sock, const struct strbuf *text)
{
	return send_all(sock, &text->len, sizeof(text->len)) &&
	       send_all(sock, text->data, text->len);
}

static bool receive_text(int sock, struct strbuf *out)
{
	char part[4096];
	size_t len;

	if (!receive_all(sock, &len, sizeof(len)))
		return false;
	while (len > 0) {
		size_t n = len < sizeof(part) ? len : sizeof(part);

		if (!receive_all(sock, part, n))
			return false;
		strbuf_add(out, part, n);
		len -= n;
	}
	return true;
}

/* --- the processes ---------------------------------------------------------------------------- */

static void actor_main(int sock, int index, int userns, bool is_unmapped)
{
	struct request request;
	struct actor actor;

	actor_init(&actor, index, userns, is_unmapped);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (receive_all(sock, &request, sizeof(request))) {
		cleanup_strbuf struct strbuf out = STRBUF_INIT;
		struct actor_state state = {.pid = getpid()};

		exec_op(&actor, &request.op, &out);
		memcpy(state.fds, actor.fds, sizeof(state.fds));
		if (!send_all(sock, &state, sizeof(state)) || !send_text(sock, &out))
			break;
	}
	_exit(0);
}

static void observer_main(int sock, const char *base)
{
	static struct observer observer;
	struct request request;

	snprintf(observer.base, sizeof(observer.base), "%s", base);
	while (receive_all(sock, &request, sizeof(request))) {
		cleanup_strbuf struct strbuf out = STRBUF_INIT;

		if (request.is_tree)
			observe_tree(&observer, &out);
		else
			observe_step(&observer, &request.op, &request.actor, &out);
		if (!send_text(sock, &out))
			break;
	}
	_exit(0);
}

/* Nothing that this process has open may live on in a child: a socket's end would keep others up. */
static void child_setup(int *sock, int *userns, const char *dir)
{
	int kept = *userns < 0 ? -1 : fcntl(*userns, F_DUPFD_CLOEXEC, 10);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dup2(*sock, 3) < 0 || (kept >= 0 && dup2(kept, 4) < 0))
		err(2, "dup2");
	close_range(kept < 0 ? 4 : 5, ~0U, 0);
	*sock = 3;
	*userns = kept < 0 ? -1 : 4;
	signal(SIGTERM, SIG_DFL);
	if (chdir(dir) < 0)
		err(2, "'%s'", dir);
}

/* INDEX -1: the observer. */
static void start_process(struct side *s, struct process *p, int index, int userns)
{
	char dir[PATH_MAX + 64], base[PATH_MAX + 64];
	bool is_unmapped = userns < 0 && !str_equal(s->place->view, s->place->plain);
	int socks[2];

	snprintf(dir, sizeof(dir), "%s/%s/n/n/n", s->place->view, s->top);
	snprintf(base, sizeof(base), "%s/%s/n/n/n", s->place->base, s->top);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks) < 0)
		err(2, "socketpair");
	p->pid = fork();
	if (p->pid < 0)
		err(2, "fork");
	if (p->pid == 0) {
		child_setup(&socks[1], &userns, dir);
		if (index < 0)
			observer_main(socks[1], base);
		actor_main(socks[1], index, userns, is_unmapped);
	}
	close(socks[1]);
	p->sock = socks[0];
	p->state.pid = p->pid;
	for (int i = 0; i < SLOTS; i++)
		p->state.fds[i] = -1;
}

static void stop_process(struct process *p)
{
	if (p->pid <= 0)
		return;
	close(p->sock);
	kill(p->pid, SIGKILL);
	waitpid(p->pid, NULL, 0);
	p->pid = 0;
}

/* --- the tree --------------------------------------------------------------------------------- */

static int make_tree(const struct side *s)
{
	static const char *const levels[] = {"", "/n", "/n/n", "/n/n/n"};
	char path[PATH_MAX + 64];
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		snprintf(path, sizeof(path), "%s/%s%s", s->place->plain, s->top, levels[i]);
		if (mkdir(path, 0755) < 0)
			return -errno;
	}
	if (chmod(path, 0777) < 0)
		return -errno;
	strcat(path, "/" STORM_LOG);
	fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
	if (fd < 0 || fchmod(fd, 0666) < 0)
		return -errno;
	close(fd);
	return 0;
}

/* "immutable" and "append only" stop even root. */
static void clear_flags(const char *path)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	int flags = 0;

	if (fd >= 0)
		ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

static int clear_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	(void)type;
	clear_flags(path);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	(void)type;
	return remove(path) < 0 ? errno : 0;
}

static void remove_tree(const struct side *s)
{
	char path[PATH_MAX + 64];
	int r;

	snprintf(path, sizeof(path), "%s/%s", s->place->plain, s->top);
	r = nftw(path, remove_one, 20, FTW_DEPTH | FTW_PHYS);
	if (r == EPERM) {
		nftw(path, clear_one, 20, FTW_PHYS);
		r = nftw(path, remove_one, 20, FTW_DEPTH | FTW_PHYS);
	}
	if (r)
		warnx("'%s' cannot be removed: %s", path, r > 0 ? strerror(r) : strerror(errno));
}

int side_start(struct side *s, const struct place *place, const char *top, int userns)
{
	int r;

	*s = (struct side){.place = place};
	snprintf(s->top, sizeof(s->top), "%s", top);
	r = make_tree(s);
	if (r < 0)
		return r;
	for (int i = 0; i < ACTORS; i++)
		start_process(s, &s->actors[i], i, i == 1 ? userns : -1);
	start_process(s, &s->observer, -1, -1);
	return 0;
}

void side_stop(struct side *s)
{
	for (int i = 0; i < ACTORS; i++)
		stop_process(&s->actors[i]);
	stop_process(&s->observer);
	remove_tree(s);
}

/* --- a step ----------------------------------------------------------------------------------- */

static bool is_for_both(const struct op *op)
{
	return op->code == OP_storm;
}

void side_send(struct side *s, const struct op *op)
{
	struct request request = {.op = *op};

	for (int i = 0; i < ACTORS; i++)
		if (i == op->actor || is_for_both(op))
			send_all(s->actors[i].sock, &request, sizeof(request));
}

static void await(struct process *p, struct actor_state *state, struct strbuf *out)
{
	struct pollfd ready = {.fd = p->sock, .events = POLLIN};

	if (poll(&ready, 1, ANSWER_MS) == 0) {
		strbuf_printf(out, "= no answer in %d s", ANSWER_MS / 1000);
		return;
	}
	if ((state && !receive_all(p->sock, state, sizeof(*state))) || !receive_text(p->sock, out))
		strbuf_puts(out, "= the process died");
}

void side_result(struct side *s, const struct op *op, struct strbuf *out)
{
	for (int i = 0; i < ACTORS; i++) {
		if (i != op->actor && !is_for_both(op))
			continue;
		if (out->len)
			strbuf_puts(out, "; ");
		await(&s->actors[i], &s->actors[i].state, out);
	}
}

void side_look(struct side *s, const struct op *op)
{
	struct request request = {.is_tree = !op};

	if (op) {
		request.op = *op;
		request.actor = s->actors[op->actor].state;
	}
	send_all(s->observer.sock, &request, sizeof(request));
}

void side_seen(struct side *s, struct strbuf *out)
{
	await(&s->observer, NULL, out);
}
