// SPDX-License-Identifier: GPL-2.0
/*
 * Every kind of frame against the steer program: verdict, bytes, counters;
 * then the same frames cut off at every length. What the table says is also
 * compared with the model, so that the random test can trust the model.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include "../kselftest.h"
#include "cases.h"
#include "run.h"

#define TESTS_BESIDE_CASES	6
#define SHORTEST		14	/* the kernel gives XDP nothing shorter */

static struct world world;
static struct run run = { .world = &world };

static bool model_agrees(const struct test_case *test,
			 const struct frame *frame,
			 const struct verdict *expected)
{
	struct verdict verdict;

	model_decide(&run.model, test->in, test->queue, frame->data,
		     frame->length, &verdict);
	if (verdict.outcome == expected->outcome &&
	    verdict.slot == expected->slot &&
	    verdict.enters == expected->enters &&
	    (verdict.outcome != STEERED ||
	     (verdict.routed == expected->routed &&
	      !memcmp(verdict.next_hop, expected->next_hop, 6) &&
	      !memcmp(verdict.source, expected->source, 6))))
		return true;
	snprintf(run.why, sizeof(run.why), "the model says %s, slot %u",
		 outcome_names[verdict.outcome], verdict.slot);
	return false;
}

static void test_one_case(const struct test_case *test)
{
	struct verdict expected;
	struct frame frame;
	bool good;

	case_build(test, &frame);
	case_expect(test, &expected);
	run.why[0] = '\0';
	good = run_frame(&run, test->in, test->queue, frame.data, frame.length,
			 0, &expected);
	good = model_agrees(test, &frame, &expected) && good;
	ksft_test_result(good, "%s%s%s\n", test->name, good ? "" : ": ",
			 good ? "" : run.why);
}

/* Cut the frame at every length: always the kernel's, always counted once. */
static bool truncate_case(const struct test_case *test)
{
	struct verdict expected;
	struct frame frame;
	unsigned int length;
	__u8 *exact;
	bool good = true;

	case_build(test, &frame);
	if (test->spoil)	/* it may well be sound when cut */
		return true;
	for (length = SHORTEST; length < frame.length && good; length++) {
		/* Exactly so long, so that a sanitizer sees the model too. */
		exact = malloc(length);
		memcpy(exact, frame.data, length);
		model_decide(&run.model, test->in, test->queue, exact, length,
			     &expected);
		if (expected.outcome != PASSED &&
		    expected.outcome != MALFORMED) {
			snprintf(run.why, sizeof(run.why), "%s at %u: %s",
				 test->name, length,
				 outcome_names[expected.outcome]);
			good = false;
		}
		good = good && run_frame(&run, test->in, test->queue, exact,
					 length, 0, &expected);
		free(exact);
	}
	return good;
}

static void test_truncation(void)
{
	bool good = true;
	int i;

	for (i = 0; i < nr_cases && good; i++)
		good = truncate_case(&cases[i]);
	ksft_test_result(good, "every frame cut off at every length%s%s\n",
			 good ? "" : ": ", good ? "" : run.why);
}

/* Frames with metadata before them, of a program that ran earlier. */
static void test_earlier_metadata(void)
{
	struct verdict expected;
	struct frame frame;
	bool good = true;
	unsigned int bytes;
	int i;

	for (i = 0; i < nr_cases && good; i++) {
		case_build(&cases[i], &frame);
		case_expect(&cases[i], &expected);
		for (bytes = 4; bytes <= 32 && good; bytes += 4)
			good = run_frame(&run, cases[i].in, cases[i].queue,
					 frame.data, frame.length, bytes,
					 &expected);
	}
	ksft_test_result(good, "metadata of earlier programs stays%s%s\n",
			 good ? "" : ": ", good ? "" : run.why);
}

/* Without forwarding on the port, the kernel would not route either. */
static void test_no_forwarding(void)
{
	struct verdict expected = { .outcome = PASSED };
	const struct recipe recipe = {
		.mac = mac_near[VETH1], .to = "10.9.0.1", .protocol = 17,
	};
	struct frame frame;
	bool good;

	packet_build(&recipe, &frame);
	good = !world_setting("0", "ipv4/conf/%s/forwarding",
			      place_names[VETH1]);
	good = good && run_frame(&run, VETH1, 0, frame.data, frame.length, 0,
				 &expected);
	good = !world_setting("1", "ipv4/conf/%s/forwarding",
			      place_names[VETH1]) && good;
	ksft_test_result(good, "forwarding off on the port\n");
}

/* With fifo, only system's socket counts: queue 1 of the uplink has none. */
static void test_fifo(void)
{
	struct verdict expected = { .outcome = NO_SOCKET, .slot = 1 };
	const struct recipe recipe = {
		.mac = mac_near[UPLINK], .to = "10.1.0.2", .protocol = 17,
	};
	struct frame frame;
	bool good;

	packet_build(&recipe, &frame);
	good = run_configure(&run, STEER_CONFIG_FIFO);
	good = good && run_frame(&run, UPLINK, 1, frame.data, frame.length, 0,
				 &expected);
	good = run_configure(&run, 0) && good;
	ksft_test_result(good, "fifo: everyone uses system's socket\n");
}

/* The tenant's line, as its authority and pollers write it. */
static bool set_broke(__u32 slot, __u32 flags, __u64 until_ns)
{
	int map = bpf_map__fd(world.skeleton->maps.ledger);
	struct rubato_ledger *tenant = calloc(1, sizeof(*tenant));
	bool good = tenant && !bpf_map_lookup_elem(map, &slot, tenant);

	if (good) {
		tenant->params.flags = flags;
		tenant->pool.broke_until_ns = until_ns;
		good = !bpf_map_update_elem(map, &slot, tenant, BPF_ANY);
	}
	free(tenant);
	return good;
}

/*
 * Dropped is who is broke and wants it so, for as long as that is; the frame is
 * not touched.
 */
static bool meets(__u32 flags, __u64 until_ns, enum outcome outcome)
{
	const struct recipe recipe = {
		.mac = mac_near[UPLINK], .to = "10.1.0.2", .protocol = 17,
	};
	struct verdict expected;
	struct frame frame;

	packet_build(&recipe, &frame);
	model_decide(&run.model, UPLINK, 0, frame.data, frame.length,
		     &expected);
	if (outcome != STEERED)
		expected = (struct verdict) { .outcome = outcome, .slot = 1 };
	return expected.outcome == outcome && set_broke(1, flags, until_ns) &&
	       run_frame(&run, UPLINK, 0, frame.data, frame.length, 0,
			 &expected);
}

static void test_broke(void)
{
	bool good = meets(RUBATO_TENANT_DROP, ~0ULL, BROKE) &&
		    meets(RUBATO_TENANT_DROP, 1, STEERED) &&
		    meets(RUBATO_TENANT_BORROW, ~0ULL, STEERED) &&
		    set_broke(2, RUBATO_TENANT_DROP, ~0ULL) &&
		    meets(0, 0, STEERED) && set_broke(2, 0, 0);

	ksft_test_result(good, "broke tenants' frames are dropped if they say so%s%s\n",
			 good ? "" : ": ", good ? "" : run.why);
}

int main(void)
{
	bool good;
	int i;

	ksft_print_header();
	ksft_set_plan(nr_cases + TESTS_BESIDE_CASES);
	if (world_open(&world))
		return 1;
	model_start(&run.model);
	for (i = 0; i < nr_cases; i++)
		test_one_case(&cases[i]);
	test_truncation();
	test_earlier_metadata();
	test_no_forwarding();
	test_fifo();
	test_broke();
	good = run_books_balance(&run);
	ksft_test_result(good, "all counters of all CPUs after %lu frames%s%s\n",
			 run.frames, good ? "" : ": ", good ? "" : run.why);
	world_close(&world);
	ksft_finished();
}
