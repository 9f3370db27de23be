// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "wire.h"

/* Remember why, for the one who reads the test's output. Returns false. */
__attribute__((format(printf, 2, 3)))
static bool wrong(struct wire *wire, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(wire->why, sizeof(wire->why), format, arguments);
	va_end(arguments);
	return false;
}

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

void wire_counters(const struct wire *wire, __u32 slot,
		   struct rubato_steer *sum)
{
	__u64 *to = (__u64 *)sum;
	size_t word;
	int cpu;

	memset(sum, 0, sizeof(*sum));
	for (cpu = 0; cpu < wire->world->cpus; cpu++) {
		const volatile __u64 *from = (const volatile __u64 *)
			&wire->world->counters[cpu * RUBATO_SLOTS + slot];

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
		[UNKNOWN_VNI] = sum->unknown_vni, [BROKE] = sum->broke,
	};

	return counts[outcome];
}

bool wire_same(const struct frame *frame, const struct verdict *expected,
	       const __u8 *data, unsigned int length)
{
	struct frame should = *frame;

	model_rewrite(expected, should.data, should.length);
	return length == should.length && !memcmp(data, should.data, length);
}

static bool right_frame(struct wire *wire, const struct frame *frame,
			const struct verdict *expected,
			const struct world_socket *at, const __u8 *data,
			unsigned int length)
{
	if (at->index != expected->socket)
		return wrong(wire, "socket %u got it instead of %u", at->index,
			     expected->socket);
	return wire_same(frame, expected, data, length) ||
	       wrong(wire, "another frame has arrived");
}

/* Look at all sockets once: -1 nothing there, 0 wrong, 1 right. */
static int look_at_sockets(struct wire *wire, const struct frame *frame,
			   const struct verdict *expected)
{
	const struct world_socket *at;
	unsigned int length;
	const __u8 *data;
	int i;

	for (i = 0; i < world_nr_sockets; i++) {
		at = &world_sockets[i];
		length = queue_receive(&wire->world->queues[at->place][at->queue],
				       at->number, &data);
		if (!length)
			continue;
		if (expected->outcome != STEERED)
			return wrong(wire, "socket %u got it instead of the "
				     "kernel", at->index);
		return right_frame(wire, frame, expected, at, data, length);
	}
	return -1;
}

static bool wait_for_frame(struct wire *wire, int watcher,
			   const struct frame *frame,
			   const struct verdict *expected)
{
	int tries, result;

	for (tries = 0; tries < WIRE_WAITS; tries++) {
		result = look_at_sockets(wire, frame, expected);
		if (result >= 0)
			return result;
		if (watcher_saw(watcher, frame))
			return expected->outcome != STEERED ||
			       wrong(wire, "the kernel got it");
		usleep(WIRE_WAIT_US);
	}
	return wrong(wire, "it never arrived (expected: %s)",
		     outcome_names[expected->outcome]);
}

/* Once it is counted it has gone nowhere, or it never will. */
static bool wait_for_drop(struct wire *wire, int watcher,
			  const struct frame *frame,
			  const struct verdict *expected, __u64 before)
{
	struct rubato_steer now;
	int tries;

	for (tries = 0; tries < WIRE_WAITS; tries++) {
		wire_counters(wire, expected->slot, &now);
		if (counted(&now, expected->outcome) != before)
			break;
		usleep(WIRE_WAIT_US);
	}
	if (watcher_saw(watcher, frame))
		return wrong(wire, "the kernel got it");
	return look_at_sockets(wire, frame, expected) < 0;
}

/*
 * Send the frame of a case and wait where it arrives: in the socket that
 * @expected names, changed as it says, or with the kernel as it was, or nowhere.
 * It is to be counted once.
 */
static bool deliver(struct wire *wire, const struct test_case *test,
		    const struct frame *frame, const struct verdict *expected)
{
	struct rubato_steer before, after;
	int watcher = watcher_open(wire->world->ifindex[test->in]);
	bool good;
	int error;

	if (watcher < 0)
		return wrong(wire, "packet socket");
	wire_counters(wire, expected->slot, &before);
	error = queue_send(&wire->senders[test->in][test->queue], frame->data,
			   frame->length);
	if (error)
		good = wrong(wire, "send: %s", strerror(-error));
	else if (expected->enters && expected->outcome != STEERED)
		good = wait_for_drop(wire, watcher, frame, expected,
				     counted(&before, expected->outcome));
	else
		good = wait_for_frame(wire, watcher, frame, expected);
	wire_counters(wire, expected->slot, &after);
	if (good && counted(&after, expected->outcome) !=
	    counted(&before, expected->outcome) + 1)
		good = wrong(wire, "not counted once as %s, slot %u",
			     outcome_names[expected->outcome], expected->slot);
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
	return frame->length <= WIRE_LONGEST && (int)test->queue < queues &&
	       (expected->outcome == STEERED || !test->recipe.vlans);
}

struct wire_counts wire_deliver(struct wire *wire, enum place in, int queues)
{
	struct wire_counts counts = { 0 };
	struct verdict expected;
	struct frame frame;
	int i;

	for (i = 0; i < nr_cases; i++) {
		if (in != PLACES && cases[i].in != in)
			continue;
		case_build(&cases[i], &frame);
		model_decide(&wire->model, cases[i].in, cases[i].queue,
			     frame.data, frame.length, &expected);
		if (!can_deliver(&frame, &cases[i], &expected, queues))
			continue;
		if (expected.outcome == STEERED)
			counts.steered++;
		else
			counts.left++;
		if (deliver(wire, &cases[i], &frame, &expected))
			continue;
		counts.wrong++;
		printf("# %s: %s\n", cases[i].name, wire->why);
	}
	return counts;
}

int wire_open(struct wire *wire, struct world *world)
{
	int place, queue, error;

	memset(wire, 0, sizeof(*wire));
	wire->world = world;
	model_start(&wire->model);
	for (place = 0; place < PLACES_IN; place++) {
		for (queue = 0; queue < QUEUES; queue++) {
			error = queue_open(&wire->senders[place][queue],
					   peer_names[place], queue, 1);
			if (!error)
				continue;
			wire_close(wire);
			return error;
		}
	}
	return 0;
}

void wire_close(struct wire *wire)
{
	int place, queue;

	for (place = 0; place < PLACES_IN; place++)
		for (queue = 0; queue < QUEUES; queue++)
			if (wire->senders[place][queue].count)
				queue_close(&wire->senders[place][queue]);
}
