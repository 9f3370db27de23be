/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the steer program learns from a frame's headers. Everything here reads
 * the frame only inside the bounds that the verifier sees, and believes a
 * length field only after comparing it with what is really there.
 */
#ifndef RUBATO_XDP_PARSE_H
#define RUBATO_XDP_PARSE_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "steer.h"

#define STEER_VLAN_TAGS_MAX	2
#define STEER_EXTENSIONS_MAX	8	/* IPv6 extension headers */
#define STEER_ICMP_LENGTH	8
#define STEER_TCP_OFFSET_BYTE	12	/* data offset: its upper half */
#define STEER_ND_FIRST		133	/* router solicitation */
#define STEER_ND_LAST		137	/* redirect */
#define STEER_FRAGMENT_OFFSET	0x1fff	/* of IPv4's frag_off, in 8 bytes */
#define STEER_MORE_FRAGMENTS	0x2000	/* the same word */
#define STEER_FRAGMENT_OFFSET6	0xfff8	/* of IPv6's, the same in place */

enum steer_parse {
	STEER_PARSE_OK,		/* a destination to look up */
	STEER_PARSE_PASS,	/* sound, but never claimed */
	STEER_PARSE_MALFORMED,	/* headers do not fit the frame */
};

/* What the rest of the program needs to know of a frame. */
struct steer_packet {
	__u32 length;		/* bytes, Ethernet header included */
	__u8 l3_offset;
	__u8 hop_limit;
	__u8 ipv6;
	union {			/* the destination, as a full-length prefix */
		struct steer_key4 key4;
		struct steer_key6 key6;
	};
	__be16 tunnel_port;	/* what may be a tunnel's; 0: it is not */
	__u32 tunnel_vni;
};

/* The beginning of VXLAN's header, and of what is sealed. */
struct steer_tunnel_header {
	__be32 flags;
	__be32 vni;		/* in the upper 24 bits */
};

struct steer_vlan {
	__be16 tag;
	__be16 protocol;
};

/* A place in the frame: what is there, and how much the IP header promises. */
struct steer_cursor {
	void *at;
	void *end;		/* of the frame */
	__u32 remaining;	/* of the IP datagram, bytes from ->at on */
	__u8 protocol;		/* of the header at ->at */
};

static __always_inline int steer_has(const struct steer_cursor *cursor,
				     __u32 bytes)
{
	return cursor->remaining >= bytes && cursor->at + bytes <= cursor->end;
}

static __always_inline enum steer_parse
steer_parse_tcp(const struct steer_cursor *cursor)
{
	__u32 bytes;

	if (!steer_has(cursor, sizeof(struct tcphdr)))
		return STEER_PARSE_MALFORMED;
	bytes = (((__u8 *)cursor->at)[STEER_TCP_OFFSET_BYTE] >> 4) * 4;
	if (bytes < sizeof(struct tcphdr) || bytes > cursor->remaining)
		return STEER_PARSE_MALFORMED;
	return STEER_PARSE_OK;
}

static __always_inline enum steer_parse
steer_parse_icmp6(const struct steer_cursor *cursor)
{
	__u8 type;

	if (!steer_has(cursor, STEER_ICMP_LENGTH))
		return STEER_PARSE_MALFORMED;
	type = *(__u8 *)cursor->at;
	if (type >= STEER_ND_FIRST && type <= STEER_ND_LAST)
		return STEER_PARSE_PASS;
	return STEER_PARSE_OK;
}

/* The transport header must fit; protocols unknown here go as they are. */
static __always_inline enum steer_parse
steer_parse_transport(const struct steer_cursor *cursor, int ipv6)
{
	__u8 icmp = ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;

	if (cursor->protocol == IPPROTO_TCP)
		return steer_parse_tcp(cursor);
	if (cursor->protocol == IPPROTO_UDP)
		return steer_has(cursor, sizeof(struct udphdr)) ?
			STEER_PARSE_OK : STEER_PARSE_MALFORMED;
	if (cursor->protocol != icmp)
		return STEER_PARSE_OK;
	if (ipv6)
		return steer_parse_icmp6(cursor);
	return steer_has(cursor, STEER_ICMP_LENGTH) ?
		STEER_PARSE_OK : STEER_PARSE_MALFORMED;
}

/* Whole datagrams only, right behind the IP header. */
static __always_inline void
steer_note_tunnel(const struct steer_cursor *cursor,
		  struct steer_packet *packet)
{
	struct udphdr *udp = cursor->at;
	struct steer_tunnel_header *header = (void *)(udp + 1);

	if (cursor->protocol != IPPROTO_UDP ||
	    !steer_has(cursor, sizeof(*udp) + sizeof(*header)))
		return;
	packet->tunnel_port = udp->dest;
	packet->tunnel_vni = bpf_ntohl(header->vni) >> 8;
}

static __always_inline enum steer_parse
steer_parse_ipv4(struct steer_cursor *cursor, struct steer_packet *packet)
{
	struct iphdr *ip = cursor->at;
	__u32 present = cursor->end - cursor->at;
	__u32 header, total;

	if (cursor->at + sizeof(*ip) > cursor->end || ip->version != 4)
		return STEER_PARSE_MALFORMED;
	header = ip->ihl * 4;
	total = bpf_ntohs(ip->tot_len);
	if (header < sizeof(*ip) || total < header || total > present)
		return STEER_PARSE_MALFORMED;

	packet->hop_limit = ip->ttl;
	packet->ipv6 = 0;
	packet->key4.prefix_length = 32;
	__builtin_memcpy(packet->key4.address, &ip->daddr, 4);
	if ((packet->key4.address[0] & 0xf0) == 0xe0 ||
	    ip->daddr == bpf_htonl(INADDR_BROADCAST))
		return STEER_PARSE_PASS;

	/* Only the first fragment has a transport header. */
	if (ip->frag_off & bpf_htons(STEER_FRAGMENT_OFFSET))
		return STEER_PARSE_OK;
	cursor->protocol = ip->protocol;
	cursor->at += header;
	cursor->remaining = total - header;
	if (!(ip->frag_off & bpf_htons(STEER_MORE_FRAGMENTS)))
		steer_note_tunnel(cursor, packet);
	return steer_parse_transport(cursor, 0);
}

enum steer_step {
	STEER_STEP_NEXT,	/* one extension header further */
	STEER_STEP_FRAGMENT,	/* a later fragment: nothing more to see */
	STEER_STEP_MALFORMED,
};

static __always_inline int steer_is_extension(__u8 protocol)
{
	switch (protocol) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_FRAGMENT:
	case IPPROTO_DSTOPTS:
	case IPPROTO_AH:
		return 1;
	}
	return 0;
}

/* Go past the extension header at @cursor. */
static __always_inline enum steer_step
steer_step_ipv6(struct steer_cursor *cursor)
{
	__u8 *header = cursor->at;
	__u32 bytes = 8;

	if (!steer_has(cursor, bytes))
		return STEER_STEP_MALFORMED;
	if (cursor->protocol == IPPROTO_AH)
		bytes = (header[1] + 2) * 4;
	else if (cursor->protocol != IPPROTO_FRAGMENT)
		bytes = (header[1] + 1) * 8;
	else if (*(__be16 *)(header + 2) & bpf_htons(STEER_FRAGMENT_OFFSET6))
		return STEER_STEP_FRAGMENT;
	if (bytes > cursor->remaining)
		return STEER_STEP_MALFORMED;

	cursor->protocol = header[0];
	cursor->at += bytes;
	cursor->remaining -= bytes;
	return STEER_STEP_NEXT;
}

static __always_inline enum steer_parse
steer_parse_extensions(struct steer_cursor *cursor)
{
	enum steer_step step;
	int i;

	for (i = 0; i < STEER_EXTENSIONS_MAX; i++) {
		if (!steer_is_extension(cursor->protocol))
			break;
		step = steer_step_ipv6(cursor);
		if (step == STEER_STEP_FRAGMENT)
			return STEER_PARSE_OK;
		if (step == STEER_STEP_MALFORMED)
			return STEER_PARSE_MALFORMED;
	}
	if (steer_is_extension(cursor->protocol))
		return STEER_PARSE_MALFORMED;
	return steer_parse_transport(cursor, 1);
}

/*
 * Link-local destinations are no more claimed than multicast: they mean
 * something else on each link, and the routing tables have no links.
 */
static __always_inline int steer_local_ipv6(const __u8 *address)
{
	return address[0] == 0xff ||
	       (address[0] == 0xfe && (address[1] & 0xc0) == 0x80);
}

static __always_inline enum steer_parse
steer_parse_ipv6(struct steer_cursor *cursor, struct steer_packet *packet)
{
	struct ipv6hdr *ip = cursor->at;
	__u32 present = cursor->end - cursor->at;

	if (cursor->at + sizeof(*ip) > cursor->end || ip->version != 6)
		return STEER_PARSE_MALFORMED;
	cursor->remaining = bpf_ntohs(ip->payload_len);
	if (sizeof(*ip) + cursor->remaining > present)
		return STEER_PARSE_MALFORMED;

	packet->hop_limit = ip->hop_limit;
	packet->ipv6 = 1;
	packet->key6.prefix_length = 128;
	__builtin_memcpy(packet->key6.address, &ip->daddr, 16);
	if (steer_local_ipv6(packet->key6.address))
		return STEER_PARSE_PASS;

	cursor->protocol = ip->nexthdr;
	cursor->at += sizeof(*ip);
	steer_note_tunnel(cursor, packet);
	return steer_parse_extensions(cursor);
}

/* Step over the VLAN tags. Returns the EtherType, or -1 if they do not fit. */
static __always_inline int
steer_parse_vlans(struct steer_cursor *cursor, __be16 protocol)
{
	struct steer_vlan *vlan;
	int i;

#pragma unroll
	for (i = 0; i < STEER_VLAN_TAGS_MAX; i++) {
		if (protocol != bpf_htons(ETH_P_8021Q) &&
		    protocol != bpf_htons(ETH_P_8021AD))
			break;
		vlan = cursor->at;
		if (cursor->at + sizeof(*vlan) > cursor->end)
			return -1;
		protocol = vlan->protocol;
		cursor->at += sizeof(*vlan);
	}
	return protocol;
}

/*
 * steer_parse() - learn where a frame wants to go
 * @ctx: the frame
 * @packet: filled in; complete only with STEER_PARSE_OK
 */
static __always_inline enum steer_parse
steer_parse(struct xdp_md *ctx, struct steer_packet *packet)
{
	void *data = (void *)(long)ctx->data;
	struct steer_cursor cursor = {
		.at = data,
		.end = (void *)(long)ctx->data_end,
	};
	struct ethhdr *ethernet = data;
	int protocol;

	packet->length = cursor.end - data;
	if (data + sizeof(*ethernet) > cursor.end)
		return STEER_PARSE_MALFORMED;
	if (ethernet->h_dest[0] & 1)
		return STEER_PARSE_PASS;
	cursor.at = data + sizeof(*ethernet);
	protocol = steer_parse_vlans(&cursor, ethernet->h_proto);
	packet->l3_offset = cursor.at - data;
	if (protocol == bpf_htons(ETH_P_IP))
		return steer_parse_ipv4(&cursor, packet);
	if (protocol == bpf_htons(ETH_P_IPV6))
		return steer_parse_ipv6(&cursor, packet);
	return protocol < 0 ? STEER_PARSE_MALFORMED : STEER_PARSE_PASS;
}

#endif /* RUBATO_XDP_PARSE_H */
