// SPDX-License-Identifier: GPL-2.0
/* Conversations in streams. Byte n of a stream has its place in a pattern. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "talk.h"

#define CHUNK		16384	/* the pattern begins anew after so many bytes */
#define CLIENTS_MAX	64

static uint8_t buffer[CHUNK];

static int listening_socket(const struct talk_options *options)
{
	int fd = talk_bound_socket(options, SOCK_STREAM);

	if (!listen(fd, 16))
		return fd;
	fprintf(stderr, "talk: listen: %s\n", strerror(errno));
	exit(1);
}

static int connected_socket(const struct talk_options *options)
{
	int fd = socket(options->to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && !connect(fd, (const struct sockaddr *)&options->to,
				options->to_length))
		return fd;
	fprintf(stderr, "talk: connect: %s\n", strerror(errno));
	exit(1);
}

/* Sends all, or fails. */
static bool send_all(int fd, const uint8_t *bytes, size_t length)
{
	while (length) {
		ssize_t n = send(fd, bytes, length, 0);

		if (n < 0 && errno == EINTR && !talk_stopped)
			continue;
		if (n <= 0)
			return false;
		bytes += n;
		length -= n;
	}
	return true;
}

/* Receives exactly @length, or fails. */
static bool receive_all(int fd, uint8_t *bytes, size_t length)
{
	while (length) {
		ssize_t n = recv(fd, bytes, length, 0);

		if (n < 0 && errno == EINTR && !talk_stopped)
			continue;
		if (n <= 0)
			return false;
		bytes += n;
		length -= n;
	}
	return true;
}

/* Gives back what a client said. Returns whether it is still there. */
static bool echo_one(int fd, uint64_t *bytes)
{
	ssize_t n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	*bytes += n;
	return n > 0 && send_all(fd, buffer, n);
}

int talk_tcp_echo(const struct talk_options *options)
{
	struct pollfd fds[1 + CLIENTS_MAX] = {
		{ .fd = listening_socket(options), .events = POLLIN },
	};
	uint64_t bytes = 0, clients = 0;
	nfds_t n = 1;

	talk_ready();
	while (!talk_stopped) {
		if (poll(fds, n, -1) < 0)
			continue;
		for (nfds_t i = n - 1; i > 0; i--) {
			if (!fds[i].revents || echo_one(fds[i].fd, &bytes))
				continue;
			close(fds[i].fd);
			fds[i] = fds[--n];
		}
		if (fds[0].revents && n <= CLIENTS_MAX) {
			fds[n].fd = accept(fds[0].fd, NULL, NULL);
			fds[n].events = POLLIN;
			fds[n].revents = 0;
			n += fds[n].fd >= 0;
			clients++;
		}
	}
	printf("{\"clients\": %lu, \"bytes\": %lu}\n", clients, bytes);
	return 0;
}

static bool ask_one(const struct talk_options *options, int fd, uint64_t number)
{
	static uint8_t message[TALK_SIZE_MAX];

	talk_fill(message, options->size, number);
	if (!send_all(fd, message, options->size) ||
	    !receive_all(fd, message, options->size))
		return false;
	return talk_check(message, options->size, number);
}

/* One connection for all: it ends well only if that one held. */
int talk_tcp_ask(const struct talk_options *options)
{
	int fd = connected_socket(options);
	uint64_t answered = 0;
	bool broken = false;

	talk_ready();
	while (!talk_stopped && !broken &&
	       (!options->count || answered < options->count)) {
		if (ask_one(options, fd, answered + 1))
			answered++;
		else
			broken = !talk_stopped;
		/* For whoever watches that the conversation goes on. */
		printf("answered %lu\n", answered);
		fflush(stdout);
		talk_pause_us(options->interval_us);
	}
	printf("{\"answered\": %lu, \"broken\": %s}\n", answered,
	       broken ? "true" : "false");
	return broken || !answered;
}

int talk_tcp_send(const struct talk_options *options)
{
	int fd = connected_socket(options);
	uint64_t sent = 0;

	while (!talk_stopped && sent < options->bytes) {
		uint64_t left = options->bytes - sent;
		size_t length = left < CHUNK ? left : CHUNK;

		talk_fill(buffer, length, sent / CHUNK);
		if (!send_all(fd, buffer, length))
			break;
		sent += length;
	}
	/* The other end has all of it when it closes in turn. */
	shutdown(fd, SHUT_WR);
	receive_all(fd, buffer, 1);
	printf("{\"sent\": %lu}\n", sent);
	return sent != options->bytes;
}

/* The first client's stream, to its end. */
int talk_tcp_sink(const struct talk_options *options)
{
	int listener = listening_socket(options), fd;
	uint64_t received = 0, corrupt = 0;

	talk_ready();
	fd = accept(listener, NULL, NULL);
	while (fd >= 0 && !talk_stopped) {
		ssize_t n = recv(fd, buffer, sizeof(buffer), MSG_WAITALL);

		if (n <= 0)
			break;
		corrupt += !talk_check(buffer, n, received / CHUNK);
		received += n;
	}
	printf("{\"received\": %lu, \"corrupt\": %lu}\n", received, corrupt);
	return corrupt || !received;
}
