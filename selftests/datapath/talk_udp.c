// SPDX-License-Identifier: GPL-2.0
/* Conversations in datagrams. Each begins with its number, 8 bytes. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "talk.h"

#define HEADER		8

static uint8_t buffer[TALK_SIZE_MAX];

/* What an asker knows of the messages that are on their way. */
struct asked {
	uint64_t number;	/* 0: the place is free */
	uint64_t since_us;
};

struct tally {
	uint64_t asked, answered, lost, corrupt, unexpected, refused;
};

/*
 * Answers from the address that was asked, as who asked expects it: the
 * machine may have others. The control message that tells it on arrival also
 * sets it for the answer.
 */
int talk_udp_echo(const struct talk_options *options)
{
	int fd = talk_bound_socket(options, SOCK_DGRAM), on = 1;
	char control[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	struct sockaddr_storage from;
	uint64_t received = 0;

	setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	talk_ready();
	while (!talk_stopped) {
		struct iovec vector = { buffer, sizeof(buffer) };
		struct msghdr message = {
			.msg_name = &from, .msg_namelen = sizeof(from),
			.msg_iov = &vector, .msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control),
		};
		ssize_t n = recvmsg(fd, &message, 0);

		if (n < 0)
			continue;
		received++;
		vector.iov_len = n;
		sendmsg(fd, &message, 0);
	}
	printf("{\"received\": %lu}\n", received);
	return 0;
}

static int connected_socket(const struct talk_options *options)
{
	int fd = socket(options->to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && !connect(fd, (const struct sockaddr *)&options->to,
				options->to_length))
		return fd;
	fprintf(stderr, "talk: connect: %s\n", strerror(errno));
	exit(1);
}

static ssize_t send_message(int fd, uint32_t size, uint64_t number)
{
	memcpy(buffer, &number, HEADER);
	talk_fill(buffer + HEADER, size - HEADER, number);
	return send(fd, buffer, size, 0);
}

static struct asked *free_place(struct asked *places, uint32_t window)
{
	for (uint32_t i = 0; i < window; i++)
		if (!places[i].number)
			return &places[i];
	return NULL;
}

static void forget_lost(const struct talk_options *options,
			struct asked *places, struct tally *tally)
{
	uint64_t now = talk_now_us();

	for (uint32_t i = 0; i < options->window; i++) {
		if (!places[i].number || now - places[i].since_us <
					 options->timeout_ms * 1000ULL)
			continue;
		places[i].number = 0;
		tally->lost++;
	}
}

static void take_answer(const struct talk_options *options,
			struct asked *places, struct tally *tally, ssize_t n)
{
	uint64_t number;

	if (n != (ssize_t)options->size) {
		tally->corrupt++;
		return;
	}
	memcpy(&number, buffer, HEADER);
	if (!talk_check(buffer + HEADER, n - HEADER, number)) {
		tally->corrupt++;
		return;
	}
	for (uint32_t i = 0; i < options->window; i++) {
		if (places[i].number != number)
			continue;
		places[i].number = 0;
		tally->answered++;
		return;
	}
	tally->unexpected++;
}

static void ask_one(const struct talk_options *options, int fd,
		    struct asked *place, struct tally *tally)
{
	uint64_t number = tally->asked + tally->refused + 1;

	if (send_message(fd, options->size, number) < 0) {
		tally->refused++;
		talk_pause_us(1000);
		return;
	}
	tally->asked++;
	place->number = number;
	place->since_us = talk_now_us();
}

static bool asks_more(const struct talk_options *options,
		      const struct tally *tally)
{
	return !talk_stopped &&
	       (!options->count || tally->asked < options->count);
}

/* Once stopped, what is on its way is awaited still: none is lost by that. */
static bool is_over(const struct talk_options *options,
		    const struct tally *tally)
{
	uint64_t ended = tally->answered + tally->lost + tally->corrupt;

	if (talk_stopped)
		return ended >= tally->asked;
	return options->count && ended >= options->count;
}

int talk_udp_ask(const struct talk_options *options)
{
	struct asked places[TALK_WINDOW_MAX] = {};
	struct pollfd wait = { .fd = connected_socket(options), .events = POLLIN };
	struct tally tally = {};
	struct asked *place;

	talk_ready();
	while (!is_over(options, &tally)) {
		place = asks_more(options, &tally) ?
			free_place(places, options->window) : NULL;
		if (place) {
			ask_one(options, wait.fd, place, &tally);
			talk_pause_us(options->interval_us);
		}
		if (poll(&wait, 1, place ? 0 : 100) > 0) {
			ssize_t n = recv(wait.fd, buffer, sizeof(buffer),
					 MSG_DONTWAIT);

			if (n >= 0)
				take_answer(options, places, &tally, n);
		}
		forget_lost(options, places, &tally);
	}
	printf("{\"asked\": %lu, \"answered\": %lu, \"lost\": %lu, "
	       "\"corrupt\": %lu, \"unexpected\": %lu, \"refused\": %lu}\n",
	       tally.asked, tally.answered, tally.lost, tally.corrupt,
	       tally.unexpected, tally.refused);
	return tally.asked == tally.answered && tally.asked ? 0 : 1;
}

int talk_udp_send(const struct talk_options *options)
{
	int fd = connected_socket(options);
	uint64_t sent = 0, refused = 0;

	while (!talk_stopped &&
	       (!options->count || sent + refused < options->count)) {
		if (send_message(fd, options->size, sent + 1) < 0)
			refused++;
		else
			sent++;
		talk_pause_us(options->interval_us);
	}
	printf("{\"sent\": %lu, \"refused\": %lu}\n", sent, refused);
	return 0;
}

/* Ends after --count messages, or after --timeout-ms without any. */
int talk_udp_sink(const struct talk_options *options)
{
	struct pollfd wait = {
		.fd = talk_bound_socket(options, SOCK_DGRAM), .events = POLLIN,
	};
	uint64_t received = 0, corrupt = 0, bytes = 0, number;

	talk_ready();
	while (!talk_stopped && (!options->count || received < options->count)) {
		ssize_t n;

		if (!poll(&wait, 1, options->timeout_ms) && received)
			break;
		n = recv(wait.fd, buffer, sizeof(buffer), MSG_DONTWAIT);
		if (n < HEADER)
			continue;
		memcpy(&number, buffer, HEADER);
		received++;
		bytes += n;
		corrupt += !talk_check(buffer + HEADER, n - HEADER, number);
	}
	printf("{\"received\": %lu, \"bytes\": %lu, \"corrupt\": %lu}\n",
	       received, bytes, corrupt);
	return 0;
}
