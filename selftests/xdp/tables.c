// SPDX-License-Identifier: GPL-2.0
/* The contents of the test world: what is where, and who is who. */
#include "world.h"

const char *const place_names[PLACES] = {
	"rbxup", "rbxc1", "rbxc2", "rbxbu", "rbxbs", "rbxsh", "rbxgi", "rbxst",
	"rbxbr", "rbxot",
};

const char *const peer_names[PLACES] = {
	"rbxupp", "rbxc1p", "rbxc2p", "rbxbup", "rbxbsp", "rbxshp", "rbxgip",
	"rbxstp", "rbxbrp", "rbxotp",
};

const __u8 mac_near[PLACES][6] = {
	{ 2, 1, 0, 0, 0, 1 }, { 2, 1, 0, 0, 0, 2 }, { 2, 1, 0, 0, 0, 3 },
	{ 2, 1, 0, 0, 0, 4 }, { 2, 1, 0, 0, 0, 5 }, { 2, 1, 0, 0, 0, 6 },
	{ 2, 1, 0, 0, 0, 7 }, { 2, 1, 0, 0, 0, 8 }, { 2, 1, 0, 0, 0, 9 },
	{ 2, 1, 0, 0, 0, 10 },
};

const __u8 mac_far[PLACES][6] = {
	{ 2, 2, 0, 0, 0, 1 }, { 2, 2, 0, 0, 0, 2 }, { 2, 2, 0, 0, 0, 3 },
	{ 2, 2, 0, 0, 0, 4 }, { 2, 2, 0, 0, 0, 5 }, { 2, 2, 0, 0, 0, 6 },
	{ 2, 2, 0, 0, 0, 7 }, { 2, 2, 0, 0, 0, 8 }, { 2, 2, 0, 0, 0, 9 },
	{ 2, 2, 0, 0, 0, 10 },
};

const __u8 mac_stranger[6] = { 2, 3, 0, 0, 0, 9 };
const __u8 mac_server[6] = { 2, 3, 0, 0, 0, 1 };
const __u8 mac_printer[6] = { 2, 3, 0, 0, 0, 2 };

#define OWN		STEER_PORT_OWNED
#define TUNNELS		STEER_PORT_TUNNELS

const struct world_port world_ports[PLACES_IN] = {
	[UPLINK] = { 1, 0, STEER_PORT_UPLINK | TUNNELS, 0, RUBATO_SLOTS,
		     PLACES },
	/* Made for one queue; the device has two: see world_sockets[]. */
	[VETH1] = { 1, 1, OWN | TUNNELS, VETH1_BASE, 1, PLACES },
	[VETH2] = { 1, 2, OWN | TUNNELS, VETH1_BASE + 1, 1, BRIDGE },
	[BRIDGED] = { 1, 0, STEER_PORT_UPLINK, 8192, RUBATO_SLOTS, BRIDGE },
	[SECOND] = { 1, 0, STEER_PORT_UPLINK, 12288, RUBATO_SLOTS, BRIDGE },
	[SHARED] = { 1, 0, 0, 16384, 2, PLACES },
	[GIVEN] = { 1, 2, STEER_PORT_UPLINK | OWN | TUNNELS, 24576, 1, PLACES },
};

const struct world_mac world_macs[] = {
	{ mac_server, BRIDGED },
	{ mac_printer, SECOND },
	{ mac_far[VETH2], BRIDGED },	/* a lie: that container's route wins */
};
const int world_nr_macs = sizeof(world_macs) / sizeof(world_macs[0]);

#define ANY_LENGTH	65535	/* the port it comes in by has the say */
#define UP		STEER_ROUTE_UPLINK

const struct world_route world_routes[] = {
	{ "10.1.0.2", 32, 1, 0, VETH1, PLACES, mac_far[VETH1], ANY_LENGTH },
	{ "10.1.0.0", 16, 3, 0, SHARED, PLACES, mac_far[SHARED], MAX_NARROW },
	{ "10.2.0.2", 32, 2, 0, VETH2, BRIDGE, mac_far[VETH2], ANY_LENGTH },
	{ "10.9.0.0", 16, 0, UP, UPLINK, PLACES, NULL, ANY_LENGTH },
	{ "10.3.0.0", 24, 0, UP, BRIDGED, BRIDGE, NULL, MAX_NARROW },
	{ "10.3.1.0", 24, 0, UP, SECOND, BRIDGE, NULL, ANY_LENGTH },
	{ "224.0.0.0", 3, 0, UP, BRIDGED, BRIDGE, NULL, ANY_LENGTH },
	{ "fd00:1::2", 128, 1, 0, VETH1, PLACES, mac_far[VETH1], ANY_LENGTH },
	{ "fd00:1::", 32, 3, 0, SHARED, PLACES, mac_far[SHARED], MAX_NARROW },
	{ "fd00:2::2", 128, 2, 0, VETH2, BRIDGE, mac_far[VETH2], ANY_LENGTH },
	{ "fd00:9::", 32, 0, UP, UPLINK, PLACES, NULL, ANY_LENGTH },
	{ "::", 0, 0, UP, BRIDGED, BRIDGE, NULL, ANY_LENGTH },
};
const int world_nr_routes = sizeof(world_routes) / sizeof(world_routes[0]);

/*
 * Each remote end is one by which a tunnel may not work: by a neighbour that is
 * unknown, another way than the route's, no route, one that is no uplink's. Slot
 * 0's are not looked for where no port is marked.
 */
const struct world_tunnel world_tunnels[] = {
	{ 1, "10.20.0.0", 24, "10.9.0.254", "10.9.0.1" },
	{ 1, "10.20.0.128", 25, "fd00:9::fe", "fd00:9::1" },
	{ 1, "10.20.1.0", 24, "10.9.0.254", "10.9.0.99" },
	{ 1, "10.20.2.0", 24, "10.9.0.254", "10.9.1.1" },
	{ 1, "10.20.3.0", 24, "10.9.0.254", "10.7.0.1" },
	{ 1, "10.20.4.0", 24, "10.9.0.254", "10.1.7.7" },
	{ 1, "10.20.5.0", 24, "10.3.0.254", "10.3.0.8" },
	{ 1, "fd20::", 64, "10.9.0.254", "10.9.5.77" },
	{ 1, "fd20:0:0:1::", 64, "fd00:9::fe", "fd00:9::99" },
	{ 2, "10.20.0.0", 24, "fd00:9::fe", "fd00:9:0:5::77" },
	{ 0, "10.20.0.0", 16, "10.9.0.254", "10.9.0.1" },
};
const int world_nr_tunnels = sizeof(world_tunnels) / sizeof(world_tunnels[0]);

const struct world_end world_ends[] = {
	{ "10.9.0.254", 42, 4789, 1 },
	{ "10.9.0.254", 43, 4789, 2 },
	{ "10.9.0.254", 42, 4799, 2 },
	{ "fd00:9::fe", 0xabcdef, 4789, 1 },
};
const int world_nr_ends = sizeof(world_ends) / sizeof(world_ends[0]);

const struct world_fib world_fib[] = {
	{ "10.3.0.8", 32, BRIDGE, NULL },
	{ "10.9.0.0", 24, UPLINK, NULL },
	{ "10.9.1.0", 24, OTHER, NULL },
	{ "10.9.2.0", 24, PLACES, NULL },
	{ "10.9.5.0", 24, UPLINK, "10.9.0.1" },
	{ "fd00:9::", 64, UPLINK, NULL },
	{ "fd00:9:0:1::", 64, OTHER, NULL },
	{ "fd00:9:0:2::", 64, PLACES, NULL },
	{ "fd00:9:0:5::", 64, UPLINK, "fd00:9::1" },
};
const int world_nr_fib = sizeof(world_fib) / sizeof(world_fib[0]);

const struct world_neighbour world_neighbours[] = {
	{ "10.3.0.8", BRIDGE, mac_server },
	{ "10.9.0.1", UPLINK, mac_far[UPLINK] },
	{ "10.9.1.1", OTHER, mac_far[OTHER] },
	{ "fd00:9::1", UPLINK, mac_far[UPLINK] },
	{ "fd00:9:0:1::1", OTHER, mac_far[OTHER] },
};
const int world_nr_neighbours =
	sizeof(world_neighbours) / sizeof(world_neighbours[0]);

/*
 * Two of them sit where they must not be found: VETH2's only one where VETH1's
 * second queue would look, but it belongs to another queue; SHARED's last one
 * where slot 2 would look, but that is beyond the port's stride.
 */
const struct world_socket world_sockets[] = {
	{ 0, UPLINK, 0, 0 },
	{ 1, UPLINK, 0, 1 },
	{ 2, UPLINK, 0, 2 },
	{ RUBATO_SLOTS + 1, UPLINK, 1, 0 },
	{ VETH1_BASE, VETH1, 0, 0 },
	{ VETH1_BASE + 1, VETH2, 0, 0 },
	{ 8192, BRIDGED, 0, 0 },
	{ 12288, SECOND, 0, 0 },
	{ 16384, SHARED, 0, 0 },
	{ 16385, SHARED, 0, 1 },
	{ 16386, SHARED, 0, 2 },
	{ 24576, GIVEN, 0, 0 },
};
const int world_nr_sockets = sizeof(world_sockets) / sizeof(world_sockets[0]);
