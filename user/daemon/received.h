/* SPDX-License-Identifier: GPL-2.0 */
/* A frame in the poller's hands, and what is known of it. */
#ifndef RUBATO_DAEMON_RECEIVED_H
#define RUBATO_DAEMON_RECEIVED_H

#include "frame.h"

struct port;

enum frame_way {
	FRAME_PLAIN,		/* no tunnel has to do with it */
	FRAME_ENTERS,		/* a tunnel of the sender's */
	FRAME_ARRIVES,		/* by a tunnel of the receiver's */
};

struct received {
	uint64_t address;		/* in the queue's UMEM */
	uint8_t *bytes;
	uint32_t length;
	uint32_t slot;			/* who pays */
	enum frame_way way;
	bool network_found;
	struct frame_network network;
	const struct port *out;		/* NULL: nowhere, or not known yet */
};

#endif /* RUBATO_DAEMON_RECEIVED_H */
