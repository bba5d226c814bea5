/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "orders.h"

#include "exepath.h"
#include "handover.h"
#include "keep.h"
#include "mount.h"
#include "mountuse.h"
#include "notify.h"
#include "successor.h"

#include <sys/eventfd.h>

#define DRAIN_TIMEOUT_MS 10000
#define QUESTION_TIMEOUT_MS 10000
#define BARRIER_TIMEOUT_MS 5000

static const char *why_mounted(int r)
{
	return r == -EEXIST ? "something else is mounted over it" : error_text(NULL, r);
}

int orders_unmount(struct daemon *d)
{
	bool is_lazy;
	int r;

	/* No word of an end yet: what is open is still served, and by the next one should this die. */
	r = mount_stop(&d->fs, &is_lazy);
	if (r < 0) {
		log_error("cannot unmount '%s': %s", d->options.fs.mount, why_mounted(r));
		return r;
	}
	if (is_lazy)
		log_warning("'%s' is in use: serving what is open until it is closed",
			d->options.fs.mount);
	d->is_stopping = true;
	return 0;
}

void orders_abort(struct daemon *d)
{
	int r = hang_abort(d->options.fs.mount);

	if (r < 0) {
		log_error("cannot abort the connection of '%s': %s", d->options.fs.mount,
			error_text(NULL, r));
		return;
	}
	log_error("'%s' is taken away: its base does not answer (--on-hang=abort)",
		d->options.fs.mount);
	d->is_stopping = true;
	orders_unmount(d);
}

static int unmount_unused(struct daemon *d, struct error *err)
{
	const char *mount = d->options.fs.mount;
	int r = mountuse_check(mount, err);

	if (r == 0)
		r = mount_stop(&d->fs, NULL);
	if (r == -EBUSY && !err->text)
		return error_set(err, r,
			"'%s' is in use by a process of this host\n  'fuser -vm %s' shows whose",
			mount, mount);
	return r < 0 && !err->text
		       ? error_set(err, r, "cannot unmount '%s': %s", mount, why_mounted(r))
		       : r;
}

static void obey_umount(struct daemon *d, struct control_order *o)
{
	cleanup_error struct error err = {0};
	int r;

	if (o->is_lazy) {
		r = orders_unmount(d);
		if (r < 0)
			error_set(&err, r, "cannot unmount '%s': %s", d->options.fs.mount,
				why_mounted(r));
	} else {
		r = unmount_unused(d, &err);
		d->is_stopping = d->is_stopping || r == 0;
	}
	control_answer(o, r, &err);
}

/* execve(2) would wait for a thread that nothing ends. */
static int finish_given_up(struct daemon *d, struct error *err)
{
	if (d->given_up && !session_has_ended(d->given_up))
		return error_set(err, -ETIMEDOUT, "a request that held up an upgrade goes on");
	session_watch(d->session, NULL);
	session_finish(d->given_up);
	d->given_up = NULL;
	return 0;
}

/* The workers end; those that do not in time stay with their requests, beside new ones. */
static int drain(struct daemon *d, struct error *err)
{
	int r = session_stop(d->session, DRAIN_TIMEOUT_MS);

	if (r < 0) {
		d->given_up = steal_ptr(&d->session);
		return error_set(
			err, r, "a request takes longer than %d s", DRAIN_TIMEOUT_MS / 1000);
	}
	/* Unmounted in the last moment: that is the end, not an upgrade. */
	if (session_is_unmounted(d->session)) {
		eventfd_write(d->end_fd, 1);
		return error_set(err, -ENODEV, "the mount is gone");
	}
	session_finish(d->session);
	d->session = NULL;
	return 0;
}

/* On failure there is no way on but the one of a crash. */
static void go_on(struct daemon *d)
{
	cleanup_error struct error err = {0};
	int r = d->session ? 0 : session_start(&d->fs, d->end_fd, &d->session, &err);

	if (r < 0) {
		log_error("%s", error_text(&err, r));
		abort();
	}
	session_watch(d->session, d->given_up);
}

static int upgrade(struct daemon *d, struct control_order *o, struct error *err)
{
	const struct handover h = {
		.binary = o->binary ? o->binary : exepath_get(),
		.argv = d->argv,
		.keep = successor_offer,
		.data = d,
		.timeout_ms = QUESTION_TIMEOUT_MS,
	};
	int r;

	if (!d->fs.has_resend)
		return error_set(
			err, -EOPNOTSUPP, "this kernel cannot hand a mount over (Linux 6.9)");
	r = finish_given_up(d, err);
	if (r == 0)
		r = drain(d, err);
	if (r == 0)
		r = handover_ask(&h, err);
	if (r < 0)
		return r;
	log_notice("handing over to '%s'", h.binary);
	proven_hand_over(&d->proven);
	control_answer(o, 0, NULL);
	return handover_exec(&h, err);
}

static void obey_upgrade(struct daemon *d, struct control_order *o)
{
	cleanup_error struct error err = {0};
	int r = upgrade(d, o, &err);

	log_error("upgrade: %s", error_text(&err, r));
	control_answer(o, r, &err);
	go_on(d);
}

void orders_obey(struct daemon *d, struct control_order *o)
{
	switch (o->kind) {
	case ORDER_UMOUNT:
		obey_umount(d, o);
		break;
	case ORDER_UPGRADE:
		obey_upgrade(d, o);
		break;
	case ORDER_NONE:
		break;
	}
	control_order_finish(o);
}

void orders_leave(struct daemon *d, int status)
{
	int r = session_stop(d->session, DRAIN_TIMEOUT_MS);

	if (r < 0)
		log_warning("a request takes longer than %d s: the next process answers it",
			DRAIN_TIMEOUT_MS / 1000);
	keep_rest(&d->fs);
	notify_barrier(BARRIER_TIMEOUT_MS);
	log_info("leaving '%s' to the next process", d->options.fs.mount);
	_exit(status);
}
