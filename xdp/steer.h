/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the daemon tells the steer program: the maps that it fills. Nothing goes
 * the other way but the frames themselves: metadata in front of them would need
 * drivers that support it, and kernels refuse programs that make any in
 * libxdp's dispatcher. So a routed frame has its next hop written into it, and
 * the daemon finds the port it leaves by from the destination, as XDP did.
 *
 * Decision for a frame that came in on port P, destination D:
 *
 *   P unknown, multicast, ARP/NDP, malformed, too long    -> kernel
 *   no route for D (longest prefix)                       -> kernel
 *   destination MAC is P's own (or its bridge's)          -> ROUTED: counts
 *       the hop, source MAC becomes the route's port's, destination MAC the
 *       next hop's, all within the frame, once its socket is known
 *       next hop: the route's MAC if it has one, else bpf_fib_lookup(), which
 *       must leave by the route's port; unknown neighbour -> kernel
 *   destination MAC is the route's MAC, or it was learned behind the uplink
 *       that the route leads to, on the same bridge as P  -> bridged, as is
 *   anything else                                         -> kernel
 *
 *   tunnels come before all routes, on ports that are marked TUNNELS:
 *   D is in a prefix of a tunnel of P's owner, and destination MAC P's own
 *       -> TUNNELLED: marked by its EtherType, and the addresses for the way to
 *       the tunnel's remote end written into it. One that cannot go is dropped:
 *       nothing that belongs into a tunnel leaves outside of it
 *   UDP to a tunnel's near end that came in by an uplink, with its VNI
 *       -> that tunnel's tenant, as it is; with another VNI -> kernel
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
#define STEER_PORT_TUNNELS	(1U << 2)	/* look for them here */

/* Map `ports`: hash by ifindex (__u32). */
struct steer_port {
	__u32 slot;		/* of the owner, if OWNED */
	__u32 flags;		/* STEER_PORT_* */
	__u32 xsk_base;
	__u32 xsk_stride;	/* sockets per queue: 1 if OWNED */
	__u32 bridge_ifindex;	/* master that is a bridge, else 0 */
	__u32 max_length;	/* longest frame taken, Ethernet header included */
	__u8 mac[6];
	__u8 bridge_mac[6];	/* all zero without a bridge */
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

/*
 * Map `macs`: who has been heard behind which uplink of a bridge, as the bridge
 * itself learns it; LRU hash. Writer: XDP, for frames that come in by an uplink
 * which is on a bridge. Value: ifindex of that uplink (__u32).
 */
#define STEER_MACS_MAX		4096

struct steer_mac_key {
	__u32 bridge_ifindex;
	__u8 mac[6];
	__u16 reserved;
};

#define STEER_ROUTE_UPLINK	(1U << 0)	/* leaves by an uplink */

struct steer_route {
	__u32 slot;		/* who receives */
	__u32 flags;		/* STEER_ROUTE_* */
	__u32 ifindex;		/* of the port it leaves by */
	__u32 bridge_ifindex;	/* that port's bridge, else 0 */
	__u32 max_length;	/* longest frame that port sends */
	__u8 mac[6];		/* of the container's end; zero: ask the FIB */
	__u8 source_mac[6];	/* of that port: routed frames come from it */
};

/*
 * Map `tunnels_out`: where a tenant's tunnels lead to; a trie. The owner and the
 * family are part of the prefix, so prefix_length is 64 more than the address's,
 * and what one tenant's tunnels lead to is no other's concern.
 */
#define STEER_TUNNELS_MAX	16384
#define STEER_TUNNEL_KEY_BITS	64

struct steer_tunnel_key {
	__u32 prefix_length;
	__u32 slot;
	__u32 ipv6;
	__u8 address[16];
};

struct steer_tunnel {
	__u32 ipv6;		/* the ends, not what is within */
	__u8 local[16];
	__u8 remote[16];
};

/*
 * Map `tunnels_in`: hash; whose a near end is. With a VNI of STEER_VNI_ANY it
 * says that there is an end at all: its value then means nothing.
 */
#define STEER_VNI_ANY		0xffffffff

struct steer_tunnel_end {
	__u8 address[16];
	__u32 vni;
	__be16 port;
	__u16 ipv6;
};

/*
 * EtherType of a TUNNELLED frame, in place of IP's: the first of those for local
 * experiments. No other frame that a socket gets has it.
 */
#define STEER_ETHERTYPE_TUNNEL	0x88b5

/* Map `steer_config`: array of one. */
#define STEER_CONFIG_FIFO	(1U << 0)	/* everyone shares system's socket */

struct steer_config {
	__u32 flags;		/* STEER_CONFIG_* */
	__u32 reserved;
};

#endif /* RUBATO_XDP_STEER_H */
