/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One frame: what has to be changed in it on its way. Pure functions on bytes;
 * lengths are those of the whole frame, Ethernet header included.
 */
#ifndef RUBATO_DAEMON_FRAME_H
#define RUBATO_DAEMON_FRAME_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Routes a frame: counts the hop and sets both MAC addresses. False if the
 * hop limit is used up or the IP header does not fit; the frame is unchanged.
 */
bool frame_route(uint8_t *frame, uint32_t length, uint32_t l3_offset,
		 bool ipv6, const uint8_t *source_mac,
		 const uint8_t *destination_mac);

/*
 * Computes the UDP, TCP or ICMPv6 checksum anew, for senders that leave it to
 * hardware that is not there. Fragments and other protocols stay as they are,
 * for their senders finish those by themselves. False if headers do not fit.
 */
bool frame_finish_checksum(uint8_t *frame, uint32_t length, uint32_t l3_offset,
			   bool ipv6);

#endif /* RUBATO_DAEMON_FRAME_H */
