/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "events.h"

#include <jansson.h>
#include <libwebsockets.h>
#include <string.h>

#include "array.h"
#include "client.h"
#include "str.h"
#include "url.h"

#define PATH "/1.0/events?type=lifecycle&all-projects=true"
#define OPEN_TIMEOUT_MS 10000
#define MESSAGE_MAX (4 * 1024 * 1024)

/* Incus pings every 10 s; a daemon that says nothing for much longer hangs. */
static const lws_retry_bo_t liveness = {
	.secs_since_valid_ping = 30,
	.secs_since_valid_hangup = 45,
};

enum state {
	CONNECTING,
	OPEN,
	CLOSED,
};

struct timer {
	lws_sorted_usec_list_t sul; /* first: the callback gets it */
	bool has_fired;
};

struct incus_events {
	struct lws_context *context;
	enum state state;
	char *problem; /* why it closed; NULL = not said */
	struct strbuf message; /* what came of one so far */
	struct incus_event *queue;
	size_t n_queue;
	size_t first; /* of the queue that is still to be handed out */
	struct timer timer;
	bool is_woken; /* atomic */
};

void incus_event_finish(struct incus_event *event)
{
	free(event->action);
	free(event->project);
	free(event->name);
	free(event->old_name);
	*event = (struct incus_event){NULL};
}

static char *copy_text(const char *text)
{
	return text ? strdup(text) : NULL;
}

/* 1: ROOT is a lifecycle event, in *RET; 0: it is none. */
static int parse_event(const json_t *root, struct incus_event *ret)
{
	json_t *metadata = json_object_get(root, "metadata");
	const char *action = json_string_value(json_object_get(metadata, "action"));
	const char *source = json_string_value(json_object_get(metadata, "source"));
	const char *project = json_string_value(json_object_get(root, "project"));
	const char *old = json_string_value(
		json_object_get(json_object_get(metadata, "context"), "old_name"));

	if (!action || !source)
		return 0;

	ret->action = strdup(action);
	ret->name = url_last_segment(source);
	ret->old_name = copy_text(old);
	ret->project = project ? strdup(project) : url_parameter(source, "project");
	if (!ret->project)
		ret->project = strdup("default");
	return ret->action && ret->name && ret->project && (!old || ret->old_name) ? 1 : -ENOMEM;
}

static int take_message(struct incus_events *ev)
{
	cleanup_incus_json json_t *root = json_loadb(ev->message.data, ev->message.len, 0, NULL);
	cleanup_incus_event struct incus_event event = {NULL};
	struct incus_event *slot;
	int r = root ? parse_event(root, &event) : 0;

	strbuf_finish(&ev->message);
	if (r <= 0)
		return r;
	slot = array_append(&ev->queue, &ev->n_queue, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	*slot = event;
	event = (struct incus_event){NULL};
	return 0;
}

/* A piece of a message. Returning non-zero closes the connection. */
static int receive(struct incus_events *ev, struct lws *wsi, const char *data, size_t len)
{
	strbuf_add(&ev->message, data, len);
	if (ev->message.failed || ev->message.len > MESSAGE_MAX)
		return -1;
	if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi) > 0)
		return 0;
	return take_message(ev);
}

static void closed(struct incus_events *ev, const char *why)
{
	ev->state = CLOSED;
	if (why && !ev->problem)
		ev->problem = strdup(why);
}

static int callback(
	struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct incus_events *ev = lws_context_user(lws_get_context(wsi));

	switch (reason) {
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		ev->state = OPEN;
		return 0;
	case LWS_CALLBACK_CLIENT_RECEIVE:
		return receive(ev, wsi, in, len);
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		closed(ev, in ? in : "no connection");
		return 0;
	case LWS_CALLBACK_CLIENT_CLOSED:
		closed(ev, NULL);
		return 0;
	default:
		return lws_callback_http_dummy(wsi, reason, user, in, len);
	}
}

static const struct lws_protocols protocols[] = {
	{.name = "incus-events", .callback = callback, .rx_buffer_size = 65536},
	{.name = NULL},
};

static int start(struct incus_events *ev, const char *socket)
{
	struct lws_context_creation_info context = {
		.port = CONTEXT_PORT_NO_LISTEN,
		.protocols = protocols,
		.user = ev,
		.fd_limit_per_thread = 16,
		.retry_and_idle_policy = &liveness,
	};
	struct lws_client_connect_info connection = {
		.path = PATH,
		.host = "incus",
		.local_protocol_name = "incus-events",
		.ietf_version_or_minus_one = -1,
	};
	cleanup_free char *address = NULL;

	/* A leading + means a unix socket. */
	if (asprintf(&address, "+%s", socket) < 0) {
		address = NULL;
		return -ENOMEM;
	}
	lws_set_log_level(0, NULL);
	ev->context = lws_create_context(&context);
	if (!ev->context)
		return -ENOMEM;
	connection.context = ev->context;
	connection.address = address;
	connection.pwsi = NULL;
	if (!lws_client_connect_via_info(&connection))
		closed(ev, "no connection");
	return 0;
}

static void fire(lws_sorted_usec_list_t *sul)
{
	((struct timer *)sul)->has_fired = true;
}

/* Serve the connection until IS_DONE, its end, the time is over, or somebody woke us. */
static int serve(struct incus_events *ev, unsigned int timeout_ms,
	bool (*is_done)(const struct incus_events *ev))
{
	int r = 0;

	ev->timer.has_fired = false;
	lws_sul_schedule(
		ev->context, 0, &ev->timer.sul, fire, (lws_usec_t)timeout_ms * LWS_US_PER_MS);
	while (r == 0 && !is_done(ev) && ev->state != CLOSED) {
		if (__atomic_exchange_n(&ev->is_woken, false, __ATOMIC_ACQ_REL))
			r = -EINTR;
		else if (ev->timer.has_fired)
			r = -ETIMEDOUT;
		else if (lws_service(ev->context, 0) < 0)
			closed(ev, "the event loop failed");
	}
	lws_sul_cancel(&ev->timer.sul);
	if (r == 0 && !is_done(ev))
		r = -ECONNRESET;
	return r;
}

static bool is_open(const struct incus_events *ev)
{
	return ev->state == OPEN;
}

static bool has_event(const struct incus_events *ev)
{
	return ev->first < ev->n_queue;
}

int incus_events_open(const char *socket, struct incus_events **ret, struct error *err)
{
	cleanup_incus_events struct incus_events *ev = calloc(1, sizeof(*ev));
	cleanup_free char *path = socket ? strdup(socket) : incus_socket_path();
	int r;

	if (!ev || !path)
		return error_set(err, -ENOMEM, "out of memory");
	r = start(ev, path);
	if (r == 0)
		r = serve(ev, OPEN_TIMEOUT_MS, is_open);
	if (r < 0)
		return error_set(err, r == -ECONNRESET ? -ECONNREFUSED : r,
			"cannot follow the events of Incus at '%s': %s", path,
			ev->problem ? ev->problem : strerror(-r));

	*ret = steal_ptr(&ev);
	return 0;
}

void incus_events_close(struct incus_events *events)
{
	if (!events)
		return;

	if (events->context)
		lws_context_destroy(events->context);
	for (size_t i = events->first; i < events->n_queue; i++)
		incus_event_finish(&events->queue[i]);
	free(events->queue);
	strbuf_finish(&events->message);
	free(events->problem);
	free(events);
}

int incus_events_next(struct incus_events *events, unsigned int timeout_ms, struct incus_event *ret,
	struct error *err)
{
	int r = has_event(events) ? 0 : serve(events, timeout_ms, has_event);

	if (r == -ECONNRESET)
		return error_set(err, r, "Incus cut the events off%s%s",
			events->problem ? ": " : "", events->problem ? events->problem : "");
	if (r < 0)
		return r;

	*ret = events->queue[events->first++];
	if (events->first == events->n_queue) {
		free(events->queue);
		events->queue = NULL;
		events->first = events->n_queue = 0;
	}
	return 0;
}

void incus_events_wake(struct incus_events *events)
{
	__atomic_store_n(&events->is_woken, true, __ATOMIC_RELEASE);
	lws_cancel_service(events->context);
}
