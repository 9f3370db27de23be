// SPDX-License-Identifier: GPL-2.0
/* Run by burn.c: spends a given time on every UDP packet, then drops it. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "burn.h"

const volatile __u64 burn_ns;

/* Packets of one interface with one queue: no two run at once. */
__u64 packets;
__u64 burned_ns;

struct burn {
	__u64 start_ns;
	__u64 spent_ns;
};

static long step(__u32 i, struct burn *burn)
{
	burn->spent_ns = bpf_ktime_get_ns() - burn->start_ns;
	return burn->spent_ns >= burn_ns;
}

SEC("xdp")
int burn_udp(struct xdp_md *ctx)
{
	struct ethhdr *ethernet = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(ethernet + 1);
	struct burn burn = {};

	if ((void *)(ip + 1) > (void *)(long)ctx->data_end ||
	    ethernet->h_proto != bpf_htons(ETH_P_IP) || ip->protocol != IPPROTO_UDP)
		return XDP_PASS;
	burn.start_ns = bpf_ktime_get_ns();
	bpf_loop(BURN_NS_MOST, step, &burn, 0);
	packets++;
	/* More than twice of it was not burned: somebody took the CPU away. */
	burned_ns += burn.spent_ns < 2 * burn_ns ? burn.spent_ns : burn_ns;
	return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
