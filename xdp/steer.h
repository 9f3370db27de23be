/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the steer program and the daemon tell each other: the maps that the
 * daemon fills, and the 16 bytes that go with every claimed frame.
 *
 * Decision for a frame that came in on port P, destination D:
 *
 *   P unknown, multicast, ARP/NDP, malformed, too long    -> kernel
 *   no route for D (longest prefix)                       -> kernel
 *   destination MAC is P's own (or its bridge's)          -> ROUTED
 *       next hop: the route's MAC if it has one, else bpf_fib_lookup(), which
 *       must leave by the route's port; unknown neighbour -> kernel
 *   destination MAC is the route's MAC, or the route leads to an uplink on
 *       the same bridge as P                              -> bridged, as is
 *   anything else                                         -> kernel
 *
 *   tenant = P's, if P is OWNED by one (a veth, or an uplink given whole),
 *            else the route's
 *   socket = xsks[P.xsk_base + queue * P.xsk_stride + (OWNED || fifo ? 0 : tenant)]
 *            else system's socket on that queue (+ 0), else -> kernel
 */
#ifndef RUBATO_XDP_STEER_H
#define RUBATO_XDP_STEER_H

#include <linux/rubato.h>

#define STEER_PORTS_MAX		2048
#define STEER_ROUTES_MAX	16384
#define STEER_XSKS_MAX		(256 * 1024)

#define STEER_PORT_OWNED	(1U << 0)	/* all it sends is ->slot's */
#define STEER_PORT_UPLINK	(1U << 1)

/* Map `ports`: hash by ifindex (__u32). */
struct steer_port {
	__u32 slot;		/* of the owner, if OWNED */
	__u32 flags;		/* STEER_PORT_* */
	__u32 xsk_base;
	__u32 xsk_stride;	/* sockets per queue: 1 if OWNED */
	__u32 bridge_ifindex;	/* master that is a bridge, else 0 */
	__u32 max_length;	/* longest frame taken, Ethernet header included */
	__u16 port;		/* the daemon's number for it */
	__u8 mac[6];
	__u8 bridge_mac[6];	/* all zero without a bridge */
	__u16 reserved;
};

/* Keys of the maps `routes4` and `routes6`: longest-prefix tries. */
struct steer_key4 {
	__u32 prefix_length;
	__u8 address[4];
};

struct steer_key6 {
	__u32 prefix_length;
	__u8 address[16];
};

#define STEER_ROUTE_UPLINK	(1U << 0)	/* leaves by an uplink */

struct steer_route {
	__u32 slot;		/* who receives */
	__u32 flags;		/* STEER_ROUTE_* */
	__u32 ifindex;		/* of the port it leaves by */
	__u32 bridge_ifindex;	/* that port's bridge, else 0 */
	__u16 port;		/* the daemon's number for that port */
	__u16 port_generation;	/* so that a stale number is noticed */
	__u8 mac[6];		/* of the container's end; zero: ask the FIB */
	__u16 reserved;
};

/* Map `steer_config`: array of one. */
#define STEER_CONFIG_FIFO	(1U << 0)	/* everyone shares system's socket */

struct steer_config {
	__u32 flags;		/* STEER_CONFIG_* */
	__u32 reserved;
};

/* XDP metadata of a claimed frame, right before its first byte. */
#define STEER_META_ROUTED	(1U << 0)	/* rewrite MACs, count the hop */
#define STEER_META_IPV6		(1U << 1)

struct steer_meta {
	__u16 port;		/* leaves by */
	__u16 port_generation;
	__u16 in_slot;		/* RX is billed to this tenant */
	__u16 out_slot;		/* who receives; system: an uplink's peer */
	__u8 flags;		/* STEER_META_* */
	__u8 l3_offset;		/* of the IP header: 14, 18 or 22 */
	__u8 next_hop[6];	/* destination MAC, if ROUTED */
};

#endif /* RUBATO_XDP_STEER_H */
