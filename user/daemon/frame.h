/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One frame: what it says, and what may have to be changed. Pure functions on bytes;
 * lengths are those of the whole frame, Ethernet header included.
 */
#ifndef RUBATO_DAEMON_FRAME_H
#define RUBATO_DAEMON_FRAME_H

#include <stdbool.h>
#include <stdint.h>

/* Where its IP header is; what steer let through has been looked at before. */
struct frame_network {
	uint32_t l3_offset;
	bool ipv6;
	const uint8_t *destination;	/* within the frame */
};

/* False if it is neither IPv4 nor IPv6, below at most two VLAN tags. */
bool frame_find_network(const uint8_t *frame, uint32_t length,
			struct frame_network *network);

/*
 * Computes the UDP, TCP or ICMPv6 checksum anew, for senders that leave it to
 * hardware that is not there. Fragments and other protocols stay as they are,
 * for their senders finish those by themselves. False if headers do not fit.
 */
bool frame_finish_checksum(uint8_t *frame, uint32_t length, uint32_t l3_offset,
			   bool ipv6);

#endif /* RUBATO_DAEMON_FRAME_H */
