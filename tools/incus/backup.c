/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backup.h"

#include <time.h>

#include "private.h"
#include "url.h"

/* One that we do not get to delete, Incus deletes. */
#define EXPIRY_S 86400

static int make(struct incus *incus, const char *project, const char *instance, const char *name,
	struct error *err)
{
	time_t expiry = time(NULL) + EXPIRY_S;
	char text[32] = "";
	struct tm tm;

	if (gmtime_r(&expiry, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return incus_send(incus, "POST",
		url_format("/1.0/instances/%s/backups?project=%s", instance, project),
		json_pack("{s:s s:s s:b s:b s:s}", "name", name, "expires_at", text,
			"instance_only", 1, "optimized_storage", 0, "compression_algorithm",
			"none"),
		err);
}

static int pull(struct incus *incus, const char *project, const char *instance, const char *name,
	int fd, struct error *err)
{
	cleanup_free char *path = url_format(
		"/1.0/instances/%s/backups/%s/export?project=%s", instance, name, project);
	struct http_request req = {.method = "GET", .path = path, .reply_fd = &fd};
	int r = incus_run_plain(incus, &req, err);

	http_request_finish(&req);
	return r;
}

int incus_backup_pull(
	struct incus *incus, const char *project, const char *instance, int fd, struct error *err)
{
	cleanup_error struct error late = {NULL};
	char name[64];
	int r;

	snprintf(name, sizeof(name), "anklume-%d-%lld", (int)getpid(), (long long)time(NULL));
	r = make(incus, project, instance, name, err);
	if (r < 0)
		return error_prefix(err, r, "cannot export '%s/%s'", project, instance);
	r = pull(incus, project, instance, name, fd, err);
	incus_send(incus, "DELETE",
		url_format("/1.0/instances/%s/backups/%s?project=%s", instance, name, project),
		NULL, &late);
	return r < 0 ? error_prefix(err, r, "cannot export '%s/%s'", project, instance) : 0;
}
