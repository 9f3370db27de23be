// SPDX-License-Identifier: GPL-2.0
/*
 * Flooding through UDP sockets with sendmmsg(): one socket for each flow, and at
 * least one for each target.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "flood.h"

#define BATCH 64	/* datagrams per call of flood_socket_send() */

static const struct flood_options *options;
static int *sockets;
static uint32_t nr_sockets;
static uint32_t next_socket;
static struct mmsghdr messages[BATCH];
static struct iovec vector;
static char payload[FLOOD_SIZE_MAX];

static void prepare_messages(void)
{
	vector.iov_base = payload;
	vector.iov_len = options->size;
	for (int i = 0; i < BATCH; i++)
		messages[i].msg_hdr = (struct msghdr) {
			.msg_iov = &vector,
			.msg_iovlen = 1,
		};
}

static int flood_socket_open(const struct flood_options *wanted)
{
	struct rlimit files = { FLOOD_FLOWS_MAX + 64, FLOOD_FLOWS_MAX + 64 };

	options = wanted;
	nr_sockets = wanted->flows > wanted->nr_to ? wanted->flows : wanted->nr_to;
	setrlimit(RLIMIT_NOFILE, &files);
	sockets = calloc(nr_sockets, sizeof(*sockets));
	if (!sockets)
		return -ENOMEM;

	for (uint32_t i = 0; i < nr_sockets; i++) {
		const struct sockaddr *to =
			(const struct sockaddr *)&wanted->to[i % wanted->nr_to];
		int fd = socket(to->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

		if (fd < 0 || connect(fd, to, options->to_length)) {
			perror("flood: socket");
			return -errno;
		}
		sockets[i] = fd;
	}
	prepare_messages();
	return 0;
}

/*
 * One socket: one call for the whole batch. Many: each its part, so that their
 * packets come mixed. A refused datagram (an ICMP error that came back,
 * a full queue) is counted and is no reason to stop.
 */
static int flood_socket_send(struct flood_result *result)
{
	uint32_t calls = nr_sockets < BATCH ? nr_sockets : BATCH;
	uint32_t each = BATCH / calls;

	for (uint32_t i = 0; i < calls; i++) {
		int sent = sendmmsg(sockets[next_socket], messages, each, 0);

		if (++next_socket == nr_sockets)
			next_socket = 0;
		if (sent > 0)
			result->packets += sent;
		else
			result->errors += each;
	}
	return 0;
}

static void flood_socket_close(void)
{
	for (uint32_t i = 0; i < nr_sockets; i++)
		close(sockets[i]);
	free(sockets);
}

const struct flood_sender flood_sender_socket = {
	.open = flood_socket_open,
	.send = flood_socket_send,
	.close = flood_socket_close,
};
