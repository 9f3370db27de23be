/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is around a tunnel's payload: Ethernet, IP without options, UDP. Pure
 * functions on bytes.
 */
#ifndef RUBATO_STAGE_OUTER_H
#define RUBATO_STAGE_OUTER_H

#include <stdbool.h>
#include <stdint.h>

#define OUTER_MACS_SIZE		12	/* destination and source */
#define OUTER_SIZE_MAX		62	/* over IPv6 */

/* The two ends, addresses in network order; IPv4: the first four bytes. */
struct outer_path {
	bool ipv6;
	uint16_t port;			/* of both ends, host order */
	uint8_t local[16];
	uint8_t remote[16];
};

/* Bytes of all three headers. */
uint32_t outer_size(bool ipv6);

/*
 * Writes the headers to the first outer_size() bytes of @frame, in front of a
 * payload that is there already. @macs: the Ethernet addresses. Over IPv4 there
 * is no UDP checksum (RFC 7348), over IPv6 there is (RFC 8200).
 */
void outer_write(const struct outer_path *path, const uint8_t *macs,
		 uint16_t source_port, uint8_t *frame, uint32_t payload_length);

/* A UDP datagram, within the packet it was read from. */
struct outer_datagram {
	bool ipv6;
	uint16_t port;			/* that it is for, host order */
	const uint8_t *source;		/* addresses */
	const uint8_t *destination;
	const uint8_t *payload;
	uint32_t payload_length;
};

/*
 * False if the IP packet is no whole UDP datagram: another protocol, a fragment,
 * extension headers, or lengths that do not fit.
 */
bool outer_read(const uint8_t *packet, uint32_t length, bool ipv6,
		struct outer_datagram *datagram);

#endif /* RUBATO_STAGE_OUTER_H */
