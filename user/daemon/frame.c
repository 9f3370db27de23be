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

#define EXTENSION_HEADERS_MAX	8

/* RFC 1624: a changed word changes the checksum by the difference. */
static void adjust_checksum(uint16_t *checksum, uint16_t old, uint16_t new)
{
	uint32_t sum = (uint16_t)~ntohs(*checksum);

	sum += (uint16_t)~ntohs(old);
	sum += ntohs(new);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	*checksum = htons(~sum);
}

static bool count_hop4(uint8_t *header, uint32_t length)
{
	struct iphdr ip;
	uint16_t old, new;

	if (length < sizeof(ip))
		return false;
	memcpy(&ip, header, sizeof(ip));
	if (ip.ttl <= 1)
		return false;
	/* TTL is the high byte of the word it shares with the protocol. */
	old = htons(ip.ttl << 8 | ip.protocol);
	ip.ttl--;
	new = htons(ip.ttl << 8 | ip.protocol);
	adjust_checksum(&ip.check, old, new);
	memcpy(header, &ip, sizeof(ip));
	return true;
}

static bool count_hop6(uint8_t *header, uint32_t length)
{
	uint8_t *hops = header + offsetof(struct ip6_hdr, ip6_hlim);

	if (length < sizeof(struct ip6_hdr) || *hops <= 1)
		return false;
	--*hops;
	return true;
}

bool frame_route(uint8_t *frame, uint32_t length, uint32_t l3_offset,
		 bool ipv6, const uint8_t *source_mac,
		 const uint8_t *destination_mac)
{
	bool counted;

	if (length < l3_offset || l3_offset < ETH_HLEN)
		return false;
	counted = ipv6 ? count_hop6(frame + l3_offset, length - l3_offset) :
			 count_hop4(frame + l3_offset, length - l3_offset);
	if (!counted)
		return false;
	memcpy(frame, destination_mac, ETH_ALEN);
	memcpy(frame + ETH_ALEN, source_mac, ETH_ALEN);
	return true;
}

static uint64_t sum_bytes(const uint8_t *bytes, uint32_t length, uint64_t sum)
{
	uint16_t word;

	for (; length >= 2; length -= 2, bytes += 2) {
		memcpy(&word, bytes, 2);
		sum += word;
	}
	if (length) {
		word = 0;
		memcpy(&word, bytes, 1);
		sum += word;
	}
	return sum;
}

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
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
	transport->pseudo_sum = sum_bytes(header +
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
	transport->pseudo_sum = sum_bytes(header +
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
	checksum = fold(sum_bytes(transport.start, transport.length, sum));
	/* UDP: zero says that there is none. */
	if (!checksum && transport.protocol == IPPROTO_UDP)
		checksum = 0xffff;
	memcpy(transport.start + offset, &checksum, sizeof(checksum));
	return true;
}
