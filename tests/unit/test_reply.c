/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reply.h"

#include "client.h"
#include "instance.h"
#include "unit.h"

#include <string.h>

static const struct {
	long status;
	const char *text;
	int r;
	enum reply_kind kind;
	const char *error; /* its beginning */
} rows[] = {
	{200, "{\"type\":\"sync\",\"metadata\":{}}", 0, REPLY_SYNC, NULL},
	{200, "{\"type\":\"sync\",\"metadata\":null}", 0, REPLY_SYNC, NULL},
	{202, "{\"type\":\"async\",\"metadata\":{\"id\":\"x\"}}", 0, REPLY_OPERATION, NULL},
	{202, "{\"type\":\"async\"}", -EBADMSG, 0, "what answers is not Incus (HTTP status 202)"},
	{404, "{\"type\":\"error\",\"error\":\"Not found\",\"error_code\":404}", -ENOENT, 0,
		"Incus: Not found"},
	{412, "{\"type\":\"error\",\"error\":\"Etag\",\"error_code\":412}", -ESTALE, 0,
		"Incus: Etag"},
	{500, "{\"type\":\"error\",\"error\":\"a\\u001b[1mb\"}", -EIO, 0, "Incus: a?[1mb"},
	/* The body says it failed: so it did, whatever the status. */
	{200, "{\"type\":\"error\",\"error\":\"no\",\"error_code\":0}", -EIO, 0, "Incus: no"},
	{502, "<html>", -EIO, 0, "Incus: <html>"},
	{403, "", -EACCES, 0, "Incus: no reason given"},
	{200, "", -EBADMSG, 0, "what answers"},
	{200, "[1]", -EBADMSG, 0, "what answers"},
	{200, "{\"type\":7}", -EBADMSG, 0, "what answers"},
	{200, "{\"type\":\"sync\"", -EBADMSG, 0, "what answers"},
};

START_TEST(an_answer_means_this)
{
	struct http_request req = {.status = rows[_i].status,
		.reply = (char *)rows[_i].text,
		.reply_len = strlen(rows[_i].text)};
	cleanup_error struct error err = {NULL};
	cleanup_incus_json json_t *metadata = NULL;
	enum reply_kind kind = REPLY_SYNC;

	ck_assert_int_eq(reply_parse(&req, &kind, &metadata, &err), rows[_i].r);
	if (rows[_i].r == 0)
		ck_assert_int_eq(kind, rows[_i].kind);
	else
		ck_assert_msg(strncmp(err.text, rows[_i].error, strlen(rows[_i].error)) == 0, "%s",
			err.text);
}
END_TEST

static const struct {
	const char *text;
	int r;
} operations[] = {
	{"{\"status_code\":103}", OPERATION_RUNNING},
	{"{\"status_code\":105}", OPERATION_RUNNING},
	{"{\"status_code\":200,\"err\":\"\"}", 0},
	{"{\"status_code\":200,\"err\":\"but\"}", -EIO},
	{"{\"status_code\":400,\"err\":\"no\"}", -EIO},
	{"{\"status_code\":401}", -ECANCELED},
	/* Words are for people: without a number nothing is known. */
	{"{\"status\":\"Success\"}", -EBADMSG},
	{"{\"status_code\":\"200\"}", -EBADMSG},
	{"null", -EBADMSG},
};

START_TEST(an_operation_went_by_its_number)
{
	cleanup_incus_json json_t *op = json_loads(operations[_i].text, JSON_DECODE_ANY, NULL);
	cleanup_error struct error err = {NULL};
	cleanup_incus_json json_t *metadata = NULL;

	ck_assert_int_eq(reply_operation(op, &metadata, &err), operations[_i].r);
}
END_TEST

static const struct {
	const char *text;
	int r;
	bool is_protected, is_running;
} instances[] = {
	{"{\"name\":\"a\",\"type\":\"container\",\"status_code\":102,\"expanded_config\":{}}", 0,
		false, false},
	{"{\"name\":\"a\",\"type\":\"container\",\"status_code\":103,\"expanded_config\":"
	 "{\"security.protection.delete\":\"True\"}}",
		0, true, true},
	{"{\"name\":\"a\",\"type\":\"container\",\"status_code\":110,\"expanded_config\":"
	 "{\"security.protection.delete\":\"0\"}}",
		0, false, true},
	/* What is not said is not permitted. */
	{"{\"name\":\"a\",\"type\":\"container\",\"status_code\":102}", 0, true, false},
	{"{\"name\":\"a\",\"type\":\"container\",\"status_code\":102,\"config\":"
	 "{\"security.protection.delete\":\"false\"}}",
		0, true, false},
	{"{\"name\":\"a\",\"type\":\"container\"}", -EBADMSG, false, false},
	{"{\"type\":\"container\",\"status_code\":102}", -EBADMSG, false, false},
	{"[]", -EBADMSG, false, false},
};

/* S0-2 */
START_TEST(protection_is_what_is_in_force_and_else_assumed)
{
	cleanup_incus_json json_t *json = json_loads(instances[_i].text, 0, NULL);
	cleanup_incus_instance struct incus_instance in = {NULL};
	cleanup_error struct error err = {NULL};

	ck_assert_int_eq(incus_instance_parse(json, &in, &err), instances[_i].r);
	if (instances[_i].r < 0)
		return;
	ck_assert_int_eq(in.is_protected, instances[_i].is_protected);
	ck_assert_int_eq(in.is_running, instances[_i].is_running);
	ck_assert_str_eq(in.project, "default");
	ck_assert_ptr_nonnull(in.devices);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("reply");
	TCase *tc = tcase_create("reply");

	tcase_add_loop_test(tc, an_answer_means_this, 0, ARRAY_SIZE(rows));
	tcase_add_loop_test(tc, an_operation_went_by_its_number, 0, ARRAY_SIZE(operations));
	tcase_add_loop_test(
		tc, protection_is_what_is_in_force_and_else_assumed, 0, ARRAY_SIZE(instances));
	suite_add_tcase(s, tc);
	return s;
}
