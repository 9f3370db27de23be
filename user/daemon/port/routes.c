// SPDX-License-Identifier: GPL-2.0
/* What a port claims: the addresses behind it, and the prefixes given to it. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../host/rtnl.h"
#include "../log.h"
#include "ports_internal.h"

static bool same_prefix(const struct host_address *a,
			const struct host_address *b)
{
	return a->family == b->family && a->prefix_length == b->prefix_length &&
	       !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

static uint8_t whole_length(uint8_t family)
{
	return family == AF_INET ? 32 : 128;
}

/*
 * A container may give itself any address. One is claimed only if the host
 * would send to it through this port, or its bridge; else a tenant could draw
 * others' traffic to itself, which the kernel's routing would not let it. On a
 * bridge without any route there is nobody to ask, and no routed frame either.
 */
static bool leads_here(struct ports *ports, const struct port_entry *entry,
		       const struct host_address *address)
{
	int bridge = entry->steer_port.bridge_ifindex;
	int out = rtnl_route_out(ports->config.ask, address->family,
				 address->bytes);

	if (out < 0)
		return bridge;
	return out == entry->ifindex || (bridge && out == bridge);
}

static void say_not_claimed(const struct port_entry *entry,
			    const struct host_address *address)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(address->family, address->bytes, text, sizeof(text));
	log_line(LOG_LEVEL_INFO,
		 "port %s: %s is not claimed: the host's routes lead elsewhere",
		 entry->ifname, text);
}

/* All that should be claimed: each address of a container by itself. */
static uint32_t wanted_routes(struct ports *ports, struct port_entry *entry,
			      struct host_address *wanted)
{
	bool said = entry->nr_not_claimed;
	uint32_t n = 0;

	entry->nr_not_claimed = 0;
	for (uint32_t i = 0; i < entry->nr_prefixes; i++)
		wanted[n++] = entry->prefixes[i];
	if (entry->kind != PORT_VETH)
		return n;
	for (uint32_t i = 0; i < entry->veth.nr_addresses; i++) {
		const struct host_address *address = &entry->veth.addresses[i];

		if (!leads_here(ports, entry, address)) {
			if (!said)
				say_not_claimed(entry, address);
			entry->nr_not_claimed++;
			continue;
		}
		wanted[n] = *address;
		wanted[n].prefix_length = whole_length(wanted[n].family);
		n++;
	}
	return n;
}

static bool contains(const struct host_address *list, uint32_t n,
		     const struct host_address *prefix)
{
	for (uint32_t i = 0; i < n; i++)
		if (same_prefix(&list[i], prefix))
			return true;
	return false;
}

/* The port that claims exactly this prefix, other than @self. */
static struct port_entry *claimed_by(struct ports *ports,
				     const struct port_entry *self,
				     const struct host_address *prefix)
{
	struct port_entry *entry;

	for (entry = ports->first; entry; entry = entry->next)
		if (entry != self &&
		    contains(entry->routes, entry->nr_routes, prefix))
			break;
	return entry;
}

static void fill_route(const struct port_entry *entry,
		       struct steer_route *route)
{
	*route = (struct steer_route) {
		.slot = entry->port.slot,
		.flags = entry->kind == PORT_UPLINK ? STEER_ROUTE_UPLINK : 0,
		.ifindex = entry->ifindex,
		.bridge_ifindex = entry->steer_port.bridge_ifindex,
		.max_length = entry->port.max_length,
	};
	memcpy(route->source_mac, entry->steer_port.mac,
	       sizeof(route->source_mac));
	if (entry->kind == PORT_VETH)
		memcpy(route->mac, entry->veth.peer_mac, sizeof(route->mac));
}

static void drop_routes_not_in(struct ports *ports, struct port_entry *entry,
			       const struct host_address *wanted, uint32_t n)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < entry->nr_routes; i++) {
		struct host_address *route = &entry->routes[i];

		if (contains(wanted, n, route))
			entry->routes[kept++] = *route;
		else
			steer_clear_route(ports->config.steer, route->family,
					  route->bytes, route->prefix_length);
	}
	entry->nr_routes = kept;
}

static int set_one(struct ports *ports, struct port_entry *entry,
		   const struct host_address *prefix,
		   const struct steer_route *route, struct rubato_error *error)
{
	struct port_entry *other = claimed_by(ports, entry, prefix);
	char text[INET6_ADDRSTRLEN];
	int err;

	inet_ntop(prefix->family, prefix->bytes, text, sizeof(text));
	if (other)
		return rubato_error_set(error, -EEXIST,
					"%s: %s/%u is claimed by port %s already",
					entry->ifname, text,
					prefix->prefix_length, other->ifname);
	err = steer_set_route(ports->config.steer, prefix->family,
			      prefix->bytes, prefix->prefix_length, route);
	if (err)
		return rubato_error_set(error, err,
					"%s: cannot claim %s/%u: %s",
					entry->ifname, text,
					prefix->prefix_length, strerror(-err));
	if (!contains(entry->routes, entry->nr_routes, prefix))
		entry->routes[entry->nr_routes++] = *prefix;
	return 0;
}

/* --- the pollers' copy --- */

static uint32_t count_routes(struct ports *ports)
{
	struct port_entry *entry;
	uint32_t n = 0;

	for (entry = ports->first; entry; entry = entry->next)
		n += entry->nr_routes;
	return n;
}

static void fill_forward(struct port_entry *entry,
			 const struct host_address *prefix,
			 struct forward_route *route)
{
	struct steer_route same;

	fill_route(entry, &same);
	*route = (struct forward_route) {
		.prefix = *prefix,
		.port = &entry->port,
		.slot = same.slot,
	};
	memcpy(route->mac, same.mac, sizeof(route->mac));
	memcpy(route->source_mac, same.source_mac, sizeof(route->source_mac));
}

static void list_routes(struct ports *ports, struct forward_route *list)
{
	struct port_entry *entry;

	for (entry = ports->first; entry; entry = entry->next)
		for (uint32_t i = 0; i < entry->nr_routes; i++)
			fill_forward(entry, &entry->routes[i], list++);
}

static struct forward_table *build_table(struct ports *ports)
{
	uint32_t n = count_routes(ports);
	struct forward_route *list = calloc(n + 1, sizeof(*list));
	struct forward_table *table = NULL;

	if (!list)
		return NULL;
	list_routes(ports, list);
	table = forward_table_new(list, n);
	free(list);
	return table;
}

int ports_publish_routes(struct ports *ports)
{
	struct forward_table *old = *ports->config.forward;
	struct forward_table *table = build_table(ports);

	if (!table)
		return -ENOMEM;
	/* Pairs with the acquire of pollers. */
	__atomic_store_n(ports->config.forward, table, __ATOMIC_RELEASE);
	ports_barrier(ports);
	forward_table_free(old);
	return 0;
}

int ports_sync_routes(struct ports *ports, struct port_entry *entry,
		      struct rubato_error *error)
{
	struct host_address wanted[PORT_PREFIXES_MAX + HOST_ADDRESSES_MAX];
	uint32_t n = wanted_routes(ports, entry, wanted);
	struct steer_route route;
	int err = 0;

	drop_routes_not_in(ports, entry, wanted, n);
	fill_route(entry, &route);
	/* One that cannot be had is no reason to leave out the others. */
	for (uint32_t i = 0; i < n; i++)
		if (set_one(ports, entry, &wanted[i], &route, error))
			err = -error->code;
	if (ports_publish_routes(ports))
		err = rubato_error_set(error, -ENOMEM, "out of memory");
	return err;
}

void ports_clear_routes(struct ports *ports, struct port_entry *entry)
{
	drop_routes_not_in(ports, entry, NULL, 0);
}

void ports_reconsider(struct ports *ports)
{
	struct rubato_error error;
	struct port_entry *entry;

	for (entry = ports->first; entry; entry = entry->next)
		if (entry->nr_not_claimed)
			ports_sync_routes(ports, entry, &error);
}
