/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A policer: a bucket of bytes and one of packets, over all cores. A frame for
 * which both have enough passes; another is dropped and takes nothing.
 *
 * A bucket is the pool of include/rubato/budget.h with bytes or packets in
 * place of cycles: one word, the TSC stamp up to which the earnings are spent.
 * Refill is lazy and exact. What a core drew and did not need, less than a
 * tick's worth or what waits for the other bucket, stays in its own slice for
 * its next frame.
 *
 * Over any window of so many ticks, bytes passed <= rate * (window + burst),
 * and one frame more per core for its slice.
 */
#ifndef RUBATO_STAGE_POLICER_H
#define RUBATO_STAGE_POLICER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"

#define POLICER_BYTES_PER_S_MAX		100000000000ULL
#define POLICER_PACKETS_PER_S_MAX	1000000000ULL
#define POLICER_BURST_MAX		(1ULL << 40)
/* With less, a frame of full length could never pass. */
#define POLICER_BURST_BYTES_MIN		2048

struct policer;

/* A rate of 0: not limited. A burst of 0: what the rate earns in 100 ms. */
struct policer_limits {
	uint64_t bytes_per_s, burst_bytes;
	uint64_t packets_per_s, burst_packets;
};

/*
 * Makes a policer with full buckets. -EINVAL: no rate at all, a burst without
 * its rate; -ERANGE: out of range; -ENOMEM.
 */
int policer_new(const struct policer_limits *limits, uint32_t nr_cores,
		uint32_t tsc_khz, struct policer **policer,
		struct rubato_error *error);
void policer_free(struct policer *policer);

/* May a frame of @length bytes pass? @now: TSC, at which @core looks. */
bool policer_admits(struct policer *policer, uint32_t core, uint32_t length,
		    uint64_t now);

/* To be read by reports: the limits in effect, and sums over all cores. */
struct policer_counts {
	uint64_t passed, passed_bytes;
	uint64_t dropped, dropped_bytes;
};
const struct policer_limits *policer_limits(const struct policer *policer);
struct policer_counts policer_counts(const struct policer *policer);

#endif /* RUBATO_STAGE_POLICER_H */
