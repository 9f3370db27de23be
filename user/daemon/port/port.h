/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What pollers need to know of a port. The control thread makes it and takes
 * it away; pollers come to it through the forwarding table, so it may go once
 * no table names it and every poller has passed a barrier.
 */
#ifndef RUBATO_DAEMON_PORT_PORT_H
#define RUBATO_DAEMON_PORT_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "queue.h"

/* Two VLAN tags may come on top of what the MTU counts. */
#define PORT_VLAN_ROOM	8

struct port {
	bool uplink;
	bool owned;			/* all it sends is ->slot's */
	uint32_t slot;			/* who owns it; system for uplinks */
	uint32_t max_length;		/* longest frame it sends */
	bool fix_checksums;		/* its sender cannot be made to */
	struct queue *queues;
	uint32_t nr_queues;
};

#endif /* RUBATO_DAEMON_PORT_PORT_H */
