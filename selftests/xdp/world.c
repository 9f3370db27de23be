// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
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

/* The far ends are to be quiet: they only send what the tests send. */
static int make_interface(enum place place)
{
	const char *name = place_names[place], *peer = peer_names[place];
	char near[18], far[18];

	mac_text(mac_near[place], near);
	mac_text(mac_far[place], far);
	return world_command("ip link add %s address %s numrxqueues %d "
			     "numtxqueues %d type veth peer name %s address %s "
			     "numrxqueues %d numtxqueues %d && "
			     "sysctl -q -w net.ipv6.conf.%s.disable_ipv6=1 "
			     "net.ipv4.conf.%s.forwarding=0 && "
			     "ip link set %s up && ip link set %s up",
			     name, near, QUEUES, QUEUES, peer, far, QUEUES,
			     QUEUES, peer, peer, name, peer);
}

static int make_interfaces(struct world *world)
{
	int i;

	if (unshare(CLONE_NEWNET))
		return complain("network namespace", errno);
	/* Without an address somewhere IPv4 refuses all gateways. */
	if (world_command("ip link set lo up && "
			  "sysctl -q -w net.ipv4.ip_forward=1 "
			  "net.ipv6.conf.all.forwarding=1"))
		return -1;
	for (i = 0; i < PLACES; i++) {
		if (make_interface(i))
			return -1;
		world->ifindex[i] = if_nametoindex(place_names[i]);
	}
	return world_command("sysctl -q -w net.ipv6.conf.all.forwarding=1");
}

static int add_fib_route(const struct world_fib *fib)
{
	if (fib->out == PLACES)
		return world_command("ip route add unreachable %s/%d",
				     fib->prefix, fib->bits);
	if (fib->via)
		return world_command("ip route add %s/%d via %s dev %s onlink",
				     fib->prefix, fib->bits, fib->via,
				     place_names[fib->out]);
	return world_command("ip route add %s/%d dev %s", fib->prefix,
			     fib->bits, place_names[fib->out]);
}

static int fill_fib(void)
{
	char mac[18];
	int i;

	for (i = 0; i < world_nr_fib; i++)
		if (add_fib_route(&world_fib[i]))
			return -1;
	for (i = 0; i < world_nr_neighbours; i++)
		if (world_command("ip neigh replace %s lladdr %s nud permanent "
				  "dev %s", world_neighbours[i].address,
				  mac_text(world_neighbours[i].mac, mac),
				  place_names[world_neighbours[i].out]))
			return -1;
	return 0;
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
		.port = 100 + place,
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
		.port = from->port,
		.port_generation = from->generation,
	};

	if (from->bridge != PLACES)
		route.bridge_ifindex = world->ifindex[from->bridge];
	memcpy(route.mac, from->mac ? from->mac : (__u8 *)ZERO_MAC, 6);
	if (inet_pton(AF_INET, from->prefix, key4.address) == 1)
		return bpf_map_update_elem(
			bpf_map__fd(world->skeleton->maps.routes4), &key4,
			&route, BPF_ANY);
	inet_pton(AF_INET6, from->prefix, key6.address);
	return bpf_map_update_elem(bpf_map__fd(world->skeleton->maps.routes6),
				   &key6, &route, BPF_ANY);
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
	if (make_interfaces(world) || fill_fib() || load_program(world) ||
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
