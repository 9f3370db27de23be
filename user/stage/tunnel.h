/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A tunnel: a tenant's packets to the prefixes of a remote site, each in an
 * Ethernet frame of its own, in UDP, to the remote end; and back.
 *
 *   VXLAN (RFC 7348)                   +--------------------------+
 *   | Ethernet | IP | UDP | VXLAN, 8   | Ethernet | IP packet     |
 *                                      +--------------------------+
 *   sealed (seal.h)                    +--------------------------+
 *   | Ethernet | IP | UDP | header, 20 | ChaCha20-Poly1305 of it  | tag, 16 |
 *                                      +--------------------------+
 *
 * It routes: a packet that enters or leaves has one hop less, and the Ethernet
 * addresses within are nobody's concern but the remote device's, which gets the
 * one that it was said to have.
 *
 * A tunnel never changes, but for the counters: each core has its own and is
 * their only writer.
 */
#ifndef RUBATO_STAGE_TUNNEL_H
#define RUBATO_STAGE_TUNNEL_H

#include <linux/rubato.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"
#include "outer.h"
#include "seal.h"

#define TUNNEL_VNI_MAX		0xffffff
#define TUNNEL_PREFIXES_MAX	64
#define TUNNEL_VXLAN_PORT	4789
#define TUNNEL_SEAL_PORT	4799

struct tunnel_prefix {
	bool ipv6;
	uint8_t length;
	uint8_t bytes[16];		/* network order, zero behind ->length */
};

struct tunnel_config {
	uint32_t vni;
	struct outer_path path;
	uint8_t mac[6];			/* of the remote device, within */
	uint32_t nr_prefixes;
	struct tunnel_prefix prefixes[TUNNEL_PREFIXES_MAX];
};

/* The MAC address that the remote device has if nothing else is said. */
void tunnel_default_mac(uint32_t vni, uint8_t *mac);

struct tunnel;

/*
 * Makes a tunnel: sealed, or VXLAN if @secret is NULL. -EINVAL: ends that are the
 * same or no host's, a port of 0, no prefix or too many, a MAC address of a group;
 * -ERANGE: the VNI; -ENOMEM.
 */
int tunnel_new(const struct tunnel_config *config,
	       const struct seal_secret *secret, uint32_t nr_cores,
	       struct tunnel **tunnel, struct rubato_error *error);
void tunnel_free(struct tunnel *tunnel);

/* It takes the place of @former: what came by that must not come again. */
void tunnel_inherit(struct tunnel *tunnel, const struct tunnel *former);

const struct tunnel_config *tunnel_config(const struct tunnel *tunnel);

/* Bytes that a frame grows by. */
uint32_t tunnel_overhead(const struct tunnel *tunnel);

/* Length of the longest prefix that the address is in; -1: none. */
int tunnel_covers(const struct tunnel *tunnel, bool ipv6,
		  const uint8_t *address);

/* An IP packet that is to enter, and the Ethernet addresses for its way. */
struct tunnel_packet {
	const uint8_t *macs;		/* OUTER_MACS_SIZE */
	const uint8_t *bytes;
	uint32_t length;
	bool ipv6;
};

/*
 * Writes the frame that carries @packet into @room bytes at @frame. 0: it does
 * not go, and *why says what it is dropped for; else the frame's length.
 */
uint32_t tunnel_wrap(struct tunnel *tunnel, uint32_t core,
		     const struct tunnel_packet *packet, uint8_t *frame,
		     uint32_t room, enum rubato_drop *why);

/* The Ethernet frame that came out; whoever delivers it writes its addresses. */
struct tunnel_arrival {
	uint8_t *frame;
	uint32_t length;
	bool ipv6;
};

/*
 * Takes out what the datagram carries: from the remote end, a sound packet from
 * one of the prefixes. Whom it may go to is the caller's question. What was sealed
 * is opened into @scratch, which has room for the payload; what was not is changed
 * where it lies. False: dropped, *why says what for.
 */
bool tunnel_unwrap(struct tunnel *tunnel, uint32_t core,
		   const struct outer_datagram *datagram, uint8_t *scratch,
		   struct tunnel_arrival *arrival, enum rubato_drop *why);

/* To be read by reports: sums over all cores. */
struct tunnel_counts {
	uint64_t sent, sent_bytes;	/* packets that entered */
	uint64_t received, received_bytes;
	uint64_t dropped;		/* at either end of it */
};
struct tunnel_counts tunnel_counts(const struct tunnel *tunnel);

#endif /* RUBATO_STAGE_TUNNEL_H */
