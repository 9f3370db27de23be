// SPDX-License-Identifier: GPL-2.0
/*
 * The steer program: which tenant a frame belongs to, and which AF_XDP socket
 * gets it. The decision is drawn at the top of steer.h. Whatever is in doubt
 * goes to the kernel, which behaves as if this program were not there.
 *
 * Each frame is counted once, in one field of one line of the map `steer`;
 * XDP on a CPU is the only writer of that CPU's lines, so plain additions do.
 *
 * Frames are changed by plain writes alone. A helper that moves their ends
 * (bpf_xdp_adjust_*) or a tail call must not come in: kernels then refuse the
 * program as an extension of libxdp's dispatcher, which has none.
 */
#include <linux/bpf.h>
#include <linux/rubato.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "maps.h"
#include "parse.h"
#include "steer.h"

#define STEER_AF_INET	2
#define STEER_AF_INET6	10

/* The words of struct rubato_steer, by number: why a frame is not steered. */
#define STEER_WORD(name) \
	(__builtin_offsetof(struct rubato_steer, name) / sizeof(__u64))
#define STEER_WORDS	(sizeof(struct rubato_steer) / sizeof(__u64))

enum steer_reason {
	STEER_CLAIMED = 0,
	STEER_PASSED = STEER_WORD(passed),
	STEER_NO_SOCKET = STEER_WORD(no_socket),
	STEER_MALFORMED = STEER_WORD(malformed),
	STEER_TOO_LONG = STEER_WORD(too_long),
	STEER_NO_NEIGHBOUR = STEER_WORD(no_neighbour),
	STEER_UNKNOWN_VNI = STEER_WORD(unknown_vni),
	STEER_BROKE = STEER_WORD(broke),
};

enum steer_way {
	STEER_BRIDGED,		/* on to another port, as it is */
	STEER_ROUTED,
	STEER_ENTERS,		/* a tunnel */
	STEER_ARRIVED,		/* at a tunnel's near end: as it is */
};

/*
 * The decision on a frame, as it grows. The way is a whole word of the stack, so
 * that the verifier follows it.
 */
struct steer_claim {
	struct steer_packet packet;
	struct steer_port *port;	/* it came in by */
	struct steer_route *route;	/* it leaves by */
	__u32 slot;			/* its tenant, once it is claimed */
	struct steer_tunnel *tunnel;	/* it is to enter */
	__u64 way;			/* enum steer_way */
	__u32 socket;			/* index into `xsks` */
	__u8 next_hop[ETH_ALEN];
};

/* So that rubato.ko need not look at all lines to find those that were counted. */
static __always_inline void steer_touch(__u32 first, __u32 slot)
{
	__u32 index = first + slot / 64;
	struct rubato_steer *line = bpf_map_lookup_elem(&steer, &index);

	if (line)
		line->touched |= 1ULL << (slot % 64);
}

static __always_inline struct rubato_steer *steer_counters(__u32 slot)
{
	__u32 index = bpf_get_smp_processor_id() * RUBATO_SLOTS;

	if (slot >= RUBATO_SLOTS)
		slot = RUBATO_SLOT_SYSTEM;
	steer_touch(index, slot);
	index += slot;
	return bpf_map_lookup_elem(&steer, &index);
}

static __always_inline int steer_leave(__u32 slot, enum steer_reason reason)
{
	__u64 *words = (__u64 *)steer_counters(slot);

	if (words)
		words[reason & (STEER_WORDS - 1)]++;
	return XDP_PASS;
}

/* What is to enter a tunnel and cannot must not leave outside of it. */
static __always_inline int steer_refuse(const struct steer_claim *claim,
					enum steer_reason reason)
{
	int verdict = steer_leave(claim->slot, reason);

	return claim->way == STEER_ENTERS || reason == STEER_BROKE ? XDP_DROP :
								     verdict;
}

/*
 * Whoever is broke and wants it so loses its packets here, where that is
 * cheapest. The clock is read for those only.
 */
static __always_inline enum steer_reason
steer_admit(const struct steer_claim *claim)
{
	__u32 slot = claim->slot;
	struct rubato_ledger *tenant = bpf_map_lookup_elem(&ledger, &slot);

	if (!tenant || !(tenant->params.flags & RUBATO_TENANT_DROP) ||
	    tenant->pool.broke_until_ns <= bpf_ktime_get_ns())
		return 0;
	return STEER_BROKE;
}

static __always_inline int steer_same_mac(const __u8 *a, const __u8 *b)
{
	const __u16 *left = (const __u16 *)a, *right = (const __u16 *)b;

	return left[0] == right[0] && left[1] == right[1] &&
	       left[2] == right[2];
}

static __always_inline int steer_is_zero_mac(const __u8 *address)
{
	const __u16 *mac = (const __u16 *)address;

	return !(mac[0] | mac[1] | mac[2]);
}

/*
 * Remember behind which uplink of its bridge a frame's sender is. Whatever
 * becomes of the frame: most are first heard in an answer to ARP.
 */
static __always_inline void
steer_learn(struct xdp_md *ctx, const struct steer_port *port)
{
	struct ethhdr *ethernet = (void *)(long)ctx->data;
	__u32 ifindex = ctx->ingress_ifindex, *known;
	struct steer_mac_key key = {};

	if (!(port->flags & STEER_PORT_UPLINK) || !port->bridge_ifindex)
		return;
	if ((void *)(ethernet + 1) > (void *)(long)ctx->data_end)
		return;
	key.bridge_ifindex = port->bridge_ifindex;
	__builtin_memcpy(key.mac, ethernet->h_source, ETH_ALEN);
	if ((key.mac[0] & 1) || steer_is_zero_mac(key.mac))
		return;
	/* Writing takes locks that all CPUs share: only when it is news. */
	known = bpf_map_lookup_elem(&macs, &key);
	if (!known || *known != ifindex)
		bpf_map_update_elem(&macs, &key, &ifindex, BPF_ANY);
}

static __always_inline int
steer_is_behind(const struct steer_route *route, const __u8 *destination)
{
	struct steer_mac_key key = { .bridge_ifindex = route->bridge_ifindex };
	__u32 *known;

	__builtin_memcpy(key.mac, destination, ETH_ALEN);
	known = bpf_map_lookup_elem(&macs, &key);
	return known && *known == route->ifindex;
}

static __always_inline struct steer_route *
steer_find_route(struct steer_packet *packet)
{
	if (packet->ipv6)
		return bpf_map_lookup_elem(&routes6, &packet->key6);
	return bpf_map_lookup_elem(&routes4, &packet->key4);
}

/* Is the frame addressed to this host's router? */
static __always_inline int
steer_is_routed(const struct steer_port *port, const __u8 *destination)
{
	return steer_same_mac(destination, port->mac) ||
	       (port->bridge_ifindex &&
		steer_same_mac(destination, port->bridge_mac));
}

/* Is the frame on its way through a bridge, to the route's port? */
static __always_inline int
steer_is_bridged(const struct steer_port *port,
		 const struct steer_route *route, const __u8 *destination)
{
	if (!steer_is_zero_mac(route->mac) &&
	    steer_same_mac(destination, route->mac))
		return 1;
	/* Others on the bridge are no concern of an uplink's route. */
	return (route->flags & STEER_ROUTE_UPLINK) && port->bridge_ifindex &&
	       port->bridge_ifindex == route->bridge_ifindex &&
	       steer_is_behind(route, destination);
}

/* The tunnel of @slot that the packet is to enter, if there is one. */
static __always_inline struct steer_tunnel *
steer_find_tunnel(const struct steer_packet *packet, __u32 slot)
{
	struct steer_tunnel_key key = { .slot = slot, .ipv6 = packet->ipv6 };

	if (packet->ipv6) {
		key.prefix_length = STEER_TUNNEL_KEY_BITS + 128;
		__builtin_memcpy(key.address, packet->key6.address, 16);
	} else {
		key.prefix_length = STEER_TUNNEL_KEY_BITS + 32;
		__builtin_memcpy(key.address, packet->key4.address, 4);
	}
	return bpf_map_lookup_elem(&tunnels_out, &key);
}

/* The way to a tunnel's remote end, by an uplink. */
static __always_inline struct steer_route *
steer_route_to_end(const struct steer_tunnel *tunnel)
{
	struct steer_packet outer = { .ipv6 = tunnel->ipv6 };
	struct steer_route *route;

	if (tunnel->ipv6) {
		outer.key6.prefix_length = 128;
		__builtin_memcpy(outer.key6.address, tunnel->remote, 16);
	} else {
		outer.key4.prefix_length = 32;
		__builtin_memcpy(outer.key4.address, tunnel->remote, 4);
	}
	route = steer_find_route(&outer);
	return route && route->flags & STEER_ROUTE_UPLINK ? route : NULL;
}

/* A packet of the owner's containers: is it to enter a tunnel of the owner's? */
static __always_inline enum steer_reason
steer_enter_tunnel(struct steer_claim *claim, const __u8 *destination)
{
	struct steer_packet *packet = &claim->packet;
	struct steer_tunnel *tunnel;

	tunnel = steer_find_tunnel(packet, claim->port->slot);
	if (!tunnel)
		return 0;
	/* A machine on the same bridge; or the last hop: "time exceeded". */
	if (!steer_is_routed(claim->port, destination) ||
	    packet->hop_limit <= 1 || packet->l3_offset != ETH_HLEN)
		return STEER_PASSED;
	claim->way = STEER_ENTERS;
	claim->tunnel = tunnel;
	claim->slot = claim->port->slot;
	claim->route = steer_route_to_end(tunnel);
	if (!claim->route)
		return STEER_NO_NEIGHBOUR;
	return packet->length > claim->port->max_length ? STEER_TOO_LONG : 0;
}

/* A datagram that came in by an uplink: is it for a tunnel's near end? */
static __always_inline enum steer_reason
steer_leave_tunnel(struct steer_claim *claim, const __u8 *destination)
{
	struct steer_packet *packet = &claim->packet;
	struct steer_port *port = claim->port;
	struct steer_tunnel_end end = {
		.vni = packet->tunnel_vni,
		.port = packet->tunnel_port,
		.ipv6 = packet->ipv6,
	};
	__u32 *slot;

	if (!packet->tunnel_port || !steer_is_routed(port, destination))
		return 0;
	if (packet->ipv6)
		__builtin_memcpy(end.address, packet->key6.address, 16);
	else
		__builtin_memcpy(end.address, packet->key4.address, 4);
	slot = bpf_map_lookup_elem(&tunnels_in, &end);
	/* All that comes in by an uplink of a tenant's own is that tenant's. */
	if (slot && (!(port->flags & STEER_PORT_OWNED) || port->slot == *slot)) {
		claim->way = STEER_ARRIVED;
		claim->slot = *slot;
		return packet->length > port->max_length ? STEER_TOO_LONG : 0;
	}
	end.vni = STEER_VNI_ANY;
	return bpf_map_lookup_elem(&tunnels_in, &end) ? STEER_UNKNOWN_VNI : 0;
}

/* Tunnels go before routes. 0, and no claim: it has to do with none. */
static __always_inline enum steer_reason
steer_decide_tunnel(struct xdp_md *ctx, struct steer_claim *claim)
{
	struct ethhdr *ethernet = (void *)(long)ctx->data;

	if (!(claim->port->flags & STEER_PORT_TUNNELS))
		return 0;
	if ((void *)(ethernet + 1) > (void *)(long)ctx->data_end)
		return STEER_MALFORMED;
	if (claim->port->flags & STEER_PORT_UPLINK)
		return steer_leave_tunnel(claim, ethernet->h_dest);
	return steer_enter_tunnel(claim, ethernet->h_dest);
}

/* Find the route and what kind of forwarding it is. */
static __always_inline enum steer_reason
steer_decide(struct xdp_md *ctx, struct steer_claim *claim)
{
	struct ethhdr *ethernet = (void *)(long)ctx->data;
	struct steer_port *port = claim->port;
	struct steer_route *route;
	enum steer_reason reason;

	reason = steer_decide_tunnel(ctx, claim);
	if (reason || claim->way != STEER_BRIDGED)
		return reason;
	route = steer_find_route(&claim->packet);
	/* What would leave as it came is the kernel's to answer or to drop. */
	if (!route || route->ifindex == ctx->ingress_ifindex)
		return STEER_PASSED;
	if ((void *)(ethernet + 1) > (void *)(long)ctx->data_end)
		return STEER_MALFORMED;
	if (steer_is_routed(port, ethernet->h_dest))
		claim->way = STEER_ROUTED;
	else if (!steer_is_bridged(port, route, ethernet->h_dest))
		return STEER_PASSED;
	/* The kernel says "time exceeded" for the last hop. */
	if (claim->way == STEER_ROUTED && claim->packet.hop_limit <= 1)
		return STEER_PASSED;

	claim->route = route;
	claim->slot = port->flags & STEER_PORT_OWNED ? port->slot : route->slot;
	/* Too long for the way out: the kernel says "fragmentation needed". */
	if (claim->packet.length > port->max_length ||
	    claim->packet.length > route->max_length)
		return STEER_TOO_LONG;
	return 0;
}

/* Is that link the route's uplink, or the bridge that has it as a port? */
static __always_inline int
steer_leaves_by(const struct steer_route *route, __u32 ifindex,
		const __u8 *next_hop)
{
	if (ifindex == route->ifindex)
		return 1;
	return route->bridge_ifindex && ifindex == route->bridge_ifindex &&
	       steer_is_behind(route, next_hop);
}

/* The next hop to a tunnel's remote end. The daemon keeps it resolved. */
static __always_inline enum steer_reason
steer_find_remote(struct xdp_md *ctx, struct steer_claim *claim)
{
	const struct steer_tunnel *tunnel = claim->tunnel;
	const struct steer_route *route = claim->route;
	struct bpf_fib_lookup fib = {
		.l4_protocol = IPPROTO_UDP,
		.ifindex = route->bridge_ifindex ?: route->ifindex,
	};

	if (tunnel->ipv6) {
		fib.family = STEER_AF_INET6;
		__builtin_memcpy(fib.ipv6_src, tunnel->local, 16);
		__builtin_memcpy(fib.ipv6_dst, tunnel->remote, 16);
	} else {
		fib.family = STEER_AF_INET;
		__builtin_memcpy(&fib.ipv4_src, tunnel->local, 4);
		__builtin_memcpy(&fib.ipv4_dst, tunnel->remote, 4);
	}
	if (bpf_fib_lookup(ctx, &fib, sizeof(fib), BPF_FIB_LOOKUP_OUTPUT) !=
	    BPF_FIB_LKUP_RET_SUCCESS ||
	    !steer_leaves_by(route, fib.ifindex, fib.dmac))
		return STEER_NO_NEIGHBOUR;
	__builtin_memcpy(claim->next_hop, fib.dmac, ETH_ALEN);
	return 0;
}

/* The addresses for the FIB; false if the frame is not what it was. */
static __always_inline int
steer_fill_fib(struct xdp_md *ctx, const struct steer_packet *packet,
	       struct bpf_fib_lookup *fib)
{
	void *end = (void *)(long)ctx->data_end;
	void *network = (void *)(long)ctx->data + ETH_HLEN;
	struct ipv6hdr *ipv6 = network;
	struct iphdr *ipv4 = network;

	if (packet->ipv6) {
		if ((void *)(ipv6 + 1) > end)
			return 0;
		fib->family = STEER_AF_INET6;
		fib->flowinfo = *(__be32 *)ipv6 & bpf_htonl(0x0fffffff);
		__builtin_memcpy(fib->ipv6_src, &ipv6->saddr, 16);
		__builtin_memcpy(fib->ipv6_dst, &ipv6->daddr, 16);
		return 1;
	}
	if ((void *)(ipv4 + 1) > end)
		return 0;
	fib->family = STEER_AF_INET;
	fib->tos = ipv4->tos;
	fib->l4_protocol = ipv4->protocol;
	fib->ipv4_src = ipv4->saddr;
	fib->ipv4_dst = ipv4->daddr;
	return 1;
}

/* Ask the kernel for the next hop; it must leave by the route's port. */
static __always_inline enum steer_reason
steer_ask_fib(struct xdp_md *ctx, struct steer_claim *claim)
{
	struct bpf_fib_lookup fib = {};
	long result;

	/* The FIB does not know which VLAN the answer is for. */
	if (claim->packet.l3_offset != ETH_HLEN)
		return STEER_PASSED;
	if (!steer_fill_fib(ctx, &claim->packet, &fib))
		return STEER_MALFORMED;
	/* To the kernel's routing, a bridge's ports are the bridge. */
	fib.ifindex = claim->port->bridge_ifindex ?: ctx->ingress_ifindex;

	result = bpf_fib_lookup(ctx, &fib, sizeof(fib), 0);
	if (result != BPF_FIB_LKUP_RET_SUCCESS &&
	    result != BPF_FIB_LKUP_RET_NO_NEIGH)
		return STEER_PASSED;
	if (fib.ifindex != claim->route->ifindex)
		return STEER_PASSED;
	if (result == BPF_FIB_LKUP_RET_NO_NEIGH)
		return STEER_NO_NEIGHBOUR;
	__builtin_memcpy(claim->next_hop, fib.dmac, ETH_ALEN);
	return 0;
}

static __always_inline enum steer_reason
steer_find_next_hop(struct xdp_md *ctx, struct steer_claim *claim)
{
	if (claim->way == STEER_ENTERS)
		return steer_find_remote(ctx, claim);
	if (claim->way != STEER_ROUTED)
		return 0;
	if (steer_is_zero_mac(claim->route->mac))
		return steer_ask_fib(ctx, claim);
	__builtin_memcpy(claim->next_hop, claim->route->mac, ETH_ALEN);
	return 0;
}

/*
 * A socket of another queue would drop the frame: no better than none. It is
 * found here when the netdev has more queues than the daemon made room for.
 */
static __always_inline int steer_has_socket(__u32 index, __u32 queue)
{
	struct bpf_xdp_sock *socket = bpf_map_lookup_elem(&xsks, &index);

	return socket && socket->queue_id == queue;
}

/* Slots of their own are for tenants on shared ports, unless policy is fifo. */
static __always_inline __u32 steer_socket_slot(const struct steer_claim *claim)
{
	struct steer_config *config;
	__u32 zero = 0;

	if (claim->port->flags & STEER_PORT_OWNED ||
	    claim->slot >= claim->port->xsk_stride)
		return 0;
	config = bpf_map_lookup_elem(&steer_config, &zero);
	if (config && config->flags & STEER_CONFIG_FIFO)
		return 0;
	return claim->slot;
}

static __always_inline enum steer_reason
steer_find_socket(struct xdp_md *ctx, struct steer_claim *claim)
{
	__u32 queue = ctx->rx_queue_index;
	__u32 first = claim->port->xsk_base + queue * claim->port->xsk_stride;
	__u32 slot = steer_socket_slot(claim);

	claim->socket = first + slot;
	if (steer_has_socket(claim->socket, queue))
		return 0;
	claim->socket = first;
	if (slot && steer_has_socket(claim->socket, queue))
		return 0;
	return STEER_NO_SOCKET;
}

/* RFC 1624: the TTL is the high byte of its word, so one less is 0x0100. */
static __always_inline void steer_count_hop4(struct iphdr *ip)
{
	__u32 sum = ip->check + bpf_htons(0x0100);

	ip->check = sum + (sum >= 0xffff);
	ip->ttl--;
}

static __always_inline enum steer_reason
steer_count_hop(struct xdp_md *ctx, const struct steer_packet *packet)
{
	void *end = (void *)(long)ctx->data_end;
	void *network = (void *)(long)ctx->data + packet->l3_offset;
	struct ipv6hdr *ipv6 = network;
	struct iphdr *ipv4 = network;

	if (packet->ipv6) {
		if ((void *)(ipv6 + 1) > end)
			return STEER_MALFORMED;
		ipv6->hop_limit--;
		return 0;
	}
	if ((void *)(ipv4 + 1) > end)
		return STEER_MALFORMED;
	steer_count_hop4(ipv4);
	return 0;
}

/*
 * What a router does to a frame, in place. Last of all, since whatever passes
 * to the kernel must be as it came. The checks are the verifier's: the parser
 * has been here.
 */
static __always_inline enum steer_reason
steer_rewrite(struct xdp_md *ctx, const struct steer_claim *claim)
{
	struct ethhdr *ethernet = (void *)(long)ctx->data;
	enum steer_reason reason;

	if (claim->way != STEER_ROUTED && claim->way != STEER_ENTERS)
		return 0;
	if ((void *)(ethernet + 1) > (void *)(long)ctx->data_end)
		return STEER_MALFORMED;
	/* The daemon counts the hop of what enters a tunnel. */
	reason = 0;
	if (claim->way == STEER_ENTERS)
		ethernet->h_proto = bpf_htons(STEER_ETHERTYPE_TUNNEL);
	else
		reason = steer_count_hop(ctx, &claim->packet);
	if (reason)
		return reason;
	__builtin_memcpy(ethernet->h_dest, claim->next_hop, ETH_ALEN);
	__builtin_memcpy(ethernet->h_source, claim->route->source_mac,
			 ETH_ALEN);
	return 0;
}

static __always_inline int steer_redirect(const struct steer_claim *claim)
{
	struct rubato_steer *counters = steer_counters(claim->slot);

	if (counters) {
		counters->packets++;
		counters->bytes += claim->packet.length;
	}
	/*
	 * Should the socket have gone meanwhile, the kernel's bridge gets the
	 * frame. One that was rewritten it would not know, and the hop is
	 * counted: that frame is lost, as in a router that goes down.
	 */
	return bpf_redirect_map(&xsks, claim->socket,
				claim->way == STEER_ROUTED ||
				claim->way == STEER_ENTERS ? XDP_DROP :
							     XDP_PASS);
}

SEC("xdp")
int rubato_steer(struct xdp_md *ctx)
{
	struct steer_claim claim = {};
	__u32 ifindex = ctx->ingress_ifindex;
	enum steer_reason reason;
	enum steer_parse parsed;

	claim.port = bpf_map_lookup_elem(&ports, &ifindex);
	if (!claim.port)
		return steer_leave(RUBATO_SLOT_SYSTEM, STEER_PASSED);
	steer_learn(ctx, claim.port);
	parsed = steer_parse(ctx, &claim.packet);
	if (parsed != STEER_PARSE_OK)
		return steer_leave(RUBATO_SLOT_SYSTEM,
				   parsed == STEER_PARSE_MALFORMED ?
				   STEER_MALFORMED : STEER_PASSED);

	reason = steer_decide(ctx, &claim);
	if (!reason)
		reason = steer_find_next_hop(ctx, &claim);
	if (!reason)
		reason = steer_find_socket(ctx, &claim);
	if (!reason)
		reason = steer_admit(&claim);
	if (!reason)
		reason = steer_rewrite(ctx, &claim);
	if (!reason)
		return steer_redirect(&claim);
	if (reason == STEER_PASSED || reason == STEER_UNKNOWN_VNI)
		claim.slot = RUBATO_SLOT_SYSTEM;
	return steer_refuse(&claim, reason);
}

char _license[] SEC("license") = "GPL";
