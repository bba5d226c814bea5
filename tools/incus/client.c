/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client.h"

#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "http.h"
#include "log.h"
#include "private.h"
#include "reply.h"
#include "str.h"
#include "url.h"

#define REPLY_TIMEOUT_MS 30000
#define OPERATION_TIMEOUT_MS (10 * 60 * 1000)
#define WAIT_S 20u /* one turn of waiting; the next one begins at once */
#define PARALLEL 16
#define EDIT_TRIES 5
#define BODY_SHOWN 300 /* bytes of a body in a debug line */

struct incus {
	struct http *http;
	char *socket;
	char *version;
	json_t *extensions;
	unsigned int reply_ms;
	unsigned int operation_ms;
	struct incus_stats stats;
	uint64_t parsing_us; /* our own time inside http_run() */
};

/* A call under way: first its own request, then one or more that wait for its operation. */
struct job {
	struct incus *incus;
	struct incus_call *call;
	struct http_request req;
	char *body;
	char *operation; /* its path; NULL = not waiting yet */
	int64_t deadline_us; /* of the operation */
};

void incus_call_finish(struct incus_call *call)
{
	free(call->path);
	json_decref(call->body);
	free(call->etag);
	json_decref(call->metadata);
	error_finish(&call->err);
	*call = (struct incus_call){NULL};
}

static void job_finish(struct job *job)
{
	http_request_finish(&job->req);
	free(job->body);
	free(job->operation);
}

static void log_request(const struct http_request *req)
{
	cleanup_free char *body = req->body ? str_cut(req->body, BODY_SHOWN) : NULL;
	cleanup_free char *failure = req->error ? str_cut(req->error, BODY_SHOWN) : NULL;

	if (body)
		str_make_printable(body);
	log_debug("incus: %s %s%s%s%s%s -> %ld%s%s, %zu bytes, %" PRIu64 ".%03u ms", req->method,
		req->path, req->if_match ? " If-Match " : "", req->if_match ? req->if_match : "",
		body ? " " : "", body ? body : "", req->status, failure ? " " : "",
		failure ? failure : "", req->reply_len, req->elapsed_us / 1000,
		(unsigned int)(req->elapsed_us % 1000));
}

static int transport_error(const struct job *job, struct error *err)
{
	const struct http_request *req = &job->req;

	return error_set(err, req->r, "Incus at '%s': %s%s", job->incus->socket,
		req->error ? req->error : strerror(-req->r),
		job->operation ? "\n  the operation may still be going on" : "");
}

/* Go on as a request that waits for the operation OP. */
static int wait_for(struct job *job, json_t *op, struct error *err)
{
	const char *id = json_string_value(json_object_get(op, "id"));

	job->operation = id ? url_format("/1.0/operations/%s/wait?timeout=%u", id, WAIT_S) : NULL;
	if (!job->operation)
		return error_set(err, id ? -ENOMEM : -EBADMSG, "Incus sent no operation's id");

	job->deadline_us = clock_us(CLOCK_MONOTONIC) + (int64_t)job->incus->operation_ms * 1000;
	job->req.method = "GET";
	job->req.path = job->operation;
	job->req.body = NULL;
	job->req.if_match = NULL;
	job->req.timeout_ms = job->incus->reply_ms + WAIT_S * 1000;
	return 0;
}

/* The answer to a wait. OPERATION_RUNNING asks for one more. */
static int take_operation(struct job *job, json_t *op, struct error *err)
{
	int r = reply_operation(op, &job->call->metadata, err);

	if (r == OPERATION_RUNNING && clock_us(CLOCK_MONOTONIC) > job->deadline_us)
		return error_set(err, -ETIMEDOUT,
			"Incus: the operation is not done after %u s, and goes on",
			job->incus->operation_ms / 1000);
	return r;
}

/* 1: the request is to be sent again, as it is now. */
static int take_reply(struct job *job, struct error *err)
{
	cleanup_incus_json json_t *metadata = NULL;
	enum reply_kind kind = REPLY_SYNC;
	int r;

	if (job->req.r < 0)
		return transport_error(job, err);
	r = reply_parse(&job->req, &kind, &metadata, err);
	/* Not "there is no such thing": whether it was done is unknown. */
	if (job->operation && r == -ENOENT)
		return error_prefix(err, -EIO, "the operation was lost sight of");
	if (r < 0)
		return r;
	if (job->operation)
		return take_operation(job, metadata, err);
	if (kind == REPLY_OPERATION) {
		r = wait_for(job, metadata, err);
		return r < 0 ? r : 1;
	}

	free(job->call->etag);
	job->call->etag = steal_ptr(&job->req.etag);
	job->call->metadata = steal_ptr(&metadata);
	return 0;
}

static bool job_done(struct http_request *req)
{
	uint64_t begin = clock_us(CLOCK_MONOTONIC);
	struct job *job = req->context;
	int r;

	log_request(req);
	job->incus->stats.n_calls++;
	r = take_reply(job, &job->call->err);
	job->call->r = r < 0 ? r : 0;
	job->incus->parsing_us += clock_us(CLOCK_MONOTONIC) - begin;
	return r > 0;
}

static int job_init(struct job *job, struct incus *incus, struct incus_call *call)
{
	*job = (struct job){.incus = incus, .call = call};
	if (call->body)
		job->body = json_dumps(call->body, JSON_COMPACT);
	if (!call->path || (call->body && !job->body))
		return -ENOMEM;

	call->r = -EIO; /* until there is a reply */
	job->req = (struct http_request){
		.method = call->method,
		.path = call->path,
		.body = job->body,
		.body_len = job->body ? strlen(job->body) : 0,
		.if_match = call->etag,
		.timeout_ms = incus->reply_ms,
		.context = job,
	};
	return 0;
}

static int run_requests(struct incus *incus, struct http_request *const *reqs, size_t n,
	unsigned int parallel, bool (*done)(struct http_request *req))
{
	uint64_t begin = clock_us(CLOCK_MONOTONIC);
	int r;

	incus->parsing_us = 0;
	r = http_run(incus->http, reqs, n, parallel, done);
	incus->stats.waited_us += clock_us(CLOCK_MONOTONIC) - begin - incus->parsing_us;
	return r;
}

static bool plain_done(struct http_request *req)
{
	log_request(req);
	return false;
}

int incus_run_plain(struct incus *incus, struct http_request *req, struct error *err)
{
	cleanup_incus_json json_t *metadata = NULL;
	enum reply_kind kind;
	int r;

	incus->stats.n_calls++;
	req->timeout_ms = incus->reply_ms;
	r = req->path ? run_requests(incus, &req, 1, 1, plain_done) : -ENOMEM;
	if (r < 0)
		return error_errno(err, r, "call to Incus at '%s'", incus->socket);
	if (req->r < 0)
		return error_set(err, req->r, "Incus at '%s': %s", incus->socket,
			req->error ? req->error : strerror(-req->r));
	return req->status < 400 ? 0 : reply_parse(req, &kind, &metadata, err);
}

static int run_jobs(struct incus *incus, struct job *jobs, struct http_request **reqs,
	struct incus_call *calls, size_t n, unsigned int parallel)
{
	size_t n_reqs = 0;

	for (size_t i = 0; i < n; i++) {
		calls[i].r = job_init(&jobs[i], incus, &calls[i]);
		if (calls[i].r == -ENOMEM)
			error_set(&calls[i].err, -ENOMEM, "out of memory");
		else
			reqs[n_reqs++] = &jobs[i].req;
	}
	return run_requests(incus, reqs, n_reqs, parallel, job_done);
}

size_t incus_call_all(
	struct incus *incus, struct incus_call *calls, size_t n, unsigned int parallel)
{
	cleanup_free struct job *jobs = calloc(n ? n : 1, sizeof(*jobs));
	cleanup_free struct http_request **reqs = calloc(n ? n : 1, sizeof(struct http_request *));
	size_t n_failed = 0;
	int r = -ENOMEM;

	for (size_t i = 0; i < n; i++)
		calls[i].r = -EIO;
	if (jobs && reqs)
		r = run_jobs(incus, jobs, reqs, calls, n, parallel ? parallel : PARALLEL);

	for (size_t i = 0; i < n; i++) {
		if (calls[i].r < 0 && !calls[i].err.text)
			calls[i].r = error_errno(&calls[i].err, r < 0 ? r : calls[i].r,
				"call to Incus at '%s'", incus->socket);
		n_failed += calls[i].r < 0;
		if (jobs)
			job_finish(&jobs[i]);
	}
	return n_failed;
}

int incus_call(struct incus *incus, struct incus_call *call, struct error *err)
{
	if (incus_call_all(incus, call, 1, 1) == 0)
		return 0;
	return error_set(err, call->r, "%s", error_text(&call->err, call->r));
}

int incus_get(struct incus *incus, char *path, json_t **ret, char **ret_etag, struct error *err)
{
	cleanup_incus_call struct incus_call call = {.method = "GET", .path = path};
	int r = incus_call(incus, &call, err);

	if (r < 0)
		return r;
	if (!call.metadata)
		return error_set(err, -EBADMSG, "Incus sent nothing for '%s'", path);

	*ret = steal_ptr(&call.metadata);
	if (ret_etag)
		*ret_etag = steal_ptr(&call.etag);
	return 0;
}

int incus_send(struct incus *incus, const char *method, char *path, json_t *body, struct error *err)
{
	cleanup_incus_call struct incus_call call = {.method = method, .path = path, .body = body};

	return incus_call(incus, &call, err);
}

/* One round: 1 = written, 0 = nothing to do. */
static int edit_once(struct incus *incus, const char *path,
	int (*edit)(json_t *object, void *context, struct error *err), void *context,
	struct error *err)
{
	cleanup_incus_call struct incus_call put = {.method = "PUT", .path = strdup(path)};
	int r;

	r = incus_get(incus, strdup(path), &put.body, &put.etag, err);
	if (r == 0)
		r = edit(put.body, context, err);
	if (r <= 0)
		return r;

	r = incus_call(incus, &put, err);
	return r < 0 ? r : 1;
}

int incus_edit(struct incus *incus, char *path,
	int (*edit)(json_t *object, void *context, struct error *err), void *context,
	struct error *err)
{
	cleanup_free char *owned = path;
	int r = -ESTALE;

	if (!path)
		return error_set(err, -ENOMEM, "out of memory");

	for (unsigned int i = 0; i < EDIT_TRIES && r == -ESTALE; i++)
		r = edit_once(incus, path, edit, context, err);
	if (r == -ESTALE)
		return error_set(err, r, "somebody else changes it all the time; try again");
	return r;
}

/* What GET /1.0 tells about the daemon. */
static int take_server(struct incus *incus, json_t *server, struct error *err)
{
	json_t *environment = json_object_get(server, "environment");
	const char *auth = json_string_value(json_object_get(server, "auth"));
	const char *version = json_string_value(json_object_get(environment, "server_version"));
	json_t *extensions = json_object_get(server, "api_extensions");

	if (!str_equal(auth, "trusted"))
		return error_set(
			err, -EACCES, "the daemon does not trust this user; are you root?");
	if (!version || !json_is_array(extensions))
		return error_set(err, -EBADMSG, "what answers is not Incus");

	incus->version = strdup(version);
	incus->extensions = json_incref(extensions);
	return incus->version ? 0 : error_set(err, -ENOMEM, "out of memory");
}

static int connect_to(struct incus *incus, struct error *err)
{
	cleanup_incus_json json_t *server = NULL;
	int r;

	r = http_open(incus->socket, &incus->http, err);
	if (r == 0)
		r = incus_get(incus, strdup("/1.0"), &server, NULL, err);
	if (r == 0)
		r = take_server(incus, server, err);
	return r < 0 ? error_prefix(err, r, "cannot connect to Incus at '%s'", incus->socket) : 0;
}

int incus_open(const char *socket, struct incus **ret, struct error *err)
{
	cleanup_incus struct incus *incus = calloc(1, sizeof(*incus));
	int r;

	if (!incus)
		return error_set(err, -ENOMEM, "out of memory");
	incus->reply_ms = REPLY_TIMEOUT_MS;
	incus->operation_ms = OPERATION_TIMEOUT_MS;
	incus->socket = socket ? strdup(socket) : incus_socket_path();
	if (!incus->socket)
		return error_set(err, -ENOMEM, "out of memory");
	r = connect_to(incus, err);
	if (r < 0)
		return r;

	*ret = steal_ptr(&incus);
	return 0;
}

void incus_close(struct incus *incus)
{
	if (!incus)
		return;

	http_close(incus->http);
	json_decref(incus->extensions);
	free(incus->version);
	free(incus->socket);
	free(incus);
}

bool incus_has_extension(const struct incus *incus, const char *name)
{
	size_t i;
	json_t *item;

	json_array_foreach (incus->extensions, i, item) {
		if (str_equal(json_string_value(item), name))
			return true;
	}
	return false;
}

const char *incus_get_version(const struct incus *incus)
{
	return incus->version;
}

void incus_set_timeouts(struct incus *incus, unsigned int reply_ms, unsigned int operation_ms)
{
	incus->reply_ms = reply_ms;
	incus->operation_ms = operation_ms;
}

struct incus_stats incus_get_stats(const struct incus *incus)
{
	return incus->stats;
}
