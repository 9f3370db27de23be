/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The questions that the daemon asks rtnetlink, in its own or another network
 * namespace. A netlink socket stays in the namespace where it was opened, and
 * keeps that namespace alive until it is closed.
 */
#ifndef RUBATO_HOST_RTNL_H
#define RUBATO_HOST_RTNL_H

#include <stdbool.h>
#include <stdint.h>
#include "daemon/host/veth.h"

struct nl_sock;

struct rtnl_link_facts {
	int ifindex;
	char name[IFNAMSIZ];
	char kind[16];			/* "" for hardware and loopback */
	char master_kind[16];		/* "bridge", "bond", ... or "" */
	uint8_t mac[6];
	unsigned int flags;		/* IFF_* */
	unsigned int mtu;
	unsigned int nr_rx_queues;
	unsigned int nr_tx_queues;
	int master;			/* ifindex, 0: none */
	int link;			/* veth: ifindex of the peer */
	bool link_elsewhere;		/* ->link is in namespace ->link_nsid */
	int link_nsid;			/* as this namespace numbers others */
};

/*
 * Open a socket for questions, or one that hears of links and addresses;
 * @netns_fd negative: where the thread is. 0 or negative errno.
 */
int rtnl_open(int netns_fd, struct nl_sock **sock);
int rtnl_open_events(int netns_fd, struct nl_sock **sock);
void rtnl_close(struct nl_sock *sock);

/*
 * Call @fn for each link. 0, -EAGAIN if links changed while being listed
 * (ask again), or another negative errno.
 */
int rtnl_links(struct nl_sock *sock,
	       void (*fn)(void *arg, const struct rtnl_link_facts *link),
	       void *arg);

/* One link by index, or by name if @ifindex is 0. -ENODEV. */
int rtnl_link(struct nl_sock *sock, int ifindex, const char *name,
	      struct rtnl_link_facts *link);

/*
 * Call @fn for each address of global scope, of all links. Tentative and
 * failed IPv6 addresses count too: they are the container's once they settle.
 */
int rtnl_addresses(struct nl_sock *sock,
		   void (*fn)(void *arg, int ifindex,
			      const struct host_address *address),
		   void *arg);

/* The number by which this namespace knows that of @netns_fd; -ENOENT: none. */
int rtnl_nsid(struct nl_sock *sock, int netns_fd);

/* Does a default route, in any table, leave by this link? */
int rtnl_default_route(struct nl_sock *sock, int ifindex, bool *v4, bool *v6);

/*
 * The link by which this namespace would send to an address (network order):
 * its ifindex, or a negative errno (-ENETUNREACH and the like: by none).
 */
int rtnl_route_out(struct nl_sock *sock, int family, const uint8_t *address);

/*
 * Has the kernel find out the MAC address of the next hop to an address, and
 * keep it, as if this host had sent something there. 0 once it has begun.
 */
int rtnl_resolve(struct nl_sock *sock, int family, const uint8_t *address);

/*
 * Take what an event socket received; @link is called with the ifindex of each
 * link that an event was about, @removed for RTM_DELLINK. Returns 0, or
 * -ENOBUFS if events were lost: look at everything.
 */
int rtnl_read_events(struct nl_sock *sock,
		     void (*link)(void *arg, int ifindex, bool removed),
		     void *arg);

#endif /* RUBATO_HOST_RTNL_H */
