// SPDX-License-Identifier: GPL-2.0
/*
 * Clients of the control socket. Nothing here waits for a client: what it does
 * not take is kept, up to one answer, and until then nothing more is read from
 * it. All of it runs on the control thread.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/control/dispatch.h"
#include "daemon/control/server.h"

/* Requests of one client that are answered before others have their turn. */
#define LINES_PER_TURN	8

/* A client that takes nothing of its answer for so long is let go. */
#define STALL_US	30000000ULL
#define SWEEP_US	5000000ULL

struct client {
	struct server *server;
	int fd;			/* -1: a free seat */
	sd_event_source *io;
	char *in;		/* SERVER_LINE_MAX bytes */
	size_t in_length;
	char *out;		/* the answer that is being sent, or NULL */
	size_t out_length;
	size_t out_sent;
	uint64_t moved_us;	/* when it last took something */
	bool is_subscribed;
	bool is_asking;		/* its answer comes before what it causes */
	char *events;		/* lines that wait for the answer before them */
	size_t events_length;	/* at most SERVER_EVENTS_MAX */
	uint64_t nr_lost;	/* events that did not fit */
	bool is_ended;		/* it sends no more */
	bool is_closing;	/* once the answer is out */
};

struct server {
	sd_event *event;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	int fd;
	sd_event_source *io;
	sd_event_source *sweep;
	struct dispatch dispatch;
	struct client clients[SERVER_CLIENTS_MAX];
};

static uint64_t now_us(struct server *s)
{
	uint64_t now = 0;

	sd_event_now(s->event, CLOCK_MONOTONIC, &now);
	return now;
}

static void drop_client(struct client *c)
{
	struct server *server = c->server;

	sd_event_source_disable_unref(c->io);
	close(c->fd);
	free(c->in);
	free(c->out);
	free(c->events);
	*c = (struct client){ .server = server, .fd = -1 };
	server->dispatch.nr_clients--;
}

/* Send what it takes. False: it is gone. */
static bool flush(struct client *c)
{
	while (c->out) {
		ssize_t sent = send(c->fd, c->out + c->out_sent,
				    c->out_length - c->out_sent,
				    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return errno == EAGAIN;
		c->moved_us = now_us(c->server);
		c->out_sent += (size_t)sent;
		if (c->out_sent < c->out_length)
			continue;
		free(c->out);
		c->out = NULL;
	}
	return true;
}

/* What happened meanwhile goes next, when nothing else is being sent. */
static bool send_events(struct client *c)
{
	if (c->out || !c->events_length)
		return true;
	c->out = c->events;
	c->out_length = c->events_length;
	c->out_sent = 0;
	c->moved_us = now_us(c->server);
	c->events = NULL;
	c->events_length = 0;
	return flush(c);
}

/* Adds a line to what waits; false if it does not fit. */
static bool append_event(struct client *c, const char *text, size_t length)
{
	char *larger;

	if (c->events_length + length + 1 > SERVER_EVENTS_MAX)
		return false;
	larger = realloc(c->events, c->events_length + length + 1);
	if (!larger)
		return false;
	c->events = larger;
	memcpy(c->events + c->events_length, text, length);
	c->events_length += length;
	c->events[c->events_length++] = '\n';
	return true;
}

static void queue_event(struct client *c, const char *text, size_t length)
{
	char overrun[64];

	if (c->nr_lost) {
		int n = snprintf(overrun, sizeof(overrun),
				 "{\"event\":\"overrun\",\"lost\":%llu}",
				 (unsigned long long)c->nr_lost);

		/* Both or neither: else the gap would not be where it was. */
		if (c->events_length + (size_t)n + length + 2 >
		    SERVER_EVENTS_MAX ||
		    !append_event(c, overrun, (size_t)n)) {
			c->nr_lost++;
			return;
		}
		c->nr_lost = 0;
	}
	if (!append_event(c, text, length))
		c->nr_lost++;
}

/* Takes the reference; nothing may be waiting to be sent. */
static bool reply(struct client *c, struct json_object *answer)
{
	const char *text;
	bool is_there;

	text = json_object_to_json_string_length(answer, DISPATCH_TEXT,
						 &c->out_length);
	c->out = text ? malloc(c->out_length + 1) : NULL;
	if (c->out) {
		memcpy(c->out, text, c->out_length);
		c->out[c->out_length++] = '\n';
		c->out_sent = 0;
		c->moved_us = now_us(c->server);
	}
	is_there = c->out && flush(c);
	/* Not before: to let go of a thousand tenants takes a while. */
	json_object_put(answer);
	return is_there;
}

/* One line that has come in, if there is one. False: the client is gone. */
static bool serve_line(struct client *c, bool *served)
{
	char *end = memchr(c->in, '\n', c->in_length);
	struct json_object *answer;
	size_t length;

	*served = end;
	if (!end)
		return true;
	length = (size_t)(end - c->in);
	c->is_asking = true;
	answer = dispatch_line(&c->server->dispatch, c->in, length);
	c->is_asking = false;
	c->is_subscribed |= c->server->dispatch.subscribes;
	c->server->dispatch.subscribes = false;
	c->in_length -= length + 1;
	memmove(c->in, end + 1, c->in_length);
	return reply(c, answer);
}

/* What can never become a request. */
static bool serve_rest(struct client *c)
{
	const char *why = NULL;

	if (c->out || c->is_closing || memchr(c->in, '\n', c->in_length))
		return true;
	if (c->in_length == SERVER_LINE_MAX)
		why = "a line may have 1048576 bytes at most, with its newline";
	else if (c->is_ended && c->in_length)
		why = "the last line has no newline: it was not carried out";
	if (!why) {
		c->is_closing = c->is_ended;
		return true;
	}
	c->is_closing = true;
	return reply(c, dispatch_refusal(c->is_ended ? EINVAL : EMSGSIZE, why));
}

static bool serve(struct client *c)
{
	bool served = true;

	for (int i = 0; i < LINES_PER_TURN && served && !c->out; i++) {
		if (!serve_line(c, &served))
			return false;
	}
	return serve_rest(c);
}

static bool take_in(struct client *c)
{
	ssize_t got;

	if (c->is_ended || c->is_closing || c->in_length == SERVER_LINE_MAX)
		return true;
	got = recv(c->fd, c->in + c->in_length, SERVER_LINE_MAX - c->in_length,
		   MSG_DONTWAIT);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	c->is_ended = !got;
	c->in_length += (size_t)got;
	return true;
}

/* An answer that waits, or lines that had no turn, go on when it is writable. */
static uint32_t wanted_events(const struct client *c)
{
	if (c->out || memchr(c->in, '\n', c->in_length))
		return EPOLLOUT;
	return EPOLLIN;
}

static int on_client(sd_event_source *source, int fd, uint32_t events,
		     void *context)
{
	struct client *c = context;
	bool is_there;

	(void)fd;
	is_there = flush(c) && send_events(c);
	if (is_there && events & (EPOLLIN | EPOLLHUP) && !c->out)
		is_there = take_in(c);
	if (is_there && !c->out)
		is_there = serve(c) && send_events(c);
	if (events & EPOLLERR || (c->is_closing && !c->out))
		is_there = false;
	if (is_there)
		is_there = sd_event_source_set_io_events(source,
				wanted_events(c)) >= 0;
	if (!is_there)
		drop_client(c);
	return 0;
}

void server_event(struct server *s, struct json_object *event)
{
	const char *text;
	size_t length;

	text = json_object_to_json_string_length(event, JSON_C_TO_STRING_PLAIN,
						 &length);
	for (size_t i = 0; s && text && i < SERVER_CLIENTS_MAX; i++) {
		struct client *c = &s->clients[i];

		if (c->fd < 0 || !c->is_subscribed)
			continue;
		queue_event(c, text, length);
		if (c->is_asking)
			continue;
		/* Who is gone is found out, and let go, in its own turn. */
		send_events(c);
		sd_event_source_set_io_events(c->io, wanted_events(c));
	}
	json_object_put(event);
}

static struct client *free_seat(struct server *s)
{
	for (size_t i = 0; i < SERVER_CLIENTS_MAX; i++) {
		if (s->clients[i].fd < 0)
			return &s->clients[i];
	}
	return NULL;
}

/* A fresh socket has room for one line; what it does not take is lost. */
static void turn_away(int fd, int code, const char *text)
{
	struct json_object *answer = dispatch_refusal(code, text);
	struct iovec parts[2] = { { 0 }, { "\n", 1 } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };

	parts[0].iov_base = (char *)json_object_to_json_string_length(answer,
			JSON_C_TO_STRING_PLAIN, &parts[0].iov_len);
	(void)!sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	json_object_put(answer);
	close(fd);
}

static bool is_root(int fd)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) &&
	       !peer.uid;
}

static void seat_client(struct server *s, struct client *c, int fd)
{
	c->fd = fd;
	c->in = malloc(SERVER_LINE_MAX);
	s->dispatch.nr_clients++;
	if (!c->in || sd_event_add_io(s->event, &c->io, fd, EPOLLIN, on_client,
				      c) < 0)
		drop_client(c);
}

static int on_connect(sd_event_source *source, int listener, uint32_t events,
		      void *context)
{
	struct server *s = context;
	struct client *c;
	int fd;

	(void)events;
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	/* Without descriptors it would be asked again at once: rest a sweep. */
	if (fd < 0 && errno != EAGAIN && errno != ECONNABORTED)
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
	if (fd < 0)
		return 0;
	c = free_seat(s);
	if (!is_root(fd))
		turn_away(fd, EPERM, "only root may talk to rubatod");
	else if (!c)
		turn_away(fd, EBUSY, "rubatod has 32 clients already: try again");
	else
		seat_client(s, c, fd);
	return 0;
}

static int on_sweep(sd_event_source *source, uint64_t now, void *context)
{
	struct server *s = context;

	for (size_t i = 0; i < SERVER_CLIENTS_MAX; i++) {
		struct client *c = &s->clients[i];

		/* What waits for a subscriber is bounded, and it may take its time. */
		if (c->out && !c->is_subscribed && now > c->moved_us + STALL_US)
			drop_client(c);
	}
	sd_event_source_set_enabled(s->io, SD_EVENT_ON);
	sd_event_source_set_time(source, now + SWEEP_US);
	return 0;
}

static int listen_at(struct server *s, struct rubato_error *error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0)
		return -rubato_error_set(error, errno,
					 "cannot make a socket: %m");
	/* The lock is ours, so whoever left a socket here is dead. */
	unlink(s->path);
	strcpy(address.sun_path, s->path);
	if (bind(s->fd, (struct sockaddr *)&address, sizeof(address)) ||
	    chmod(s->path, 0600) || listen(s->fd, SERVER_CLIENTS_MAX))
		return -rubato_error_set(error, errno, "cannot listen at %s: %m",
					 s->path);
	return 0;
}

static int start(struct server *s, struct rubato_error *error)
{
	int ret;

	ret = listen_at(s, error);
	if (ret)
		return ret;
	ret = sd_event_add_io(s->event, &s->io, s->fd, EPOLLIN, on_connect, s);
	if (ret >= 0)
		ret = sd_event_add_time_relative(s->event, &s->sweep,
				CLOCK_MONOTONIC, SWEEP_US, 0, on_sweep, s);
	if (ret >= 0)
		ret = sd_event_source_set_enabled(s->sweep, SD_EVENT_ON);
	if (ret < 0)
		return -rubato_error_set(error, -ret,
			"cannot follow the control socket: %s", strerror(-ret));
	return 0;
}

struct server *server_new(const struct server_config *config,
			  struct rubato_error *error)
{
	struct server *s;

	if (strlen(config->path) >= sizeof(s->path)) {
		rubato_error_set(error, ENAMETOOLONG,
			"socket path %s is too long: at most %zu bytes",
			config->path, sizeof(s->path) - 1);
		return NULL;
	}
	s = calloc(1, sizeof(*s));
	if (!s) {
		rubato_error_set(error, ENOMEM, "out of memory");
		return NULL;
	}
	s->event = config->event;
	s->fd = -1;
	strcpy(s->path, config->path);
	s->dispatch = (struct dispatch){
		.tenants = config->tenants,
		.ops = config->ops,
		.context = config->context,
		.tsc_khz = config->tsc_khz,
	};
	for (size_t i = 0; i < SERVER_CLIENTS_MAX; i++)
		s->clients[i] = (struct client){ .server = s, .fd = -1 };
	if (start(s, error)) {
		server_free(s);
		return NULL;
	}
	return s;
}

void server_free(struct server *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < SERVER_CLIENTS_MAX; i++) {
		if (s->clients[i].fd >= 0)
			drop_client(&s->clients[i]);
	}
	sd_event_source_disable_unref(s->sweep);
	sd_event_source_disable_unref(s->io);
	if (s->fd >= 0) {
		close(s->fd);
		unlink(s->path);
	}
	free(s);
}
