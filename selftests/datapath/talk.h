/* SPDX-License-Identifier: GPL-2.0 */
/* Two ends of a conversation whose every byte is checked: see talk.c. */
#ifndef RUBATO_SELFTESTS_DATAPATH_TALK_H
#define RUBATO_SELFTESTS_DATAPATH_TALK_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define TALK_SIZE_MAX	60000	/* bytes of a message */
#define TALK_WINDOW_MAX	256	/* messages on their way at once */

struct talk_options {
	const char *mode;
	struct sockaddr_storage to;
	socklen_t to_length;
	uint16_t port;
	uint32_t size;		/* bytes of a message */
	uint32_t window;
	uint32_t interval_us;	/* pause between messages; 0: none */
	uint64_t count;		/* messages; 0: until told to stop */
	uint64_t bytes;		/* of a stream */
	uint32_t timeout_ms;	/* a message is lost after this long */
};

/* Set by SIGTERM, SIGINT and the time limit. */
extern volatile bool talk_stopped;

/* Each prints one line of JSON and returns the exit status. */
int talk_udp_echo(const struct talk_options *options);
int talk_udp_ask(const struct talk_options *options);
int talk_udp_send(const struct talk_options *options);
int talk_udp_sink(const struct talk_options *options);
int talk_tcp_echo(const struct talk_options *options);
int talk_tcp_ask(const struct talk_options *options);
int talk_tcp_send(const struct talk_options *options);
int talk_tcp_sink(const struct talk_options *options);

/* A socket bound to options->port on all addresses of both families. */
int talk_bound_socket(const struct talk_options *options, int type);

/* Says that whoever waits for this end may begin. */
void talk_ready(void);

/* The bytes that message @number has behind its first 8, and their check. */
void talk_fill(uint8_t *bytes, size_t length, uint64_t number);
bool talk_check(const uint8_t *bytes, size_t length, uint64_t number);

uint64_t talk_now_us(void);
void talk_pause_us(uint64_t us);

#endif
