/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whose the near ends of tunnels are: an outer destination address, a UDP port
 * and a VNI belong to one tenant. A table never changes; another one is
 * published in its place.
 */
#ifndef RUBATO_STAGE_TUNNEL_TABLE_H
#define RUBATO_STAGE_TUNNEL_TABLE_H

#include "outer.h"
#include "tunnel.h"

struct tunnel_end {
	uint8_t address[16];		/* network order, the rest zero */
	uint32_t vni;
	uint16_t port;
	bool ipv6;
};

struct tunnel_owner {
	struct tunnel_end end;
	uint32_t slot;
};

/*
 * Which end a datagram is for; false if it is too short to say. VXLAN and what
 * is sealed have their VNI at the same place.
 */
bool tunnel_end_of(const struct outer_datagram *datagram,
		   struct tunnel_end *end);
/* Where frames for this tunnel arrive. */
struct tunnel_end tunnel_near_end(const struct tunnel *tunnel);
bool tunnel_end_same(const struct tunnel_end *a, const struct tunnel_end *b);

struct tunnel_table;

/* A table of these, no two of the same end; NULL: out of memory. */
struct tunnel_table *tunnel_table_new(const struct tunnel_owner *owners,
				      uint32_t nr_owners);
void tunnel_table_free(struct tunnel_table *table);

bool tunnel_table_is_empty(const struct tunnel_table *table);

/* The owner's slot, or -1: nobody's. */
int tunnel_table_find(const struct tunnel_table *table,
		      const struct tunnel_end *end);

#endif /* RUBATO_STAGE_TUNNEL_TABLE_H */
