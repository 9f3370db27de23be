// SPDX-License-Identifier: GPL-2.0
/*
 * An aggressor: floods an address with UDP datagrams from one thread.
 *
 *	flood --to 10.9.2.2 --size 18 --flows 4096 --seconds 5 --idle
 *
 * prints one line of JSON when it ends (time over, SIGTERM or SIGINT). With more
 * than one --to the addresses are taken in turn, packet by packet.
 *
 * A flood that comes in from a wire costs the machine under attack nothing to
 * make; one that is made on the same machine takes processor time from all that
 * runs there. Two things keep that small. --idle runs it SCHED_IDLE: it takes
 * only time that nobody else wants. --wire sends ready-made frames through XDP,
 * past the sender's stack, for a tenth of the cost of sockets.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "flood.h"

static volatile sig_atomic_t stopped;

static void stop(int signal_number)
{
	(void)signal_number;
	stopped = 1;
}

static void usage(FILE *out)
{
	fputs("Usage: flood --to ADDRESS [OPTION]...\n"
	      "  --to ADDRESS   IPv4 or IPv6 address; may be given up to 64 times\n"
	      "  --port N       destination port (7777)\n"
	      "  --size N       bytes of payload in a datagram (18)\n"
	      "  --flows N      distinct source ports, used in turn (1)\n"
	      "  --pps N        datagrams per second; 0: as fast as possible (0)\n"
	      "  --burst N      with --pps: datagrams sent at a time, at least 64\n"
	      "                 unless --wire (64)\n"
	      "  --seconds N    0: until SIGTERM or SIGINT (0)\n"
	      "  --idle         run SCHED_IDLE\n"
	      "  --wire IFACE --mac MAC\n"
	      "                 send by XDP out of IFACE to the next hop MAC\n"
	      "And with --wire:\n"
	      "  --kind KIND    udp, ack (TCP without payload) or arp (udp)\n"
	      "  --every-ms N --on-ms N --shift-ms N\n"
	      "                 flood address i (from 0) for `on' ms of `every' ms, from\n"
	      "                 i times `shift' ms on; what it is not sent nobody gets\n", out);
}

static int number(const char *name, const char *text, uint64_t min, uint64_t max,
		  uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' ||
	    *value < min || *value > max) {
		fprintf(stderr, "flood: --%s %s: a number from %ju to %ju\n",
			name, text, (uintmax_t)min, (uintmax_t)max);
		return -EINVAL;
	}
	return 0;
}

static int parse_address(struct flood_options *options, const char *text)
{
	struct sockaddr_storage *to = &options->to[options->nr_to];
	socklen_t length;

	if (options->nr_to == FLOOD_TARGETS_MAX) {
		fprintf(stderr, "flood: --to %s: at most %d addresses\n", text,
			FLOOD_TARGETS_MAX);
		return -E2BIG;
	}
	if (inet_pton(AF_INET, text, &((struct sockaddr_in *)to)->sin_addr) == 1) {
		to->ss_family = AF_INET;
		length = sizeof(struct sockaddr_in);
	} else if (inet_pton(AF_INET6, text,
			     &((struct sockaddr_in6 *)to)->sin6_addr) == 1) {
		to->ss_family = AF_INET6;
		length = sizeof(struct sockaddr_in6);
	} else {
		fprintf(stderr, "flood: --to %s: not an IPv4 or IPv6 address\n", text);
		return -EINVAL;
	}
	if (options->nr_to++ && length != options->to_length) {
		fprintf(stderr, "flood: --to %s: IPv4 and IPv6 do not mix\n", text);
		return -EINVAL;
	}
	options->to_length = length;
	return 0;
}

static int parse_mac(struct flood_options *options, const char *text)
{
	uint8_t *mac = options->wire_mac;

	if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2,
		   mac + 3, mac + 4, mac + 5) == 6)
		return 0;
	fprintf(stderr, "flood: --mac %s: six bytes like 02:00:00:00:00:01\n", text);
	return -EINVAL;
}

static int parse_kind(struct flood_options *options, const char *text)
{
	static const char *const kinds[] = {
		[FLOOD_UDP] = "udp", [FLOOD_ACK] = "ack", [FLOOD_ARP] = "arp",
	};

	for (int kind = FLOOD_UDP; kind <= FLOOD_ARP; kind++) {
		if (strcmp(text, kinds[kind]))
			continue;
		options->kind = kind;
		return 0;
	}
	fprintf(stderr, "flood: --kind %s: udp, ack or arp\n", text);
	return -EINVAL;
}

/* Only ready-made frames can be more than datagrams, and come in turns. */
static int check(const struct flood_options *options)
{
	uint64_t last_ms = (uint64_t)options->shift_ms * (options->nr_to - 1);

	if (!options->wire && (options->kind || options->every_ms || !options->size)) {
		fputs("flood: --kind, --every-ms and --size 0 need --wire\n", stderr);
		return -EINVAL;
	}
	if (options->every_ms && (options->on_ms > options->every_ms ||
				  last_ms >= options->every_ms)) {
		fputs("flood: --on-ms and all shifts must fit --every-ms\n", stderr);
		return -EINVAL;
	}
	return 0;
}

static const struct option long_options[] = {
	{ "to", required_argument, NULL, 't' },
	{ "port", required_argument, NULL, 'p' },
	{ "size", required_argument, NULL, 's' },
	{ "flows", required_argument, NULL, 'f' },
	{ "pps", required_argument, NULL, 'r' },
	{ "burst", required_argument, NULL, 'b' },
	{ "seconds", required_argument, NULL, 'd' },
	{ "idle", no_argument, NULL, 'i' },
	{ "wire", required_argument, NULL, 'w' },
	{ "mac", required_argument, NULL, 'm' },
	{ "kind", required_argument, NULL, 'k' },
	{ "every-ms", required_argument, NULL, 'e' },
	{ "on-ms", required_argument, NULL, 'o' },
	{ "shift-ms", required_argument, NULL, 'x' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 }
};

static int parse_number(struct flood_options *options, int key, const char *text)
{
	uint64_t value = 0;
	int error = -EINVAL;

	switch (key) {
	case 'p':
		error = number("port", text, 1, 65535, &value);
		options->port = htons(value);
		break;
	case 's':
		error = number("size", text, 0, FLOOD_SIZE_MAX, &value);
		options->size = value;
		break;
	case 'f':
		error = number("flows", text, 1, FLOOD_FLOWS_MAX, &value);
		options->flows = value;
		break;
	case 'r':
		error = number("pps", text, 0, NS_PER_S, &value);
		options->pps = value;
		break;
	case 'b':
		error = number("burst", text, 1, 1000000, &value);
		options->burst = value;
		break;
	case 'd':
		error = number("seconds", text, 0, UINT_MAX, &value);
		options->seconds = value;
		break;
	case 'e':
		error = number("every-ms", text, 1, FLOOD_MS_MAX, &value);
		options->every_ms = value;
		break;
	case 'o':
		error = number("on-ms", text, 1, FLOOD_MS_MAX, &value);
		options->on_ms = value;
		break;
	case 'x':
		error = number("shift-ms", text, 0, FLOOD_MS_MAX, &value);
		options->shift_ms = value;
		break;
	}
	return error;
}

static int parse_option(struct flood_options *options, int key, const char *text)
{
	switch (key) {
	case 't':
		return parse_address(options, text);
	case 'm':
		return parse_mac(options, text);
	case 'k':
		return parse_kind(options, text);
	case 'w':
		options->wire = text;
		return 0;
	case 'i':
		options->idle = true;
		return 0;
	case 'h':
		usage(stdout);
		exit(0);
	case '?':
		return -EINVAL;
	default:
		return parse_number(options, key, text);
	}
}

static int parse(struct flood_options *options, int argc, char **argv)
{
	int key, error = 0;

	while (!error && (key = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		error = parse_option(options, key, optarg);
	if (error)
		return error;
	if (optind < argc || !options->nr_to) {
		usage(stderr);
		return -EINVAL;
	}
	/* sin_port and sin6_port lie at the same place. */
	for (uint32_t i = 0; i < options->nr_to; i++)
		((struct sockaddr_in *)&options->to[i])->sin_port = options->port;
	return check(options);
}

/* Sleeps until @packets are due; a sender that is late stays late. */
static void pace(uint64_t packets, uint64_t pps, uint64_t *due_ns)
{
	uint64_t now = now_ns();
	struct timespec until;

	*due_ns += packets * NS_PER_S / pps;
	if (*due_ns < now) {
		*due_ns = now;
		return;
	}
	until.tv_sec = *due_ns / NS_PER_S;
	until.tv_nsec = *due_ns % NS_PER_S;
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

/* Returns the nanoseconds that it took. */
static uint64_t run(const struct flood_options *options,
		    const struct flood_sender *sender, struct flood_result *result)
{
	uint64_t start = now_ns(), due_ns = start, before = 0, sent;

	alarm(options->seconds);
	while (!stopped && !sender->send(result)) {
		sent = result->packets + result->errors - before;
		if (!options->pps || sender->paces || sent < options->burst)
			continue;
		pace(sent, options->pps, &due_ns);
		before += sent;
	}
	return now_ns() - start;
}

static void report(const struct flood_options *options,
		   const struct flood_result *result, uint64_t elapsed_ns)
{
	double seconds = elapsed_ns / (double)NS_PER_S;

	printf("{\"packets\": %ju, \"errors\": %ju, \"seconds\": %.3f, "
	       "\"pps\": %.0f, \"size\": %u, \"flows\": %u}\n",
	       (uintmax_t)result->packets, (uintmax_t)result->errors, seconds,
	       seconds > 0 ? result->packets / seconds : 0,
	       options->size, options->flows);
}

int main(int argc, char **argv)
{
	static struct flood_options options = { .size = 18, .flows = 1, .burst = 64 };
	const struct flood_sender *sender;
	struct sched_param param = { 0 };
	struct flood_result result = { 0 };
	uint64_t elapsed_ns;

	options.port = htons(7777);
	if (parse(&options, argc, argv))
		return 1;
	if (options.idle && sched_setscheduler(0, SCHED_IDLE, &param)) {
		perror("flood: SCHED_IDLE");
		return 1;
	}
	sender = options.wire ? &flood_sender_wire : &flood_sender_socket;
	if (sender->open(&options))
		return 1;
	signal(SIGTERM, stop);
	signal(SIGINT, stop);
	signal(SIGALRM, stop);

	elapsed_ns = run(&options, sender, &result);
	sender->close();
	report(&options, &result, elapsed_ns);
	return result.packets ? 0 : 1;
}
