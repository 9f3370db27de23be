/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Ports by number, as steer metadata names them. The control thread writes
 * entries, pollers read them: an entry is published with release and looked up
 * with acquire, and is cleared before a poller_barrier() on every poller, after
 * which nobody holds it any more.
 */
#ifndef RUBATO_DAEMON_PORT_TABLE_H
#define RUBATO_DAEMON_PORT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../../xdp/steer.h"
#include "queue.h"

/* What pollers need to know of a port. */
struct port {
	uint16_t number;
	uint16_t generation;
	bool uplink;
	uint32_t slot;			/* who owns it; system for uplinks */
	uint8_t mac[6];			/* source of routed frames */
	uint32_t max_length;		/* longest frame it sends */
	bool fix_checksums;		/* its sender cannot be made to */
	struct queue *queues;
	uint32_t nr_queues;
};

struct port_table {
	struct port *entries[STEER_PORTS_MAX];
};

static inline struct port *port_table_find(const struct port_table *table,
					   uint16_t number, uint16_t generation)
{
	struct port *port;

	if (number >= STEER_PORTS_MAX)
		return NULL;
	port = __atomic_load_n(&table->entries[number], __ATOMIC_ACQUIRE);
	return port && port->generation == generation ? port : NULL;
}

static inline void port_table_set(struct port_table *table, uint16_t number,
				  struct port *port)
{
	__atomic_store_n(&table->entries[number], port, __ATOMIC_RELEASE);
}

#endif /* RUBATO_DAEMON_PORT_TABLE_H */
