/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Start and stop in order; wait for signals, control connections and the end of the mount. */

#include "background.h"
#include "blame.h"
#include "clock.h"
#include "control.h"
#include "creds.h"
#include "daemon.h"
#include "exepath.h"
#include "fdio.h"
#include "fs.h"
#include "keep.h"
#include "mount.h"
#include "notify.h"
#include "ops.h"
#include "orders.h"
#include "rehearsal.h"
#include "rlimits.h"
#include "successor.h"
#include "takeover.h"
#include "wire.h"

#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>

enum exit_status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
	STATUS_REFUSED = 3,
	STATUS_CATALOG = 4,
	STATUS_KEPT = 5,
};

static void log_from_libfuse(enum fuse_log_level level, const char *fmt, va_list ap)
{
	cleanup_free char *text = NULL;

	(void)level;
	if (!log_wants(LOG_LEVEL_DEBUG) || vasprintf(&text, fmt, ap) < 0) {
		text = NULL;
		return;
	}
	text[strcspn(text, "\n")] = '\0';
	log_debug("libfuse: %s", text);
}

/* Signals are blocked in every thread and read by the main loop. */
static int open_signals(int *ret_fd)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* EFBIG says it */
	signal(SIGIO, SIG_IGN); /* somebody waits for a lease that is held for a moment */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	*ret_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return *ret_fd < 0 ? -errno : 0;
}

static int open_control(struct daemon *d, struct error *err)
{
	cleanup_free char *copy = NULL;
	int r;

	if (!d->options.fs.control)
		return 0;
	copy = strdup(d->options.fs.control);
	if (!copy)
		return error_set(err, -ENOMEM, "out of memory");
	r = mkdir_parents(dirname(copy), 0755);
	if (r < 0)
		return error_errno(
			err, r, "cannot make the directory of '%s'", d->options.fs.control);
	return wire_listen(d->options.fs.control, &d->listen_fd, err);
}

/* No catalogue yet is an empty tree: the first `anklume-fsctl apply` fills it, live. */
static enum exit_status load_first(struct daemon *d, struct error *err)
{
	int r = fs_reload(&d->fs, err);

	/* Better served by the flags that were in force than not at all. */
	if (r < 0 && d->is_resumed) {
		log_error("catalogue: %s: the flags stay as they were", error_text(err, r));
		fs_reload_soon(&d->fs);
		return STATUS_OK;
	}
	if (r == -ENOENT) {
		log_notice("no catalogue '%s' yet: nothing to show before 'anklume-fsctl apply'",
			d->options.fs.catalog);
		return STATUS_OK;
	}
	return r < 0 ? STATUS_CATALOG : STATUS_OK;
}

/* Under its real name it is found again, whoever turns a symlink to it around meanwhile. */
static int resolve_mount_point(struct daemon *d, struct error *err)
{
	d->real_mount = realpath(d->options.fs.mount, NULL);
	if (!d->real_mount)
		return error_errno(err, -errno, "mount point '%s'", d->options.fs.mount);
	d->options.fs.mount = d->fs.options.mount = d->real_mount;
	return 0;
}

/* A mount of our own, new or taken over from a process that died. */
static enum exit_status start_mount(struct daemon *d, struct error *err)
{
	int fuse_fd = fdstore_steal(&d->kept, "fuse");

	if (fuse_fd >= 0) {
		if (mount_resume(&d->fs, fuse_fd, err) < 0 || takeover_requests(&d->fs, err) < 0)
			return STATUS_FAILED;
		d->options.fs.mount = d->fs.options.mount = d->fs.init.mount_point;
		return STATUS_OK;
	}
	if (!d->options.fs.is_plain && mount_make_point(d->options.fs.mount, err) < 0)
		return STATUS_FAILED;
	if (resolve_mount_point(d, err) < 0)
		return STATUS_FAILED;
	return mount_start(&d->fs, err) < 0 ? STATUS_FAILED : STATUS_OK;
}

/* Mounted, but nobody can serve it. */
static void take_mount_back(struct daemon *d)
{
	bool is_lazy;

	mount_stop(&d->fs, &is_lazy);
	successor_disown(d);
}

static enum exit_status start(struct daemon *d, struct error *err)
{
	enum exit_status status;

	if (!d->is_resumed && !d->options.fs.is_plain &&
		mount_check_point(d->options.fs.mount, err) < 0)
		return STATUS_REFUSED;
	if (fs_init(&d->fs, &d->options.fs, &d->kept, err) < 0)
		return STATUS_REFUSED;
	if (creds_init_process(err) < 0)
		return STATUS_FAILED;

	status = load_first(d, err);
	if (status != STATUS_OK)
		return status;

	if (open_signals(&d->signal_fd) < 0 || (d->end_fd = eventfd(0, EFD_CLOEXEC)) < 0) {
		error_errno(err, -errno, "cannot make event descriptors");
		return STATUS_FAILED;
	}
	if (hang_init(&d->hang, WATCHDOG_DEFAULT_MS, err) < 0)
		return STATUS_FAILED;
	if (open_control(d, err) < 0)
		return STATUS_FAILED;
	status = start_mount(d, err);
	if (status != STATUS_OK)
		return status;
	keep_rest(&d->fs);
	if (session_start(&d->fs, d->end_fd, &d->session, err) < 0) {
		if (!d->is_resumed)
			take_mount_back(d);
		return STATUS_FAILED;
	}
	untold_tell(&d->fs);
	return STATUS_OK;
}

#define POLL_MAX_MS 3600000

/* A holder that somebody kills lives longer. */
#define SHORT_LIFE_USEC 50000
#define SHORT_LIVES_MAX 20

/* Until the next hold expires; -1 when none will. */
static int poll_timeout_ms(const struct fs *fs)
{
	int64_t left_s = fs->reload_at - (int64_t)time(NULL);

	if (fs->reload_at == 0)
		return -1;
	return left_s <= 0 ? 0 : left_s > POLL_MAX_MS / 1000 ? POLL_MAX_MS : (int)left_s * 1000;
}

static void reload(struct fs *fs)
{
	cleanup_error struct error err = {0};
	int r = fs_reload(fs, &err);

	if (r < 0) {
		log_warning("reload: %s", error_text(&err, r));
		fs_reload_soon(fs);
	}
}

/* Unmount once; the second time somebody insists, and the process just ends. */
static bool handle_signal(struct daemon *d)
{
	struct signalfd_siginfo info;

	if (read(d->signal_fd, &info, sizeof(info)) != sizeof(info))
		return true;
	if (info.ssi_signo == SIGHUP) {
		reload(&d->fs);
		return true;
	}
	if (info.ssi_signo == SIGTERM && d->options.keeps_mount && !d->is_stopping)
		orders_leave(d, STATUS_KEPT);
	if (d->is_stopping)
		return false;
	orders_unmount(d);
	return true;
}

/* False: there is no descriptor for it. */
static bool handle_control(struct daemon *d)
{
	struct control_order order;
	int r = control_serve(&d->fs, d->session, &d->hang, d->listen_fd, &order);

	orders_obey(d, &order);
	return r != -EMFILE && r != -ENFILE;
}

static void replace_holder(struct daemon *d)
{
	cleanup_error struct error err = {0};
	int r = holder_replace(&d->holder, &err);

	d->lacks_holder = r < 0;
	if (r < 0)
		log_error("nobody starts the daemon again should it die: %s", error_text(&err, r));
}

/* It has died. Those that do so at once, one after the other, are not worth more than one at each tick. */
static void handle_holder(struct daemon *d)
{
	int64_t now_usec = clock_us(CLOCK_MONOTONIC);

	d->n_short_lived = now_usec - d->holder_usec < SHORT_LIFE_USEC ? d->n_short_lived + 1 : 0;
	d->holder_usec = now_usec;
	if (d->n_short_lived < SHORT_LIVES_MAX) {
		replace_holder(d);
		return;
	}
	log_error("nobody starts the daemon again should it die: each holder ends at once");
	holder_forget(&d->holder);
	d->lacks_holder = true;
}

/* The timer that looks for what hangs. */
static void handle_timer(struct daemon *d)
{
	if (d->lacks_holder)
		replace_holder(d);
	if (hang_look(&d->hang, &d->fs, d->session) == HANG_BASE && d->options.aborts_hung &&
		!d->is_stopping)
		orders_abort(d);
}

/* Workers that ended otherwise leave a mount that only another process can serve. */
static void expect_unmounted(const struct daemon *d)
{
	if (session_is_unmounted(d->session))
		return;
	log_error("no worker is left, but the mount is");
	abort();
}

static void loop(struct daemon *d)
{
	struct pollfd fds[] = {
		{.fd = d->signal_fd, .events = POLLIN},
		{.fd = d->listen_fd, .events = POLLIN},
		{.fd = d->end_fd, .events = POLLIN},
		{.fd = d->fs.pins.timer_fd, .events = POLLIN},
		{.fd = d->holder.pidfd, .events = POLLIN},
		{.fd = d->hang.timer_fd, .events = POLLIN},
	};

	for (;;) {
		if (poll_timeout_ms(&d->fs) == 0)
			reload(&d->fs);
		if (poll(fds, ARRAY_SIZE(fds), poll_timeout_ms(&d->fs)) < 0) {
			if (errno != EINTR)
				return;
			continue;
		}
		if (fds[2].revents) {
			expect_unmounted(d);
			return;
		}
		if (fds[0].revents && !handle_signal(d))
			return;
		/* What cannot be accepted waits for the timer. */
		if (fds[1].revents && !handle_control(d))
			fds[1].fd = -1;
		if (fds[3].revents)
			pins_store_lasting(&d->fs.pins);
		if (fds[4].revents)
			handle_holder(d);
		if (fds[5].revents) {
			handle_timer(d);
			fds[1].fd = d->listen_fd;
		}
		fds[4].fd = d->holder.pidfd;
	}
}

static void say_ready(struct daemon *d)
{
	if (!d->options.foreground && !d->is_resumed)
		background_leave_terminal();

	log_info("%s '%s' on '%s'%s%s", d->is_resumed ? "serving again" : "serving",
		d->options.fs.base, d->options.fs.mount,
		d->fs.has_passthrough ? "" : ", without passthrough (Linux 6.9)",
		d->fs.has_idmap ? "" : ", without idmapped mounts (Linux 6.12)");
	proven_ready(&d->proven);
	notify_ready();
	background_tell(&d->ready_fd, STATUS_OK);
}

#define FAILED_PAUSE_MS 250

/*
 * A mount that was taken over stays as it is for the next try, and is reason enough to try again
 * whatever was refused: callers wait. The manager may have no patience of its own (RestartSec=0).
 */
static enum exit_status fail_resumed(struct daemon *d)
{
	notify_status("cannot go on with the mount; see the log");
	if (d->options.keeps_mount)
		poll(NULL, 0, FAILED_PAUSE_MS);
	return STATUS_FAILED;
}

static enum exit_status fail(struct daemon *d, enum exit_status status, const struct error *err)
{
	log_error("%s", error_text(err, -EIO));
	if (d->is_resumed)
		return fail_resumed(d);
	background_tell(&d->ready_fd, (char)status);
	return status;
}

static enum exit_status run(struct daemon *d)
{
	cleanup_error struct error err = {0};
	enum exit_status status = start(d, &err);

	if (status != STATUS_OK)
		return fail(d, status, &err);

	say_ready(d);
	loop(d);
	notify_stopping(); /* unmounted: there is nothing to go on with */
	successor_disown(d);
	if (d->options.fs.control)
		unlink(d->options.fs.control);
	log_info("stopped");
	return STATUS_OK;
}

/*
 * In the order in which nothing is used after it is gone. The workers have ended when the loop
 * has, unless somebody insisted: then they are left to the end of the process.
 */
static void finish(struct daemon *d)
{
	if ((d->session && !session_has_ended(d->session)) ||
		(d->given_up && !session_has_ended(d->given_up)))
		return;
	session_finish(d->given_up);
	session_finish(d->session);
	untold_finish(&d->fs);
	if (d->fs.session)
		fuse_session_destroy(d->fs.session);
	fs_finish(&d->fs);
	free(d->real_mount);
	cleanup_closep(&d->listen_fd);
	cleanup_closep(&d->signal_fd);
	cleanup_closep(&d->end_fd);
	hang_finish(&d->hang);
}

static enum exit_status remount(const struct options *o)
{
	cleanup_error struct error err = {0};
	int r = mount_change_flags(o->fs.mount, o->fs.mount_flags, &err);

	if (r < 0)
		log_error("%s", error_text(&err, r));
	return r < 0 ? STATUS_FAILED : STATUS_OK;
}

/* Who starts us again: a service manager, the holder that started us, or a new one. */
static int find_holder(struct daemon *d, struct error *err)
{
	bool to_syslog = !d->options.foreground;
	int r = 0;

	d->holder.watchdog_ms = d->options.watchdog_ms;
	if (!holder_attach(&d->holder, &d->kept, d->argv, to_syslog) && !notify_has_manager() &&
		!d->options.no_hold)
		r = holder_start(&d->holder, d->argv, to_syslog, err);
	d->lacks_holder = d->holder.is_ours && d->holder.pidfd < 0;
	holder_on_replace(&d->holder, successor_endow, d);
	return r;
}

static enum exit_status serve(struct daemon *d)
{
	cleanup_error struct error err = {0};
	enum exit_status status;
	int r;

	fuse_set_log_func(log_from_libfuse);
	rlimits_raise();
	umask(0);
	prctl(PR_SET_NAME, "anklume-fs"); /* as file N of fexecve(2) it would be called "N" */
	if (exepath_init(&err) < 0)
		log_warning("%s", error_text(&err, -EIO));
	r = fdstore_take(&d->kept, &err);
	if (r < 0)
		log_warning("%s", error_text(&err, r));
	d->is_resumed = fdstore_has(&d->kept, "fuse");
	proven_take(&d->proven, &d->kept);
	if (!d->options.foreground && !d->is_resumed) {
		r = background_enter(STATUS_FAILED, &d->ready_fd);
		if (r < 0) {
			log_error("cannot go into the background: %s", error_text(NULL, r));
			return STATUS_FAILED;
		}
	}
	if (!d->options.foreground && d->is_resumed)
		background_leave_terminal();
	blame_install();
	r = find_holder(d, &err);
	if (r < 0)
		log_warning(
			"nobody starts the daemon again should it die: %s", error_text(&err, r));
	status = run(d);
	finish(d);
	holder_finish(&d->holder);
	proven_finish(&d->proven);
	fdstore_finish(&d->kept);
	return status;
}

/* The parser cuts texts up and changes their order; the next process gets what was typed. */
static char **copy_args(int argc, char **argv)
{
	char **copy = calloc((size_t)argc + 1, sizeof(*copy));

	for (int i = 0; copy && i < argc; i++) {
		copy[i] = strdup(argv[i]);
		if (!copy[i])
			return NULL;
	}
	return copy;
}

static void free_args(char **args)
{
	for (size_t i = 0; args && args[i]; i++)
		free(args[i]);
	free(args);
}

int main(int argc, char **argv)
{
	static struct daemon d = {.fs.base_fd = -1,
		.fs.init_fd = -1,
		.fs.pins.timer_fd = -1,
		.holder = HOLDER_INIT,
		.proven = PROVEN_INIT,
		.hang.timer_fd = -1,
		.listen_fd = -1,
		.signal_fd = -1,
		.end_fd = -1,
		.ready_fd = -1};
	cleanup_error struct error err = {0};
	enum options_action action;
	enum exit_status status = STATUS_OK;
	int r;

	d.argv = copy_args(argc, argv);
	if (!d.argv) {
		log_error("out of memory");
		return STATUS_FAILED;
	}
	log_init("anklume-fs", LOG_LEVEL_INFO);
	r = options_parse(argc, argv, &d.options, &action, &err);
	if (r < 0) {
		log_error("%s", error_text(&err, r));
		status = STATUS_USAGE;
	} else if (action == OPTIONS_REMOUNT) {
		status = remount(&d.options);
	} else if (action == OPTIONS_CHECK) {
		fuse_set_log_func(log_from_libfuse);
		status = rehearsal_run(&d.options.fs) == 0 ? STATUS_OK : STATUS_FAILED;
	} else if (action == OPTIONS_RUN) {
		log_init("anklume-fs", d.options.log_level);
		status = serve(&d);
	}
	options_finish(&d.options);
	free_args(d.argv);
	return status;
}
