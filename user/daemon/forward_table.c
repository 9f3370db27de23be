// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "forward_table.h"

#define PREFIX_LENGTHS	129

/*
 * All prefixes in one open-addressing hash, at most half full, and for each
 * family the list of lengths that occur, longest first.
 */
struct forward_table {
	uint32_t nr_routes;
	uint32_t mask;				/* buckets - 1 */
	uint8_t lengths[2][PREFIX_LENGTHS];	/* by family: 4, 6 */
	uint32_t nr_lengths[2];
	uint32_t *buckets;			/* index of a route + 1 */
	struct forward_route routes[];
};

/* An address cut to its prefix, the rest zero. */
struct prefix_key {
	uint64_t words[2];
};

static struct prefix_key make_key(bool ipv6, const uint8_t *address,
				  uint8_t length)
{
	struct prefix_key key = {};
	uint8_t *bytes = (uint8_t *)key.words;
	uint32_t whole = length / 8;

	memcpy(bytes, address, ipv6 ? 16 : 4);
	if (length % 8) {
		bytes[whole] &= 0xff << (8 - length % 8);
		whole++;
	}
	memset(bytes + whole, 0, sizeof(key) - whole);
	return key;
}

/* Multiply and fold, as wyhash does; addresses that differ little spread. */
static uint32_t hash_key(bool ipv6, struct prefix_key key, uint8_t length)
{
	unsigned __int128 product;

	product = (unsigned __int128)(key.words[0] ^ 0xa0761d6478bd642fULL) *
		  (key.words[1] ^ 0xe7037ed1a0b428dbULL ^ length ^
		   (uint64_t)ipv6 << 8);
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static bool route_is(const struct forward_route *route, bool ipv6,
		     struct prefix_key key, uint8_t length)
{
	struct prefix_key own;

	if (route->prefix.prefix_length != length ||
	    (route->prefix.family == AF_INET6) != ipv6)
		return false;
	own = make_key(ipv6, route->prefix.bytes, length);
	return own.words[0] == key.words[0] && own.words[1] == key.words[1];
}

static void insert(struct forward_table *table, uint32_t index)
{
	const struct host_address *prefix = &table->routes[index].prefix;
	bool ipv6 = prefix->family == AF_INET6;
	struct prefix_key key = make_key(ipv6, prefix->bytes,
					 prefix->prefix_length);
	uint32_t at = hash_key(ipv6, key, prefix->prefix_length) & table->mask;

	while (table->buckets[at])
		at = (at + 1) & table->mask;
	table->buckets[at] = index + 1;
}

static void list_lengths(struct forward_table *table)
{
	bool present[2][PREFIX_LENGTHS] = {};

	for (uint32_t i = 0; i < table->nr_routes; i++) {
		const struct host_address *prefix = &table->routes[i].prefix;

		present[prefix->family == AF_INET6][prefix->prefix_length] = true;
	}
	for (int family = 0; family < 2; family++)
		for (int length = PREFIX_LENGTHS - 1; length >= 0; length--)
			if (present[family][length])
				table->lengths[family][table->nr_lengths[family]++] =
					length;
}

static uint32_t buckets_for(uint32_t nr_routes)
{
	uint32_t buckets = 8;

	while (buckets < 2 * nr_routes)
		buckets *= 2;
	return buckets;
}

struct forward_table *forward_table_new(const struct forward_route *routes,
					uint32_t nr_routes)
{
	uint32_t nr_buckets = buckets_for(nr_routes);
	struct forward_table *table;

	table = calloc(1, sizeof(*table) + nr_routes * sizeof(*routes));
	if (!table)
		return NULL;
	table->buckets = calloc(nr_buckets, sizeof(*table->buckets));
	if (!table->buckets) {
		free(table);
		return NULL;
	}
	table->nr_routes = nr_routes;
	table->mask = nr_buckets - 1;
	if (nr_routes)
		memcpy(table->routes, routes, nr_routes * sizeof(*routes));
	for (uint32_t i = 0; i < nr_routes; i++)
		insert(table, i);
	list_lengths(table);
	return table;
}

void forward_table_free(struct forward_table *table)
{
	if (!table)
		return;
	free(table->buckets);
	free(table);
}

static const struct forward_route *
find_length(const struct forward_table *table, bool ipv6,
	    const uint8_t *address, uint8_t length)
{
	struct prefix_key key = make_key(ipv6, address, length);
	uint32_t at = hash_key(ipv6, key, length) & table->mask;

	for (; table->buckets[at]; at = (at + 1) & table->mask) {
		const struct forward_route *route;

		route = &table->routes[table->buckets[at] - 1];
		if (route_is(route, ipv6, key, length))
			return route;
	}
	return NULL;
}

const struct forward_route *forward_table_find(const struct forward_table *table,
					       bool ipv6,
					       const uint8_t *address)
{
	const struct forward_route *route = NULL;

	for (uint32_t i = 0; i < table->nr_lengths[ipv6] && !route; i++)
		route = find_length(table, ipv6, address,
				    table->lengths[ipv6][i]);
	return route;
}
