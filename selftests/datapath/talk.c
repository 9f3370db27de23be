// SPDX-License-Identifier: GPL-2.0
/*
 * Two ends of a conversation whose every byte is checked.
 *
 *	talk udp-echo --port 7000
 *	talk udp-ask --to 10.9.1.2 --port 7000 --count 2000 --window 16
 *
 * An end that waits to be spoken to prints `ready PID` when it can be reached.
 * Every end prints one line of JSON with its counts when it is done, when it is
 * told to stop by SIGTERM, or when --seconds are over.
 *
 * Askers keep at most --window messages on their way, so that no queue on the
 * way can run over however slow the machine is: a message that is lost was
 * lost for another reason.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "talk.h"

#define SECONDS_DEFAULT	60

volatile bool talk_stopped;

static const struct {
	const char *name;
	int (*run)(const struct talk_options *options);
	bool wants_address;
} modes[] = {
	{ "udp-echo", talk_udp_echo, false },
	{ "udp-ask", talk_udp_ask, true },
	{ "udp-send", talk_udp_send, true },
	{ "udp-sink", talk_udp_sink, false },
	{ "tcp-echo", talk_tcp_echo, false },
	{ "tcp-ask", talk_tcp_ask, true },
	{ "tcp-send", talk_tcp_send, true },
	{ "tcp-sink", talk_tcp_sink, false },
};

uint64_t talk_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000ULL + now.tv_nsec / 1000;
}

void talk_pause_us(uint64_t us)
{
	struct timespec pause = {
		.tv_sec = us / 1000000,
		.tv_nsec = us % 1000000 * 1000,
	};

	if (us)
		nanosleep(&pause, NULL);
}

void talk_ready(void)
{
	printf("ready %d\n", getpid());
	fflush(stdout);
}

/* Differs from byte to byte, from word to word and from message to message. */
static uint8_t pattern(size_t place, uint64_t number)
{
	uint64_t x = (number << 20 | place) * 0x9e3779b97f4a7c15ULL;

	return x >> 56;
}

void talk_fill(uint8_t *bytes, size_t length, uint64_t number)
{
	for (size_t i = 0; i < length; i++)
		bytes[i] = pattern(i, number);
}

bool talk_check(const uint8_t *bytes, size_t length, uint64_t number)
{
	for (size_t i = 0; i < length; i++)
		if (bytes[i] != pattern(i, number))
			return false;
	return true;
}

int talk_bound_socket(const struct talk_options *options, int type)
{
	struct sockaddr_in6 any = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(options->port),
		.sin6_addr = in6addr_any,
	};
	int off = 0, on = 1, room = 4 << 20;
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		goto failed;
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	if (!bind(fd, (struct sockaddr *)&any, sizeof(any)))
		return fd;
failed:
	fprintf(stderr, "talk: port %u: %s\n", options->port, strerror(errno));
	exit(1);
}

static void stop(int signal_number)
{
	(void)signal_number;
	talk_stopped = true;
}

/* Without SA_RESTART: whatever blocks returns, and the end can report. */
static void catch_signals(void)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGALRM };
	struct sigaction action = { .sa_handler = stop };

	for (size_t i = 0; i < 3; i++)
		sigaction(signals[i], &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void usage(void)
{
	fputs("Usage: talk MODE [--to ADDRESS] [--port N] [--count N] [--size N]\n"
	      "            [--window N] [--interval-us N] [--bytes N]\n"
	      "            [--timeout-ms N] [--seconds N]\n"
	      "MODE: udp-echo udp-ask udp-send udp-sink\n"
	      "      tcp-echo tcp-ask tcp-send tcp-sink\n", stderr);
	exit(2);
}

static uint64_t number(const char *text, uint64_t least, uint64_t most)
{
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (!errno && end != text && !*end && *text != '-' && value >= least &&
	    value <= most)
		return value;
	fprintf(stderr, "talk: %s: a number from %lu to %lu is wanted\n", text,
		least, most);
	exit(2);
}

static void parse_address(struct talk_options *options, const char *text)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&options->to;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&options->to;

	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		options->to_length = sizeof(*in);
	} else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		options->to_length = sizeof(*in6);
	} else {
		fprintf(stderr, "talk: %s: not an address\n", text);
		exit(2);
	}
}

static const struct option long_options[] = {
	{ "to", required_argument, NULL, 't' },
	{ "port", required_argument, NULL, 'p' },
	{ "count", required_argument, NULL, 'c' },
	{ "size", required_argument, NULL, 's' },
	{ "window", required_argument, NULL, 'w' },
	{ "interval-us", required_argument, NULL, 'i' },
	{ "bytes", required_argument, NULL, 'b' },
	{ "timeout-ms", required_argument, NULL, 'o' },
	{ "seconds", required_argument, NULL, 'd' },
	{}
};

static void parse_one(struct talk_options *options, int key, const char *text)
{
	switch (key) {
	case 't': parse_address(options, text); break;
	case 'p': options->port = number(text, 1, 65535); break;
	case 'c': options->count = number(text, 0, UINT64_MAX); break;
	case 's': options->size = number(text, 8, TALK_SIZE_MAX); break;
	case 'w': options->window = number(text, 1, TALK_WINDOW_MAX); break;
	case 'i': options->interval_us = number(text, 0, 10000000); break;
	case 'b': options->bytes = number(text, 1, UINT64_MAX); break;
	case 'o': options->timeout_ms = number(text, 1, 600000); break;
	case 'd': alarm(number(text, 1, 3600)); break;
	default: usage();
	}
}

int main(int argc, char **argv)
{
	struct talk_options options = {
		.port = 7000, .size = 64, .window = 1, .timeout_ms = 3000,
		.bytes = 1 << 20,
	};
	int key;

	catch_signals();
	alarm(SECONDS_DEFAULT);
	while ((key = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		parse_one(&options, key, optarg);
	if (optind != argc - 1)
		usage();
	/* sin_port and sin6_port lie at the same place. */
	((struct sockaddr_in *)&options.to)->sin_port = htons(options.port);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strcmp(argv[optind], modes[i].name) &&
		    modes[i].wants_address == !!options.to_length)
			return modes[i].run(&options);
	usage();
}
