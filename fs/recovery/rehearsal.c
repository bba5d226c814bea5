/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal.h"

#include "creds.h"
#include "handover.h"
#include "mount.h"

/* The steps of a takeover, in its order. */
static int look(
	struct fs *fs, const struct fs_options *options, struct fdstore *kept, struct error *err)
{
	int r;

	if (!fdstore_has(kept, "fuse"))
		return error_set(err, -ENOENT, "there is no mount to take over");
	r = fs_init(fs, options, kept, err);
	if (r == 0)
		r = creds_init_process(err);
	if (r == 0 && fs->is_degraded)
		r = error_set(err, -EUCLEAN, "it finds the state damaged");
	if (r == 0) {
		r = fs_reload(fs, err);
		if (r == -ENOENT)
			r = 0; /* no catalogue yet */
	}
	return r < 0 ? r : mount_resume(fs, fdstore_steal(kept, "fuse"), err);
}

int rehearsal_run(const struct fs_options *options)
{
	static struct fs fs;
	cleanup_fdstore struct fdstore kept = {0};
	cleanup_error struct error err = {0};
	int answer_fd;
	int r;

	/* Who keeps descriptors listens to the daemon, which is another process. */
	unsetenv("NOTIFY_SOCKET");
	if (fdstore_take(&kept, &err) < 0)
		return 1;
	answer_fd = fdstore_steal(&kept, HANDOVER_ANSWER);
	if (answer_fd < 0) {
		log_error("nobody asks: this is for 'anklume-fsctl upgrade'");
		return 1;
	}
	r = look(&fs, options, &kept, &err);
	handover_answer(answer_fd, r < 0 ? error_text(&err, r) : NULL);
	return r < 0 ? 1 : 0;
}
