// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <string.h>

#include "checksum.h"
#include "outer.h"

#define OUTER_HOPS	64

uint32_t outer_size(bool ipv6)
{
	return ETH_HLEN + sizeof(struct udphdr) +
	       (ipv6 ? sizeof(struct ip6_hdr) : sizeof(struct iphdr));
}

/* Never in fragments: those would have no ports for others to spread them by. */
static void write_ip4(const struct outer_path *path, uint8_t *at,
		      uint32_t udp_length)
{
	struct iphdr ip = {
		.version = 4,
		.ihl = sizeof(ip) / 4,
		.tot_len = htons((uint16_t)(sizeof(ip) + udp_length)),
		.frag_off = htons(IP_DF),
		.ttl = OUTER_HOPS,
		.protocol = IPPROTO_UDP,
	};

	memcpy(&ip.saddr, path->local, sizeof(ip.saddr));
	memcpy(&ip.daddr, path->remote, sizeof(ip.daddr));
	ip.check = checksum_fold(checksum_add((uint8_t *)&ip, sizeof(ip), 0));
	memcpy(at, &ip, sizeof(ip));
}

static void write_ip6(const struct outer_path *path, uint8_t *at,
		      uint32_t udp_length)
{
	struct ip6_hdr ip = {
		.ip6_plen = htons((uint16_t)udp_length),
		.ip6_nxt = IPPROTO_UDP,
		.ip6_hlim = OUTER_HOPS,
	};

	ip.ip6_vfc = 6 << 4;
	memcpy(&ip.ip6_src, path->local, sizeof(ip.ip6_src));
	memcpy(&ip.ip6_dst, path->remote, sizeof(ip.ip6_dst));
	memcpy(at, &ip, sizeof(ip));
}

/* Of the datagram at @at, whose checksum field is zero. */
static uint16_t udp_checksum6(const struct outer_path *path, const uint8_t *at,
			      uint32_t udp_length)
{
	uint64_t sum = htons((uint16_t)udp_length) + htons(IPPROTO_UDP);
	uint16_t checksum;

	sum = checksum_add(path->local, sizeof(path->local), sum);
	sum = checksum_add(path->remote, sizeof(path->remote), sum);
	checksum = checksum_fold(checksum_add(at, udp_length, sum));
	/* Zero would say that there is none. */
	return checksum ? checksum : 0xffff;
}

void outer_write(const struct outer_path *path, const uint8_t *macs,
		 uint16_t source_port, uint8_t *frame, uint32_t payload_length)
{
	uint16_t type = htons(path->ipv6 ? ETH_P_IPV6 : ETH_P_IP);
	uint32_t udp_length = sizeof(struct udphdr) + payload_length;
	uint8_t *at = frame + outer_size(path->ipv6) - sizeof(struct udphdr);
	struct udphdr udp = {
		.source = htons(source_port),
		.dest = htons(path->port),
		.len = htons((uint16_t)udp_length),
	};

	memcpy(frame, macs, OUTER_MACS_SIZE);
	memcpy(frame + OUTER_MACS_SIZE, &type, sizeof(type));
	memcpy(at, &udp, sizeof(udp));
	if (!path->ipv6) {
		write_ip4(path, frame + ETH_HLEN, udp_length);
		return;
	}
	write_ip6(path, frame + ETH_HLEN, udp_length);
	udp.check = udp_checksum6(path, at, udp_length);
	memcpy(at, &udp, sizeof(udp));
}

/* What follows the IP header: its length, 0 if this is nothing to look at. */
static uint32_t read_ip4(const uint8_t *packet, uint32_t length,
			 uint32_t *header_length)
{
	struct iphdr ip;
	uint32_t total;

	if (length < sizeof(ip))
		return 0;
	memcpy(&ip, packet, sizeof(ip));
	*header_length = ip.ihl * 4;
	total = ntohs(ip.tot_len);
	if (ip.version != 4 || *header_length < sizeof(ip) || total > length ||
	    total < *header_length || ip.protocol != IPPROTO_UDP ||
	    ip.frag_off & htons(IP_MF | IP_OFFMASK))
		return 0;
	return total - *header_length;
}

static uint32_t read_ip6(const uint8_t *packet, uint32_t length,
			 uint32_t *header_length)
{
	struct ip6_hdr ip;

	*header_length = sizeof(ip);
	if (length < sizeof(ip))
		return 0;
	memcpy(&ip, packet, sizeof(ip));
	if (ip.ip6_vfc >> 4 != 6 || ip.ip6_nxt != IPPROTO_UDP ||
	    sizeof(ip) + ntohs(ip.ip6_plen) > length)
		return 0;
	return ntohs(ip.ip6_plen);
}

bool outer_read(const uint8_t *packet, uint32_t length, bool ipv6,
		struct outer_datagram *datagram)
{
	uint32_t header_length, rest, udp_length;
	struct udphdr udp;

	rest = ipv6 ? read_ip6(packet, length, &header_length) :
		      read_ip4(packet, length, &header_length);
	if (rest < sizeof(udp))
		return false;
	memcpy(&udp, packet + header_length, sizeof(udp));
	udp_length = ntohs(udp.len);
	if (udp_length < sizeof(udp) || udp_length > rest)
		return false;
	*datagram = (struct outer_datagram) {
		.ipv6 = ipv6,
		.port = ntohs(udp.dest),
		.source = packet + (ipv6 ? offsetof(struct ip6_hdr, ip6_src) :
					   offsetof(struct iphdr, saddr)),
		.destination = packet +
			       (ipv6 ? offsetof(struct ip6_hdr, ip6_dst) :
				       offsetof(struct iphdr, daddr)),
		.payload = packet + header_length + sizeof(udp),
		.payload_length = udp_length - sizeof(udp),
	};
	return true;
}
