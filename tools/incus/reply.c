/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reply.h"

#include <string.h>

#include "client.h"
#include "str.h"

/* Status codes of operations (doc/rest-api.md): below 200 it goes on. */
#define OPERATION_SUCCESS 200
#define OPERATION_CANCELLED 401

int reply_errno(long code)
{
	static const struct {
		long code;
		int r;
	} rows[] = {
		{400, -EINVAL},
		{401, -EACCES},
		{403, -EACCES},
		{404, -ENOENT},
		{409, -EEXIST},
		{412, -ESTALE},
		{423, -EAGAIN},
		{501, -ENOTSUP},
		{503, -EAGAIN},
	};

	if (code < 400)
		return 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].code == code)
			return rows[i].r;
	}
	return -EIO;
}

/* Incus' words: foreign text, made harmless. */
static int foreign_error(struct error *err, int r, const char *text)
{
	cleanup_free char *copy = strdup(text && *text ? text : "no reason given");

	if (!copy)
		return error_set(err, -ENOMEM, "out of memory");
	str_make_printable(copy);
	return error_set(err, r, "Incus: %s", copy);
}

static int not_incus(const struct http_request *req, struct error *err)
{
	return error_set(err, -EBADMSG, "what answers is not Incus (HTTP status %ld)", req->status);
}

int reply_parse(
	const struct http_request *req, enum reply_kind *ret_kind, json_t **ret, struct error *err)
{
	cleanup_incus_json json_t *root = json_loadb(req->reply, req->reply_len, 0, NULL);
	const char *type = json_string_value(json_object_get(root, "type"));
	json_t *metadata = json_object_get(root, "metadata");

	if (str_equal(type, "error")) {
		long code = json_integer_value(json_object_get(root, "error_code"));
		int r = reply_errno(code ? code : req->status);

		return foreign_error(
			err, r ? r : -EIO, json_string_value(json_object_get(root, "error")));
	}
	if (req->status >= 400)
		return foreign_error(err, reply_errno(req->status), req->reply);
	if (str_equal(type, "async") && json_is_object(metadata))
		*ret_kind = REPLY_OPERATION;
	else if (str_equal(type, "sync"))
		*ret_kind = REPLY_SYNC;
	else
		return not_incus(req, err);

	*ret = json_is_null(metadata) ? NULL : json_incref(metadata);
	return 0;
}

int reply_operation(json_t *op, json_t **ret, struct error *err)
{
	json_t *metadata = json_object_get(op, "metadata");
	json_t *code = json_object_get(op, "status_code");
	const char *text = json_string_value(json_object_get(op, "err"));

	if (!json_is_integer(code))
		return error_set(err, -EBADMSG, "Incus sent an operation without a status");
	if (json_integer_value(code) < OPERATION_SUCCESS)
		return OPERATION_RUNNING;
	if (json_integer_value(code) == OPERATION_CANCELLED)
		return foreign_error(err, -ECANCELED, text);
	if (json_integer_value(code) != OPERATION_SUCCESS || (text && *text))
		return foreign_error(err, -EIO, text);

	*ret = metadata && !json_is_null(metadata) ? json_incref(metadata) : NULL;
	return 0;
}
