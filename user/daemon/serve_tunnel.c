// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <netinet/if_ether.h>
#include <string.h>

#include "../../xdp/steer.h"
#include "serve_tunnel.h"

#define TYPE_OFFSET	(2 * ETH_ALEN)

static void write_type(uint8_t *frame, uint16_t type)
{
	uint16_t value = htons(type);

	memcpy(frame + TYPE_OFFSET, &value, sizeof(value));
}

void serve_tunnel_unmark(struct received *frame)
{
	uint16_t type;

	if (frame->length <= ETH_HLEN)
		return;
	memcpy(&type, frame->bytes + TYPE_OFFSET, sizeof(type));
	if (type != htons(STEER_ETHERTYPE_TUNNEL))
		return;
	frame->way = FRAME_ENTERS;
	write_type(frame->bytes, frame->bytes[ETH_HLEN] >> 4 == 6 ?
				 ETH_P_IPV6 : ETH_P_IP);
}

static bool read_datagram(const struct received *frame,
			  struct outer_datagram *datagram)
{
	uint32_t offset = frame->network.l3_offset;

	return frame->network_found &&
	       outer_read(frame->bytes + offset, frame->length - offset,
			  frame->network.ipv6, datagram);
}

bool serve_tunnel_arrives(const struct poller *poller, const struct port *in,
			  struct received *frame)
{
	/* Pairs with the release of whoever published it. */
	const struct tunnel_table *table = __atomic_load_n(
			poller->config.tunnels, __ATOMIC_ACQUIRE);
	struct outer_datagram datagram;
	struct tunnel_end end;
	int slot;

	if (!table || tunnel_table_is_empty(table) ||
	    !read_datagram(frame, &datagram) || !tunnel_end_of(&datagram, &end))
		return false;
	slot = tunnel_table_find(table, &end);
	if (slot < 0 || (in->owned && in->slot != (uint32_t)slot))
		return false;
	frame->way = FRAME_ARRIVES;
	frame->slot = (uint32_t)slot;
	return true;
}

/* The uplink that leads to the tunnel's remote end; NULL: none does. */
static const struct port *find_uplink(const struct poller *poller,
				      const struct tunnel *tunnel)
{
	const struct outer_path *path = &tunnel_config(tunnel)->path;
	const struct forward_route *route = forward_table_find(
			poller_forward(poller), path->ipv6, path->remote);

	return route && route->port->uplink ? route->port : NULL;
}

bool serve_tunnel_enter(struct poller *poller, struct received *frame,
			bool fix_checksums, enum rubato_drop *why)
{
	const struct pipeline *pipeline = poller_pipeline(poller, frame->slot);
	const struct frame_network *network = &frame->network;
	const struct tunnel_packet packet = {
		.macs = frame->bytes,
		.bytes = frame->bytes + network->l3_offset,
		.length = frame->length - network->l3_offset,
		.ipv6 = network->ipv6,
	};
	struct tunnel *tunnel = NULL;

	*why = RUBATO_DROP_NO_PORT;
	if (pipeline)
		tunnel = pipeline_tunnel_to(pipeline, network->ipv6,
					    network->destination);
	frame->out = tunnel ? find_uplink(poller, tunnel) : NULL;
	if (!frame->out)
		return false;
	*why = RUBATO_DROP_MALFORMED;
	if (fix_checksums &&
	    !frame_finish_checksum(frame->bytes, frame->length,
				   network->l3_offset, network->ipv6))
		return false;
	frame->length = tunnel_wrap(tunnel, poller->config.core, &packet,
				    poller->scratch,
				    frame->out->max_length - PORT_VLAN_ROOM,
				    why);
	frame->bytes = poller->scratch;
	return frame->length;
}

static const struct forward_route *
find_container(const struct poller *poller, uint32_t slot,
	       const struct frame_network *network)
{
	const struct forward_route *route;

	route = forward_table_find(poller_forward(poller), network->ipv6,
				   network->destination);
	return route && !route->port->uplink && route->port->owned &&
	       route->slot == slot ? route : NULL;
}

bool serve_tunnel_arrive(struct poller *poller, struct received *frame,
			 enum rubato_drop *why)
{
	const struct pipeline *pipeline = poller_pipeline(poller, frame->slot);
	const struct forward_route *route;
	struct outer_datagram datagram;
	struct tunnel_arrival arrival;
	struct tunnel *tunnel = NULL;
	struct tunnel_end end;

	*why = RUBATO_DROP_NO_PORT;
	if (pipeline && read_datagram(frame, &datagram) &&
	    tunnel_end_of(&datagram, &end))
		tunnel = pipeline_tunnel_at(pipeline, &end);
	if (!tunnel || !tunnel_unwrap(tunnel, poller->config.core, &datagram,
				      poller->scratch, &arrival, why))
		return false;
	frame->bytes = arrival.frame;
	frame->length = arrival.length;
	*why = RUBATO_DROP_STRAY;
	if (!frame_find_network(frame->bytes, frame->length, &frame->network))
		return false;
	route = find_container(poller, frame->slot, &frame->network);
	if (!route)
		return false;
	memcpy(frame->bytes, route->mac, ETH_ALEN);
	memcpy(frame->bytes + ETH_ALEN, route->source_mac, ETH_ALEN);
	frame->out = route->port;
	return true;
}
