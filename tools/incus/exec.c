/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "exec.h"

#include "private.h"
#include "url.h"

/* {"command": [...], ...}: output recorded, so that no websocket is needed. */
static json_t *make_body(const char *const *argv)
{
	json_t *command = json_array();
	json_t *body;

	for (size_t i = 0; argv[i]; i++)
		json_array_append_new(command, json_string(argv[i]));
	body = json_pack("{s:o s:b s:b s:b}", "command", command, "record-output", 1,
		"wait-for-websocket", 0, "interactive", 0);
	return body;
}

/* The file that stream N was recorded in, as a path; NULL when there is none or out of memory. */
static char *record_path(
	json_t *output, const char *stream, const char *project, const char *instance)
{
	const char *url = json_string_value(json_object_get(output, stream));
	cleanup_free char *name = url ? url_last_segment(url) : NULL;

	return name ? url_format("/1.0/instances/%s/logs/exec-output/%s?project=%s", instance, name,
			      project)
		    : NULL;
}

/* Fetch the record (when wanted) and remove it. */
static int take_record(struct incus *incus, json_t *output, const char *stream, const char *project,
	const char *instance, char **ret, struct error *err)
{
	struct http_request get = {.method = "GET"};
	struct http_request del = {.method = "DELETE"};
	cleanup_free char *path = record_path(output, stream, project, instance);
	int r = 0;

	if (!path)
		return error_set(err, -EBADMSG, "Incus sent no output of the program");
	get.path = del.path = path;
	if (ret) {
		r = incus_run_plain(incus, &get, err);
		if (r == 0)
			*ret = steal_ptr(&get.reply);
	}
	/* Best effort: a record that stays goes with the instance. */
	incus_run_plain(incus, &del, NULL);
	http_request_finish(&get);
	http_request_finish(&del);
	return r;
}

int incus_exec(struct incus *incus, const char *project, const char *instance,
	const char *const *argv, int *ret_status, char **ret_out, char **ret_err, struct error *err)
{
	cleanup_incus_call struct incus_call call = {
		.method = "POST",
		.path = url_format("/1.0/instances/%s/exec?project=%s", instance, project),
		.body = make_body(argv),
	};
	cleanup_free char *out = NULL;
	cleanup_free char *errors = NULL;
	json_t *output;
	int r;

	if (!call.body)
		return error_set(err, -ENOMEM, "out of memory");
	r = incus_call(incus, &call, err);
	if (r < 0)
		return r;

	output = json_object_get(call.metadata, "output");
	r = take_record(incus, output, "1", project, instance, ret_out ? &out : NULL, err);
	if (r == 0)
		r = take_record(
			incus, output, "2", project, instance, ret_err ? &errors : NULL, err);
	if (r < 0)
		return r;

	*ret_status = json_integer_value(json_object_get(call.metadata, "return"));
	if (ret_out)
		*ret_out = steal_ptr(&out);
	if (ret_err)
		*ret_err = steal_ptr(&errors);
	return 0;
}
