// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <string.h>

#include "flow.h"

#define EXTENSION_HEADERS_MAX	8
#define PORTS_SIZE		4

static bool protocol_has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP ||
	       protocol == IPPROTO_SCTP;
}

/* False if the protocol has ports and they do not fit. */
static bool read_ports(const uint8_t *payload, uint32_t length,
		       struct flow *flow)
{
	flow->has_ports = protocol_has_ports(flow->protocol);
	if (!flow->has_ports)
		return true;
	if (length < PORTS_SIZE)
		return false;
	flow->source_port = payload[0] << 8 | payload[1];
	flow->destination_port = payload[2] << 8 | payload[3];
	return true;
}

static bool read4(const uint8_t *packet, uint32_t length, struct flow *flow)
{
	uint32_t header_length, total;
	struct iphdr ip;

	if (length < sizeof(ip))
		return false;
	memcpy(&ip, packet, sizeof(ip));
	header_length = ip.ihl * 4;
	total = ntohs(ip.tot_len);
	if (ip.version != 4 || header_length < sizeof(ip) ||
	    total < header_length || total > length)
		return false;
	flow->protocol = ip.protocol;
	memcpy(flow->source, &ip.saddr, sizeof(ip.saddr));
	memcpy(flow->destination, &ip.daddr, sizeof(ip.daddr));
	if (ntohs(ip.frag_off) & IP_OFFMASK)
		return true;
	return read_ports(packet + header_length, total - header_length, flow);
}

static bool is_extension(uint8_t next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING ||
	       next == IPPROTO_DSTOPTS || next == IPPROTO_FRAGMENT;
}

static uint32_t extension_length(uint8_t kind, const uint8_t *header)
{
	return kind == IPPROTO_FRAGMENT ? sizeof(struct ip6_frag) :
					  (header[1] + 1U) * 8;
}

static bool is_later_fragment(uint8_t kind, const uint8_t *header)
{
	return kind == IPPROTO_FRAGMENT &&
	       (header[2] << 8 | (header[3] & 0xf8));
}

static bool read6(const uint8_t *packet, uint32_t length, struct flow *flow)
{
	uint32_t at = sizeof(struct ip6_hdr), end;
	bool later = false;
	struct ip6_hdr ip;
	uint8_t next;

	if (length < sizeof(ip))
		return false;
	memcpy(&ip, packet, sizeof(ip));
	end = sizeof(ip) + ntohs(ip.ip6_plen);
	if (ip.ip6_vfc >> 4 != 6 || end > length)
		return false;
	memcpy(flow->source, &ip.ip6_src, sizeof(ip.ip6_src));
	memcpy(flow->destination, &ip.ip6_dst, sizeof(ip.ip6_dst));
	next = ip.ip6_nxt;
	/* What follows a later fragment's header is payload. */
	for (int i = 0; is_extension(next) && !later; i++) {
		const uint8_t *header = packet + at;

		if (at + 8 > end || i == EXTENSION_HEADERS_MAX)
			return false;
		later = is_later_fragment(next, header);
		at += extension_length(next, header);
		next = header[0];
	}
	flow->protocol = next;
	if (at > end)
		return false;
	return later || read_ports(packet + at, end - at, flow);
}

bool flow_read(const uint8_t *packet, uint32_t length, bool ipv6,
	       struct flow *flow)
{
	*flow = (struct flow) { .ipv6 = ipv6 };
	return ipv6 ? read6(packet, length, flow) : read4(packet, length, flow);
}

static uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)(a ^ 0xa0761d6478bd642fULL) *
				    (b ^ 0xe7037ed1a0b428dbULL);

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint32_t flow_hash(const struct flow *flow)
{
	uint64_t rest = (uint64_t)flow->protocol << 32 |
			(uint64_t)flow->source_port << 16 |
			flow->destination_port;
	uint64_t hash = mix(flow->source[0], flow->source[1]);

	hash = mix(hash ^ flow->destination[0], flow->destination[1]);
	return (uint32_t)mix(hash, rest);
}
