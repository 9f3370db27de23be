// SPDX-License-Identifier: GPL-2.0
/*
 * Flooding with ready-made frames: the kernel copies a template into pages of
 * its own and sends them where flood.bpf.c says (BPF_F_TEST_XDP_LIVE_FRAMES,
 * Linux 5.18). The receiver's end of a veth must have XDP or GRO on, or the
 * frames go nowhere.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "flood.h"
#include "flood.skel.h"

#define BATCH 64		/* frames between two looks for a signal */
#define FOREVER INT_MAX		/* frames in one run */

struct wire_frame {
	struct flood_headers headers;
	char payload[FLOOD_SIZE_MAX];
} __attribute__((packed));

static struct wire_frame frame;
static size_t frame_length;
static struct flood_bpf *skeleton;

/* The MAC and the IPv4 address that the frames come from. */
static int wire_source(const char *interface)
{
	struct ifreq request = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), error = 0;

	if (fd < 0)
		return -errno;
	strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
	if (ioctl(fd, SIOCGIFHWADDR, &request))
		error = -errno;
	else
		memcpy(frame.headers.ethernet.h_source, request.ifr_hwaddr.sa_data, ETH_ALEN);
	if (!error && ioctl(fd, SIOCGIFADDR, &request))
		error = -errno;
	else
		frame.headers.ip.saddr =
			((struct sockaddr_in *)&request.ifr_addr)->sin_addr.s_addr;
	close(fd);
	return error;
}

static uint16_t header_checksum(void)
{
	uint16_t words[sizeof(frame.headers.ip) / sizeof(uint16_t)];
	uint32_t sum = 0;

	memcpy(words, &frame.headers.ip, sizeof(words));
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		sum += words[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* A question for the next hop's own answer; asked from nowhere, it teaches nothing. */
static void build_arp(const struct sockaddr_in *to)
{
	struct ether_arp arp = {
		.ea_hdr = {
			.ar_hrd = htons(ARPHRD_ETHER),
			.ar_pro = htons(ETH_P_IP),
			.ar_hln = ETH_ALEN,
			.ar_pln = sizeof(arp.arp_tpa),
			.ar_op = htons(ARPOP_REQUEST),
		},
	};

	frame.headers.ethernet.h_proto = htons(ETH_P_ARP);
	memcpy(arp.arp_sha, frame.headers.ethernet.h_source, ETH_ALEN);
	memcpy(arp.arp_tpa, &to->sin_addr, sizeof(arp.arp_tpa));
	memcpy(frame.headers.arp, &arp, sizeof(arp));
	frame_length = sizeof(frame.headers.ethernet) + sizeof(arp);
}

/* An acknowledgement of nothing: no connection, no payload, no checksum. */
static void build_ack(const struct sockaddr_in *to)
{
	frame.headers.tcp = (struct tcphdr) {
		.dest = to->sin_port,
		.doff = sizeof(struct tcphdr) / 4,
		.ack = 1,
		.window = htons(1024),
	};
}

static void build_udp(const struct sockaddr_in *to, uint32_t size)
{
	/* checksum 0: none (RFC 768) */
	frame.headers.udp = (struct udphdr) {
		.dest = to->sin_port,
		.len = htons(sizeof(struct udphdr) + size),
	};
}

static void build_ip(const struct flood_options *options,
		     const struct sockaddr_in *to)
{
	bool ack = options->kind == FLOOD_ACK;
	uint32_t length = sizeof(struct iphdr) + (ack ? sizeof(struct tcphdr) :
				sizeof(struct udphdr) + options->size);

	frame.headers.ethernet.h_proto = htons(ETH_P_IP);
	frame.headers.ip = (struct iphdr) {
		.version = 4,
		.ihl = sizeof(struct iphdr) / 4,
		.ttl = 64,
		.protocol = ack ? IPPROTO_TCP : IPPROTO_UDP,
		.tot_len = htons(length),
		.saddr = frame.headers.ip.saddr,
		.daddr = to->sin_addr.s_addr,
	};
	frame.headers.ip.check = header_checksum();
	if (ack)
		build_ack(to);
	else
		build_udp(to, options->size);
	frame_length = sizeof(frame.headers.ethernet) + length;
}

/* The headers for one target. */
static void build_headers(const struct flood_options *options,
			  const struct sockaddr_in *to)
{
	memcpy(frame.headers.ethernet.h_dest, options->wire_mac, ETH_ALEN);
	if (options->kind == FLOOD_ARP)
		build_arp(to);
	else
		build_ip(options, to);
	if (frame_length < ETH_ZLEN)
		frame_length = ETH_ZLEN;
}

static int flood_wire_open(const struct flood_options *options)
{
	int error;

	if (options->to[0].ss_family != AF_INET) {
		fprintf(stderr, "flood: --wire needs an IPv4 address\n");
		return -EAFNOSUPPORT;
	}
	error = wire_source(options->wire);
	if (error) {
		fprintf(stderr, "flood: --wire %s: no interface with an IPv4 address (%s)\n",
			options->wire, strerror(-error));
		return error;
	}
	skeleton = flood_bpf__open();
	if (!skeleton)
		return -errno;
	skeleton->rodata->ifindex = if_nametoindex(options->wire);
	skeleton->rodata->nr_targets = options->nr_to;
	skeleton->rodata->nr_flows = options->flows;
	skeleton->rodata->first_port = FLOOD_FIRST_PORT;
	skeleton->rodata->burst = options->burst;
	if (options->pps)
		skeleton->rodata->interval_ns =
			options->burst * NS_PER_S / options->pps;
	skeleton->rodata->has_ports = options->kind != FLOOD_ARP;
	skeleton->rodata->every_ns = options->every_ms * NS_PER_MS;
	skeleton->rodata->on_ns = options->on_ms * NS_PER_MS;
	skeleton->rodata->shift_ns = options->shift_ms * NS_PER_MS;
	for (uint32_t i = 0; i < options->nr_to; i++) {
		build_headers(options, (const struct sockaddr_in *)&options->to[i]);
		skeleton->bss->headers[i] = frame.headers;
	}
	error = flood_bpf__load(skeleton);
	if (error)
		flood_bpf__destroy(skeleton);
	return error;
}

static int flood_wire_send(struct flood_result *result)
{
	struct xdp_md context = { .data_end = frame_length };
	LIBBPF_OPTS(bpf_test_run_opts, run,
		.data_in = &frame,
		.data_size_in = frame_length,
		.ctx_in = &context,
		.ctx_size_in = sizeof(context),
		.repeat = FOREVER,
		.flags = BPF_F_TEST_XDP_LIVE_FRAMES,
		.batch_size = BATCH);
	int error = bpf_prog_test_run_opts(
			bpf_program__fd(skeleton->progs.flood_frame), &run);

	result->packets = skeleton->bss->packets;
	if (!error || error == -EINTR)
		return 0;
	fprintf(stderr, "flood: live frames: %s\n", strerror(-error));
	return error;
}

static void flood_wire_close(void)
{
	flood_bpf__destroy(skeleton);
}

const struct flood_sender flood_sender_wire = {
	.paces = true,
	.open = flood_wire_open,
	.send = flood_wire_send,
	.close = flood_wire_close,
};
