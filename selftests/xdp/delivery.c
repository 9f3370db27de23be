// SPDX-License-Identifier: GPL-2.0
/*
 * Real frames through real devices: sent by the far end of a veth on a queue,
 * seen by the attached program, received by an AF_XDP socket or the kernel.
 * Natively and generically. Here, and only here, it shows which socket got a
 * frame; what the frames are and where they should go comes from the model.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "../kselftest.h"
#include "cases.h"
#include "run.h"

#define WAIT_US		500
#define WAITS		6000	/* a limit, not an expectation */
#define LONGEST_SENT	1514	/* the MTU of the devices */
#define TAP_BASE	20000	/* of its index into `xsks` */

static const __u8 tap_mac[6] = { 2, 4, 0, 0, 0, 1 };

static struct world world;
static struct model model;
static struct queue senders[PLACES_IN][QUEUES];
static char why[200];

/* A packet socket that sees what the kernel gets by one device. */
static int watcher_open(unsigned int ifindex)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = ifindex,
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Is exactly this frame among those that the kernel got? */
static bool watcher_saw(int fd, const struct frame *frame)
{
	struct sockaddr_ll from;
	socklen_t size = sizeof(from);
	__u8 data[FRAME_MAX];
	ssize_t length;

	while ((length = recvfrom(fd, data, sizeof(data), 0,
				  (struct sockaddr *)&from, &size)) >= 0) {
		size = sizeof(from);
		if (from.sll_pkttype != PACKET_OUTGOING &&
		    length == frame->length &&
		    !memcmp(data, frame->data, length))
			return true;
	}
	return false;
}

/* Sums of one slot's counters over all CPUs. */
static void sum_counters(__u32 slot, struct rubato_steer *sum)
{
	__u64 *to = (__u64 *)sum;
	size_t word;
	int cpu;

	memset(sum, 0, sizeof(*sum));
	for (cpu = 0; cpu < world.cpus; cpu++) {
		const volatile __u64 *from = (const volatile __u64 *)
			&world.counters[cpu * RUBATO_SLOTS + slot];

		for (word = 0; word < sizeof(*sum) / 8; word++)
			to[word] += from[word];
	}
}

static __u64 counted(const struct rubato_steer *sum, enum outcome outcome)
{
	const __u64 counts[OUTCOMES] = {
		[STEERED] = sum->packets, [PASSED] = sum->passed,
		[NO_SOCKET] = sum->no_socket, [MALFORMED] = sum->malformed,
		[TOO_LONG] = sum->too_long,
		[NO_NEIGHBOUR] = sum->no_neighbour,
	};

	return counts[outcome];
}

/* Is this the frame, changed as expected? */
static bool same_frame(const struct frame *frame,
		       const struct verdict *expected, const __u8 *data,
		       unsigned int length)
{
	struct frame should = *frame;

	model_rewrite(expected, should.data, should.length);
	return length == should.length && !memcmp(data, should.data, length);
}

static bool right_frame(const struct frame *frame,
			const struct verdict *expected,
			const struct world_socket *at, const __u8 *data,
			unsigned int length)
{
	if (at->index != expected->socket) {
		snprintf(why, sizeof(why), "socket %u got it instead of %u",
			 at->index, expected->socket);
		return false;
	}
	if (same_frame(frame, expected, data, length))
		return true;
	snprintf(why, sizeof(why), "another frame has arrived");
	return false;
}

/* Look at all sockets once: -1 nothing there, 0 wrong, 1 right. */
static int look_at_sockets(const struct frame *frame,
			   const struct verdict *expected)
{
	const struct world_socket *at;
	unsigned int length;
	const __u8 *data;
	int i;

	for (i = 0; i < world_nr_sockets; i++) {
		at = &world_sockets[i];
		length = queue_receive(&world.queues[at->place][at->queue],
				       at->number, &data);
		if (!length)
			continue;
		if (expected->outcome != STEERED) {
			snprintf(why, sizeof(why), "socket %u got it instead "
				 "of the kernel", at->index);
			return 0;
		}
		return right_frame(frame, expected, at, data, length);
	}
	return -1;
}

static bool wait_for_frame(int watcher, const struct frame *frame,
			   const struct verdict *expected)
{
	int tries, result;

	for (tries = 0; tries < WAITS; tries++) {
		result = look_at_sockets(frame, expected);
		if (result >= 0)
			return result;
		if (watcher_saw(watcher, frame)) {
			if (expected->outcome != STEERED)
				return true;
			snprintf(why, sizeof(why), "the kernel got it");
			return false;
		}
		usleep(WAIT_US);
	}
	snprintf(why, sizeof(why), "it never arrived (expected: %s)",
		 outcome_names[expected->outcome]);
	return false;
}

static bool deliver(const struct test_case *test, const struct frame *frame,
		    const struct verdict *expected)
{
	struct rubato_steer before, after;
	int watcher = watcher_open(world.ifindex[test->in]);
	bool good;
	int error;

	if (watcher < 0) {
		snprintf(why, sizeof(why), "packet socket");
		return false;
	}
	sum_counters(expected->slot, &before);
	error = queue_send(&senders[test->in][test->queue], frame->data,
			   frame->length);
	if (error)
		snprintf(why, sizeof(why), "send: %s", strerror(-error));
	good = !error && wait_for_frame(watcher, frame, expected);
	sum_counters(expected->slot, &after);
	if (good && counted(&after, expected->outcome) !=
	    counted(&before, expected->outcome) + 1) {
		snprintf(why, sizeof(why), "not counted once as %s, slot %u",
			 outcome_names[expected->outcome], expected->slot);
		good = false;
	}
	close(watcher);
	return good;
}

/*
 * A packet socket shows frames without their VLAN tag: leave those out. And a
 * veth without NAPI, as in generic mode, does not tell the queue: all is 0.
 */
static bool can_deliver(const struct frame *frame, const struct test_case *test,
			const struct verdict *expected, int queues)
{
	return frame->length <= LONGEST_SENT && (int)test->queue < queues &&
	       (expected->outcome == STEERED || !test->recipe.vlans);
}

static void test_mode(const char *mode, __u32 flags, int queues)
{
	int i, steered = 0, left = 0, wrong = 0;
	struct verdict expected;
	struct frame frame;

	model.flags = flags;
	if (world_configure(&world, flags))
		wrong++;
	for (i = 0; i < nr_cases; i++) {
		case_build(&cases[i], &frame);
		model_decide(&model, cases[i].in, cases[i].queue, frame.data,
			     frame.length, &expected);
		if (!can_deliver(&frame, &cases[i], &expected, queues))
			continue;
		if (expected.outcome == STEERED)
			steered++;
		else
			left++;
		if (deliver(&cases[i], &frame, &expected))
			continue;
		wrong++;
		printf("# %s: %s\n", cases[i].name, why);
	}
	ksft_test_result(!wrong && steered > 30 && left > 30,
			 "%s: %d frames to their sockets, %d to the kernel, "
			 "%d wrong\n", mode, steered, left, wrong);
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

static int open_senders(void)
{
	int place, queue, error;

	for (place = 0; place < PLACES_IN; place++) {
		for (queue = 0; queue < QUEUES; queue++) {
			error = queue_open(&senders[place][queue],
					   peer_names[place], queue, 1);
			if (error)
				return error;
		}
	}
	return 0;
}

static void close_senders(void)
{
	int place, queue;

	for (place = 0; place < PLACES_IN; place++)
		for (queue = 0; queue < QUEUES; queue++)
			if (senders[place][queue].count)
				queue_close(&senders[place][queue]);
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
	sum_counters(1, &before);
	if (write(tap, frame.data, frame.length) != frame.length)
		return false;
	for (tries = 0; tries < WAITS && !length; tries++) {
		length = queue_receive(queue, 0, &data);
		usleep(WAIT_US);
	}
	sum_counters(1, &after);
	return same_frame(&frame, &expected, data, length) &&
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
	model_start(&model);
	error = open_senders();
	if (error) {
		fprintf(stderr, "# open senders: %s\n", strerror(-error));
		return 1;
	}
	test_attached("native", XDP_FLAGS_DRV_MODE, QUEUES);
	test_attached("generic", XDP_FLAGS_SKB_MODE, 1);
	test_tap();
	close_senders();
	world_close(&world);
	ksft_finished();
}
