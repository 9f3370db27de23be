/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a unit of work (a packet) is likely to cost: an estimate of the 90th
 * percentile, one per tenant and phase, in 16 bytes and without a division.
 *
 * Each observation moves the estimate by a fixed fraction of itself: up by 1/8
 * if the batch cost more per unit than estimated, down by 1/76 if less. In
 * balance the ups come 1/10 as often as the rest: 0.1 ln(9/8) = 0.9 ln(76/75).
 * One outlier, however wild, therefore moves it by an eighth; a lasting rise
 * to tenfold is followed within 20 observations. A lasting fall is told from
 * chance by 16 observations in a row of less than half the estimate; from then
 * on the steps down are 1/8 until one is not: tenfold within about 50.
 * The first few observations move it halfway down, since the very first often
 * pays for cold caches.
 */
#ifndef RUBATO_COST_H
#define RUBATO_COST_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define RUBATO_COST_SHIFT	8	/* the estimate is 56.8 fixed point */
#define RUBATO_COST_UNKNOWN	2000	/* cycles per unit before any is seen */
#define RUBATO_COST_MAX		(1ULL << 40)	/* cycles per unit */
#define RUBATO_COST_UP		8
#define RUBATO_COST_DOWN	76
#define RUBATO_COST_LOW_RUN	16
#define RUBATO_COST_EARLY	8

struct rubato_cost {
	__u64 estimate_fp;	/* cycles per unit << RUBATO_COST_SHIFT */
	__u32 observations;	/* held at the largest */
	__u32 low_run;		/* in a row below half of the estimate */
};

/* The first observation is taken as it is. */
static inline void rubato_cost_begin(struct rubato_cost *cost, __u64 cycles,
				     __u32 units)
{
	cost->estimate_fp = (cycles << RUBATO_COST_SHIFT) / units;
	if (!cost->estimate_fp)
		cost->estimate_fp = 1;
	cost->observations = 1;
	cost->low_run = 0;
}

/* The batch cost less than estimated. */
static inline void rubato_cost_fall(struct rubato_cost *cost, int below_half)
{
	__u64 step;

	if (!below_half)
		cost->low_run = 0;
	else if (cost->low_run < RUBATO_COST_LOW_RUN)
		cost->low_run++;

	if (below_half && cost->observations <= RUBATO_COST_EARLY)
		step = cost->estimate_fp / 2;
	else if (cost->low_run == RUBATO_COST_LOW_RUN)
		step = cost->estimate_fp / RUBATO_COST_UP;
	else
		step = cost->estimate_fp / RUBATO_COST_DOWN;
	cost->estimate_fp -= step;
}

/*
 * A batch of @units cost @cycles. Nothing happens for units == 0; more than
 * RUBATO_COST_MAX cycles per batch count as that many.
 */
static inline void rubato_cost_observe(struct rubato_cost *cost, __u64 cycles,
				       __u32 units)
{
	__u64 spent, expected;

	if (!units)
		return;
	if (cycles > RUBATO_COST_MAX)
		cycles = RUBATO_COST_MAX;
	if (!cost->observations) {
		rubato_cost_begin(cost, cycles, units);
		return;
	}
	if (cost->observations != ~0U)
		cost->observations++;

	/* Both sides times units instead of one side divided by them. */
	spent = cycles << RUBATO_COST_SHIFT;
	if (cost->estimate_fp > ~0ULL / units)
		expected = ~0ULL;
	else
		expected = cost->estimate_fp * units;

	if (spent <= expected) {
		rubato_cost_fall(cost, spent < expected / 2);
		return;
	}
	cost->low_run = 0;
	cost->estimate_fp += cost->estimate_fp / RUBATO_COST_UP + 1;
	if (cost->estimate_fp > RUBATO_COST_MAX << RUBATO_COST_SHIFT)
		cost->estimate_fp = RUBATO_COST_MAX << RUBATO_COST_SHIFT;
}

/* Cycles per unit, rounded up; at least 1, RUBATO_COST_UNKNOWN if not known. */
static inline __u64 rubato_cost_estimate(const struct rubato_cost *cost)
{
	if (!cost->observations)
		return RUBATO_COST_UNKNOWN;
	return (cost->estimate_fp + (1U << RUBATO_COST_SHIFT) - 1) >>
		RUBATO_COST_SHIFT;
}

/* How many units of @estimate cycles fit into @cycles: at least 1. */
static inline __u32 cost_units(__u64 estimate, __u64 cycles)
{
	__u64 units = estimate ? cycles / estimate : cycles;

	if (units > ~0U)
		return ~0U;
	return units ? (__u32)units : 1;
}

#endif /* RUBATO_COST_H */
