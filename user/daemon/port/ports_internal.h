/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by the files that make up ports.h. */
#ifndef RUBATO_DAEMON_PORT_PORTS_INTERNAL_H
#define RUBATO_DAEMON_PORT_PORTS_INTERNAL_H

#include <netinet/if_ether.h>

#include "ports.h"

struct indices;

struct ports {
	struct ports_config config;
	struct indices *indices;
	struct port_entry *first;
	struct port_entry *leaving;	/* removed; the reaper has them */
	uint32_t count;
	bool tenants[RUBATO_SLOTS];	/* have sockets on uplinks */
	bool tunnels[RUBATO_SLOTS];	/* have tunnels */
	uint32_t nr_tunnels;		/* how many of them do */
};

struct poller *ports_poller(struct ports *ports, uint32_t core);
void ports_grace_period(void);
/* After it, no poller uses what was unpublished before. */
void ports_barrier(struct ports *ports);
void ports_read_drops_of(struct ports *ports, struct source *source);
uint32_t ports_socket_index(const struct port_entry *entry, uint32_t queue,
			    uint32_t slot);

static inline uint32_t ports_max_length(uint64_t mtu)
{
	uint64_t length = mtu + ETH_HLEN + PORT_VLAN_ROOM;

	return length < QUEUE_FRAME_MAX ? length : QUEUE_FRAME_MAX;
}

/* routes.c: brings what is installed in line with what the port claims. */
int ports_sync_routes(struct ports *ports, struct port_entry *entry,
		      struct rubato_error *error);
/* Gives pollers a table of all ports' routes; -ENOMEM: the old one stays. */
int ports_publish_routes(struct ports *ports);
void ports_clear_routes(struct ports *ports, struct port_entry *entry);

/* tenant_sockets.c: a socket for a tenant on every queue of every uplink. */
int ports_open_tenant(struct ports *ports, uint32_t slot,
		      struct rubato_error *error);
int ports_open_all_tenants(struct ports *ports, struct port_entry *uplink,
			   struct rubato_error *error);

#endif /* RUBATO_DAEMON_PORT_PORTS_INTERNAL_H */
