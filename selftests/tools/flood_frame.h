/* SPDX-License-Identifier: GPL-2.0 */
/* What flood_wire.c hands to flood.bpf.c: the beginning of every frame. */
#ifndef SELFTESTS_FLOOD_FRAME_H
#define SELFTESTS_FLOOD_FRAME_H

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#define FLOOD_TARGETS_MAX 64	/* a power of two */

/* No frame is shorter than this on any wire, so all of it may be written. */
struct flood_headers {
	struct ethhdr ethernet;
	union {
		struct {
			struct iphdr ip;
			union {	/* both begin with the source port */
				struct udphdr udp;
				struct tcphdr tcp;
			};
		} __attribute__((packed));
		__u8 arp[28];	/* struct ether_arp */
	};
} __attribute__((packed));

#endif /* SELFTESTS_FLOOD_FRAME_H */
