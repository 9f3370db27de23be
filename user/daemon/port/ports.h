/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Ports, as the control thread keeps them: what they are, what they claim,
 * and their way into and out of the hands of the pollers.
 *
 *   add:   attach XDP -> bind queues -> hand to pollers -> number in the table
 *          -> sockets, port and routes into the steer maps (traffic comes)
 *   del:   the same backwards; what takes RCU grace periods is the reaper's
 *
 * Control thread only.
 */
#ifndef RUBATO_DAEMON_PORT_PORTS_H
#define RUBATO_DAEMON_PORT_PORTS_H

#include <stdbool.h>
#include <stdint.h>

#include "../host/veth.h"
#include "../poller.h"
#include "../reaper.h"
#include "../steer.h"
#include "port.h"

#define PORT_PREFIXES_MAX	64

enum port_kind {
	PORT_UPLINK,
	PORT_VETH,
};

struct ports_config {
	struct steer *steer;
	struct reaper *reaper;
	struct poller *pollers;
	uint32_t nr_pollers;
	struct forward_table **forward;	/* what pollers look at */
	struct rubato_ledger *ledger;
	struct nl_sock *ask;		/* rtnetlink, for questions */
	bool predecessor;		/* one before us may still let go */
	uint32_t veth_chunks;		/* UMEM of a veth port */
	uint32_t uplink_chunks;		/* UMEM of each uplink queue */
	uint32_t tenant_ring;		/* RX ring of a tenant on an uplink */
	uint32_t system_ring;		/* RX ring of system, and of `fifo` */
};

struct ports;

/* What somebody asked for. */
struct port_request {
	const char *ifname;
	int ifindex;
	enum port_kind kind;
	uint32_t slot;			/* owner; system for a shared uplink */
	bool owned;
	bool by_hand;			/* `port add`, not found by its cgroup */
	bool generic;			/* XDP mode asked for */
	bool native;
	const struct host_address *prefixes;
	uint32_t nr_prefixes;
};

/* To be read by reports. */
struct port_entry {
	struct port port;		/* what pollers see */
	struct port_entry *next;
	struct reaper_work work;
	struct ports *ports;
	char ifname[IF_NAMESIZE];
	int ifindex;
	enum port_kind kind;
	bool by_hand;
	struct steer_mode mode;
	struct steer_attachment *attachment;
	struct steer_port steer_port;
	struct veth veth;		/* PORT_VETH */
	struct host_address prefixes[PORT_PREFIXES_MAX];	/* given */
	uint32_t nr_prefixes;
	struct host_address routes[PORT_PREFIXES_MAX + HOST_ADDRESSES_MAX];
	uint32_t nr_routes;		/* installed */
	uint32_t nr_not_claimed;	/* addresses that lead elsewhere */
	uint64_t mtu;
};

struct ports *ports_new(const struct ports_config *config,
			struct rubato_error *error);

/* Removes all ports and waits for that. */
void ports_free(struct ports *ports);

/*
 * Adds an uplink or a veth port. 0, or -EEXIST (already a port), -EBUSY (its
 * queue is taken), -ENOSPC, or what the kernel said, with a reason.
 */
int ports_add_uplink(struct ports *ports, const struct port_request *request,
		     const struct uplink_info *info,
		     struct rubato_error *error);
int ports_add_veth(struct ports *ports, const struct port_request *request,
		   const struct veth *veth, struct rubato_error *error);

/* Takes effect at once; its sockets are closed by and by. */
void ports_remove(struct ports *ports, struct port_entry *entry);

struct port_entry *ports_find(struct ports *ports, const char *ifname);
struct port_entry *ports_find_ifindex(struct ports *ports, int ifindex);

/* The container's addresses, MAC or bridge changed. */
void ports_update_veth(struct ports *ports, struct port_entry *entry,
		       const struct veth *veth);
void ports_update_uplink(struct ports *ports, struct port_entry *entry,
			 const struct uplink_info *info);

/*
 * Looks once more at addresses that were not claimed because the host's routes
 * led elsewhere: routes may come after containers. At leisure.
 */
void ports_reconsider(struct ports *ports);

/* The tenant has tunnels, or none any more: XDP looks for them at its ports. */
void ports_set_tunnels(struct ports *ports, uint32_t slot, bool has);

/* The poller computes checksums for what comes in here. */
void ports_set_fix_checksums(struct ports *ports, struct port_entry *entry,
			     bool fix);

/*
 * A tenant goes: ports that were given to it by hand fall to system, its
 * sockets on uplinks are closed; then done(context, slot, generation).
 */
int ports_release_tenant(struct ports *ports, uint32_t slot,
			 uint32_t generation,
			 void (*done)(void *context, uint32_t slot,
				      uint32_t generation), void *context);

/* Copies what the kernel dropped at full RX rings into the ledger. */
void ports_read_ring_drops(struct ports *ports);

struct port_entry *ports_first(struct ports *ports);	/* then ->next */
uint32_t ports_count(const struct ports *ports);

#endif /* RUBATO_DAEMON_PORT_PORTS_H */
