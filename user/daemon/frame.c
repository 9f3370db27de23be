// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <string.h>

#include "frame.h"
#include "stage/checksum.h"

#define EXTENSION_HEADERS_MAX	8
#define VLAN_TAGS_MAX		2
#define VLAN_TAG_SIZE		4

static uint16_t read_type(const uint8_t *frame, uint32_t offset)
{
	return frame[offset] << 8 | frame[offset + 1];
}

static bool is_vlan(uint16_t type)
{
	return type == ETH_P_8021Q || type == ETH_P_8021AD;
}

bool frame_find_network(const uint8_t *frame, uint32_t length,
			struct frame_network *network)
{
	uint32_t type_offset = ETH_HLEN - 2;
	uint16_t type;

	if (length < ETH_HLEN + VLAN_TAGS_MAX * VLAN_TAG_SIZE)
		return false;
	type = read_type(frame, type_offset);
	for (int i = 0; i < VLAN_TAGS_MAX && is_vlan(type); i++) {
		type_offset += VLAN_TAG_SIZE;
		type = read_type(frame, type_offset);
	}
	network->l3_offset = type_offset + 2;
	network->ipv6 = type == ETH_P_IPV6;
	network->destination = frame + network->l3_offset +
			       (network->ipv6 ?
				offsetof(struct ip6_hdr, ip6_dst) :
				offsetof(struct iphdr, daddr));
	if (!network->ipv6 && type != ETH_P_IP)
		return false;
	return length >= network->l3_offset +
			 (network->ipv6 ? sizeof(struct ip6_hdr) :
					  sizeof(struct iphdr));
}

/* The payload of IP: where it is, and what the checksum covers besides it. */
struct transport {
	uint8_t *start;
	uint32_t length;
	uint8_t protocol;
	uint64_t pseudo_sum;		/* of both addresses */
};

/* False if it does not fit; ->start is NULL if there is nothing to do. */
static bool find_transport4(uint8_t *header, uint32_t length,
			    struct transport *transport)
{
	struct iphdr ip;
	uint32_t header_length, total;

	if (length < sizeof(ip))
		return false;
	memcpy(&ip, header, sizeof(ip));
	header_length = ip.ihl * 4;
	total = ntohs(ip.tot_len);
	if (header_length < sizeof(ip) || total < header_length ||
	    total > length)
		return false;
	transport->protocol = ip.protocol;
	transport->length = total - header_length;
	transport->pseudo_sum = checksum_add(header +
					  offsetof(struct iphdr, saddr), 8, 0);
	if (!(ntohs(ip.frag_off) & (IP_MF | IP_OFFMASK)))
		transport->start = header + header_length;
	return true;
}

static bool is_extension(uint8_t next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING ||
	       next == IPPROTO_DSTOPTS;
}

static bool find_transport6(uint8_t *header, uint32_t length,
			    struct transport *transport)
{
	struct ip6_hdr ip;
	uint32_t at = sizeof(ip), end;
	uint8_t next;

	if (length < sizeof(ip))
		return false;
	memcpy(&ip, header, sizeof(ip));
	end = sizeof(ip) + ntohs(ip.ip6_plen);
	if (end > length)
		return false;
	next = ip.ip6_nxt;
	for (int i = 0; is_extension(next); i++) {
		if (at + 8 > end || i == EXTENSION_HEADERS_MAX)
			return false;
		next = header[at];
		at += (header[at + 1] + 1) * 8;
	}
	if (at > end)
		return false;
	transport->protocol = next;
	transport->length = end - at;
	transport->pseudo_sum = checksum_add(header +
				offsetof(struct ip6_hdr, ip6_src), 32, 0);
	transport->start = header + at;
	return true;
}

/* Where the checksum lies in that protocol's header; -1 if it has none here. */
static int checksum_offset(uint8_t protocol, bool ipv6)
{
	switch (protocol) {
	case IPPROTO_UDP:
		return offsetof(struct udphdr, check);
	case IPPROTO_TCP:
		return offsetof(struct tcphdr, check);
	case IPPROTO_ICMPV6:
		return ipv6 ? (int)offsetof(struct icmp6_hdr, icmp6_cksum) : -1;
	default:
		return -1;
	}
}

bool frame_finish_checksum(uint8_t *frame, uint32_t length, uint32_t l3_offset,
			   bool ipv6)
{
	struct transport transport = {};
	uint16_t checksum = 0;
	uint64_t sum;
	bool fits;
	int offset;

	if (length < l3_offset)
		return false;
	fits = ipv6 ? find_transport6(frame + l3_offset, length - l3_offset,
				      &transport) :
		      find_transport4(frame + l3_offset, length - l3_offset,
				      &transport);
	if (!fits)
		return false;
	offset = checksum_offset(transport.protocol, ipv6);
	if (!transport.start || offset < 0)
		return true;
	if (transport.length < offset + sizeof(checksum))
		return false;
	memcpy(transport.start + offset, &checksum, sizeof(checksum));
	sum = transport.pseudo_sum + htons(transport.protocol) +
	      htons(transport.length & 0xffff);
	checksum = checksum_fold(checksum_add(transport.start, transport.length, sum));
	/* UDP: zero says that there is none. */
	if (!checksum && transport.protocol == IPPROTO_UDP)
		checksum = 0xffff;
	memcpy(transport.start + offset, &checksum, sizeof(checksum));
	return true;
}
