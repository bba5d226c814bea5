/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * usage: helddaemon DIR N_PINS
 *
 * What the daemon does with its holder, without a file system: keeps a state and N_PINS other
 * descriptors, counts in the state how often it was started, and checks that each start finds
 * everything. DIR/pid and DIR/starts are written when it is ready. DIR/fail: exit before that.
 */

#include "holder.h"
#include "log.h"
#include "notify.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

struct held {
	const char *dir;
	int state_fd;
	int n_pins;
	int *pins;
	struct holder holder;
};

static void die(const char *what)
{
	log_error("%s: %s", what, strerror(errno));
	exit(1);
}

static void write_number(const struct held *d, const char *name, long number)
{
	char path[4096], temp[4096 + 8];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", d->dir, name);
	snprintf(temp, sizeof(temp), "%s.new", path);
	f = fopen(temp, "we");
	if (!f || fprintf(f, "%ld\n", number) < 0 || fclose(f) != 0 || rename(temp, path) < 0)
		die(path);
}

static void pin_name(int i, char *ret)
{
	sprintf(ret, "pin-%x", i);
}

static void put_all(void *data)
{
	struct held *d = data;
	char name[32];

	if (fdstore_put("state", d->state_fd) != 1)
		die("put state");
	for (int i = 0; i < d->n_pins; i++) {
		pin_name(i, name);
		if (fdstore_put(name, d->pins[i]) != 1)
			die(name);
	}
	if (notify_barrier(10000) != 1)
		die("barrier");
}

static void make_all(struct held *d)
{
	long zero = 0;
	char name[32];

	d->state_fd = memfd_create("state", MFD_CLOEXEC);
	if (pwrite(d->state_fd, &zero, sizeof(zero), 0) != sizeof(zero))
		die("state");
	for (int i = 0; i < d->n_pins; i++) {
		pin_name(i, name);
		d->pins[i] = memfd_create(name, MFD_CLOEXEC);
		if (pwrite(d->pins[i], &i, sizeof(i), 0) != sizeof(i))
			die(name);
	}
}

static void find_all(struct held *d, struct fdstore *s)
{
	char name[32];

	d->state_fd = fdstore_steal(s, "state");
	if (d->state_fd < 0)
		die("state is missing");
	for (int i = 0; i < d->n_pins; i++) {
		int content = -1;

		pin_name(i, name);
		d->pins[i] = fdstore_steal(s, name);
		if (pread(d->pins[i], &content, sizeof(content), 0) != sizeof(content) ||
			content != i)
			die(name);
	}
	for (size_t i = 0; i < s->n_items; i++)
		if (s->items[i].fd >= 0)
			die(s->items[i].name);
}

static long count_start(const struct held *d)
{
	long n;

	if (pread(d->state_fd, &n, sizeof(n), 0) != sizeof(n))
		die("state");
	n++;
	if (pwrite(d->state_fd, &n, sizeof(n), 0) != sizeof(n))
		die("state");
	return n;
}

static bool must_fail(const struct held *d)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/fail", d->dir);
	return access(path, F_OK) == 0;
}

static void serve(struct held *d, int signal_fd)
{
	cleanup_error struct error err = {0};

	for (;;) {
		struct pollfd fds[] = {
			{.fd = signal_fd, .events = POLLIN},
			{.fd = d->holder.pidfd, .events = POLLIN},
		};

		if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
			continue;
		if (fds[0].revents)
			return;
		if (fds[1].revents && holder_replace(&d->holder, &err) < 0) {
			log_error("%s", error_text(&err, -EIO));
			exit(1);
		}
		if (fds[1].revents)
			log_info("replaced the holder");
	}
}

int main(int argc, char **argv)
{
	struct held d = {.holder = HOLDER_INIT};
	struct fdstore s;
	cleanup_error struct error err = {0};
	struct rlimit limit;
	sigset_t set;
	int signal_fd;

	log_init("helddaemon", LOG_LEVEL_INFO);
	if (argc != 3)
		return 2;
	d.dir = argv[1];
	d.n_pins = atoi(argv[2]);
	d.pins = calloc((size_t)d.n_pins + 1, sizeof(int));
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal_fd = signalfd(-1, &set, SFD_CLOEXEC);

	if (must_fail(&d))
		_exit(7);
	if (fdstore_take(&s, &err) < 0)
		die(error_text(&err, -EIO));
	if (holder_attach(&d.holder, &s, argv, false)) {
		find_all(&d, &s);
	} else {
		if (holder_start(&d.holder, argv, false, &err) < 0)
			die(error_text(&err, -EIO));
		make_all(&d);
		put_all(&d);
	}
	fdstore_finish(&s);
	holder_on_replace(&d.holder, put_all, &d);

	write_number(&d, "starts", count_start(&d));
	if (notify_ready() != 1 || notify_barrier(10000) != 1)
		die("ready");
	write_number(&d, "pid", getpid());
	serve(&d, signal_fd);
	notify_stopping();
	holder_finish(&d.holder);
	free(d.pins);
	return 0;
}
