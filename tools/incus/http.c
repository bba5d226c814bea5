/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "str.h"

#define CONNECT_TIMEOUT_MS 5000L
#define POLL_MS 1000

struct http {
	CURLM *multi;
	char *socket_path;
};

/* One request on its way. */
struct flight {
	struct http_request *req;
	CURL *easy;
	struct curl_slist *headers;
	struct strbuf reply;
	bool is_too_big;
	int write_error; /* of reply_fd */
	char text[CURL_ERROR_SIZE];
};

void http_request_finish(struct http_request *req)
{
	free(req->error);
	free(req->etag);
	free(req->reply);
	req->error = req->etag = req->reply = NULL;
	for (size_t i = 0; i < HTTP_WANTED_MAX; i++) {
		free(req->values[i]);
		req->values[i] = NULL;
	}
	req->reply_len = 0;
	req->status = 0;
	req->r = 0;
}

int http_open(const char *socket_path, struct http **ret, struct error *err)
{
	cleanup_http struct http *http = NULL;

	/* curl would cut the path and then say that it cannot connect. */
	if (strlen(socket_path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return error_set(err, -ENAMETOOLONG, "'%s' is too long for a socket", socket_path);
	if (curl_global_init(CURL_GLOBAL_NOTHING) != CURLE_OK)
		return error_set(err, -ENOMEM, "cannot start libcurl");

	http = calloc(1, sizeof(*http));
	if (!http)
		return error_set(err, -ENOMEM, "out of memory");
	http->multi = curl_multi_init();
	http->socket_path = strdup(socket_path);
	if (!http->multi || !http->socket_path)
		return error_set(err, -ENOMEM, "out of memory");

	*ret = steal_ptr(&http);
	return 0;
}

void http_close(struct http *http)
{
	if (!http)
		return;

	if (http->multi)
		curl_multi_cleanup(http->multi);
	free(http->socket_path);
	free(http);
}

static size_t write_reply(struct flight *f, const char *data, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = write(*f->req->reply_fd, data + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			f->write_error = errno;
			return 0;
		}
		done += (size_t)n;
	}
	return len;
}

static size_t take_reply(char *data, size_t size, size_t n, void *context)
{
	struct flight *f = context;
	long status = 0;

	if (f->req->reply_fd) {
		curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status);
		if (status == 200)
			return write_reply(f, data, size * n);
	}
	if (f->reply.len + size * n > HTTP_REPLY_MAX) {
		f->is_too_big = true;
		return 0;
	}
	strbuf_add(&f->reply, data, size * n);
	return f->reply.failed ? 0 : size * n;
}

/* The request's own headers; without Expect, which makes large bodies wait a second. */
static int make_headers(struct flight *f)
{
	const struct http_request *req = f->req;
	cleanup_strbuf struct strbuf b = STRBUF_INIT;

	strbuf_printf(&b, "Expect:%c", '\0');
	if (req->body)
		strbuf_printf(&b, "Content-Type: %s%c",
			req->content_type ? req->content_type : "application/json", '\0');
	if (req->if_match)
		strbuf_printf(&b, "If-Match: %s%c", req->if_match, '\0');
	for (size_t i = 0; i < req->n_headers; i++)
		strbuf_printf(&b, "%s: %s%c", req->headers[i].name, req->headers[i].value, '\0');
	if (b.failed)
		return -ENOMEM;

	for (const char *line = b.data; line < b.data + b.len; line += strlen(line) + 1) {
		struct curl_slist *list = curl_slist_append(f->headers, line);

		if (!list)
			return -ENOMEM;
		f->headers = list;
	}
	return 0;
}

#define SET(option, value)                                                  \
	do {                                                                \
		if (curl_easy_setopt(f->easy, option, (value)) != CURLE_OK) \
			return -ENOMEM;                                     \
	} while (0)

static int set_up(const struct http *http, struct flight *f)
{
	const struct http_request *req = f->req;
	cleanup_free char *url = NULL;
	int r;

	if (asprintf(&url, "http://incus%s", req->path) < 0)
		return -ENOMEM;
	r = make_headers(f);
	if (r < 0)
		return r;

	SET(CURLOPT_UNIX_SOCKET_PATH, http->socket_path);
	SET(CURLOPT_URL, url);
	SET(CURLOPT_PATH_AS_IS, 1L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_CUSTOMREQUEST, req->method);
	SET(CURLOPT_HTTPHEADER, f->headers);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	SET(CURLOPT_TIMEOUT_MS, (long)req->timeout_ms);
	SET(CURLOPT_ERRORBUFFER, f->text);
	SET(CURLOPT_WRITEFUNCTION, take_reply);
	SET(CURLOPT_WRITEDATA, f);
	SET(CURLOPT_PRIVATE, f);
	if (req->body) {
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body_len);
		SET(CURLOPT_POSTFIELDS, req->body);
	}
	return 0;
}

static void take_down(struct http *http, struct flight *f)
{
	if (f->easy) {
		curl_multi_remove_handle(http->multi, f->easy);
		curl_easy_cleanup(f->easy);
	}
	curl_slist_free_all(f->headers);
	strbuf_finish(&f->reply);
	*f = (struct flight){NULL};
}

static int take_off(struct http *http, struct flight *f, struct http_request *req)
{
	int r;

	*f = (struct flight){.req = req, .reply = STRBUF_INIT};
	f->easy = curl_easy_init();
	r = f->easy ? set_up(http, f) : -ENOMEM;
	if (r == 0 && curl_multi_add_handle(http->multi, f->easy) != CURLM_OK)
		r = -ENOMEM;
	if (r < 0)
		take_down(http, f);
	return r;
}

/* curl's dialect; what is not here is -EIO. */
static int result_of(const struct http *http, const struct flight *f, CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return 0;
	case CURLE_COULDNT_CONNECT:
		return access(http->socket_path, W_OK) < 0 && errno == EACCES ? -EACCES
									      : -ECONNREFUSED;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		return -ECONNRESET;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
		return -EBADMSG;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	case CURLE_WRITE_ERROR:
		if (f->write_error)
			return -f->write_error;
		return f->is_too_big ? -EFBIG : -ENOMEM;
	default:
		return -EIO;
	}
}

static char *copy_header(CURL *easy, const char *name)
{
	struct curl_header *header;

	if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
		return NULL;
	return strdup(header->value);
}

/* The reply of F into its request. */
static void land(struct http *http, struct flight *f, CURLcode code)
{
	struct http_request *req = f->req;
	curl_off_t elapsed = 0;

	http_request_finish(req);
	curl_easy_getinfo(f->easy, CURLINFO_TOTAL_TIME_T, &elapsed);
	curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &req->status);
	req->elapsed_us = elapsed;
	req->r = result_of(http, f, code);
	if (req->r < 0) {
		req->error = strdup(*f->text ? f->text : curl_easy_strerror(code));
		return;
	}

	req->etag = copy_header(f->easy, "ETag");
	for (size_t i = 0; i < HTTP_WANTED_MAX && req->wanted[i]; i++)
		req->values[i] = copy_header(f->easy, req->wanted[i]);
	req->reply_len = f->reply.len;
	req->reply = strbuf_steal(&f->reply);
	if (!req->reply)
		req->r = -ENOMEM;
}

/* Those that have ended, and in their place those that DONE sends again. */
static int reap(struct http *http, size_t *n_open, bool (*done)(struct http_request *req))
{
	struct CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(http->multi, &left))) {
		struct http_request *req;
		struct flight *f;
		int r;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&f);
		req = f->req;
		land(http, f, msg->data.result);
		take_down(http, f);
		(*n_open)--;
		if (!done(req))
			continue;
		r = take_off(http, f, req);
		if (r < 0)
			return r;
		(*n_open)++;
	}
	return 0;
}

static struct flight *free_flight(struct flight *flights, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!flights[i].req)
			return &flights[i];
	}
	return NULL;
}

static int fly(struct http *http, struct flight *flights, size_t parallel,
	struct http_request *const *reqs, size_t n, bool (*done)(struct http_request *req))
{
	size_t n_open = 0;
	size_t next = 0;

	while (next < n || n_open > 0) {
		struct flight *f;
		int n_running;
		int r = 0;

		while (next < n && r == 0 && (f = free_flight(flights, parallel))) {
			r = take_off(http, f, reqs[next++]);
			n_open += r == 0;
		}
		if (r < 0)
			return r;
		if (curl_multi_perform(http->multi, &n_running) != CURLM_OK)
			return -EIO;
		r = reap(http, &n_open, done);
		if (r < 0)
			return r;
		if (n_running > 0 &&
			curl_multi_poll(http->multi, NULL, 0, POLL_MS, NULL) != CURLM_OK)
			return -EIO;
	}
	return 0;
}

int http_run(struct http *http, struct http_request *const *reqs, size_t n, unsigned int parallel,
	bool (*done)(struct http_request *req))
{
	cleanup_free struct flight *flights = NULL;
	int r;

	if (parallel > n)
		parallel = n;
	if (parallel == 0)
		return 0;
	flights = calloc(parallel, sizeof(*flights));
	if (!flights)
		return -ENOMEM;

	r = fly(http, flights, parallel, reqs, n, done);
	for (size_t i = 0; i < parallel; i++)
		take_down(http, &flights[i]);
	return r;
}
