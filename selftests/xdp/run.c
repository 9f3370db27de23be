// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "packet.h"
#include "run.h"

#define METADATA_MAX	32
#define FILLING		0xa5	/* of an earlier program's metadata */

/* What came back from the kernel. */
struct answer {
	__u32 action;
	__u32 metadata;		/* bytes before the frame */
	__u32 length;		/* of metadata and frame */
	__u8 data[METADATA_MAX + FRAME_MAX];
};

static int ask_kernel(struct run *run, enum place in, unsigned int queue,
		      const __u8 *frame, unsigned int length,
		      unsigned int earlier, struct answer *answer)
{
	__u8 input[METADATA_MAX + FRAME_MAX];
	struct xdp_md before = {
		.data = earlier,
		.data_end = earlier + length,
		.ingress_ifindex = run->world->ifindex[in],
		.rx_queue_index = queue,
	};
	struct xdp_md after = {};
	LIBBPF_OPTS(bpf_test_run_opts, options,
		.data_in = input,
		.data_size_in = earlier + length,
		.data_out = answer->data,
		.data_size_out = sizeof(answer->data),
		.ctx_in = &before,
		.ctx_size_in = sizeof(before),
		.ctx_out = &after,
		.ctx_size_out = sizeof(after),
		.repeat = 1,
	);
	int error;

	memset(input, FILLING, earlier);
	memcpy(input + earlier, frame, length);
	error = bpf_prog_test_run_opts(run->world->program, &options);
	answer->action = options.retval;
	answer->metadata = after.data;
	answer->length = options.data_size_out;
	return error;
}

static void expect_counters(struct run *run, unsigned int length,
			    const struct verdict *expected)
{
	struct rubato_steer *line = &run->expected[expected->slot];

	run->expected[expected->slot / 64].touched |=
		1ULL << (expected->slot % 64);
	switch (expected->outcome) {
	case STEERED:
		line->packets++;
		line->bytes += length;
		break;
	case PASSED:
		line->passed++;
		break;
	case NO_SOCKET:
		line->no_socket++;
		break;
	case MALFORMED:
		line->malformed++;
		break;
	case TOO_LONG:
		line->too_long++;
		break;
	case NO_NEIGHBOUR:
		line->no_neighbour++;
		break;
	case UNKNOWN_VNI:
		line->unknown_vni++;
		break;
	case BROKE:
		line->broke++;
		break;
	case OUTCOMES:
		break;
	}
}

/* What an earlier program wrote before the frame stays as it is. */
static bool right_metadata(struct run *run, const struct answer *answer,
			   unsigned int earlier)
{
	unsigned int i;

	if (answer->metadata != earlier) {
		snprintf(run->why, sizeof(run->why),
			 "%u bytes of metadata instead of %u",
			 answer->metadata, earlier);
		return false;
	}
	for (i = 0; i < earlier; i++) {
		if (answer->data[i] == FILLING)
			continue;
		snprintf(run->why, sizeof(run->why), "metadata was changed");
		return false;
	}
	return true;
}

static bool right_frame(struct run *run, const struct answer *answer,
			const __u8 *frame, unsigned int length,
			const struct verdict *expected)
{
	const __u8 *is = answer->data + answer->metadata;
	__u8 should[FRAME_MAX];
	unsigned int i;

	memcpy(should, frame, length);
	model_rewrite(expected, should, length);
	if (answer->length != answer->metadata + length) {
		snprintf(run->why, sizeof(run->why), "the length has changed");
		return false;
	}
	for (i = 0; i < length; i++) {
		if (is[i] == should[i])
			continue;
		snprintf(run->why, sizeof(run->why),
			 "byte %u is %02x instead of %02x", i, is[i],
			 should[i]);
		return false;
	}
	return true;
}

static bool right_counters(struct run *run, const struct verdict *expected)
{
	const __u64 *is, *should;
	size_t word;

	is = (const __u64 *)world_counters(run->world, expected->slot);
	should = (const __u64 *)&run->expected[expected->slot];
	for (word = 0; word < sizeof(struct rubato_steer) / 8; word++) {
		if (is[word] == should[word])
			continue;
		snprintf(run->why, sizeof(run->why),
			 "counter %zu of slot %u is %llu instead of %llu "
			 "(expected: %s)", word, expected->slot, is[word],
			 should[word], outcome_names[expected->outcome]);
		return false;
	}
	return true;
}

static __u32 action_of(const struct verdict *expected)
{
	if (expected->outcome == STEERED)
		return XDP_REDIRECT;
	return expected->enters || expected->outcome == BROKE ? XDP_DROP :
								XDP_PASS;
}

bool run_frame(struct run *run, enum place in, unsigned int queue,
	       const __u8 *frame, unsigned int length, unsigned int earlier,
	       const struct verdict *expected)
{
	__u32 action = action_of(expected);
	struct answer answer;
	int error;

	run->frames++;
	expect_counters(run, length, expected);
	error = ask_kernel(run, in, queue, frame, length, earlier, &answer);
	if (error) {
		snprintf(run->why, sizeof(run->why), "test run: %s",
			 strerror(-error));
		return false;
	}
	if (answer.action != action) {
		snprintf(run->why, sizeof(run->why),
			 "action %u instead of %u (expected: %s)",
			 answer.action, action,
			 outcome_names[expected->outcome]);
		return false;
	}
	return right_metadata(run, &answer, earlier) &&
	       right_frame(run, &answer, frame, length, expected) &&
	       right_counters(run, expected);
}

bool run_configure(struct run *run, __u32 flags)
{
	run->model.flags = flags;
	return !world_configure(run->world, flags);
}

bool run_learned(struct run *run)
{
	return learned_agrees(&run->model.learned, run->world, run->why,
			      sizeof(run->why));
}

bool run_books_balance(struct run *run)
{
	static const struct rubato_steer zero[RUBATO_SLOTS];
	int cpu, here = sched_getcpu();

	for (cpu = 0; cpu < run->world->cpus; cpu++) {
		const struct rubato_steer *lines =
			run->world->counters + cpu * RUBATO_SLOTS;

		if (memcmp(lines, cpu == here ? run->expected : zero,
			   sizeof(zero))) {
			snprintf(run->why, sizeof(run->why),
				 "counters of CPU %d do not add up", cpu);
			return false;
		}
	}
	return true;
}
