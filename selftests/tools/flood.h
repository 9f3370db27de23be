/* SPDX-License-Identifier: GPL-2.0 */
/* What the two ways of flooding share: see flood.c. */
#ifndef SELFTESTS_FLOOD_H
#define SELFTESTS_FLOOD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include "flood_frame.h"
#include "moment.h"

#define FLOOD_SIZE_MAX	1472	/* bytes of payload that fit an MTU of 1500 */
#define FLOOD_FLOWS_MAX	60000	/* source ports, from FLOOD_FIRST_PORT on */
#define FLOOD_FIRST_PORT 5000
#define FLOOD_MS_MAX	60000

/* What is sent; all but FLOOD_UDP only with ->wire. */
enum flood_kind {
	FLOOD_UDP,
	FLOOD_ACK,	/* TCP of no connection, without payload */
	FLOOD_ARP,	/* who has this address? */
};

struct flood_options {
	struct sockaddr_storage to[FLOOD_TARGETS_MAX];	/* addresses and port */
	socklen_t to_length;		/* all are of one family */
	uint32_t nr_to;			/* taken in turn */
	uint16_t port;
	uint32_t size;			/* bytes of payload in a datagram */
	uint32_t flows;			/* distinct source ports */
	uint32_t seconds;		/* 0: until a signal */
	uint64_t pps;			/* 0: as fast as possible */
	uint32_t burst;			/* datagrams sent at a time, with ->pps */
	enum flood_kind kind;
	/* With ->wire: target n is on for on_ms of every_ms, from n * shift_ms. */
	uint32_t every_ms;		/* 0: always on */
	uint32_t on_ms;
	uint32_t shift_ms;
	bool idle;
	const char *wire;		/* interface; NULL: through sockets */
	uint8_t wire_mac[6];		/* of the next hop, with ->wire */
};

struct flood_result {
	uint64_t packets;	/* handed to the interface */
	uint64_t errors;	/* refused by the kernel */
};

/* One way of sending. Its state is its own: one flood per process. */
struct flood_sender {
	bool paces;	/* by itself: packets, bursts and all */
	/* 0, or a negative errno after a message on stderr. */
	int (*open)(const struct flood_options *options);
	/*
	 * Sends a batch, or goes on until a signal, and brings @result up to
	 * date. 0, or a negative errno after a message on stderr.
	 */
	int (*send)(struct flood_result *result);
	void (*close)(void);
};

/* sendmmsg(): unprivileged, costs the sender about 1.5 us a packet. */
extern const struct flood_sender flood_sender_socket;
/* XDP live frames: needs root, IPv4 only, costs about 0.4 us a packet. */
extern const struct flood_sender flood_sender_wire;

#endif /* SELFTESTS_FLOOD_H */
