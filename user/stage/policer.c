// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <rubato/budget.h>

#include "policer.h"

/* Buckets count in fractions of a byte or packet, so that low rates are exact. */
#define UNITS		1024
#define BURSTS_PER_S	10
#define LINE		64
/*
 * Added to all stamps: a fresh bucket is full, also where the TSC has not yet
 * counted as many ticks as that takes to earn.
 */
#define EPOCH		RUBATO_BURST_TICKS_MAX

struct bucket {
	/* Only ->rate (units per tick, 32.32) and ->burst_ticks; 0: no limit. */
	struct rubato_params params;
	uint64_t spent_until;		/* written by all cores: CAS */
} __attribute__((aligned(LINE)));

/* One core's own: nobody else writes it. */
struct core {
	struct rubato_slice bytes, packets;
	struct policer_counts counts;
} __attribute__((aligned(LINE)));

struct policer {
	struct bucket bytes, packets;
	struct policer_limits limits;
	uint32_t nr_cores;
	struct core cores[];
};

static uint64_t burst_or(uint64_t burst, uint64_t rate, uint64_t least)
{
	if (burst || !rate)
		return burst;
	return rate / BURSTS_PER_S > least ? rate / BURSTS_PER_S : least;
}

static int check_one(const char *what, uint64_t rate, uint64_t rate_max,
		     uint64_t burst, uint64_t burst_min,
		     struct rubato_error *error)
{
	if (burst && !rate)
		return rubato_error_set(error, -EINVAL,
					"a burst of %s needs a rate of %s",
					what, what);
	if (rate > rate_max)
		return rubato_error_set(error, -ERANGE,
			"%" PRIu64 " %s per second are too many: at most %" PRIu64,
			rate, what, rate_max);
	if (rate && (burst < burst_min || burst > POLICER_BURST_MAX))
		return rubato_error_set(error, -ERANGE,
			"a burst of %s must be %" PRIu64 "..%llu, not %" PRIu64,
			what, burst_min, POLICER_BURST_MAX, burst);
	return 0;
}

static int check(const struct policer_limits *limits,
		 struct rubato_error *error)
{
	int err;

	if (!limits->bytes_per_s && !limits->packets_per_s)
		return rubato_error_set(error, -EINVAL,
			"a policer needs a rate, of bytes or of packets");
	err = check_one("bytes", limits->bytes_per_s, POLICER_BYTES_PER_S_MAX,
			limits->burst_bytes, POLICER_BURST_BYTES_MIN, error);
	return err ? err : check_one("packets", limits->packets_per_s,
				     POLICER_PACKETS_PER_S_MAX,
				     limits->burst_packets, 1, error);
}

/* Rounded down, so that the rate is never exceeded; but never to nothing. */
static void fill(struct bucket *bucket, uint64_t per_s, uint64_t burst,
		 uint32_t tsc_khz)
{
	struct rubato_params *params = &bucket->params;

	if (!per_s)
		return;
	params->rate = rubato_shift32_div(per_s * UNITS, tsc_khz * 1000ULL);
	if (!params->rate)
		params->rate = 1;
	params->burst_ticks = rubato_shift32_div_up(burst * UNITS,
						    params->rate);
	if (params->burst_ticks > RUBATO_BURST_TICKS_MAX)
		params->burst_ticks = RUBATO_BURST_TICKS_MAX;
}

int policer_new(const struct policer_limits *limits, uint32_t nr_cores,
		uint32_t tsc_khz, struct policer **result,
		struct rubato_error *error)
{
	struct policer_limits all = *limits;
	size_t size = sizeof(struct policer) + nr_cores * sizeof(struct core);
	struct policer *policer;
	int err;

	all.burst_bytes = burst_or(all.burst_bytes, all.bytes_per_s,
				   POLICER_BURST_BYTES_MIN);
	all.burst_packets = burst_or(all.burst_packets, all.packets_per_s, 1);
	err = check(&all, error);
	if (err)
		return err;
	policer = aligned_alloc(LINE, size);
	if (!policer)
		return rubato_error_set(error, -ENOMEM, "out of memory");
	*policer = (struct policer) { .limits = all, .nr_cores = nr_cores };
	for (uint32_t i = 0; i < nr_cores; i++)
		policer->cores[i] = (struct core) {};
	fill(&policer->bytes, all.bytes_per_s, all.burst_bytes, tsc_khz);
	fill(&policer->packets, all.packets_per_s, all.burst_packets, tsc_khz);
	*result = policer;
	return 0;
}

void policer_free(struct policer *policer)
{
	free(policer);
}

/*
 * Sees to it that the slice holds @units, or changes nothing. Several cores may
 * draw at once; the word orders them, and nothing else hangs on it.
 */
static bool fund(struct bucket *bucket, struct rubato_slice *slice,
		 uint64_t units, uint64_t now)
{
	uint64_t spent = __atomic_load_n(&bucket->spent_until, __ATOMIC_RELAXED);
	int64_t want = rubato_signed(units);

	while (slice->credit_cycles < want) {
		struct rubato_slice filled = *slice;
		__u64 next;

		rubato_slice_earn(&filled, &bucket->params,
				  rubato_pool_draw(&bucket->params, spent, now,
						   (__u64)(want - slice->credit_cycles),
						   &next));
		if (filled.credit_cycles < want)
			return false;
		if (__atomic_compare_exchange_n(&bucket->spent_until, &spent,
						next, false, __ATOMIC_RELAXED,
						__ATOMIC_RELAXED))
			*slice = filled;
	}
	return true;
}

static bool has_room(struct bucket *bucket, struct rubato_slice *slice,
		     uint64_t units, uint64_t now)
{
	return !bucket->params.rate || fund(bucket, slice, units, now);
}

static void charge(const struct bucket *bucket, struct rubato_slice *slice,
		   uint64_t units)
{
	if (bucket->params.rate)
		rubato_slice_charge(slice, units);
}

static void count(uint64_t *packets, uint64_t *bytes, uint32_t length)
{
	__atomic_store_n(packets, *packets + 1, __ATOMIC_RELAXED);
	__atomic_store_n(bytes, *bytes + length, __ATOMIC_RELAXED);
}

bool policer_admits(struct policer *policer, uint32_t core, uint32_t length,
		    uint64_t now)
{
	struct core *own = &policer->cores[core];
	uint64_t bytes = (uint64_t)length * UNITS;

	now += EPOCH;
	if (!has_room(&policer->packets, &own->packets, UNITS, now) ||
	    !has_room(&policer->bytes, &own->bytes, bytes, now)) {
		count(&own->counts.dropped, &own->counts.dropped_bytes, length);
		return false;
	}
	charge(&policer->packets, &own->packets, UNITS);
	charge(&policer->bytes, &own->bytes, bytes);
	count(&own->counts.passed, &own->counts.passed_bytes, length);
	return true;
}

const struct policer_limits *policer_limits(const struct policer *policer)
{
	return &policer->limits;
}

static uint64_t word(const uint64_t *at)
{
	return __atomic_load_n(at, __ATOMIC_RELAXED);
}

struct policer_counts policer_counts(const struct policer *policer)
{
	struct policer_counts sum = {};

	for (uint32_t i = 0; i < policer->nr_cores; i++) {
		const struct policer_counts *one = &policer->cores[i].counts;

		sum.passed += word(&one->passed);
		sum.passed_bytes += word(&one->passed_bytes);
		sum.dropped += word(&one->dropped);
		sum.dropped_bytes += word(&one->dropped_bytes);
	}
	return sum;
}
