/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backup.h"

#include <signal.h>
#include <string.h>
#include <time.h>

#include "private.h"
#include "url.h"

/* One that we do not get to delete, Incus deletes. */
#define EXPIRY_S 86400

#define NAME_PREFIX "anklume-"

/* Of what: its address, as a path and as the query behind it. */
struct subject {
	char *path;
	char *query;
	const char *only; /* the key that leaves snapshots out */
};

static void subject_finish(struct subject *s)
{
	free(s->path);
	free(s->query);
}

/* A path below the backups of S: END, of a format as url_format(), or "". */
static char *below(const struct subject *s, const char *end)
{
	char *path;

	return end && asprintf(&path, "%s/backups%s%s", s->path, end, s->query) >= 0 ? path : NULL;
}

static char *path_of(const struct subject *s, const char *name)
{
	cleanup_free char *end = url_format("/%s", name);

	return below(s, end);
}

/* NAME is one of ours, and who made it is gone. */
static bool is_left_over(const char *name)
{
	int pid;
	long long when;
	char more;

	return sscanf(name, NAME_PREFIX "%d-%lld%c", &pid, &when, &more) == 2 && pid > 0 &&
	       kill(pid, 0) < 0 && errno == ESRCH;
}

/* Only tidying: what cannot be removed expires. */
static void remove_left_overs(struct incus *incus, const struct subject *s)
{
	cleanup_error struct error ignored = {NULL};
	cleanup_incus_json json_t *list = NULL;
	const json_t *item;
	size_t i;

	if (incus_get(incus, below(s, ""), &list, NULL, &ignored) < 0)
		return;
	json_array_foreach (list, i, item) {
		const char *url = json_string_value(item);
		cleanup_free char *name = url ? url_last_segment(url) : NULL;

		if (name && is_left_over(name))
			incus_send(incus, "DELETE", path_of(s, name), NULL, NULL);
	}
}

static int make(struct incus *incus, const struct subject *s, const char *name, struct error *err)
{
	time_t expiry = time(NULL) + EXPIRY_S;
	char text[32] = "";
	struct tm tm;

	if (gmtime_r(&expiry, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return incus_send(incus, "POST", below(s, ""),
		json_pack("{s:s s:s s:b s:b s:s}", "name", name, "expires_at", text, s->only, 1,
			"optimized_storage", 0, "compression_algorithm", "none"),
		err);
}

static int pull(
	struct incus *incus, const struct subject *s, const char *name, int fd, struct error *err)
{
	cleanup_free char *end = url_format("/%s/export", name);
	cleanup_free char *path = below(s, end);
	struct http_request req = {.method = "GET", .path = path, .reply_fd = &fd};
	int r = path ? incus_run_plain(incus, &req, err) : -ENOMEM;

	http_request_finish(&req);
	return r;
}

static int make_and_pull(struct incus *incus, const struct subject *s, int fd, struct error *err)
{
	char name[64];
	int r;

	if (!s->path || !s->query)
		return -ENOMEM;
	remove_left_overs(incus, s);
	snprintf(name, sizeof(name), NAME_PREFIX "%d-%lld", (int)getpid(), (long long)time(NULL));
	r = make(incus, s, name, err);
	if (r == 0)
		r = pull(incus, s, name, fd, err);
	/* Also when making it failed: it may go on in Incus after a timeout. */
	incus_send(incus, "DELETE", path_of(s, name), NULL, NULL);
	return r;
}

int incus_backup_pull(
	struct incus *incus, const char *project, const char *instance, int fd, struct error *err)
{
	struct subject s = {
		.path = url_format("/1.0/instances/%s", instance),
		.query = url_format("?project=%s", project),
		.only = "instance_only",
	};
	int r = make_and_pull(incus, &s, fd, err);

	subject_finish(&s);
	return r < 0 ? error_prefix(err, r, "cannot export '%s/%s'", project, instance) : 0;
}

int incus_backup_pull_volume(struct incus *incus, const char *project, const char *pool,
	const char *volume, int fd, struct error *err)
{
	struct subject s = {
		.path = url_format("/1.0/storage-pools/%s/volumes/custom/%s", pool, volume),
		.query = url_format("?project=%s", project),
		.only = "volume_only",
	};
	int r = make_and_pull(incus, &s, fd, err);

	subject_finish(&s);
	return r < 0 ? error_prefix(
			       err, r, "cannot export volume '%s/%s/%s'", project, pool, volume)
		     : 0;
}
