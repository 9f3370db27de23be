/* SPDX-License-Identifier: GPL-2.0 */
/* What flood_wire.c hands to flood.bpf.c: the beginning of every frame. */
#ifndef SELFTESTS_FLOOD_FRAME_H
#define SELFTESTS_FLOOD_FRAME_H

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>

#define FLOOD_TARGETS_MAX 64	/* a power of two */

struct flood_headers {
	struct ethhdr ethernet;
	struct iphdr ip;
	struct udphdr udp;
} __attribute__((packed));

#endif /* SELFTESTS_FLOOD_FRAME_H */
