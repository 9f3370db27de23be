// SPDX-License-Identifier: GPL-2.0
/*
 * What arrives on an interface, as it is before the stack has seen it:
 *
 *	sniff --iface eth0 --port 7000 --count 10
 *
 * prints `ready PID`, then a line of JSON for each UDP datagram that came in
 * for that port: MACs, hop limit, VLAN, and whether the checksums are right.
 * `unfinished` is a checksum that a sender left to a device that is not there.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAME_MAX	70000
#define SECONDS_MAX	30

struct sight {
	const uint8_t *frame;
	size_t length;
	uint32_t status;	/* TP_STATUS_* */
	uint16_t vlan;
	const uint8_t *transport;
	size_t transport_length;
	unsigned int hops;
	bool ipv6;
	bool header_good;
	uint32_t pseudo_sum;
};

static uint32_t sum_bytes(const uint8_t *bytes, size_t length, uint32_t sum)
{
	for (size_t i = 0; i < length; i++)
		sum += i % 2 ? bytes[i] : bytes[i] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static bool parse_ipv4(struct sight *sight, const uint8_t *header, size_t length)
{
	struct iphdr ip;

	if (length < sizeof(ip))
		return false;
	memcpy(&ip, header, sizeof(ip));
	if (ip.protocol != IPPROTO_UDP || ntohs(ip.frag_off) & 0x3fff ||
	    ntohs(ip.tot_len) > length)
		return false;
	sight->header_good = fold(sum_bytes(header, ip.ihl * 4, 0)) == 0xffff;
	sight->hops = ip.ttl;
	sight->transport = header + ip.ihl * 4;
	sight->transport_length = ntohs(ip.tot_len) - ip.ihl * 4;
	sight->pseudo_sum = sum_bytes(header + 12, 8, IPPROTO_UDP +
				      sight->transport_length);
	return true;
}

static bool parse_ipv6(struct sight *sight, const uint8_t *header, size_t length)
{
	struct ip6_hdr ip;

	if (length < sizeof(ip))
		return false;
	memcpy(&ip, header, sizeof(ip));
	if (ip.ip6_nxt != IPPROTO_UDP || ntohs(ip.ip6_plen) + sizeof(ip) > length)
		return false;
	sight->ipv6 = true;
	sight->header_good = true;	/* it has no checksum */
	sight->hops = ip.ip6_hlim;
	sight->transport = header + sizeof(ip);
	sight->transport_length = ntohs(ip.ip6_plen);
	sight->pseudo_sum = sum_bytes(header + 8, 32, IPPROTO_UDP +
				      sight->transport_length);
	return true;
}

static bool parse(struct sight *sight, uint16_t port)
{
	struct ether_header ethernet;
	const uint8_t *header = sight->frame + sizeof(ethernet);
	struct udphdr udp;
	bool parsed = false;

	if (sight->length < sizeof(ethernet))
		return false;
	memcpy(&ethernet, sight->frame, sizeof(ethernet));
	if (ethernet.ether_type == htons(ETHERTYPE_IP))
		parsed = parse_ipv4(sight, header, sight->length - sizeof(ethernet));
	else if (ethernet.ether_type == htons(ETHERTYPE_IPV6))
		parsed = parse_ipv6(sight, header, sight->length - sizeof(ethernet));
	if (!parsed || sight->transport_length < sizeof(udp))
		return false;
	memcpy(&udp, sight->transport, sizeof(udp));
	return ntohs(udp.dest) == port;
}

static const char *checksum(const struct sight *sight)
{
	struct udphdr udp;

	memcpy(&udp, sight->transport, sizeof(udp));
	if (sight->status & TP_STATUS_CSUMNOTREADY)
		return "unfinished";
	if (!udp.check && !sight->ipv6)
		return "none";
	return fold(sum_bytes(sight->transport, sight->transport_length,
			      sight->pseudo_sum)) == 0xffff ? "good" : "bad";
}

static void print(const struct sight *sight)
{
	const uint8_t *to = sight->frame, *from = sight->frame + ETH_ALEN;

	printf("{\"to\": \"%02x:%02x:%02x:%02x:%02x:%02x\", "
	       "\"from\": \"%02x:%02x:%02x:%02x:%02x:%02x\", \"ipv6\": %s, "
	       "\"vlan\": %u, \"hops\": %u, \"length\": %zu, \"header\": \"%s\", "
	       "\"checksum\": \"%s\"}\n", to[0], to[1], to[2], to[3], to[4],
	       to[5], from[0], from[1], from[2], from[3], from[4], from[5],
	       sight->ipv6 ? "true" : "false", sight->vlan, sight->hops,
	       sight->length, sight->header_good ? "good" : "bad",
	       checksum(sight));
	fflush(stdout);
}

static int open_socket(const char *ifname)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = if_nametoindex(ifname),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), on = 1;

	if (address.sll_ifindex && fd >= 0 &&
	    !setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)) &&
	    !bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	fprintf(stderr, "sniff: %s: %s\n", ifname, strerror(errno));
	exit(1);
}

/* Returns false for what this machine sends itself. */
static bool receive(int fd, uint8_t *frame, struct sight *sight)
{
	char control[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	struct iovec vector = { frame, FRAME_MAX };
	struct tpacket_auxdata auxiliary = {};
	struct sockaddr_ll from;
	struct msghdr message = {
		.msg_name = &from, .msg_namelen = sizeof(from),
		.msg_iov = &vector, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(fd, &message, 0);
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	if (n < 0 || from.sll_pkttype == PACKET_OUTGOING)
		return false;
	if (header && header->cmsg_type == PACKET_AUXDATA)
		memcpy(&auxiliary, CMSG_DATA(header), sizeof(auxiliary));
	*sight = (struct sight) {
		.frame = frame,
		.length = n,
		.status = auxiliary.tp_status,
		.vlan = auxiliary.tp_status & TP_STATUS_VLAN_VALID ?
			auxiliary.tp_vlan_tci & 0xfff : 0,
	};
	return true;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "iface", required_argument, NULL, 'i' },
		{ "port", required_argument, NULL, 'p' },
		{ "count", required_argument, NULL, 'c' },
		{}
	};
	static uint8_t frame[FRAME_MAX];
	const char *ifname = "eth0";
	unsigned long count = 1;
	uint16_t port = 7000;
	struct sight sight;
	int key, fd;

	while ((key = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (key) {
		case 'i': ifname = optarg; break;
		case 'p': port = atoi(optarg); break;
		case 'c': count = strtoul(optarg, NULL, 10); break;
		default: return 2;
		}
	fd = open_socket(ifname);
	alarm(SECONDS_MAX);
	printf("ready %d\n", getpid());
	fflush(stdout);
	while (count) {
		if (!receive(fd, frame, &sight) || !parse(&sight, port))
			continue;
		print(&sight);
		count--;
	}
	return 0;
}
