/* SPDX-License-Identifier: GPL-2.0 */
/* Builds test frames out of recipes. */
#ifndef RUBATO_SELFTESTS_XDP_PACKET_H
#define RUBATO_SELFTESTS_XDP_PACKET_H

#include <linux/types.h>

#define FRAME_MAX		3072
#define HOPS_NONE		(-1)	/* a hop limit of 0 */
#define RECIPE_EXTENSIONS_MAX	12

struct frame {
	unsigned int length;
	__u8 data[FRAME_MAX];
};

struct recipe {
	const __u8 *mac;	/* destination */
	const char *to;		/* destination address; decides the family */
	int hops;		/* 0: 64 */
	const __u8 *from;	/* source MAC; NULL: some machine's */
	__u8 vlans;
	__u8 protocol;
	__u8 type;		/* of the ICMP message */
	__u8 options;		/* bytes of IPv4 options, a multiple of 4 */
	__u16 fragment;		/* IPv4's frag_off, or IPv6's, host order */
	__u16 payload;		/* bytes behind the transport header */
	__u16 port;		/* UDP's destination; 0: some service's */
	__u32 vni;		/* of the tunnel's header that the payload begins with */
	__u8 nr_extensions;
	__u8 extensions[RECIPE_EXTENSIONS_MAX];	/* IPv6: IPPROTO_* */
};

/* Build the frame of @recipe, with all lengths right. Aborts if too big. */
void packet_build(const struct recipe *recipe, struct frame *frame);

/* The checksum that the IPv4 header at @ip should have. */
unsigned int packet_checksum(const __u8 *ip);

#endif
