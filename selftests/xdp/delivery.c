// SPDX-License-Identifier: GPL-2.0
/*
 * Real frames through real devices, natively and generically. Here it shows
 * which socket got a frame; what the frames are and where they should go comes
 * from the model.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "../kselftest.h"
#include "packet.h"
#include "wire.h"

#define TAP_BASE	20000	/* of its index into `xsks` */

static const __u8 tap_mac[6] = { 2, 4, 0, 0, 0, 1 };

static struct world world;
static struct wire wire;

static void test_mode(const char *mode, __u32 flags, int queues)
{
	struct wire_counts counts;
	int error;

	wire.model.flags = flags;
	error = world_configure(&world, flags);
	counts = wire_deliver(&wire, PLACES, queues);
	ksft_test_result(!error && !counts.wrong && counts.steered > 30 &&
			 counts.left > 30,
			 "%s: %d frames to their sockets, %d to the kernel, "
			 "%d wrong\n", mode, counts.steered, counts.left,
			 counts.wrong);
}

static int attach(__u32 flags)
{
	int place, error;

	for (place = 0; place < PLACES_IN; place++) {
		error = bpf_xdp_attach(world.ifindex[place], world.program,
				       flags, NULL);
		if (error)
			return error;
	}
	return 0;
}

static int detach(__u32 flags)
{
	int place, error = 0;

	for (place = 0; place < PLACES_IN; place++)
		error |= bpf_xdp_detach(world.ifindex[place], flags, NULL);
	return error;
}

static void test_attached(const char *name, __u32 flags, int queues)
{
	char fifo[40];
	int error = attach(flags);

	snprintf(fifo, sizeof(fifo), "%s, fifo", name);
	if (error)
		printf("# %s: attach: %s\n", name, strerror(-error));
	test_mode(name, 0, queues);
	test_mode(fifo, STEER_CONFIG_FIFO, queues);
	ksft_test_result(!error && !detach(flags), "%s: detached again\n",
			 name);
}

static int tap_open(void)
{
	struct ifreq request = {
		.ifr_name = "rbxtap",
		.ifr_flags = IFF_TAP | IFF_NO_PI,
	};
	int fd;

	/* It appears when the driver is there; where it is built in, always. */
	if (access("/dev/net/tun", F_OK))
		world_command("modprobe -q tun");
	/* Only what does not block takes the driver's own path to XDP. */
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	if (fd < 0)
		return -1;
	if (ioctl(fd, TUNSETIFF, &request) ||
	    world_setting("1", "ipv6/conf/rbxtap/disable_ipv6") ||
	    world_command("ip link set rbxtap up")) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Make the tap device a port of tenant 1 with one socket. */
static int tap_claim(__u32 ifindex, const struct queue *queue)
{
	struct steer_port port = {
		.slot = 1,
		.flags = STEER_PORT_OWNED,
		.xsk_base = TAP_BASE,
		.xsk_stride = 1,
		.max_length = MAX_LENGTH,
	};
	__u32 index = TAP_BASE;
	int fd = queue_fd(queue, 0);
	int error;

	memcpy(port.mac, tap_mac, 6);
	error = bpf_map_update_elem(bpf_map__fd(world.skeleton->maps.xsks),
				    &index, &fd, BPF_ANY);
	error = error ?: bpf_map_update_elem(
		bpf_map__fd(world.skeleton->maps.ports), &ifindex, &port,
		BPF_ANY);
	return error ?: bpf_xdp_attach(ifindex, world.program,
				       XDP_FLAGS_DRV_MODE, NULL);
}

/* One frame for a container that is routed, and arrives so. */
static bool tap_deliver(int tap, struct queue *queue)
{
	const struct recipe recipe = {
		.mac = tap_mac, .to = "10.2.0.2", .protocol = 17, .payload = 32,
	};
	struct verdict expected = { .outcome = STEERED, .routed = true };
	struct rubato_steer before, after;
	unsigned int length = 0;
	const __u8 *data;
	struct frame frame;
	int tries;

	memcpy(expected.next_hop, mac_far[VETH2], 6);
	memcpy(expected.source, mac_near[VETH2], 6);
	packet_build(&recipe, &frame);
	wire_counters(&wire, 1, &before);
	if (write(tap, frame.data, frame.length) != frame.length)
		return false;
	for (tries = 0; tries < WIRE_WAITS && !length; tries++) {
		length = queue_receive(queue, 0, &data);
		usleep(WIRE_WAIT_US);
	}
	wire_counters(&wire, 1, &after);
	return wire_same(&frame, &expected, data, length) &&
	       after.packets == before.packets + 1;
}

/* Until Linux 6.15 tun had no room for metadata; none is needed. */
static void test_tap(void)
{
	const char *name = "a driver without room for metadata";
	int tap = tap_open();
	struct queue queue;
	__u32 ifindex;

	if (tap < 0) {
		ksft_test_result_skip("%s: no tun device\n", name);
		return;
	}
	ifindex = if_nametoindex("rbxtap");
	if (queue_open(&queue, "rbxtap", 0, 1)) {
		ksft_test_result(false, "%s: no AF_XDP socket\n", name);
	} else {
		ksft_test_result(!tap_claim(ifindex, &queue) &&
				 tap_deliver(tap, &queue),
				 "%s\n", name);
		queue_close(&queue);
	}
	close(tap);
}

int main(void)
{
	int error;

	ksft_print_header();
	ksft_set_plan(7);
	if (world_open(&world))
		return 1;
	error = wire_open(&wire, &world);
	if (error) {
		fprintf(stderr, "# open senders: %s\n", strerror(-error));
		return 1;
	}
	test_attached("native", XDP_FLAGS_DRV_MODE, QUEUES);
	test_attached("generic", XDP_FLAGS_SKB_MODE, 1);
	test_tap();
	wire_close(&wire);
	world_close(&world);
	ksft_finished();
}
