/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static int make_address(const char *path, struct sockaddr_un *ret, struct error *err)
{
	if (strlen(path) >= sizeof(ret->sun_path))
		return error_set(err, -ENAMETOOLONG,
			"control socket path '%s' is longer than %zu bytes", path,
			sizeof(ret->sun_path) - 1);

	memset(ret, 0, sizeof(*ret));
	ret->sun_family = AF_UNIX;
	strcpy(ret->sun_path, path);
	return 0;
}

static int new_socket(struct error *err)
{
	int size = WIRE_MESSAGE_MAX + 4096;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_errno(err, -errno, "cannot create a socket");

	/* A packet must fit the send buffer; *FORCE needs CAP_NET_ADMIN, the plain one is capped. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return fd;
}

int wire_connect(const char *path, int *ret_fd, struct error *err)
{
	struct sockaddr_un address;
	cleanup_fd int fd = -1;
	int r;

	r = make_address(path, &address, err);
	if (r < 0)
		return r;

	fd = new_socket(err);
	if (fd < 0)
		return fd;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return error_errno(err, -errno, "cannot reach the daemon on '%s'", path);

	*ret_fd = steal_fd(&fd);
	return 0;
}

int wire_listen(const char *path, int *ret_fd, struct error *err)
{
	struct sockaddr_un address;
	cleanup_fd int fd = -1;
	cleanup_fd int probe = -1;
	mode_t mask;
	int r;

	r = make_address(path, &address, err);
	if (r < 0)
		return r;

	if (wire_connect(path, &probe, NULL) == 0)
		return error_set(err, -EADDRINUSE, "another daemon answers on '%s'", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return error_errno(err, -errno, "cannot remove the dead socket '%s'", path);

	fd = new_socket(err);
	if (fd < 0)
		return fd;

	mask = umask(0177);
	r = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	umask(mask);
	if (r < 0)
		return error_errno(err, r, "cannot bind '%s'", path);
	if (listen(fd, 16) < 0)
		return error_errno(err, -errno, "cannot listen on '%s'", path);

	*ret_fd = steal_fd(&fd);
	return 0;
}

int wire_send(int fd, json_t *object, struct error *err)
{
	cleanup_free char *text = NULL;
	size_t len;

	if (json_object_set_new(object, "version", json_integer(WIRE_VERSION)) < 0)
		return error_set(err, -ENOMEM, "out of memory");

	text = json_dumps(object, JSON_COMPACT);
	if (!text)
		return error_set(err, -ENOMEM, "out of memory");

	len = strlen(text);
	if (len > WIRE_MESSAGE_MAX)
		return error_set(err, -EMSGSIZE, "control message of %zu bytes is too long", len);
	if (send(fd, text, len, MSG_NOSIGNAL) < 0)
		return error_errno(err, -errno, "cannot send a control message");
	return 0;
}

static int wait_readable(int fd, int timeout_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int r;

	do
		r = poll(&p, 1, timeout_ms);
	while (r < 0 && errno == EINTR);

	if (r < 0)
		return -errno;
	return r == 0 ? -ETIMEDOUT : 0;
}

int wire_recv(int fd, int timeout_ms, json_t **ret, struct error *err)
{
	cleanup_free char *data = malloc(WIRE_MESSAGE_MAX);
	cleanup_json json_t *object = NULL;
	json_error_t where;
	ssize_t n;
	int r;

	if (!data)
		return error_set(err, -ENOMEM, "out of memory");

	r = wait_readable(fd, timeout_ms);
	if (r < 0)
		return error_errno(err, r, "no answer");

	n = recv(fd, data, WIRE_MESSAGE_MAX, 0);
	if (n < 0)
		return error_errno(err, -errno, "cannot receive a control message");
	if (n == 0)
		return error_set(err, -ECONNRESET, "the other side closed the connection");

	object = json_loadb(data, n, JSON_REJECT_DUPLICATES, &where);
	if (!json_is_object(object))
		return error_set(err, -EBADMSG, "a control message is not a JSON object");
	if (json_integer_value(json_object_get(object, "version")) != WIRE_VERSION)
		return error_set(err, -EPROTO, "the other side speaks another protocol version");

	*ret = steal_ptr(&object);
	return 0;
}

static int answer_errno(const json_t *answer, struct error *err)
{
	const char *text = json_string_value(json_object_get(answer, "error"));
	json_int_t code = json_integer_value(json_object_get(answer, "errno"));

	if (json_is_true(json_object_get(answer, "ok")))
		return 0;
	if (code <= 0 || code > 4095)
		code = EPROTO;
	return error_set(err, -(int)code, "%s", text ? text : strerror((int)code));
}

int wire_call(const char *path, const char *verb, json_t *args, int timeout_ms, json_t **ret,
	struct error *err)
{
	cleanup_json json_t *request = json_pack("{s:s}", "verb", verb);
	cleanup_json json_t *answer = NULL;
	cleanup_fd int fd = -1;
	int r;

	if (!request || (args && json_object_update(request, args) < 0))
		return error_set(err, -ENOMEM, "out of memory");

	r = wire_connect(path, &fd, err);
	if (r == 0)
		r = wire_send(fd, request, err);
	if (r == 0)
		r = wire_recv(fd, timeout_ms, &answer, err);
	if (r == 0)
		r = answer_errno(answer, err);
	if (r < 0)
		return r;

	if (ret)
		*ret = steal_ptr(&answer);
	return 0;
}
