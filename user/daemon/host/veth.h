/* SPDX-License-Identifier: GPL-2.0 */
/* A veth pair of a container, from both ends; and the daemon's uplinks. */
#ifndef RUBATO_HOST_VETH_H
#define RUBATO_HOST_VETH_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include "lib/error.h"

#define HOST_ADDRESSES_MAX	32

struct host_address {
	uint8_t family;			/* AF_INET or AF_INET6 */
	uint8_t prefix_length;
	uint8_t bytes[16];		/* network order; IPv4: first four */
};

struct veth {
	/* The end in the daemon's namespace. */
	int host_ifindex;
	char host_name[IFNAMSIZ];
	uint8_t host_mac[6];
	int bridge_ifindex;		/* 0: not on a bridge */
	uint8_t bridge_mac[6];
	/* The container's end. */
	uint64_t netns_inode;
	int netns_fd;			/* borrowed: valid until gone() */
	int peer_ifindex;
	char peer_name[IFNAMSIZ];
	uint8_t peer_mac[6];
	unsigned int mtu;		/* of the container's end */
	/* Of the container's end, global scope, ordered by family and bytes. */
	unsigned int nr_addresses;
	unsigned int nr_addresses_left_out;	/* beyond HOST_ADDRESSES_MAX */
	struct host_address addresses[HOST_ADDRESSES_MAX];
};

struct uplink_info {
	int ifindex;
	char name[IFNAMSIZ];
	char kind[16];			/* "veth", "tun", ...; "" for NICs */
	char driver[32];
	uint8_t mac[6];
	int bridge_ifindex;		/* 0: not on a bridge */
	uint8_t bridge_mac[6];
	unsigned int mtu;
	unsigned int nr_rx_queues;
	unsigned int nr_tx_queues;
	bool up;
	bool default_route_v4;		/* in any table; also by its bridge, */
	bool default_route_v6;		/* whose only way out it may be */
	unsigned int nr_addresses;	/* own, and of the bridge it is on */
	struct host_address addresses[HOST_ADDRESSES_MAX];
};

#endif /* RUBATO_HOST_VETH_H */
