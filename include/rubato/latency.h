/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Histograms of waits: cycles to buckets, and buckets to quantiles.
 *
 * Log-linear. The unit is 64 cycles; below 8 units each has a bucket, above
 * them each power of two is cut into 8 equal ones. So a bucket is at most an
 * eighth of its lower end wide, but for the first 8, and for the last, which
 * also holds all that is longer than the others: 2^32 cycles.
 *
 * A quantile is answered with the end of the bucket that it falls into: never
 * too small, and too large by an eighth or a unit at most.
 *
 * Pure integers; compiles in the kernel, in BPF and in user space.
 */
#ifndef RUBATO_LATENCY_H
#define RUBATO_LATENCY_H

#include <linux/rubato.h>

#define RUBATO_LATENCY_UNIT_SHIFT	6
#define RUBATO_LATENCY_PART_SHIFT	3	/* parts of a power of two: 8 */
#define RUBATO_LATENCY_PARTS		(1U << RUBATO_LATENCY_PART_SHIFT)

#ifndef __bpf__		/* BPF does not count leading zeros */
/* The bucket of a wait. */
static inline __u32 rubato_latency_bucket(__u64 cycles)
{
	__u64 units = cycles >> RUBATO_LATENCY_UNIT_SHIFT;
	__u32 shift, bucket;

	if (units < RUBATO_LATENCY_PARTS)
		return (__u32)units;
	shift = 63 - (__u32)__builtin_clzll(units) - RUBATO_LATENCY_PART_SHIFT;
	/* units >> shift is 8..15: the power of two and its part at once. */
	bucket = shift * RUBATO_LATENCY_PARTS + (__u32)(units >> shift);
	return bucket < RUBATO_LATENCY_BUCKETS ? bucket :
						 RUBATO_LATENCY_BUCKETS - 1;
}
#endif

/* The shortest wait in a bucket; for RUBATO_LATENCY_BUCKETS the end of all. */
static inline __u64 rubato_latency_begin(__u32 bucket)
{
	__u32 shift;

	if (bucket < RUBATO_LATENCY_PARTS)
		return (__u64)bucket << RUBATO_LATENCY_UNIT_SHIFT;
	shift = bucket / RUBATO_LATENCY_PARTS - 1;
	return (__u64)(bucket % RUBATO_LATENCY_PARTS + RUBATO_LATENCY_PARTS) <<
	       (shift + RUBATO_LATENCY_UNIT_SHIFT);
}

/* Frames in all buckets. */
static inline __u64 rubato_latency_total(const __u64 *frames)
{
	__u64 total = 0;
	__u32 i;

	for (i = 0; i < RUBATO_LATENCY_BUCKETS; i++)
		total += frames[i];
	return total;
}

/*
 * Cycles that @permille (1..1000) of all frames have waited less than; 0 if
 * there are none.
 */
static inline __u64 rubato_latency_quantile(const __u64 *frames, __u32 permille)
{
	__u64 total = rubato_latency_total(frames);
	/* Rounded up, without a product that overflows. */
	__u64 rank = total / 1000 * permille +
		     (total % 1000 * permille + 999) / 1000;
	__u64 seen = 0;
	__u32 i;

	if (!total)
		return 0;
	for (i = 0; i < RUBATO_LATENCY_BUCKETS - 1; i++) {
		seen += frames[i];
		if (seen >= rank)
			break;
	}
	return rubato_latency_begin(i + 1);
}

#endif /* RUBATO_LATENCY_H */
