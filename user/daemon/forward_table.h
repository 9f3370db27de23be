/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where frames go: the steer program's routes once more, for the pollers. A
 * table never changes. The control thread builds a new one, publishes it, lets
 * every poller pass a barrier and frees the old one; pollers load the pointer
 * once per batch.
 */
#ifndef RUBATO_DAEMON_FORWARD_TABLE_H
#define RUBATO_DAEMON_FORWARD_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "host/veth.h"

struct port;
struct forward_table;

struct forward_route {
	struct host_address prefix;
	struct port *port;		/* leaves by */
	uint32_t slot;			/* who receives; system: an uplink */
	uint8_t mac[6];			/* of the container's end; or zero */
	uint8_t source_mac[6];		/* of that port */
};

/* A table of these routes, no two of the same prefix; NULL: out of memory. */
struct forward_table *forward_table_new(const struct forward_route *routes,
					uint32_t nr_routes);
void forward_table_free(struct forward_table *table);

/*
 * The longest prefix that @address is in, or NULL. @address has 4 or 16 bytes
 * in network order. One hash look-up for each length of prefix in the table,
 * longest first: a container's own address is found at once.
 */
const struct forward_route *forward_table_find(const struct forward_table *table,
					       bool ipv6,
					       const uint8_t *address);

#endif /* RUBATO_DAEMON_FORWARD_TABLE_H */
