// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "rig.h"
#include "../xdp/packet.h"

#define NET "/mnt/class/net/"	/* sysfs of our own namespace */

static const char *const names[RIG_PORTS] = { "rba0", "rba1" };
static const char *const peers[RIG_PORTS] = { "rba0p", "rba1p" };
static const char *const prefixes[RIG_PORTS] = { "10.1.0.0", "10.2.0.0" };
static const char *const others[RIG_PORTS] = { "10.2.0.9", "10.1.0.9" };
static const __u8 macs[RIG_PORTS][6] = {
	{ 2, 4, 0, 0, 0, 1 }, { 2, 4, 0, 0, 0, 2 },
};

static void die(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

int rig_command(const char *format, ...)
{
	char command[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	return system(command) ? -1 : 0;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = error_of(write(fd, text, strlen(text)));
	close(fd);
	return err;
}

int rig_setting(int port, const char *name, const char *value)
{
	char path[256];

	snprintf(path, sizeof(path), NET "%s/%s", names[port], name);
	return write_file(path, value);
}

/* --- devices -------------------------------------------------------------- */

static void make_device(struct rig *rig, int port)
{
	const __u8 *mac = macs[port];

	/* Quiet: nothing but what a test sends shall be counted. */
	if (rig_command("ip link add %s type veth peer name %s && "
			"echo 1 > /proc/sys/net/ipv6/conf/%s/disable_ipv6 && "
			"echo 1 > /proc/sys/net/ipv6/conf/%s/disable_ipv6 && "
			"ip link set %s address %02x:%02x:%02x:%02x:%02x:%02x up && "
			"ip link set %s up", names[port], peers[port],
			names[port], peers[port], names[port], mac[0], mac[1],
			mac[2], mac[3], mac[4], mac[5], peers[port]))
		die("ip link");
	rig->ifindex[port] = if_nametoindex(names[port]);
}

static int open_sender(int port)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_ifindex = if_nametoindex(peers[port]),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)))
		die("packet socket");
	return fd;
}

/* --- maps ------------------------------------------------------------------ */

static void *map_memory(const struct bpf_map *map, size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			    bpf_map__fd(map), 0);

	if (memory == MAP_FAILED)
		die("mmap of a map");
	return memory;
}

static void load_program(struct rig *rig)
{
	rig->cpus = libbpf_num_possible_cpus();
	rig->skeleton = steer_bpf__open();
	if (!rig->skeleton)
		die("open the BPF object");
	bpf_map__set_max_entries(rig->skeleton->maps.steer,
				 rig->cpus * RUBATO_SLOTS);
	if (steer_bpf__load(rig->skeleton))
		die("load the BPF object");
	rig->ledger = map_memory(rig->skeleton->maps.ledger,
				 sizeof(struct rubato_ledger) * RUBATO_SLOTS);
	rig->cores = map_memory(rig->skeleton->maps.cores,
				sizeof(struct rubato_core) * RIG_CORES);
	rig->steer = map_memory(rig->skeleton->maps.steer,
				sizeof(struct rubato_steer) * RUBATO_SLOTS *
				rig->cpus);
}

static int add_port(struct rig *rig, int port)
{
	struct steer_port entry = {
		.slot = port + 1,
		.flags = STEER_PORT_OWNED,
		.xsk_base = port,
		.xsk_stride = 1,
		.max_length = 2048,
	};

	memcpy(entry.mac, macs[port], 6);
	return bpf_map_update_elem(bpf_map__fd(rig->skeleton->maps.ports),
				   &rig->ifindex[port], &entry, BPF_ANY);
}

static int add_route(struct rig *rig, int port)
{
	struct steer_key4 key = { .prefix_length = 16 };
	struct steer_route route = {
		.slot = port + 1,
		.ifindex = rig->ifindex[port],
		.max_length = 2048,
		.mac = { 2, 5, 0, 0, 0, 1 },
	};

	inet_pton(AF_INET, prefixes[port], key.address);
	return bpf_map_update_elem(bpf_map__fd(rig->skeleton->maps.routes4),
				   &key, &route, BPF_ANY);
}

static void open_port(struct rig *rig, int port)
{
	__u32 index = port;
	int fd;

	if (queue_open(&rig->ports[port], names[port], 0, 1))
		die("AF_XDP socket");
	fd = queue_fd(&rig->ports[port], 0);
	if (add_port(rig, port) || add_route(rig, port) ||
	    bpf_map_update_elem(bpf_map__fd(rig->skeleton->maps.xsks), &index,
				&fd, BPF_ANY))
		die("fill the maps");
	if (bpf_xdp_attach(rig->ifindex[port],
			   bpf_program__fd(rig->skeleton->progs.rubato_steer),
			   XDP_FLAGS_DRV_MODE, NULL))
		die("attach XDP");
	rig->senders[port] = open_sender(port);
}

/* --- beginning and end ----------------------------------------------------- */

static void move_to(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		die("bind to a CPU");
}

static void own_namespaces(void)
{
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("sysfs", "/mnt", "sysfs", 0, NULL))
		die("namespaces");
}

void rig_connect(struct rig *rig)
{
	struct rubato_ioc_attach attach = {
		.size		= sizeof(attach),
		.ledger_fd	= bpf_map__fd(rig->skeleton->maps.ledger),
		.cores_fd	= bpf_map__fd(rig->skeleton->maps.cores),
		.steer_fd	= bpf_map__fd(rig->skeleton->maps.steer),
		.nr_cores	= RIG_CORES,
		.abi_version	= RUBATO_ABI_VERSION,
	};

	rig->device = open("/dev/rubato", O_RDWR | O_CLOEXEC);
	if (rig->device < 0 || ioctl(rig->device, RUBATO_IOC_ATTACH, &attach))
		die("/dev/rubato");
}

void rig_disconnect(struct rig *rig)
{
	if (rig->area)
		munmap(rig->area, RUBATO_ASSIST_AREA_SIZE);
	rig->area = NULL;
	if (rig->device >= 0)
		close(rig->device);
	rig->device = -1;
}

void rig_open(struct rig *rig, int cpu)
{
	int port;

	memset(rig, 0, sizeof(*rig));
	move_to(cpu);
	own_namespaces();
	load_program(rig);
	for (port = 0; port < RIG_PORTS; port++)
		make_device(rig, port);
	for (port = 0; port < RIG_PORTS; port++)
		open_port(rig, port);
	rig->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	rig_connect(rig);
}

void rig_close(struct rig *rig)
{
	int port;

	rig_disconnect(rig);
	close(rig->bell);
	for (port = 0; port < RIG_PORTS; port++) {
		close(rig->senders[port]);
		queue_close(&rig->ports[port]);
	}
	steer_bpf__destroy(rig->skeleton);
}

/* --- the ioctls ------------------------------------------------------------- */

struct rubato_ioc_core rig_core(const struct rig *rig, __u32 mode)
{
	return (struct rubato_ioc_core) {
		.size = sizeof(struct rubato_ioc_core),
		.mode = mode,
		.cpu = sched_getcpu(),
		.bell_fd = rig->bell,
		.quantum_cycles = RIG_QUANTUM,
		.packet_cycles = 1000,
		.byte_cycles_fp16 = 1 << 14,
		.idle_us = mode == RUBATO_ASSIST_THREAD ? 1000 : 0,
	};
}

int rig_attach(struct rig *rig, const struct rubato_ioc_core *core)
{
	void *area;

	if (ioctl(rig->device, RUBATO_IOC_CORE, core))
		return -errno;
	if (core->core)
		return 0;
	area = mmap(NULL, RUBATO_ASSIST_AREA_SIZE, PROT_READ | PROT_WRITE,
		    MAP_SHARED, rig->device, 0);
	if (area == MAP_FAILED)
		return -errno;
	rig->area = area;
	return 0;
}

int rig_add(struct rig *rig, __u32 core, int fd, __u32 *index)
{
	struct rubato_ioc_socket add = {
		.size = sizeof(add), .core = core, .fd = fd,
	};
	int err = error_of(ioctl(rig->device, RUBATO_IOC_SOCKET_ADD, &add));

	if (!err && index)
		*index = add.index;
	return err;
}

int rig_remove(struct rig *rig, __u32 core, __u32 index)
{
	struct rubato_ioc_socket remove = {
		.size = sizeof(remove), .core = core, .index = index,
	};

	return error_of(ioctl(rig->device, RUBATO_IOC_SOCKET_REMOVE, &remove));
}

int rig_pass(struct rig *rig, struct rubato_ioc_pass *pass)
{
	pass->size = sizeof(*pass);
	return error_of(ioctl(rig->device, RUBATO_IOC_PASS, pass));
}

int rig_sleep(struct rig *rig, __u64 timeout_ns, struct rubato_ioc_sleep *sleep)
{
	*sleep = (struct rubato_ioc_sleep) {
		.size = sizeof(*sleep), .timeout_ns = timeout_ns,
	};
	return error_of(ioctl(rig->device, RUBATO_IOC_SLEEP, sleep));
}

int rig_wake(struct rig *rig)
{
	struct rubato_ioc_wake wake = { .size = sizeof(wake) };

	return error_of(ioctl(rig->device, RUBATO_IOC_WAKE, &wake));
}

bool rig_begin(struct rig *rig, const struct rubato_ioc_core *core)
{
	int port;

	if (!expect(!rig_attach(rig, core)))
		return false;
	for (port = 0; port < RIG_PORTS; port++)
		if (!expect(!rig_add(rig, 0, queue_fd(&rig->ports[port], 0),
				     &rig->index[port])))
			return false;
	/* What the last test left behind. */
	if (core->mode == RUBATO_ASSIST_INLINE)
		while (rig_poll(rig))
			;
	for (port = 0; port < RIG_PORTS; port++)
		rig_receive(rig, port);
	return true;
}

__u32 rig_poll(struct rig *rig)
{
	struct rubato_ioc_pass pass = { .flags = RUBATO_PASS_NAPI };

	return rig_pass(rig, &pass) ? 0 : pass.packets;
}

/* --- traffic ----------------------------------------------------------------- */

bool rig_send(struct rig *rig, int port, int count, int payload)
{
	const struct recipe recipe = {
		.mac = macs[port], .to = others[port], .protocol = IPPROTO_UDP,
		.payload = payload,
	};
	struct frame frame;

	packet_build(&recipe, &frame);
	while (count-- > 0)
		if (send(rig->senders[port], frame.data, frame.length, 0) < 0)
			return false;
	return true;
}

int rig_receive(struct rig *rig, int port)
{
	const __u8 *data;
	int count = 0;

	while (queue_receive(&rig->ports[port], 0, &data))
		count++;
	return count;
}

static bool arrives(struct rig *rig, int port)
{
	rig_poll(rig);
	return rig_receive(rig, port) == 1;
}

/*
 * The first frame comes by the softirq and tells the socket its NAPI, unless
 * that is held already; the pass after it takes the NAPI over.
 */
bool rig_hold(struct rig *rig, int port)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", RIG_HOLD_NS);
	if (!expect(!rig_setting(port, "napi_defer_hard_irqs", "1000")) ||
	    !expect(!rig_setting(port, "gro_flush_timeout", text)))
		return false;
	if (!expect(rig_send(rig, port, 1, 32)) ||
	    !expect(until(arrives(rig, port))))
		return false;
	rig_poll(rig);
	return true;
}

bool rig_defer(int port)
{
	return expect(!rig_setting(port, "napi_defer_hard_irqs", "2")) &
	       expect(!rig_setting(port, "gro_flush_timeout", "200000"));
}

/* A timer that runs would go on: the NAPI is made anew. */
bool rig_let_go(int port)
{
	return expect(!rig_setting(port, "napi_defer_hard_irqs", "0")) &&
	       expect(!rig_setting(port, "gro_flush_timeout", "0")) &&
	       expect(!rig_command("ip link set %s down && ip link set %s up",
				   names[port], names[port]));
}

bool rig_submit(struct rig *rig, int port)
{
	const struct recipe recipe = {
		.mac = macs[port], .to = others[port], .protocol = IPPROTO_UDP,
		.payload = 32,
	};
	struct queue *queue = &rig->ports[port];
	struct queue_socket *socket = &queue->sockets[0];
	struct frame frame;
	struct xdp_desc *desc;
	__u32 place;

	/* What was sent before is not needed any more. */
	xsk_ring_cons__release(&queue->completion,
			       xsk_ring_cons__peek(&queue->completion, CHUNKS,
						   &place));
	if (xsk_ring_prod__reserve(&socket->tx, 1, &place) != 1)
		return false;
	packet_build(&recipe, &frame);
	desc = xsk_ring_prod__tx_desc(&socket->tx, place);
	/* The upper half of the chunks is for sending. */
	desc->addr = (__u64)(CHUNKS / 2 + place % (CHUNKS / 2)) * CHUNK_SIZE;
	desc->len = frame.length;
	desc->options = 0;
	memcpy(xsk_umem__get_data(queue->memory, desc->addr), frame.data,
	       frame.length);
	xsk_ring_prod__submit(&socket->tx, 1);
	return true;
}

unsigned int rig_untaken(const struct rig *rig, int port)
{
	const struct xsk_ring_prod *tx = &rig->ports[port].sockets[0].tx;

	return *tx->producer - __atomic_load_n(tx->consumer, __ATOMIC_ACQUIRE);
}

/* --- numbers ------------------------------------------------------------------- */

const struct rubato_account *rig_account(const struct rig *rig, __u32 slot)
{
	return &rig->ledger[slot].core[0];
}

__u64 rig_kernel_cycles(const struct rig *rig)
{
	__u64 sum = 0;
	__u32 slot;

	for (slot = 0; slot < RUBATO_SLOTS; slot++)
		sum += __atomic_load_n(&rig_account(rig, slot)->kernel_cycles,
				       __ATOMIC_RELAXED);
	return sum;
}

__u64 rig_number(const char *file)
{
	char path[64];

	snprintf(path, sizeof(path), "cores/0/%s", file);
	return get_number(path);
}
