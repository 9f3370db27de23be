// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Speaking with the daemon: one JSON object per line in each direction. Each
 * call sends one request and waits for its answer.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "internal.h"
#include "tenant_json.h"

/*
 * A port may have to wait until the kernel has let go of a closed socket, and
 * 1,024 of them take seconds; a daemon that is silent for longer is broken.
 */
#define ANSWER_TIMEOUT_MS	(120 * 1000)
#define ANSWER_MAX		(64 * 1024 * 1024)

static const char *socket_path(void)
{
	const char *path = secure_getenv(RUBATO_SOCKET_VARIABLE);

	return path && *path ? path : RUBATO_SOCKET_DEFAULT;
}

static int connect_socket(struct rubato *r, struct rubato_error *error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = socket_path();
	int code;

	if (strlen(path) >= sizeof(address.sun_path))
		return -rubato_error_set(error, ENAMETOOLONG,
			"socket path %s is too long", path);
	strcpy(address.sun_path, path);
	r->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (r->socket < 0)
		return -rubato_error_set(error, errno, "cannot make a socket: %m");
	if (!connect(r->socket, (struct sockaddr *)&address, sizeof(address)))
		return 0;

	code = errno;
	rubato_daemon_disconnect(r);
	if (code == ENOENT || code == ECONNREFUSED)
		return -rubato_error_set(error, ENOENT,
			"rubatod is not running (nobody listens at %s)", path);
	if (code == EACCES || code == EPERM)
		return -rubato_error_set(error, EACCES,
			"only root may talk to rubatod: %s: permission denied",
			path);
	return -rubato_error_set(error, code, "cannot connect to %s: %s", path,
				 strerror(code));
}

void rubato_daemon_disconnect(struct rubato *r)
{
	if (r->socket >= 0)
		close(r->socket);
	r->socket = -1;
	free(r->buffer);
	r->buffer = NULL;
	r->buffered = 0;
	r->buffer_size = 0;
}

static int send_line(struct rubato *r, struct json_object *request,
		     struct rubato_error *error)
{
	size_t left;
	const char *text = json_object_to_json_string_length(request,
			JSON_C_TO_STRING_PLAIN, &left);
	char *line = malloc(left + 1);
	const char *from = line;
	int ret = 0;

	if (!line)
		return -rubato_error_set(error, ENOMEM, "out of memory");
	memcpy(line, text, left);
	line[left++] = '\n';
	while (left) {
		ssize_t sent = send(r->socket, from, left, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		/* What the daemon had to say may be waiting: it is read next. */
		if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
			break;
		if (sent < 0) {
			ret = -rubato_error_set(error, errno,
						"cannot write to rubatod: %m");
			break;
		}
		from += sent;
		left -= (size_t)sent;
	}
	free(line);
	return ret;
}

static int make_room(struct rubato *r, struct rubato_error *error)
{
	size_t size = r->buffer_size ? r->buffer_size * 2 : 8192;
	char *larger;

	if (r->buffered < r->buffer_size)
		return 0;
	larger = size > ANSWER_MAX ? NULL : realloc(r->buffer, size);
	if (!larger)
		return -rubato_error_set(error, ENOMEM,
					 "the answer of rubatod is too long");
	r->buffer = larger;
	r->buffer_size = size;
	return 0;
}

/* Take more bytes in. 0: some came. */
static int receive(struct rubato *r, struct rubato_error *error)
{
	struct pollfd ready = { .fd = r->socket, .events = POLLIN };
	ssize_t got;
	int ret;

	ret = make_room(r, error);
	if (ret)
		return ret;
	do {
		ret = poll(&ready, 1, ANSWER_TIMEOUT_MS);
	} while (ret < 0 && errno == EINTR);
	if (!ret)
		return -rubato_error_set(error, ETIMEDOUT,
			"rubatod does not answer (waited %d s)",
			ANSWER_TIMEOUT_MS / 1000);
	got = recv(r->socket, r->buffer + r->buffered,
		   r->buffer_size - r->buffered, 0);
	if (got < 0 && errno == EINTR)
		return 0;
	if (got <= 0)
		return -rubato_error_set(error, got ? errno : ECONNRESET,
			"rubatod closed the connection without an answer");
	r->buffered += (size_t)got;
	return 0;
}

/* Wait for a whole line: *length bytes of the buffer, and the newline. */
static int receive_line(struct rubato *r, size_t *length,
			struct rubato_error *error)
{
	size_t looked_at = 0;
	char *end;

	for (;;) {
		int ret;

		end = r->buffered > looked_at ?
		      memchr(r->buffer + looked_at, '\n',
			     r->buffered - looked_at) : NULL;
		if (end)
			break;
		looked_at = r->buffered;
		ret = receive(r, error);
		if (ret)
			return ret;
	}
	*length = (size_t)(end - r->buffer);
	return 0;
}

static void drop_line(struct rubato *r, size_t length)
{
	r->buffered -= length + 1;
	memmove(r->buffer, r->buffer + length + 1, r->buffered);
}

static int parse_line(struct rubato *r, size_t length,
		      struct json_object **object, struct rubato_error *error)
{
	r->buffer[length] = '\0';
	*object = json_tokener_parse(r->buffer);
	drop_line(r, length);
	if (!json_object_is_type(*object, json_type_object)) {
		json_object_put(*object);
		return -rubato_error_set(error, EPROTO,
			"what answers at %s is not rubatod", socket_path());
	}
	return 0;
}

/* What a refusal says, as an error of ours. */
static int take_refusal(struct json_object *answer, struct rubato_error *error)
{
	struct json_object *field;
	const char *text = "rubatod refused without a reason";
	int code = EIO;

	if (json_object_object_get_ex(answer, "errno", &field) &&
	    json_object_get_int(field) > 0)
		code = json_object_get_int(field);
	if (json_object_object_get_ex(answer, "error", &field) &&
	    json_object_is_type(field, json_type_string))
		text = json_object_get_string(field);
	return -rubato_error_set(error, code, "%s", text);
}

static int take_answer(struct json_object *answer, struct json_object **result,
		       struct rubato_error *error)
{
	struct json_object *field;
	int ret = 0;

	if (!json_object_object_get_ex(answer, "ok", &field) ||
	    !json_object_get_boolean(field))
		ret = take_refusal(answer, error);
	else if (result && json_object_object_get_ex(answer, "result", &field))
		*result = json_object_get(field);
	json_object_put(answer);
	return ret;
}

/*
 * What is between these is the result, to the byte: the protocol promises that.
 * Root's daemon printed it from one object, and has greeted us.
 */
#define RESULT_BEGIN	"{\"ok\":true,\"result\":"
#define RESULT_END	'}'

static bool is_result(const char *line, size_t length)
{
	return !strncmp(line, RESULT_BEGIN, strlen(RESULT_BEGIN)) &&
	       line[length - 1] == RESULT_END;
}

static int take_text(struct rubato *r, size_t length, char **text,
		     struct rubato_error *error)
{
	*text = strndup(r->buffer + strlen(RESULT_BEGIN),
			length - strlen(RESULT_BEGIN) - 1);
	drop_line(r, length);
	return *text ? 0 : -rubato_error_set(error, ENOMEM, "out of memory");
}

static int ask(struct rubato *r, struct json_object *request, size_t *length,
	       struct rubato_error *error)
{
	int ret = 0;

	if (r->socket < 0)
		ret = connect_socket(r, error);
	if (!ret)
		ret = send_line(r, request, error);
	if (!ret)
		ret = receive_line(r, length, error);
	return ret;
}

/* The result as an object or, if @text is not NULL, as it was sent. */
static int call(struct rubato *r, struct json_object *request,
		struct json_object **result, char **text,
		struct rubato_error *error)
{
	struct json_object *answer;
	size_t length;
	int ret;

	ret = ask(r, request, &length, error);
	if (!ret && text && is_result(r->buffer, length))
		return take_text(r, length, text, error);
	if (!ret)
		ret = parse_line(r, length, &answer, error);
	if (ret) {
		/* Out of step: a late answer must not meet the next request. */
		rubato_daemon_disconnect(r);
		return ret;
	}
	return take_answer(answer, result, error);
}

int rubato_daemon_call(struct rubato *r, struct json_object *request,
		       struct json_object **result, struct rubato_error *error)
{
	int ret;

	if (result)
		*result = NULL;
	if (!request)
		return -rubato_error_set(error, ENOMEM, "out of memory");
	ret = call(r, request, result, NULL, error);
	json_object_put(request);
	return ret;
}

char *rubato_daemon_call_text(struct rubato *r, struct json_object *request,
			      struct rubato_error *error)
{
	char *text = NULL;
	int ret;

	ret = call(r, request, NULL, &text, error);
	json_object_put(request);
	if (!ret && !text)
		rubato_error_set(error, EPROTO,
			"what answers at %s is not rubatod", socket_path());
	return text;
}

int rubato_daemon_next(struct rubato *r, struct json_object **line,
		       struct rubato_error *error)
{
	size_t length;
	int ret;

	do {
		ret = receive_line(r, &length, error);
	} while (ret == -ETIMEDOUT);
	if (!ret)
		ret = parse_line(r, length, line, error);
	if (ret)
		rubato_daemon_disconnect(r);
	return ret;
}

int rubato_daemon_connect(struct rubato *r, struct rubato_error *error)
{
	struct json_object *request = json_object_new_object();
	struct json_object *result, *authority;
	uint64_t tsc_khz;
	int ret;

	json_object_object_add(request, "op", json_object_new_string("hello"));
	ret = rubato_daemon_call(r, request, &result, error);
	if (ret)
		return ret;
	if (!json_object_is_type(result, json_type_object) ||
	    !json_object_object_get_ex(result, "authority", &authority) ||
	    tenant_json_uint(result, "tsc_khz", &tsc_khz, NULL) ||
	    !tsc_khz || tsc_khz > UINT32_MAX) {
		ret = -rubato_error_set(error, EPROTO,
			"what answers at %s is not rubatod", socket_path());
		rubato_daemon_disconnect(r);
	} else {
		r->tsc_khz = (uint32_t)tsc_khz;
		snprintf(r->authority, sizeof(r->authority), "%s",
			 json_object_get_string(authority));
	}
	json_object_put(result);
	return ret;
}
