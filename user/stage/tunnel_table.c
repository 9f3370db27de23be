// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "tunnel_table.h"

#define VNI_OFFSET	4	/* of a tunnel's header */
#define HEADER_MIN	8

/* Open addressing, at most half full; a slot of -1 is an empty place. */
struct tunnel_table {
	uint32_t nr_owners;
	uint32_t mask;		/* places - 1 */
	struct place {
		struct tunnel_end end;
		int32_t slot;
	} places[];
};

bool tunnel_end_of(const struct outer_datagram *datagram,
		   struct tunnel_end *end)
{
	const uint8_t *vni = datagram->payload + VNI_OFFSET;

	if (datagram->payload_length < HEADER_MIN)
		return false;
	*end = (struct tunnel_end) {
		.vni = (uint32_t)(vni[0] << 16 | vni[1] << 8 | vni[2]),
		.port = datagram->port,
		.ipv6 = datagram->ipv6,
	};
	memcpy(end->address, datagram->destination, datagram->ipv6 ? 16 : 4);
	return true;
}

struct tunnel_end tunnel_near_end(const struct tunnel *tunnel)
{
	const struct tunnel_config *config = tunnel_config(tunnel);
	struct tunnel_end end = {
		.vni = config->vni,
		.port = config->path.port,
		.ipv6 = config->path.ipv6,
	};

	memcpy(end.address, config->path.local, sizeof(end.address));
	return end;
}

bool tunnel_end_same(const struct tunnel_end *a, const struct tunnel_end *b)
{
	return a->vni == b->vni && a->port == b->port && a->ipv6 == b->ipv6 &&
	       !memcmp(a->address, b->address, sizeof(a->address));
}

/* Ends differ in their VNIs mostly, and few hosts have many addresses. */
static uint32_t hash_end(const struct tunnel_end *end)
{
	uint64_t words[2], hash = end->vni | (uint64_t)end->port << 32;

	memcpy(words, end->address, sizeof(words));
	hash = (hash ^ words[0] ^ (words[1] << 1)) * 0x9e3779b97f4a7c15ULL;
	return (uint32_t)(hash >> 32);
}

static struct place *find_place(const struct tunnel_table *table,
				const struct tunnel_end *end)
{
	uint32_t at = hash_end(end) & table->mask;

	while (table->places[at].slot >= 0 &&
	       !tunnel_end_same(&table->places[at].end, end))
		at = (at + 1) & table->mask;
	return (struct place *)&table->places[at];
}

struct tunnel_table *tunnel_table_new(const struct tunnel_owner *owners,
				      uint32_t nr_owners)
{
	struct tunnel_table *table;
	uint32_t places = 8;

	while (places < 2 * nr_owners)
		places *= 2;
	table = calloc(1, sizeof(*table) + places * sizeof(*table->places));
	if (!table)
		return NULL;
	table->nr_owners = nr_owners;
	table->mask = places - 1;
	for (uint32_t i = 0; i < places; i++)
		table->places[i].slot = -1;
	for (uint32_t i = 0; i < nr_owners; i++)
		*find_place(table, &owners[i].end) = (struct place) {
			.end = owners[i].end,
			.slot = (int32_t)owners[i].slot,
		};
	return table;
}

void tunnel_table_free(struct tunnel_table *table)
{
	free(table);
}

bool tunnel_table_is_empty(const struct tunnel_table *table)
{
	return !table->nr_owners;
}

int tunnel_table_find(const struct tunnel_table *table,
		      const struct tunnel_end *end)
{
	return find_place(table, end)->slot;
}
