// SPDX-License-Identifier: GPL-2.0
/*
 * Whom the steer program learns behind a bridge's uplinks, by which frames,
 * and what comes of it: step by step, with the whole map `macs` compared with
 * the model's after each.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "../kselftest.h"
#include "packet.h"
#include "run.h"

#define UDP	.protocol = IPPROTO_UDP, .payload = 32
#define ARP	0x0806
#define NOWHERE	PLACES

static struct world world;
static struct run run = { .world = &world };

static const __u8 mac_broadcast[6] = { 255, 255, 255, 255, 255, 255 };
static const __u8 mac_group[6] = { 3, 3, 0, 0, 0, 1 };
static const __u8 mac_zero[6];
static const __u8 mac_a[6] = { 2, 4, 0, 0, 0, 1 };
static const __u8 mac_b[6] = { 2, 4, 0, 0, 0, 2 };
static const __u8 mac_c[6] = { 2, 4, 0, 0, 0, 3 };
static const __u8 mac_d[6] = { 2, 4, 0, 0, 0, 4 };
static const __u8 mac_e[6] = { 2, 4, 0, 0, 0, 5 };
static const __u8 mac_f[6] = { 2, 4, 0, 0, 0, 6 };

struct step {
	const char *name;
	enum place in;
	struct recipe recipe;
	unsigned int type;	/* EtherType that it pretends to have, or 0 */
	unsigned int length;	/* to which it is cut, or 0 */
	enum outcome outcome;
	const __u8 *mac;	/* after that, this one is */
	enum place behind;	/* here, or NOWHERE */
};

static const struct step steps[] = {
	{ "not heard yet: the kernel's", VETH2,
	  { mac_a, "10.3.0.9", UDP }, 0, 0, PASSED, mac_a, NOWHERE },
	{ "an answer to ARP teaches", BRIDGED,
	  { mac_far[VETH2], "10.2.0.2", .from = mac_a, UDP }, ARP, 0, PASSED,
	  mac_a, BRIDGED },
	{ "heard: bridged", VETH2,
	  { mac_a, "10.3.0.9", UDP }, 0, 0, STEERED, mac_a, BRIDGED },
	{ "heard: the other uplink's prefix is the kernel's", VETH2,
	  { mac_a, "10.3.1.9", UDP }, 0, 0, PASSED, mac_a, BRIDGED },
	{ "a broadcast teaches that it moved", SECOND,
	  { mac_broadcast, "10.2.0.2", .from = mac_a, UDP }, ARP, 0, PASSED,
	  mac_a, SECOND },
	{ "moved: no longer bridged to the first uplink", VETH2,
	  { mac_a, "10.3.0.9", UDP }, 0, 0, PASSED, mac_a, SECOND },
	{ "moved: bridged to the second", VETH2,
	  { mac_a, "10.3.1.9", UDP }, 0, 0, STEERED, mac_a, SECOND },
	{ "a claimed frame teaches that it moved back", BRIDGED,
	  { mac_far[VETH2], "10.2.0.2", .from = mac_a, UDP }, 0, 0, STEERED,
	  mac_a, BRIDGED },
	{ "back again: bridged to the first", VETH2,
	  { mac_a, "10.3.0.9", UDP }, 0, 0, STEERED, mac_a, BRIDGED },
	{ "a routed frame teaches its sender", BRIDGED,
	  { mac_near[BRIDGE], "10.2.0.2", .from = mac_b, UDP }, 0, 0, STEERED,
	  mac_b, BRIDGED },
	{ "and not whom it leaves from", BRIDGED,
	  { mac_near[BRIDGE], "10.2.0.2", .from = mac_b, UDP }, 0, 0, STEERED,
	  mac_near[VETH2], NOWHERE },
	{ "a malformed frame teaches", SECOND,
	  { mac_far[VETH2], "10.2.0.2", .from = mac_c, UDP }, 0x86dd, 0,
	  MALFORMED, mac_c, SECOND },
	{ "a VLAN tag is no hindrance", SECOND,
	  { mac_far[VETH2], "10.2.0.2", .from = mac_d, .vlans = 2, UDP }, 0, 0,
	  STEERED, mac_d, SECOND },
	{ "nothing but an Ethernet header teaches", BRIDGED,
	  { mac_far[VETH2], "10.2.0.2", .from = mac_e, UDP }, 0, 14, MALFORMED,
	  mac_e, BRIDGED },
	{ "a group sends nothing", BRIDGED,
	  { mac_far[VETH2], "10.2.0.2", .from = mac_group, UDP }, 0, 0,
	  STEERED, mac_group, NOWHERE },
	{ "broadcast sends nothing", BRIDGED,
	  { mac_far[VETH2], "10.2.0.2", .from = mac_broadcast, UDP }, 0, 0,
	  STEERED, mac_broadcast, NOWHERE },
	{ "nobody sends nothing", BRIDGED,
	  { mac_far[VETH2], "10.2.0.2", .from = mac_zero, UDP }, 0, 0, STEERED,
	  mac_zero, NOWHERE },
	{ "a container on the bridge teaches nothing", VETH2,
	  { mac_server, "10.3.0.9", .from = mac_f, UDP }, 0, 0, STEERED,
	  mac_f, NOWHERE },
	{ "a container with another's MAC does not move it", VETH2,
	  { mac_printer, "10.3.1.9", .from = mac_server, UDP }, 0, 0, STEERED,
	  mac_server, BRIDGED },
	{ "an uplink without a bridge teaches nothing", UPLINK,
	  { mac_near[UPLINK], "10.1.0.2", .from = mac_f, UDP }, 0, 0, STEERED,
	  mac_f, NOWHERE },
	{ "nobody's veth teaches nothing", SHARED,
	  { mac_near[SHARED], "10.9.0.1", .from = mac_f, UDP }, 0, 0, STEERED,
	  mac_f, NOWHERE },
	{ "what is no port teaches nothing", STRANGER,
	  { mac_near[STRANGER], "10.1.0.2", .from = mac_f, UDP }, 0, 0, PASSED,
	  mac_f, NOWHERE },
};
#define NR_STEPS	(int)(sizeof(steps) / sizeof(steps[0]))

/* What the map says, asked for this one address. */
static enum place where_is(const __u8 *mac)
{
	struct steer_mac_key key = {
		.bridge_ifindex = world.ifindex[BRIDGE],
	};
	__u32 ifindex;
	int place;

	memcpy(key.mac, mac, 6);
	if (bpf_map_lookup_elem(bpf_map__fd(world.skeleton->maps.macs), &key,
				&ifindex))
		return NOWHERE;
	for (place = 0; place < PLACES; place++)
		if (world.ifindex[place] == ifindex)
			break;
	return place;
}

static bool take_step(const struct step *step)
{
	struct verdict expected;
	struct frame frame;

	packet_build(&step->recipe, &frame);
	if (step->type) {
		frame.data[12] = step->type >> 8;
		frame.data[13] = step->type;
	}
	if (step->length)
		frame.length = step->length;
	model_decide(&run.model, step->in, 0, frame.data, frame.length,
		     &expected);
	if (expected.outcome != step->outcome) {
		snprintf(run.why, sizeof(run.why), "the model says %s",
			 outcome_names[expected.outcome]);
		return false;
	}
	if (!run_frame(&run, step->in, 0, frame.data, frame.length, 0,
		       &expected))
		return false;
	if (where_is(step->mac) != step->behind) {
		snprintf(run.why, sizeof(run.why), "learned the wrong thing");
		return false;
	}
	return run_learned(&run);
}

/* More senders than there is room for: the last is known, old ones make room. */
static void test_capacity(void)
{
	const struct verdict expected = { .outcome = PASSED };
	__u8 sender[6] = { 2, 5 };
	const struct recipe recipe = {
		.mac = mac_broadcast, .to = "10.2.0.2", .from = sender,
	};
	int i, known = 0;
	struct frame frame;
	bool good = true;

	for (i = 0; i < 2 * STEER_MACS_MAX && good; i++) {
		sender[4] = i >> 8;
		sender[5] = i;
		packet_build(&recipe, &frame);
		good = run_frame(&run, BRIDGED, 0, frame.data, frame.length, 0,
				 &expected) &&
		       where_is(sender) == BRIDGED;
	}
	for (i = 0; i < 2 * STEER_MACS_MAX; i++) {
		sender[4] = i >> 8;
		sender[5] = i;
		known += where_is(sender) == BRIDGED;
	}
	ksft_test_result(good && known <= STEER_MACS_MAX &&
			 known >= STEER_MACS_MAX / 2,
			 "of %d senders the last %d are known\n",
			 2 * STEER_MACS_MAX, known);
}

int main(void)
{
	bool good;
	int i;

	ksft_print_header();
	ksft_set_plan(NR_STEPS + 3);
	if (world_open(&world))
		return 1;
	model_start(&run.model);
	good = run_learned(&run);
	ksft_test_result(good, "begin%s%s\n", good ? "" : ": ", run.why);
	for (i = 0; i < NR_STEPS; i++) {
		run.why[0] = '\0';
		good = take_step(&steps[i]);
		ksft_test_result(good, "%s%s%s\n", steps[i].name,
				 good ? "" : ": ", run.why);
	}
	test_capacity();
	good = run_books_balance(&run);
	ksft_test_result(good, "all counters of all CPUs%s%s\n",
			 good ? "" : ": ", good ? "" : run.why);
	world_close(&world);
	ksft_finished();
}
