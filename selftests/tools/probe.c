// SPDX-License-Identifier: GPL-2.0
/*
 * A victim: asks over UDP by the clock, whether answers come or not.
 *
 *	probe echo --port 7000
 *	probe ask --to 10.9.1.2 --port 7000 --rate 2000 --seconds 3
 *
 * Question n is due at start + n / rate. Its latency is counted from then, not from
 * when it was really sent: a sender that was held up adds to what it measures
 * instead of leaving it out (coordinated omission). So that the processor that
 * all programs here share is not what is measured, --realtime runs SCHED_FIFO.
 *
 * ask prints one line of JSON: counts, and percentiles of all answered questions,
 * exact, not of a histogram; with --window-ms also the percentile 99 of each such
 * stretch of time (-1: nothing was answered). A question without an answer a
 * second after the last was due is lost.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "moment.h"

#define GRACE_NS	NS_PER_S	/* for answers to the last questions */
#define MESSAGE_BYTES	32
#define LOST		UINT64_MAX
#define RATE_MOST	100000
#define SECONDS_MOST	600

struct question {
	uint64_t number;
	uint64_t reserved[MESSAGE_BYTES / sizeof(uint64_t) - 1];
};

struct options {
	struct sockaddr_in to;
	uint32_t rate;		/* questions per second */
	uint32_t seconds;
	uint32_t window_ms;	/* 0: none */
	bool realtime;
};

struct run {
	int fd;
	uint64_t interval_ns;
	uint64_t start_ns;
	uint64_t total;		/* questions */
	uint64_t sent;
	uint64_t refused;	/* by the kernel: not sent, counted as lost */
	uint64_t answered;
	uint64_t late_ns;	/* the most that one was sent too late */
	uint64_t *latency_ns;	/* by question, or LOST */
};

static volatile sig_atomic_t stopped;

static void stop(int signal_number)
{
	(void)signal_number;
	stopped = 1;
}

static void usage(FILE *out)
{
	fputs("Usage: probe echo [--port N] [--realtime]\n"
	      "       probe ask --to ADDRESS [--port N] [--rate N] [--seconds N]\n"
	      "                 [--window-ms N] [--realtime]\n"
	      "  --port N       UDP port (7000)\n"
	      "  --rate N       questions per second (2000)\n"
	      "  --seconds N    how long to ask (1)\n"
	      "  --window-ms N  print percentile 99 of each N ms, too\n"
	      "  --realtime     run SCHED_FIFO\n", out);
}

/* Answers until SIGTERM. */
static int echo(const struct options *options)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char message[2048];

	any.sin_port = options->to.sin_port;
	if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any))) {
		perror("probe: echo");
		return 1;
	}
	while (!stopped) {
		struct sockaddr_in from;
		socklen_t length = sizeof(from);
		ssize_t size = recvfrom(fd, message, sizeof(message), 0,
					(struct sockaddr *)&from, &length);

		if (size >= 0)
			sendto(fd, message, size, 0, (struct sockaddr *)&from, length);
	}
	return 0;
}

static uint64_t due_ns(const struct run *run, uint64_t number)
{
	return run->start_ns + number * run->interval_ns;
}

/* All that is due: a sender that was held up sends everything that it owes. */
static void send_due(struct run *run)
{
	uint64_t now = now_ns();

	while (run->sent < run->total && due_ns(run, run->sent) <= now) {
		struct question question = { .number = run->sent };
		uint64_t late = now - due_ns(run, run->sent);

		if (late > run->late_ns)
			run->late_ns = late;
		if (send(run->fd, &question, sizeof(question), MSG_DONTWAIT) < 0)
			run->refused++;
		run->sent++;
	}
}

static void receive(struct run *run)
{
	struct question answer;

	while (recv(run->fd, &answer, sizeof(answer), MSG_DONTWAIT) ==
	       sizeof(answer)) {
		if (answer.number >= run->sent ||
		    run->latency_ns[answer.number] != LOST)
			continue;
		run->latency_ns[answer.number] =
			now_ns() - due_ns(run, answer.number);
		run->answered++;
	}
}

/* Until an answer comes or the next question is due. */
static void wait_for(const struct run *run, uint64_t until_ns)
{
	struct pollfd fds = { .fd = run->fd, .events = POLLIN };
	uint64_t now = now_ns();
	uint64_t ns = until_ns > now ? until_ns - now : 0;
	struct timespec timeout = { ns / NS_PER_S, ns % NS_PER_S };

	ppoll(&fds, 1, &timeout, NULL);
}

static void ask_all(struct run *run)
{
	uint64_t end_ns = due_ns(run, run->total) + GRACE_NS;

	while (!stopped && now_ns() < end_ns && run->answered < run->total) {
		send_due(run);
		receive(run);
		wait_for(run, run->sent < run->total ? due_ns(run, run->sent) :
						       end_ns);
	}
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Sorts and moves what was LOST to the end; how many were not. */
static uint64_t sort(uint64_t *latency_ns, uint64_t count)
{
	qsort(latency_ns, count, sizeof(*latency_ns), compare);
	while (count && latency_ns[count - 1] == LOST)
		count--;
	return count;
}

/* The least value that a share @per_mille of all is not above; -1: none. */
static double percentile_us(const uint64_t *sorted_ns, uint64_t count,
			    uint32_t per_mille)
{
	uint64_t rank = (count * per_mille + 999) / 1000;

	if (!count)
		return -1;
	return sorted_ns[rank ? rank - 1 : 0] / 1e3;
}

/* Before all is sorted: each window is in the order of asking. */
static void print_windows(const struct run *run, uint32_t window_ms)
{
	uint64_t each = window_ms * 1000000ULL / run->interval_ns;
	uint64_t copy[each ? each : 1];

	printf(", \"window_ms\": %u, \"windows_p99_us\": [", window_ms);
	for (uint64_t first = 0; each && first + each <= run->sent; first += each) {
		memcpy(copy, &run->latency_ns[first], sizeof(copy));
		printf("%s%.1f", first ? ", " : "",
		       percentile_us(copy, sort(copy, each), 990));
	}
	printf("]");
}

static void report(struct run *run, uint32_t window_ms)
{
	uint64_t *ns = run->latency_ns, count;

	printf("{\"sent\": %lu, \"answered\": %lu, \"refused\": %lu, "
	       "\"lost_share\": %.6f, \"late_us\": %.1f",
	       run->sent, run->answered, run->refused,
	       run->sent ? 1 - run->answered / (double)run->sent : 0,
	       run->late_ns / 1e3);
	if (window_ms)
		print_windows(run, window_ms);
	count = sort(ns, run->sent);
	printf(", \"p50_us\": %.1f, \"p90_us\": %.1f, \"p99_us\": %.1f, "
	       "\"p999_us\": %.1f, \"max_us\": %.1f}\n",
	       percentile_us(ns, count, 500), percentile_us(ns, count, 900),
	       percentile_us(ns, count, 990), percentile_us(ns, count, 999),
	       percentile_us(ns, count, 1000));
}

static int ask(const struct options *options)
{
	struct run run = {
		.interval_ns = NS_PER_S / options->rate,
		.total = (uint64_t)options->rate * options->seconds,
		.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0),
	};

	run.latency_ns = malloc(run.total * sizeof(*run.latency_ns));
	if (!run.latency_ns) {
		fputs("probe: no memory\n", stderr);
		return 1;
	}
	/* Every byte LOST; touched before the clock starts. */
	memset(run.latency_ns, 0xff, run.total * sizeof(*run.latency_ns));
	if (run.fd < 0 || connect(run.fd, (struct sockaddr *)&options->to,
				  sizeof(options->to))) {
		perror("probe: ask");
		return 1;
	}
	run.start_ns = now_ns();
	ask_all(&run);
	report(&run, options->window_ms);
	free(run.latency_ns);
	return run.answered ? 0 : 1;
}

static bool number(const char *text, uint32_t most, uint32_t *value)
{
	char *end;
	unsigned long parsed;

	errno = 0;
	parsed = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || !parsed || parsed > most) {
		fprintf(stderr, "probe: '%s': a number from 1 to %u\n", text, most);
		return false;
	}
	*value = parsed;
	return true;
}

static bool parse_option(struct options *options, int key, const char *text)
{
	uint32_t port;

	switch (key) {
	case 't':
		return inet_pton(AF_INET, text, &options->to.sin_addr) == 1;
	case 'p':
		if (!number(text, UINT16_MAX, &port))
			return false;
		options->to.sin_port = htons(port);
		return true;
	case 'r':
		return number(text, RATE_MOST, &options->rate);
	case 's':
		return number(text, SECONDS_MOST, &options->seconds);
	case 'w':
		return number(text, 1000, &options->window_ms);
	case 'f':
		options->realtime = true;
		return true;
	default:
		return false;
	}
}

static bool parse(struct options *options, int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "to", required_argument, NULL, 't' },
		{ "port", required_argument, NULL, 'p' },
		{ "rate", required_argument, NULL, 'r' },
		{ "seconds", required_argument, NULL, 's' },
		{ "window-ms", required_argument, NULL, 'w' },
		{ "realtime", no_argument, NULL, 'f' },
		{}
	};
	int key;

	while ((key = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		if (!parse_option(options, key, optarg))
			return false;
	return optind == argc - 1;
}

int main(int argc, char **argv)
{
	struct options options = {
		.to = { .sin_family = AF_INET, .sin_port = htons(7000) },
		.rate = 2000,
		.seconds = 1,
	};
	struct sched_param param = { .sched_priority = 1 };
	struct sigaction action = { .sa_handler = stop };	/* interrupts calls */
	bool asks;

	if (!parse(&options, argc, argv)) {
		usage(stderr);
		return 2;
	}
	asks = !strcmp(argv[optind], "ask");
	if ((!asks && strcmp(argv[optind], "echo")) ||
	    (asks && !options.to.sin_addr.s_addr)) {
		usage(stderr);
		return 2;
	}
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	if (options.realtime && (mlockall(MCL_CURRENT | MCL_FUTURE) ||
				 sched_setscheduler(0, SCHED_FIFO, &param))) {
		perror("probe: --realtime");
		return 1;
	}
	return asks ? ask(&options) : echo(&options);
}
