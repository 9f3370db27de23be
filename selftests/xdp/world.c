// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "world.h"

#define ZERO_MAC	"\0\0\0\0\0"

static int complain(const char *what, int error)
{
	fprintf(stderr, "# %s: %s\n", what, strerror(error < 0 ? -error : error));
	return -1;
}

int world_command(const char *format, ...)
{
	char command[512];
	va_list arguments;
	int status;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	fflush(stdout);
	status = system(command);
	if (status)
		fprintf(stderr, "# failed: %s\n", command);
	return status;
}

static const char *mac_text(const __u8 *mac, char *text)
{
	sprintf(text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		mac[3], mac[4], mac[5]);
	return text;
}

static int bind_to_one_cpu(void)
{
	int cpu = sched_getcpu();
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return cpu < 0 ? cpu : sched_setaffinity(0, sizeof(set), &set);
}

int world_setting(const char *value, const char *format, ...)
{
	char path[128] = "/proc/sys/net/";
	size_t start = strlen(path);
	va_list arguments;
	FILE *file;
	int error;

	va_start(arguments, format);
	vsnprintf(path + start, sizeof(path) - start, format, arguments);
	va_end(arguments);
	file = fopen(path, "w");
	if (!file)
		return complain(path, errno);
	error = fputs(value, file) < 0;
	error |= fclose(file);
	return error ? complain(path, errno) : 0;
}

static void add_interface(FILE *ip, enum place place)
{
	char near[18], far[18];

	fprintf(ip, "link add %s address %s numrxqueues %d numtxqueues %d "
		"type veth peer name %s address %s numrxqueues %d "
		"numtxqueues %d\n", place_names[place],
		mac_text(mac_near[place], near), QUEUES, QUEUES,
		peer_names[place], mac_text(mac_far[place], far), QUEUES,
		QUEUES);
}

/* The far ends are to be quiet: they only send what the tests send. */
static int silence(const char *peer)
{
	return world_setting("1", "ipv6/conf/%s/disable_ipv6", peer) |
	       world_setting("0", "ipv4/conf/%s/forwarding", peer);
}

/* One process for many commands: starting one is slow on emulated CPUs. */
static FILE *ip_open(void)
{
	FILE *ip;

	fflush(stdout);
	ip = popen("ip -batch -", "w");
	if (!ip)
		complain("start ip", errno);
	return ip;
}

static int ip_close(FILE *ip)
{
	int status = pclose(ip);

	if (status)
		fprintf(stderr, "# ip -batch failed\n");
	return status;
}

static int make_interfaces(struct world *world)
{
	FILE *ip;
	int i;

	if (unshare(CLONE_NEWNET))
		return complain("network namespace", errno);
	ip = ip_open();
	if (!ip)
		return -1;
	/* Without an address somewhere IPv4 refuses all gateways. */
	fprintf(ip, "link set lo up\n");
	for (i = 0; i < PLACES; i++)
		add_interface(ip, i);
	if (ip_close(ip) || world_setting("1", "ipv4/ip_forward") ||
	    world_setting("1", "ipv6/conf/all/forwarding"))
		return -1;
	for (i = 0; i < PLACES; i++) {
		world->ifindex[i] = if_nametoindex(place_names[i]);
		if (silence(peer_names[i]))
			return -1;
	}
	return 0;
}

static void add_fib_route(FILE *ip, const struct world_fib *fib)
{
	if (fib->out == PLACES)
		fprintf(ip, "route add unreachable %s/%d\n", fib->prefix,
			fib->bits);
	else if (fib->via)
		fprintf(ip, "route add %s/%d via %s dev %s onlink\n",
			fib->prefix, fib->bits, fib->via,
			place_names[fib->out]);
	else
		fprintf(ip, "route add %s/%d dev %s\n", fib->prefix,
			fib->bits, place_names[fib->out]);
}

static int start_interfaces(void)
{
	const struct world_neighbour *neighbour;
	FILE *ip = ip_open();
	char mac[18];
	int i;

	if (!ip)
		return -1;
	for (i = 0; i < PLACES; i++)
		fprintf(ip, "link set %s up\nlink set %s up\n",
			place_names[i], peer_names[i]);
	for (i = 0; i < world_nr_fib; i++)
		add_fib_route(ip, &world_fib[i]);
	for (i = 0; i < world_nr_neighbours; i++) {
		neighbour = &world_neighbours[i];
		fprintf(ip, "neigh replace %s lladdr %s nud permanent dev %s\n",
			neighbour->address, mac_text(neighbour->mac, mac),
			place_names[neighbour->out]);
	}
	return ip_close(ip);
}

static int load_program(struct world *world)
{
	__u32 lines;
	int error;

	world->cpus = libbpf_num_possible_cpus();
	lines = world->cpus * RUBATO_SLOTS;
	world->skeleton = steer_bpf__open();
	if (!world->skeleton)
		return complain("open the BPF object", errno);
	bpf_map__set_max_entries(world->skeleton->maps.steer, lines);
	error = steer_bpf__load(world->skeleton);
	if (error)
		return complain("load the BPF object", error);
	world->program = bpf_program__fd(world->skeleton->progs.rubato_steer);

	world->counters = mmap(NULL, lines * sizeof(*world->counters),
			       PROT_READ | PROT_WRITE, MAP_SHARED,
			       bpf_map__fd(world->skeleton->maps.steer), 0);
	if (world->counters == MAP_FAILED)
		return complain("mmap of the map steer", errno);
	return 0;
}

static int add_port(struct world *world, enum place place)
{
	const struct world_port *from = &world_ports[place];
	struct steer_port port = {
		.slot = from->slot,
		.flags = from->flags,
		.xsk_base = from->base,
		.xsk_stride = from->stride,
		.max_length = MAX_LENGTH,
	};

	memcpy(port.mac, mac_near[place], 6);
	if (from->bridge != PLACES) {
		port.bridge_ifindex = world->ifindex[from->bridge];
		memcpy(port.bridge_mac, mac_near[from->bridge], 6);
	}
	return bpf_map_update_elem(bpf_map__fd(world->skeleton->maps.ports),
				   &world->ifindex[place], &port, BPF_NOEXIST);
}

static int add_route(struct world *world, const struct world_route *from)
{
	struct steer_key4 key4 = { .prefix_length = from->bits };
	struct steer_key6 key6 = { .prefix_length = from->bits };
	struct steer_route route = {
		.slot = from->slot,
		.flags = from->flags,
		.ifindex = world->ifindex[from->out],
		.max_length = from->longest,
	};

	if (from->bridge != PLACES)
		route.bridge_ifindex = world->ifindex[from->bridge];
	memcpy(route.source_mac, mac_near[from->out], 6);
	memcpy(route.mac, from->mac ? from->mac : (__u8 *)ZERO_MAC, 6);
	if (inet_pton(AF_INET, from->prefix, key4.address) == 1)
		return bpf_map_update_elem(
			bpf_map__fd(world->skeleton->maps.routes4), &key4,
			&route, BPF_ANY);
	inet_pton(AF_INET6, from->prefix, key6.address);
	return bpf_map_update_elem(bpf_map__fd(world->skeleton->maps.routes6),
				   &key6, &route, BPF_ANY);
}

/* Returns whether it is an IPv6 address; one of IPv4 takes the first four bytes. */
static bool read_address(const char *text, __u8 *bytes)
{
	return inet_pton(AF_INET, text, bytes) != 1 &&
	       inet_pton(AF_INET6, text, bytes) == 1;
}

static int add_tunnel(struct world *world, const struct world_tunnel *from)
{
	struct steer_tunnel_key key = {
		.prefix_length = STEER_TUNNEL_KEY_BITS + from->bits,
		.slot = from->slot,
	};
	struct steer_tunnel tunnel = {};

	key.ipv6 = read_address(from->prefix, key.address);
	tunnel.ipv6 = read_address(from->remote, tunnel.remote);
	read_address(from->local, tunnel.local);
	return bpf_map_update_elem(
		bpf_map__fd(world->skeleton->maps.tunnels_out), &key, &tunnel,
		BPF_NOEXIST);
}

/* With the entry that says that there is an end at all. */
static int add_end(struct world *world, const struct world_end *from)
{
	struct steer_tunnel_end end = {
		.vni = from->vni,
		.port = htons(from->port),
	};
	int map = bpf_map__fd(world->skeleton->maps.tunnels_in), error;

	end.ipv6 = read_address(from->address, end.address);
	error = bpf_map_update_elem(map, &end, &from->slot, BPF_NOEXIST);
	end.vni = STEER_VNI_ANY;
	return error ?: bpf_map_update_elem(map, &end, &from->slot, BPF_ANY);
}

static int add_mac(struct world *world, const struct world_mac *from)
{
	struct steer_mac_key key = {
		.bridge_ifindex = world->ifindex[BRIDGE],
	};

	memcpy(key.mac, from->mac, 6);
	return bpf_map_update_elem(bpf_map__fd(world->skeleton->maps.macs),
				   &key, &world->ifindex[from->behind],
				   BPF_NOEXIST);
}

static int fill_tables(struct world *world)
{
	int i, error;

	for (i = 0; i < PLACES_IN; i++) {
		error = world_ports[i].present ? add_port(world, i) : 0;
		if (error)
			return complain("fill the map ports", error);
	}
	for (i = 0; i < world_nr_routes; i++) {
		error = add_route(world, &world_routes[i]);
		if (error)
			return complain("fill the route maps", error);
	}
	for (i = 0; i < world_nr_tunnels; i++) {
		error = add_tunnel(world, &world_tunnels[i]);
		if (error)
			return complain("fill the map tunnels_out", error);
	}
	for (i = 0; i < world_nr_ends; i++) {
		error = add_end(world, &world_ends[i]);
		if (error)
			return complain("fill the map tunnels_in", error);
	}
	for (i = 0; i < world_nr_macs; i++) {
		error = add_mac(world, &world_macs[i]);
		if (error)
			return complain("fill the map macs", error);
	}
	return 0;
}

static int sockets_on(enum place place, unsigned int queue)
{
	int i, count = 0;

	for (i = 0; i < world_nr_sockets; i++)
		count += world_sockets[i].place == place &&
			 world_sockets[i].queue == queue;
	return count;
}

static int open_sockets(struct world *world)
{
	int xsks = bpf_map__fd(world->skeleton->maps.xsks);
	int place, queue, count, fd, i, error;

	for (place = 0; place < PLACES_IN; place++) {
		for (queue = 0; queue < QUEUES; queue++) {
			count = sockets_on(place, queue);
			if (!count)
				continue;
			error = queue_open(&world->queues[place][queue],
					   place_names[place], queue, count);
			if (error)
				return complain("open AF_XDP sockets", error);
		}
	}
	for (i = 0; i < world_nr_sockets; i++) {
		const struct world_socket *socket = &world_sockets[i];

		fd = queue_fd(&world->queues[socket->place][socket->queue],
			      socket->number);
		error = bpf_map_update_elem(xsks, &socket->index, &fd, BPF_ANY);
		if (error)
			return complain("fill the map xsks", error);
	}
	return 0;
}

int world_open(struct world *world)
{
	memset(world, 0, sizeof(*world));
	if (bind_to_one_cpu())
		return complain("bind to one CPU", errno);
	if (make_interfaces(world) || start_interfaces() || load_program(world) ||
	    fill_tables(world) || open_sockets(world)) {
		world_close(world);
		return -1;
	}
	return 0;
}

void world_close(struct world *world)
{
	int place, queue;

	for (place = 0; place < PLACES_IN; place++)
		for (queue = 0; queue < QUEUES; queue++)
			if (world->queues[place][queue].count)
				queue_close(&world->queues[place][queue]);
	if (world->counters && world->counters != MAP_FAILED)
		munmap(world->counters, world->cpus * RUBATO_SLOTS *
		       sizeof(*world->counters));
	if (world->skeleton)
		steer_bpf__destroy(world->skeleton);
}

int world_configure(struct world *world, __u32 flags)
{
	struct steer_config config = { .flags = flags };
	__u32 zero = 0;

	return bpf_map_update_elem(
		bpf_map__fd(world->skeleton->maps.steer_config), &zero,
		&config, BPF_ANY);
}

struct rubato_steer *world_counters(const struct world *world, __u32 slot)
{
	return &world->counters[sched_getcpu() * RUBATO_SLOTS + slot];
}
