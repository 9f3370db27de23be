// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>
#include "model.h"
#include "packet.h"

const char *const outcome_names[OUTCOMES] = {
	"steered", "passed", "no_socket", "malformed", "too_long",
	"no_neighbour", "unknown_vni", "broke",
};

/* What the model reads out of a frame. */
struct facts {
	bool malformed, unclaimable, ipv6;
	unsigned int l3_offset;
	int hops;
	__u8 from[16], to[16];
	unsigned int tunnel_port, tunnel_vni;	/* 0: no tunnel's */
};

static unsigned int get16(const __u8 *bytes)
{
	return bytes[0] * 256u + bytes[1];
}

/* Look at the transport header in the @bytes bytes at @data. */
static void read_transport(struct facts *facts, int protocol,
			   const __u8 *data, unsigned int bytes)
{
	unsigned int needed = 0;

	if (protocol == 6)
		needed = 20;
	if (protocol == 17)
		needed = 8;
	if (protocol == 1 && !facts->ipv6)
		needed = 8;
	if (protocol == 58 && facts->ipv6)
		needed = 8;
	if (bytes < needed) {
		facts->malformed = true;
		return;
	}
	if (protocol == 6) {
		unsigned int header = data[12] / 16 * 4;

		if (header < 20 || header > bytes)
			facts->malformed = true;
	}
	if (protocol == 58 && facts->ipv6 && data[0] >= 133 && data[0] <= 137)
		facts->unclaimable = true;
}

/* UDP right behind the IP header, with eight bytes of a tunnel's. */
static void read_tunnel(struct facts *facts, int protocol, const __u8 *data,
			unsigned int bytes)
{
	if (protocol != 17 || bytes < 16)
		return;
	facts->tunnel_port = get16(data + 2);
	facts->tunnel_vni = get16(data + 12) * 256 + data[14];
}

static void read_ipv4(struct facts *facts, const __u8 *ip, unsigned int bytes)
{
	unsigned int header, total;

	if (bytes < 20 || ip[0] / 16 != 4) {
		facts->malformed = true;
		return;
	}
	header = ip[0] % 16 * 4;
	total = get16(ip + 2);
	if (header < 20 || total < header || total > bytes) {
		facts->malformed = true;
		return;
	}
	facts->hops = ip[8];
	memcpy(facts->to, ip + 16, 4);
	if (ip[16] >= 224 && ip[16] <= 239)
		facts->unclaimable = true;
	if (ip[16] == 255 && ip[17] == 255 && ip[18] == 255 && ip[19] == 255)
		facts->unclaimable = true;
	if (facts->unclaimable)
		return;
	if (get16(ip + 6) % 16384 == 0)
		read_tunnel(facts, ip[9], ip + header, total - header);
	if (get16(ip + 6) % 8192 == 0)
		read_transport(facts, ip[9], ip + header, total - header);
}

/* Walk over up to eight extension headers to the transport header. */
static void read_extensions(struct facts *facts, int kind, const __u8 *data,
			    unsigned int bytes)
{
	int headers = 0;

	while (kind == 0 || kind == 43 || kind == 44 || kind == 51 ||
	       kind == 60) {
		unsigned int size = 8;

		if (headers == 8 || bytes < 8) {
			facts->malformed = true;
			return;
		}
		if (kind == 44 && get16(data + 2) / 8 != 0)
			return;
		if (kind == 51)
			size = data[1] * 4u + 8;
		else if (kind != 44)
			size = data[1] * 8u + 8;
		if (size > bytes) {
			facts->malformed = true;
			return;
		}
		kind = data[0];
		data += size;
		bytes -= size;
		headers++;
	}
	read_transport(facts, kind, data, bytes);
}

static void read_ipv6(struct facts *facts, const __u8 *ip, unsigned int bytes)
{
	facts->ipv6 = true;
	if (bytes < 40 || ip[0] / 16 != 6 || 40 + get16(ip + 4) > bytes) {
		facts->malformed = true;
		return;
	}
	facts->hops = ip[7];
	memcpy(facts->from, ip + 8, 16);
	memcpy(facts->to, ip + 24, 16);
	if (ip[24] == 0xff)
		facts->unclaimable = true;
	if (ip[24] == 0xfe && ip[25] >= 0x80 && ip[25] <= 0xbf)
		facts->unclaimable = true;
	if (facts->unclaimable)
		return;
	read_tunnel(facts, ip[6], ip + 40, get16(ip + 4));
	read_extensions(facts, ip[6], ip + 40, get16(ip + 4));
}

static void read_frame(struct facts *facts, const __u8 *frame,
		       unsigned int length)
{
	unsigned int at = 12, tags = 0;

	memset(facts, 0, sizeof(*facts));
	if (length < 14) {
		facts->malformed = true;
		return;
	}
	if (frame[0] % 2 == 1) {
		facts->unclaimable = true;
		return;
	}
	while (tags < 2 && (get16(frame + at) == 0x8100 ||
			    get16(frame + at) == 0x88a8)) {
		at += 4;
		tags++;
		if (at + 2 > length) {
			facts->malformed = true;
			return;
		}
	}
	facts->l3_offset = at + 2;
	if (get16(frame + at) == 0x0800)
		read_ipv4(facts, frame + at + 2, length - at - 2);
	else if (get16(frame + at) == 0x86dd)
		read_ipv6(facts, frame + at + 2, length - at - 2);
	else
		facts->unclaimable = true;
}

static bool prefix_matches(const char *prefix, int bits, const __u8 *address,
			   bool ipv6)
{
	__u8 bytes[16];
	int i;

	if (inet_pton(ipv6 ? AF_INET6 : AF_INET, prefix, bytes) != 1)
		return false;
	for (i = 0; i < bits; i++) {
		int mask = 128 >> i % 8;

		if ((bytes[i / 8] & mask) != (address[i / 8] & mask))
			return false;
	}
	return true;
}

static const struct world_route *find_route(const __u8 *to, bool ipv6)
{
	const struct world_route *best = NULL;
	int i;

	for (i = 0; i < world_nr_routes; i++) {
		const struct world_route *route = &world_routes[i];

		if (prefix_matches(route->prefix, route->bits, to, ipv6) &&
		    (!best || route->bits > best->bits))
			best = route;
	}
	return best;
}

/* The FIB forwards nothing from a group, this link or this host. */
static bool stays_here(const struct facts *facts)
{
	return facts->ipv6 &&
	       (prefix_matches("ff00::", 8, facts->from, true) ||
		prefix_matches("fe80::", 10, facts->from, true) ||
		prefix_matches("::1", 128, facts->from, true));
}

/* The kernel's route to @to; PLACES for @out: by whichever way. */
static const struct world_fib *find_fib(const __u8 *to, bool ipv6,
					enum place out)
{
	int i;

	for (i = 0; i < world_nr_fib; i++)
		if (prefix_matches(world_fib[i].prefix, world_fib[i].bits, to,
				   ipv6) &&
		    (out == PLACES || world_fib[i].out == out))
			return &world_fib[i];
	return NULL;
}

/* Who is next on the way to @to: NULL if the kernel does not know. */
static const __u8 *find_neighbour(const struct world_fib *fib, const __u8 *to,
				  bool ipv6)
{
	int i;

	for (i = 0; i < world_nr_neighbours; i++) {
		const struct world_neighbour *neighbour = &world_neighbours[i];
		bool same;

		if (fib->via)
			same = !strcmp(fib->via, neighbour->address);
		else
			same = prefix_matches(neighbour->address,
					      ipv6 ? 128 : 32, to, ipv6);
		if (same && neighbour->out == fib->out)
			return neighbour->mac;
	}
	return NULL;
}

/* Ask what the kernel's FIB would say to a frame for @facts->to. */
static enum outcome ask_fib(const struct facts *facts, enum place out, __u8 *mac)
{
	const struct world_fib *fib = find_fib(facts->to, facts->ipv6, PLACES);
	const __u8 *neighbour;

	if (!fib || fib->out != out || stays_here(facts))
		return PASSED;
	neighbour = find_neighbour(fib, facts->to, facts->ipv6);
	if (!neighbour)
		return NO_NEIGHBOUR;
	memcpy(mac, neighbour, 6);
	return STEERED;
}

static bool socket_at(__u32 index, unsigned int queue)
{
	int i;

	for (i = 0; i < world_nr_sockets; i++)
		if (world_sockets[i].index == index &&
		    world_sockets[i].queue == queue)
			return true;
	return false;
}

static enum outcome find_socket(const struct world_port *port,
				unsigned int queue, __u32 flags,
				struct verdict *verdict)
{
	__u32 systems = port->base + queue * port->stride;

	verdict->socket = systems;
	if (!(port->flags & STEER_PORT_OWNED) &&
	    !(flags & STEER_CONFIG_FIFO) && verdict->slot < port->stride &&
	    socket_at(systems + verdict->slot, queue))
		verdict->socket = systems + verdict->slot;
	return socket_at(verdict->socket, queue) ? STEERED : NO_SOCKET;
}

/* A frame on its way, with all that the decision needs. */
struct arrival {
	const struct model *model;
	const struct world_port *port;
	enum place in;
	unsigned int queue, length;
	const __u8 *to;			/* destination MAC */
	struct facts facts;
};

static bool is_routed(const struct arrival *arrival)
{
	enum place bridge = arrival->port->bridge;

	return !memcmp(arrival->to, mac_near[arrival->in], 6) ||
	       (bridge != PLACES && !memcmp(arrival->to, mac_near[bridge], 6));
}

static bool is_bridged(const struct arrival *arrival,
		       const struct world_route *route)
{
	if (route->mac && !memcmp(arrival->to, route->mac, 6))
		return true;
	return (route->flags & STEER_ROUTE_UPLINK) &&
	       arrival->port->bridge != PLACES &&
	       arrival->port->bridge == route->bridge &&
	       learned_behind(&arrival->model->learned, route->out,
			      arrival->to);
}

static enum outcome find_next_hop(const struct facts *facts,
				  const struct world_route *route, __u8 *mac)
{
	if (route->mac) {
		memcpy(mac, route->mac, 6);
		return STEERED;
	}
	if (facts->l3_offset != 14)
		return PASSED;
	return ask_fib(facts, route->out, mac);
}

static const struct world_tunnel *find_tunnel(const struct facts *facts,
					      __u32 slot)
{
	const struct world_tunnel *best = NULL;
	int i;

	for (i = 0; i < world_nr_tunnels; i++) {
		const struct world_tunnel *tunnel = &world_tunnels[i];

		if (tunnel->slot == slot &&
		    prefix_matches(tunnel->prefix, tunnel->bits, facts->to,
				   facts->ipv6) &&
		    (!best || tunnel->bits > best->bits))
			best = tunnel;
	}
	return best;
}

/* The kernel is asked for a way by the route's uplink, or by its bridge. */
static enum outcome find_remote(const struct arrival *arrival, const __u8 *to,
				bool ipv6, const struct world_route *route,
				__u8 *mac)
{
	bool bridged = route->bridge != PLACES;
	const struct world_fib *fib =
		find_fib(to, ipv6, bridged ? route->bridge : route->out);
	const __u8 *neighbour = fib ? find_neighbour(fib, to, ipv6) : NULL;

	if (!neighbour ||
	    (bridged && !learned_behind(&arrival->model->learned, route->out,
					neighbour)))
		return NO_NEIGHBOUR;
	memcpy(mac, neighbour, 6);
	return STEERED;
}

/* Whatever becomes of it, it does not leave outside of the tunnel. */
static enum outcome enter(const struct arrival *arrival,
			  const struct world_tunnel *tunnel,
			  struct verdict *verdict)
{
	bool ipv6 = strchr(tunnel->remote, ':');
	const struct world_route *route;
	enum outcome outcome;
	__u8 to[16];

	verdict->enters = true;
	verdict->slot = arrival->port->slot;
	inet_pton(ipv6 ? AF_INET6 : AF_INET, tunnel->remote, to);
	route = find_route(to, ipv6);
	if (!route || !(route->flags & STEER_ROUTE_UPLINK))
		return NO_NEIGHBOUR;
	if (arrival->length > MAX_LENGTH)
		return TOO_LONG;
	memcpy(verdict->source, mac_near[route->out], 6);
	outcome = find_remote(arrival, to, ipv6, route, verdict->next_hop);
	if (outcome != STEERED)
		return outcome;
	return find_socket(arrival->port, arrival->queue, arrival->model->flags,
			   verdict);
}

/* A datagram for a near end; PASSED: for none. */
static enum outcome arrive(const struct arrival *arrival,
			   struct verdict *verdict)
{
	const struct world_port *port = arrival->port;
	const struct facts *facts = &arrival->facts;
	bool end = false;
	int i;

	for (i = 0; i < world_nr_ends; i++) {
		const struct world_end *at = &world_ends[i];

		if (at->port != facts->tunnel_port ||
		    !prefix_matches(at->address, facts->ipv6 ? 128 : 32,
				    facts->to, facts->ipv6))
			continue;
		end = true;
		if (at->vni != facts->tunnel_vni ||
		    ((port->flags & STEER_PORT_OWNED) && port->slot != at->slot))
			continue;
		verdict->slot = at->slot;
		if (arrival->length > MAX_LENGTH)
			return TOO_LONG;
		return find_socket(port, arrival->queue, arrival->model->flags,
				   verdict);
	}
	return end ? UNKNOWN_VNI : PASSED;
}

/* Sets *outcome if a tunnel has to do with the frame. */
static bool decide_tunnel(const struct arrival *arrival,
			  struct verdict *verdict, enum outcome *outcome)
{
	const struct facts *facts = &arrival->facts;
	const struct world_tunnel *tunnel;

	if (!(arrival->port->flags & STEER_PORT_TUNNELS))
		return false;
	if (arrival->port->flags & STEER_PORT_UPLINK) {
		*outcome = is_routed(arrival) ? arrive(arrival, verdict) :
						PASSED;
		return *outcome != PASSED;
	}
	tunnel = find_tunnel(facts, arrival->port->slot);
	if (!tunnel)
		return false;
	if (!is_routed(arrival) || facts->hops <= 1 || facts->l3_offset != 14)
		*outcome = PASSED;
	else
		*outcome = enter(arrival, tunnel, verdict);
	return true;
}

/* The frame is sound: who gets it? */
static enum outcome decide(const struct arrival *arrival,
			   struct verdict *verdict)
{
	const struct world_route *route = find_route(arrival->facts.to,
						     arrival->facts.ipv6);
	const struct world_port *port = arrival->port;
	enum outcome outcome;

	if (decide_tunnel(arrival, verdict, &outcome))
		return outcome;
	if (!route || route->out == arrival->in)
		return PASSED;
	verdict->routed = is_routed(arrival);
	if (verdict->routed && arrival->facts.hops <= 1)
		return PASSED;
	if (!verdict->routed && !is_bridged(arrival, route))
		return PASSED;

	verdict->slot = port->flags & STEER_PORT_OWNED ?
		port->slot : route->slot;
	if (arrival->length > MAX_LENGTH || arrival->length > route->longest)
		return TOO_LONG;
	if (verdict->routed) {
		memcpy(verdict->source, mac_near[route->out], 6);
		outcome = find_next_hop(&arrival->facts, route,
					verdict->next_hop);
		if (outcome != STEERED)
			return outcome;
	}
	return find_socket(port, arrival->queue, arrival->model->flags,
			   verdict);
}

void model_start(struct model *model)
{
	int i;

	memset(model, 0, sizeof(*model));
	for (i = 0; i < world_nr_macs; i++)
		learned_hear(&model->learned, world_macs[i].behind,
			     world_macs[i].mac);
}

void model_decide(struct model *model, enum place in, unsigned int queue,
		  const __u8 *frame, unsigned int length,
		  struct verdict *verdict)
{
	struct arrival arrival = {
		.model = model, .port = &world_ports[in], .in = in,
		.queue = queue, .length = length, .to = frame,
	};

	memset(verdict, 0, sizeof(*verdict));
	verdict->outcome = PASSED;
	if (!arrival.port->present)
		return;
	read_frame(&arrival.facts, frame, length);
	if (length >= 14 && arrival.port->bridge != PLACES &&
	    (arrival.port->flags & STEER_PORT_UPLINK))
		learned_hear(&model->learned, in, frame + 6);
	if (arrival.facts.malformed) {
		verdict->outcome = MALFORMED;
		return;
	}
	if (arrival.facts.unclaimable)
		return;
	verdict->outcome = decide(&arrival, verdict);
	if (verdict->outcome == PASSED || verdict->outcome == UNKNOWN_VNI)
		verdict->slot = RUBATO_SLOT_SYSTEM;
}

static void put16(__u8 *bytes, unsigned int value)
{
	bytes[0] = value / 256;
	bytes[1] = value % 256;
}

/* Sums are modulo 65535, where 65535 is 0. */
static void count_hop4(__u8 *ip)
{
	unsigned int before = packet_checksum(ip), after;

	ip[8]--;
	after = packet_checksum(ip);
	put16(ip + 10, (get16(ip + 10) + 65535 + after - before) % 65535);
}

void model_rewrite(const struct verdict *verdict, __u8 *frame,
		   unsigned int length)
{
	struct facts facts;

	if (verdict->outcome != STEERED ||
	    !(verdict->routed || verdict->enters))
		return;
	read_frame(&facts, frame, length);
	memcpy(frame, verdict->next_hop, 6);
	memcpy(frame + 6, verdict->source, 6);
	if (verdict->enters)
		put16(frame + 12, 0x88b5);
	else if (facts.ipv6)
		frame[facts.l3_offset + 7]--;
	else
		count_hop4(frame + facts.l3_offset);
}
