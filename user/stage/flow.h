/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What stages look at in a frame: the five words that name its flow. A pure
 * function on bytes that others wrote: nothing in them is believed.
 */
#ifndef RUBATO_STAGE_FLOW_H
#define RUBATO_STAGE_FLOW_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Addresses are in network order, the rest zero: an IPv4 address is the first
 * four bytes. Ports are in host order, 0 where there are none.
 */
struct flow {
	bool ipv6;
	bool has_ports;		/* TCP, UDP or SCTP, and not a later fragment */
	uint8_t protocol;	/* below IPv6's extension headers */
	uint16_t source_port;
	uint16_t destination_port;
	uint64_t source[2];
	uint64_t destination[2];
};

/*
 * Reads the IP packet of @length bytes. False if its headers do not fit, or
 * IPv6 has more extension headers than anybody needs.
 */
bool flow_read(const uint8_t *packet, uint32_t length, bool ipv6,
	       struct flow *flow);

/* The same for all packets of a flow, and spread over 32 bits. */
uint32_t flow_hash(const struct flow *flow);

#endif /* RUBATO_STAGE_FLOW_H */
