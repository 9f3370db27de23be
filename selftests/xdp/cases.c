// SPDX-License-Identifier: GPL-2.0
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include "cases.h"

#define MF	0x2000		/* IPv4: more fragments */
#define UDP	.protocol = IPPROTO_UDP, .payload = 32
#define VXLAN(v) UDP, .port = 4789, .vni = v
#define TCP	.protocol = IPPROTO_TCP, .payload = 32
#define ICMP4(t) .protocol = IPPROTO_ICMP, .type = t, .payload = 32
#define ICMP6(t) .protocol = IPPROTO_ICMPV6, .type = t, .payload = 32
#define CHAIN(n, ...) .nr_extensions = n, .extensions = { __VA_ARGS__ }
#define OPTS8	60, 60, 60, 60, 60, 60, 60, 60

/* Destination MAC addresses, by what they mean to the frame. */
#define ROUTER(place)	.mac = mac_near[place]
#define HOST(place)	.mac = mac_far[place]

/* Expectations. */
#define TO(slot, place)	STEERED, slot, mac_far[place], place, false
#define TO_VETH1	TO(1, VETH1)
#define TO_CLIENT(slot)	TO(slot, UPLINK)
#define AS_IS(slot)	COUNTED(STEERED, slot)
#define LEFT		COUNTED(PASSED, 0)
#define BAD		COUNTED(MALFORMED, 0)
#define COUNTED(why, s)	why, s, NULL, 0, false
#define INTO(slot)	STEERED, slot, mac_far[UPLINK], UPLINK, true
#define LOST(why, s)	why, s, NULL, 0, true

static const __u8 mac_broadcast[6] = { 255, 255, 255, 255, 255, 255 };
static const __u8 mac_multicast[6] = { 0x33, 0x33, 0, 0, 0, 1 };
static const __u8 mac_zero[6];

/* Byte offsets in untagged frames. */
#define AT_TYPE	12
#define AT_IP	14
#define AT_TCP	34

static void be_arp(struct frame *frame)
{
	frame->data[AT_TYPE + 1] = 0x06;
}

static void be_8023(struct frame *frame)
{
	frame->data[AT_TYPE] = 0;
	frame->data[AT_TYPE + 1] = 46;
}

static void type_0(struct frame *frame)
{
	frame->data[AT_TYPE] = 0;
	frame->data[AT_TYPE + 1] = 0;
}

static void version_0(struct frame *frame)
{
	frame->data[AT_IP] &= 0x0f;
}

static void version_swapped(struct frame *frame)
{
	frame->data[AT_IP] ^= 0x20;	/* 4 for 6, 6 for 4 */
}

static void ihl_4(struct frame *frame)
{
	frame->data[AT_IP] = 0x44;
}

static void ihl_15(struct frame *frame)
{
	frame->data[AT_IP] = 0x4f;
}

static void total_19(struct frame *frame)
{
	frame->data[AT_IP + 2] = 0;
	frame->data[AT_IP + 3] = 19;
}

static void total_one_more(struct frame *frame)
{
	frame->data[AT_IP + 3]++;
}

static void total_cuts_udp(struct frame *frame)
{
	frame->data[AT_IP + 3] = 27;
}

static void payload_one_more(struct frame *frame)
{
	frame->data[AT_IP + 5]++;
}

static void payload_zero(struct frame *frame)
{
	frame->data[AT_IP + 4] = 0;
	frame->data[AT_IP + 5] = 0;
}

static void tcp_offset_4(struct frame *frame)
{
	frame->data[AT_TCP + 12] = 4 << 4;
}

static void tcp_offset_15(struct frame *frame)
{
	frame->data[AT_TCP + 12] = 15 << 4;
}

static void extension_too_long(struct frame *frame)
{
	frame->data[AT_IP + 40 + 1] = 255;
}

/* Give the IPv4 header the right checksum @wanted, by its identification. */
static void make_checksum(struct frame *frame, unsigned int wanted)
{
	__u8 *ip = frame->data + AT_IP;
	unsigned int id = (packet_checksum(ip) + 65535 - wanted) % 65535;

	ip[4] = id >> 8;
	ip[5] = id;
	ip[10] = wanted >> 8;
	ip[11] = wanted;
}

static void checksum_feff(struct frame *frame)
{
	make_checksum(frame, 0xfeff);
}

static void checksum_ff01(struct frame *frame)
{
	make_checksum(frame, 0xff01);
}

static void checksum_ffff(struct frame *frame)
{
	make_checksum(frame, 0);
	memset(frame->data + AT_IP + 10, 0xff, 2);
}

static void checksum_wrong(struct frame *frame)
{
	frame->data[AT_IP + 10] ^= 0x5a;
}

static void from_group(struct frame *frame)
{
	frame->data[AT_IP + 8] = 0xff;
}

static void from_link(struct frame *frame)
{
	frame->data[AT_IP + 8] = 0xfe;
	frame->data[AT_IP + 9] = 0xbf;
}

static void from_loopback(struct frame *frame)
{
	memset(frame->data + AT_IP + 8, 0, 15);
}

static void pad(struct frame *frame)
{
	memset(frame->data + frame->length, 0, 20);
	frame->length += 20;
}

const struct test_case cases[] = {
	/* What comes from outside, to a container behind a veth. */
	{ "UDP over IPv4", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.0.2", UDP }, NULL, TO_VETH1 },
	{ "TCP over IPv4", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.0.2", TCP }, NULL, TO_VETH1 },
	{ "ICMP over IPv4", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.0.2", ICMP4(8) }, NULL, TO_VETH1 },
	{ "unknown protocol over IPv4", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.0.2", .protocol = 132 }, NULL, TO_VETH1 },
	{ "IPv4 options", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.0.2", .options = 40, TCP }, NULL, TO_VETH1 },
	{ "Ethernet padding behind IPv4", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.0.2", .protocol = IPPROTO_UDP }, pad,
	  TO_VETH1 },
	{ "UDP over IPv6", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:1::2", UDP }, NULL, TO_VETH1 },
	{ "TCP over IPv6", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:1::2", TCP }, NULL, TO_VETH1 },
	{ "ICMPv6 echo", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:1::2", ICMP6(128) }, NULL, TO_VETH1 },
	{ "IPv6 with nothing behind it", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:1::2", .protocol = 59 }, NULL, TO_VETH1 },
	{ "Ethernet padding behind IPv6", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:1::2", .protocol = IPPROTO_UDP }, pad,
	  TO_VETH1 },
	{ "second queue with a socket", UPLINK, 1,
	  { ROUTER(UPLINK), "10.1.0.2", UDP }, NULL, TO_VETH1 },

	/* Prefixes and sockets. */
	{ "shorter prefix, system's socket", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.7.7", UDP }, NULL,
	  TO(3, SHARED) },
	{ "shorter IPv6 prefix, system's socket", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:1:7::7", UDP }, NULL,
	  TO(3, SHARED) },
	{ "no socket on this queue", UPLINK, 1,
	  { ROUTER(UPLINK), "10.1.7.7", UDP }, NULL, COUNTED(NO_SOCKET, 3) },
	{ "no socket, system has none either", UPLINK, 1,
	  { ROUTER(UPLINK), "10.2.0.2", UDP }, NULL, COUNTED(NO_SOCKET, 2) },
	{ "socket of another queue", VETH1, 1,
	  { ROUTER(VETH1), "10.9.0.1", UDP }, NULL, COUNTED(NO_SOCKET, 1) },
	{ "slot beyond the stride", SHARED, 0,
	  { ROUTER(SHARED), "10.2.0.2", UDP }, NULL,
	  TO(2, VETH2) },

	/* VLAN tags. */
	{ "one VLAN tag", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.0.2", .vlans = 1, UDP }, NULL, TO_VETH1 },
	{ "two VLAN tags", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.0.2", .vlans = 2, UDP }, NULL, TO_VETH1 },
	{ "three VLAN tags", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.0.2", .vlans = 3, UDP }, NULL, LEFT },
	{ "one VLAN tag, IPv6", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:1::2", .vlans = 1, TCP }, NULL, TO_VETH1 },
	{ "two VLAN tags, IPv6 extension", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:1::2", .vlans = 2, CHAIN(1, 0), UDP }, NULL,
	  TO_VETH1 },
	{ "VLAN tag, no route", UPLINK, 0,
	  { ROUTER(UPLINK), "10.7.0.2", .vlans = 1, UDP }, NULL, LEFT },
	{ "VLAN tag, next hop only in the FIB", VETH1, 0,
	  { ROUTER(VETH1), "10.9.0.1", .vlans = 1, UDP }, NULL, LEFT },

	/* IPv6 extension headers. */
	{ "hop-by-hop options", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:1::2", CHAIN(1, 0), UDP }, NULL, TO_VETH1 },
	{ "routing header", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:1::2", CHAIN(1, 43), UDP }, NULL, TO_VETH1 },
	{ "destination options", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:1::2", CHAIN(1, 60), TCP }, NULL, TO_VETH1 },
	{ "authentication header", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:1::2", CHAIN(1, 51), TCP }, NULL, TO_VETH1 },
	{ "all extension headers", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:1::2", .fragment = 1,
	    CHAIN(5, 0, 60, 43, 44, 51), UDP }, NULL, TO_VETH1 },
	{ "eight extension headers", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:1::2", CHAIN(8, OPTS8), UDP }, NULL,
	  TO_VETH1 },
	{ "nine extension headers", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:1::2", CHAIN(9, OPTS8, 60), UDP }, NULL,
	  BAD },
	{ "extension header longer than the datagram", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:1::2", CHAIN(1, 0), UDP },
	  extension_too_long, BAD },

	/* Fragments go by destination. */
	{ "first IPv4 fragment", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.0.2", .fragment = MF, UDP }, NULL, TO_VETH1 },
	{ "later IPv4 fragment", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.0.2", .fragment = MF | 3, UDP }, NULL,
	  TO_VETH1 },
	{ "later IPv4 fragment, too short for TCP", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.0.2", .fragment = 185,
	    .protocol = IPPROTO_TCP, .payload = 4 }, NULL, TO_VETH1 },
	{ "first IPv4 fragment, too short for UDP", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.0.2", .fragment = MF, UDP }, total_cuts_udp,
	  BAD },
	{ "first IPv6 fragment of a neighbour's message", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:1::2", .fragment = 1, CHAIN(1, 44),
	    ICMP6(135) }, NULL, LEFT },
	{ "first IPv6 fragment", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:1::2", .fragment = 1, CHAIN(1, 44), UDP },
	  NULL, TO_VETH1 },
	{ "later IPv6 fragment, too short for TCP", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:1::2", .fragment = 185 << 3, CHAIN(1, 44),
	    .protocol = IPPROTO_TCP, .payload = 4 }, NULL, TO_VETH1 },
	{ "later IPv6 fragment of a neighbour's message", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:1::2", .fragment = 8, CHAIN(1, 44),
	    ICMP6(135) }, NULL, TO_VETH1 },

	/* What leaves: the FIB knows the next hop. */
	{ "to the client", VETH1, 0,
	  { ROUTER(VETH1), "10.9.0.1", UDP }, NULL, TO_CLIENT(1) },
	{ "to the client, IPv6", VETH1, 0,
	  { ROUTER(VETH1), "fd00:9::1", TCP }, NULL, TO_CLIENT(1) },
	{ "to the client, from a bridge's port", VETH2, 0,
	  { ROUTER(VETH2), "10.9.0.1", UDP }, NULL, TO_CLIENT(2) },
	{ "to the client, by the bridge's own address", VETH2, 0,
	  { ROUTER(BRIDGE), "10.9.0.1", UDP }, NULL, TO_CLIENT(2) },
	{ "to the client, by the bridge's own address, IPv6", VETH2, 0,
	  { ROUTER(BRIDGE), "fd00:9::1", UDP }, NULL, TO_CLIENT(2) },
	{ "to the client, from nobody's veth", SHARED, 0,
	  { ROUTER(SHARED), "10.9.0.1", UDP }, NULL, TO_CLIENT(0) },
	{ "through a gateway", VETH1, 0,
	  { ROUTER(VETH1), "10.9.5.77", UDP }, NULL, TO_CLIENT(1) },
	{ "through a gateway, IPv6", VETH1, 0,
	  { ROUTER(VETH1), "fd00:9:0:5::77", UDP }, NULL, TO_CLIENT(1) },
	{ "neighbour unknown", VETH1, 0,
	  { ROUTER(VETH1), "10.9.0.99", UDP }, NULL, COUNTED(NO_NEIGHBOUR, 1) },
	{ "neighbour unknown, IPv6", VETH1, 0,
	  { ROUTER(VETH1), "fd00:9::99", UDP }, NULL,
	  COUNTED(NO_NEIGHBOUR, 1) },
	{ "the kernel routes it elsewhere", VETH1, 0,
	  { ROUTER(VETH1), "10.9.1.1", UDP }, NULL, LEFT },
	{ "the kernel routes it elsewhere, neighbour unknown", VETH1, 0,
	  { ROUTER(VETH1), "10.9.1.9", UDP }, NULL, LEFT },
	{ "the kernel routes it elsewhere, IPv6", VETH1, 0,
	  { ROUTER(VETH1), "fd00:9:0:1::1", UDP }, NULL, LEFT },
	{ "unreachable", VETH1, 0,
	  { ROUTER(VETH1), "10.9.2.1", UDP }, NULL, LEFT },
	{ "unreachable, IPv6", VETH1, 0,
	  { ROUTER(VETH1), "fd00:9:0:2::1", UDP }, NULL, LEFT },
	{ "from a group, IPv6", VETH1, 0,
	  { ROUTER(VETH1), "fd00:9::1", UDP }, from_group, LEFT },
	{ "from a link-local address", VETH1, 0,
	  { ROUTER(VETH1), "fd00:9::1", UDP }, from_link, LEFT },
	{ "from the loopback address, IPv6", VETH1, 0,
	  { ROUTER(VETH1), "fd00:9::1", UDP }, from_loopback, LEFT },
	{ "the kernel has no route", VETH1, 0,
	  { ROUTER(VETH1), "10.9.77.1", UDP }, NULL, LEFT },

	/* From container to container. */
	{ "container to container, routed", VETH2, 0,
	  { ROUTER(VETH2), "10.1.0.2", UDP }, NULL,
	  TO(2, VETH1) },
	{ "container to container, same MAC", VETH1, 0,
	  { HOST(VETH2), "10.2.0.2", UDP }, NULL,
	  AS_IS(1) },
	{ "container to container, IPv6, same MAC", VETH1, 0,
	  { HOST(VETH2), "fd00:2::2", UDP }, NULL,
	  AS_IS(1) },

	/* Bridged. */
	{ "bridged to the uplink", VETH2, 0,
	  { .mac = mac_server, "10.3.0.9", UDP }, NULL, AS_IS(2) },
	{ "bridged to the uplink, VLAN tag", VETH2, 0,
	  { .mac = mac_server, "10.3.0.9", .vlans = 1, UDP }, NULL, AS_IS(2) },
	{ "bridged to the uplink, IPv6 default route", VETH2, 0,
	  { .mac = mac_server, "2001:db8::9", UDP }, NULL, AS_IS(2) },
	{ "bridged to the uplink with the last hop", VETH2, 0,
	  { .mac = mac_server, "10.3.0.9", .hops = 1, UDP }, NULL, AS_IS(2) },
	{ "bridged to the second uplink", VETH2, 0,
	  { .mac = mac_printer, "10.3.1.9", UDP }, NULL, AS_IS(2) },
	{ "bridged from uplink to uplink", SECOND, 0,
	  { .mac = mac_server, "10.3.0.9", UDP }, NULL, AS_IS(0) },
	{ "bridged from the uplink", BRIDGED, 0,
	  { HOST(VETH2), "10.2.0.2", TCP }, NULL, AS_IS(2) },
	{ "bridged from the second uplink, IPv6", SECOND, 0,
	  { HOST(VETH2), "fd00:2::2", TCP }, NULL, AS_IS(2) },
	{ "MAC heard nowhere, the uplink's prefix", VETH2, 0,
	  { .mac = mac_stranger, "10.3.0.9", UDP }, NULL, LEFT },
	{ "MAC heard nowhere, IPv6 default route", VETH2, 0,
	  { .mac = mac_stranger, "2001:db8::9", TCP }, NULL, LEFT },
	{ "MAC heard behind the other uplink", VETH2, 0,
	  { .mac = mac_printer, "10.3.0.9", UDP }, NULL, LEFT },
	{ "a container's MAC, the uplink's prefix", VETH2, 0,
	  { HOST(VETH1), "10.3.0.9", UDP }, NULL, LEFT },
	{ "MAC heard behind an uplink, no route", VETH2, 0,
	  { .mac = mac_server, "10.7.0.2", UDP }, NULL, LEFT },
	{ "MAC heard behind an uplink, a container's address", SECOND, 0,
	  { .mac = mac_server, "10.2.0.2", UDP }, NULL, LEFT },
	{ "uplink of another bridge", VETH1, 0,
	  { .mac = mac_server, "10.3.0.9", UDP }, NULL, LEFT },
	{ "bridged to a third machine's MAC", BRIDGED, 0,
	  { .mac = mac_stranger, "10.2.0.2", UDP }, NULL, LEFT },
	{ "the bridge's MAC means nothing elsewhere", VETH1, 0,
	  { ROUTER(BRIDGE), "10.9.0.1", UDP }, NULL, LEFT },
	{ "zero MAC is not an unknown one", VETH1, 0,
	  { .mac = mac_zero, "10.9.0.1", UDP }, NULL, LEFT },
	{ "zero MAC is not the missing bridge's", UPLINK, 0,
	  { .mac = mac_zero, "10.1.0.2", UDP }, NULL, LEFT },
	{ "out by where it came in", VETH1, 0,
	  { ROUTER(VETH1), "10.1.0.2", UDP }, NULL, LEFT },
	{ "bridged out by where it came in", BRIDGED, 0,
	  { .mac = mac_server, "10.3.0.9", UDP }, NULL, LEFT },

	/* Never claimed. */
	{ "not a port", STRANGER, 0,
	  { ROUTER(STRANGER), "10.1.0.2", UDP }, NULL, LEFT },
	{ "malformed, but not a port", STRANGER, 0,
	  { ROUTER(STRANGER), "10.1.0.2", UDP }, ihl_4, LEFT },
	{ "no route", UPLINK, 0,
	  { ROUTER(UPLINK), "10.7.0.2", UDP }, NULL, LEFT },
	{ "broadcast MAC", UPLINK, 0,
	  { .mac = mac_broadcast, "10.1.0.2", UDP }, NULL, LEFT },
	{ "multicast MAC", UPLINK, 0,
	  { .mac = mac_multicast, "fd00:1::2", UDP }, NULL, LEFT },
	{ "ARP", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.0.2", UDP }, be_arp, LEFT },
	{ "802.3 length instead of a type", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.0.2", UDP }, be_8023, LEFT },
	{ "EtherType 0", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.0.2", UDP }, type_0, LEFT },
	{ "IPv4 multicast", VETH2, 0,
	  { .mac = mac_server, "224.0.0.251", UDP }, NULL, LEFT },
	{ "IPv4 broadcast", VETH2, 0,
	  { .mac = mac_server, "255.255.255.255", UDP }, NULL, LEFT },
	{ "IPv6 multicast", VETH2, 0,
	  { .mac = mac_server, "ff02::fb", UDP }, NULL, LEFT },
	{ "IPv6 link-local", VETH2, 0,
	  { .mac = mac_server, "fe80::9", UDP }, NULL, LEFT },
	{ "IPv6 link-local, the last of the prefix", VETH2, 0,
	  { .mac = mac_server, "febf::9", UDP }, NULL, LEFT },
	{ "past the link-local prefix", VETH2, 0,
	  { .mac = mac_server, "fec0::9", UDP }, NULL,
	  AS_IS(2) },
	{ "router solicitation", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:1::2", ICMP6(133) }, NULL, LEFT },
	{ "router advertisement", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:1::2", ICMP6(134) }, NULL, LEFT },
	{ "neighbour solicitation", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:1::2", ICMP6(135) }, NULL, LEFT },
	{ "neighbour advertisement", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:1::2", ICMP6(136) }, NULL, LEFT },
	{ "redirect", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:1::2", ICMP6(137) }, NULL, LEFT },
	{ "neighbour solicitation behind options", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:1::2", CHAIN(2, 0, 60), ICMP6(135) }, NULL,
	  LEFT },
	{ "ICMPv6 type 132", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:1::2", ICMP6(132) }, NULL, TO_VETH1 },
	{ "ICMPv6 type 138", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:1::2", ICMP6(138) }, NULL, TO_VETH1 },

	/* What is to enter a tunnel; nothing of that leaves outside of it. */
	{ "into a tunnel", VETH1, 0,
	  { ROUTER(VETH1), "10.20.0.1", UDP }, NULL, INTO(1) },
	{ "into the tunnel with the longer prefix, over IPv6", VETH1, 0,
	  { ROUTER(VETH1), "10.20.0.129", TCP }, NULL, INTO(1) },
	{ "into a tunnel, IPv6, through a gateway", VETH1, 0,
	  { ROUTER(VETH1), "fd20::7", ICMP6(128) }, NULL, INTO(1) },
	{ "into another tenant's tunnel of the same prefix", VETH2, 0,
	  { ROUTER(VETH2), "10.20.0.1", UDP }, NULL, INTO(2) },
	{ "into a tunnel by the bridge's own address", VETH2, 0,
	  { ROUTER(BRIDGE), "10.20.0.1", UDP }, NULL, INTO(2) },
	{ "into a tunnel behind a bridge", VETH1, 0,
	  { ROUTER(VETH1), "10.20.5.1", UDP }, NULL,
	  STEERED, 1, mac_server, BRIDGED, true },
	{ "a later fragment into a tunnel", VETH1, 0,
	  { ROUTER(VETH1), "10.20.0.1", .fragment = 3, UDP }, NULL, INTO(1) },
	{ "another tenant's tunnel is none", VETH2, 0,
	  { ROUTER(VETH2), "10.20.1.1", UDP }, NULL, LEFT },
	{ "a tunnel is not looked for here", SHARED, 0,
	  { ROUTER(SHARED), "10.20.0.1", UDP }, NULL, LEFT },
	{ "a tunnel's prefix, another machine's MAC", VETH1, 0,
	  { .mac = mac_stranger, "10.20.0.1", UDP }, NULL, LEFT },
	{ "a tunnel's prefix, last hop", VETH1, 0,
	  { ROUTER(VETH1), "10.20.0.1", .hops = 1, UDP }, NULL, LEFT },
	{ "a tunnel's prefix, VLAN tag", VETH1, 0,
	  { ROUTER(VETH1), "10.20.0.1", .vlans = 1, UDP }, NULL, LEFT },
	{ "the remote end's neighbour unknown", VETH1, 0,
	  { ROUTER(VETH1), "10.20.1.1", UDP }, NULL, LOST(NO_NEIGHBOUR, 1) },
	{ "the remote end's neighbour unknown, IPv6", VETH1, 0,
	  { ROUTER(VETH1), "fd20:0:0:1::1", UDP }, NULL,
	  LOST(NO_NEIGHBOUR, 1) },
	{ "the kernel routes the remote end elsewhere", VETH1, 0,
	  { ROUTER(VETH1), "10.20.2.1", UDP }, NULL, LOST(NO_NEIGHBOUR, 1) },
	{ "no route to the remote end", VETH1, 0,
	  { ROUTER(VETH1), "10.20.3.1", UDP }, NULL, LOST(NO_NEIGHBOUR, 1) },
	{ "the remote end is behind no uplink", VETH1, 0,
	  { ROUTER(VETH1), "10.20.4.1", UDP }, NULL, LOST(NO_NEIGHBOUR, 1) },
	{ "into a tunnel, no socket", VETH1, 1,
	  { ROUTER(VETH1), "10.20.0.1", UDP }, NULL, LOST(NO_SOCKET, 1) },
	{ "too long for a tunnel", VETH1, 0,
	  { ROUTER(VETH1), "10.20.0.1", .protocol = IPPROTO_UDP,
	    .payload = MAX_LENGTH - 41 }, NULL, LOST(TOO_LONG, 1) },

	/* What is for a tunnel's near end. */
	{ "out of a tunnel", UPLINK, 0,
	  { ROUTER(UPLINK), "10.9.0.254", VXLAN(42) }, NULL, AS_IS(1) },
	{ "out of another tenant's", UPLINK, 0,
	  { ROUTER(UPLINK), "10.9.0.254", VXLAN(43) }, NULL, AS_IS(2) },
	{ "out of a tunnel of another port", UPLINK, 0,
	  { ROUTER(UPLINK), "10.9.0.254", UDP, .port = 4799, .vni = 42 }, NULL,
	  AS_IS(2) },
	{ "out of a tunnel over IPv6, three bytes of VNI", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:9::fe", VXLAN(0xabcdef) }, NULL, AS_IS(1) },
	{ "out of a tunnel, with the last hop", UPLINK, 0,
	  { ROUTER(UPLINK), "10.9.0.254", .hops = 1, VXLAN(42) }, NULL,
	  AS_IS(1) },
	{ "out of a tunnel, IPv4 options", UPLINK, 0,
	  { ROUTER(UPLINK), "10.9.0.254", .options = 8, VXLAN(42) }, NULL,
	  AS_IS(1) },
	{ "out of the tenant's own tunnel by its own uplink", GIVEN, 0,
	  { ROUTER(GIVEN), "10.9.0.254", VXLAN(43) }, NULL, AS_IS(2) },
	{ "another tenant's VNI by an uplink of one's own", GIVEN, 0,
	  { ROUTER(GIVEN), "10.9.0.254", VXLAN(42) }, NULL,
	  COUNTED(UNKNOWN_VNI, 0) },
	{ "nobody's VNI", UPLINK, 0,
	  { ROUTER(UPLINK), "10.9.0.254", VXLAN(44) }, NULL,
	  COUNTED(UNKNOWN_VNI, 0) },
	{ "nobody's VNI, IPv6", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:9::fe", VXLAN(42) }, NULL,
	  COUNTED(UNKNOWN_VNI, 0) },
	{ "an end's address, another port", UPLINK, 0,
	  { ROUTER(UPLINK), "10.9.0.254", UDP, .port = 4790, .vni = 42 }, NULL,
	  LEFT },
	{ "an end's address, another machine's MAC", UPLINK, 0,
	  { .mac = mac_stranger, "10.9.0.254", VXLAN(42) }, NULL, LEFT },
	{ "an end, too short for a VNI", UPLINK, 0,
	  { ROUTER(UPLINK), "10.9.0.254", .protocol = IPPROTO_UDP,
	    .payload = 7, .port = 4789 }, NULL, LEFT },
	{ "a first fragment to an end", UPLINK, 0,
	  { ROUTER(UPLINK), "10.9.0.254", .fragment = MF, VXLAN(42) }, NULL,
	  LEFT },
	{ "an end behind extension headers", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:9::fe", CHAIN(1, 60), VXLAN(0xabcdef) }, NULL,
	  LEFT },
	{ "an end, from a container", VETH1, 0,
	  { ROUTER(VETH1), "10.9.0.254", VXLAN(42) }, NULL,
	  COUNTED(NO_NEIGHBOUR, 1) },
	{ "too long, out of a tunnel", UPLINK, 0,
	  { ROUTER(UPLINK), "10.9.0.254", .protocol = IPPROTO_UDP, .port = 4789,
	    .vni = 42, .payload = MAX_LENGTH - 41 }, NULL,
	  COUNTED(TOO_LONG, 1) },

	/* Hop limits. */
	{ "routed with one hop left", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.0.2", .hops = 1, UDP }, NULL, LEFT },
	{ "routed with no hop left", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.0.2", .hops = HOPS_NONE, UDP }, NULL, LEFT },
	{ "routed with two hops left", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.0.2", .hops = 2, UDP }, NULL, TO_VETH1 },
	{ "routed with two hops left, IPv6", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:1::2", .hops = 2, UDP }, NULL, TO_VETH1 },
	{ "routed with 255 hops left", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.0.2", .hops = 255, UDP }, NULL, TO_VETH1 },
	{ "routed with 255 hops left, IPv6", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:1::2", .hops = 255, UDP }, NULL, TO_VETH1 },
	{ "the checksum carries around to 0", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.0.2", UDP }, checksum_feff, TO_VETH1 },
	{ "the checksum carries around past 0", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.0.2", UDP }, checksum_ff01, TO_VETH1 },
	{ "the checksum is the other zero", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.0.2", UDP }, checksum_ffff, TO_VETH1 },
	{ "a wrong checksum stays wrong", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.0.2", UDP }, checksum_wrong, TO_VETH1 },
	{ "routed with one hop left, IPv6", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:1::2", .hops = 1, UDP }, NULL, LEFT },

	/* Lengths. */
	{ "the longest frame", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.0.2", .protocol = IPPROTO_UDP,
	    .payload = MAX_LENGTH - 42 }, NULL, TO_VETH1 },
	{ "one byte too long", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.0.2", .protocol = IPPROTO_UDP,
	    .payload = MAX_LENGTH - 41 }, NULL, COUNTED(TOO_LONG, 1) },
	{ "jumbo, from a container", VETH1, 0,
	  { ROUTER(VETH1), "fd00:9::1", .protocol = IPPROTO_TCP,
	    .payload = 2900 }, NULL, COUNTED(TOO_LONG, 1) },
	{ "the longest frame for the way out", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.7.7", .protocol = IPPROTO_UDP,
	    .payload = MAX_NARROW - 42 }, NULL, TO(3, SHARED) },
	{ "one byte too long for the way out", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.7.7", .protocol = IPPROTO_UDP,
	    .payload = MAX_NARROW - 41 }, NULL, COUNTED(TOO_LONG, 3) },
	{ "one byte too long for the way out, IPv6", VETH1, 0,
	  { ROUTER(VETH1), "fd00:1:7::7", .protocol = IPPROTO_UDP,
	    .payload = MAX_NARROW - 61 }, NULL, COUNTED(TOO_LONG, 1) },
	{ "too long by its VLAN tag", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.7.7", .vlans = 1, .protocol = IPPROTO_UDP,
	    .payload = MAX_NARROW - 42 }, NULL, COUNTED(TOO_LONG, 3) },
	{ "bridged, the longest frame for the way out", VETH2, 0,
	  { .mac = mac_server, "10.3.0.9", .protocol = IPPROTO_UDP,
	    .payload = MAX_NARROW - 42 }, NULL, AS_IS(2) },
	{ "bridged, one byte too long for the way out", VETH2, 0,
	  { .mac = mac_server, "10.3.0.9", .protocol = IPPROTO_UDP,
	    .payload = MAX_NARROW - 41 }, NULL, COUNTED(TOO_LONG, 2) },
	{ "too long for the way out, last hop", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.7.7", .hops = 1, .protocol = IPPROTO_UDP,
	    .payload = MAX_NARROW }, NULL, LEFT },
	{ "jumbo that nobody claims", UPLINK, 0,
	  { ROUTER(UPLINK), "10.7.0.2", .protocol = IPPROTO_TCP,
	    .payload = 2900 }, NULL, LEFT },

	/* Malformed. */
	{ "IP version 0", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.0.2", UDP }, version_0, BAD },
	{ "IP version 6 under IPv4's type", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.0.2", UDP }, version_swapped, BAD },
	{ "IP version 4 under IPv6's type", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:1::2", UDP }, version_swapped, BAD },
	{ "IPv4 header of 16 bytes", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.0.2", UDP }, ihl_4, BAD },
	{ "IPv4 header longer than the datagram", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.0.2", .protocol = IPPROTO_UDP }, ihl_15,
	  BAD },
	{ "IPv4 total length below the header's", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.0.2", UDP }, total_19, BAD },
	{ "IPv4 total length beyond the frame", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.0.2", UDP }, total_one_more, BAD },
	{ "IPv4 total length inside the UDP header", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.0.2", UDP }, total_cuts_udp, BAD },
	{ "IPv6 payload length beyond the frame", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:1::2", UDP }, payload_one_more, BAD },
	{ "IPv6 payload length zero with UDP", UPLINK, 0,
	  { ROUTER(UPLINK), "fd00:1::2", UDP }, payload_zero, BAD },
	{ "TCP header of 16 bytes", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.0.2", TCP }, tcp_offset_4, BAD },
	{ "TCP header longer than the datagram", UPLINK, 0,
	  { ROUTER(UPLINK), "10.1.0.2", .protocol = IPPROTO_TCP,
	    .payload = 8 }, tcp_offset_15, BAD },
	{ "malformed to an unclaimed address", UPLINK, 0,
	  { ROUTER(UPLINK), "10.7.0.2", UDP }, total_one_more, BAD },
};
const int nr_cases = sizeof(cases) / sizeof(cases[0]);

void case_build(const struct test_case *test, struct frame *frame)
{
	packet_build(&test->recipe, frame);
	if (test->spoil)
		test->spoil(frame);
}

void case_expect(const struct test_case *test, struct verdict *verdict)
{
	memset(verdict, 0, sizeof(*verdict));
	verdict->outcome = test->outcome;
	verdict->slot = test->slot;
	verdict->enters = test->enters;
	if (!test->next_hop)
		return;
	verdict->routed = !test->enters;
	memcpy(verdict->next_hop, test->next_hop, 6);
	memcpy(verdict->source, mac_near[test->out], 6);
}
