/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "instfile.h"

#include "private.h"
#include "str.h"
#include "url.h"

static const char *const type_names[] = {
	[INSTFILE_FILE] = "file",
	[INSTFILE_DIRECTORY] = "directory",
	[INSTFILE_SYMLINK] = "symlink",
};

static char *file_path(const char *project, const char *instance, const char *path)
{
	return url_format("/1.0/instances/%s/files?path=%s&project=%s", instance, path, project);
}

/* The headers of a file: type, uid, gid, mode as "0644". */
static int parse_info(char *const *values, struct instfile *ret)
{
	struct instfile info = {INSTFILE_FILE};
	size_t type = 0;

	while (type < ARRAY_SIZE(type_names) && !str_equal(values[0], type_names[type]))
		type++;
	if (type == ARRAY_SIZE(type_names) || !values[1] || !values[2] || !values[3])
		return -EBADMSG;
	info.type = type;
	if (parse_u32(values[1], &info.uid) < 0 || parse_u32(values[2], &info.gid) < 0 ||
		parse_mode(values[3], &info.mode) < 0)
		return -EBADMSG;

	*ret = info;
	return 0;
}

/* A directory's reply is the API's JSON with the names as metadata. */
static int directory_names(struct http_request *req)
{
	cleanup_incus_json json_t *root = json_loadb(req->reply, req->reply_len, 0, NULL);
	json_t *names = json_object_get(root, "metadata");
	char *text = json_dumps(names ? names : root, JSON_ENCODE_ANY);

	if (!text)
		return -EBADMSG;
	free(req->reply);
	req->reply = text;
	req->reply_len = __builtin_strlen(text);
	return 0;
}

int incus_file_pull(struct incus *incus, const char *project, const char *instance,
	const char *path, struct instfile *ret_info, char **ret_data, size_t *ret_len,
	struct error *err)
{
	cleanup_free char *url = file_path(project, instance, path);
	struct http_request req = {
		.method = "GET",
		.path = url,
		.wanted = {"X-Incus-type", "X-Incus-uid", "X-Incus-gid", "X-Incus-mode"},
	};
	struct instfile info = {INSTFILE_FILE};
	int r;

	r = incus_run_plain(incus, &req, err);
	if (r == 0)
		r = parse_info(req.values, &info);
	if (r == 0 && info.type == INSTFILE_DIRECTORY)
		r = directory_names(&req);
	if (r == -EBADMSG)
		error_set(err, r, "Incus sent no file for '%s'", path);
	if (r == 0) {
		*ret_info = info;
		*ret_len = req.reply_len;
		*ret_data = steal_ptr(&req.reply);
	}
	http_request_finish(&req);
	return r;
}

int incus_file_push(struct incus *incus, const char *project, const char *instance,
	const char *path, const struct instfile *info, const void *data, size_t len,
	struct error *err)
{
	cleanup_free char *url = file_path(project, instance, path);
	char uid[12], gid[12], mode[8];
	const struct http_header headers[] = {
		{"X-Incus-type", type_names[info->type]},
		{"X-Incus-uid", uid},
		{"X-Incus-gid", gid},
		{"X-Incus-mode", mode},
	};
	struct http_request req = {
		.method = "POST",
		.path = url,
		.body = info->type == INSTFILE_DIRECTORY ? "" : data,
		.body_len = info->type == INSTFILE_DIRECTORY ? 0 : len,
		.content_type = "application/octet-stream",
		.headers = headers,
		.n_headers = ARRAY_SIZE(headers),
	};
	int r;

	snprintf(uid, sizeof(uid), "%u", info->uid);
	snprintf(gid, sizeof(gid), "%u", info->gid);
	snprintf(mode, sizeof(mode), "%04o", info->mode & 07777);
	r = incus_run_plain(incus, &req, err);
	http_request_finish(&req);
	return r;
}

int incus_file_delete(struct incus *incus, const char *project, const char *instance,
	const char *path, struct error *err)
{
	cleanup_free char *url = file_path(project, instance, path);
	struct http_request req = {.method = "DELETE", .path = url};
	int r = incus_run_plain(incus, &req, err);

	http_request_finish(&req);
	return r;
}
