/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl.h"

#include "wire.h"

#define ANSWER_TIMEOUT_MS 30000 /* a reload reads the whole catalogue, on a busy machine too */

int ctl_call(const char *control, const char *verb, json_t *args, int timeout_ms, json_t **ret,
	struct error *err)
{
	int r = wire_call(control, verb, args, timeout_ms, ret, err);

	/* No socket, a dead one, or not even its directory: nobody runs. */
	if (r == -ENOENT || r == -ECONNREFUSED || r == -ENOTDIR) {
		error_finish(err);
		return 0;
	}
	return r < 0 ? r : 1;
}

int ctl_reload(const char *control, uint64_t generation, json_t **ret, struct error *err)
{
	cleanup_json json_t *args = json_pack("{s:I}", "generation", (json_int_t)generation);
	cleanup_json json_t *answer = NULL;
	json_int_t got;
	int r;

	if (!args)
		return error_set(err, -ENOMEM, "out of memory");

	r = ctl_call(control, "reload", args, ANSWER_TIMEOUT_MS, &answer, err);
	if (r <= 0)
		return r;

	got = json_integer_value(json_object_get(answer, "generation"));
	if (got < 0 || (uint64_t)got < generation)
		return error_set(err, -ESTALE,
			"the daemon is at generation %" JSON_INTEGER_FORMAT ", not %llu", got,
			(unsigned long long)generation);
	if (ret)
		*ret = steal_ptr(&answer);
	return 1;
}

int ctl_status(const char *control, json_t **ret, struct error *err)
{
	return ctl_call(control, "status", NULL, ANSWER_TIMEOUT_MS, ret, err);
}
