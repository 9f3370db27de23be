// SPDX-License-Identifier: GPL-2.0
/* Histograms of waits against a sorted list of them, by the million. */
#include <rubato/latency.h>
#include "../kselftest.h"
#include "sim.h"

#define UNIT	(1ULL << RUBATO_LATENCY_UNIT_SHIFT)
#define LAST	(RUBATO_LATENCY_BUCKETS - 1)

static uint64_t seed = 5550123;

/* Every bucket begins where the one before ends, and knows its own ends. */
static bool test_edges(void)
{
	if (rubato_latency_begin(0) || rubato_latency_bucket(0))
		return false;
	for (uint32_t i = 0; i < RUBATO_LATENCY_BUCKETS; i++) {
		uint64_t begin = rubato_latency_begin(i);
		uint64_t end = rubato_latency_begin(i + 1);

		if (end <= begin || rubato_latency_bucket(begin) != i ||
		    rubato_latency_bucket(end - 1) != i)
			return false;
		if (end - begin > UNIT && end - begin > begin / 8)
			return false;
	}
	return true;
}

static bool test_ends(void)
{
	return rubato_latency_bucket(~0ULL) == LAST &&
	       rubato_latency_bucket(1ULL << 32) == LAST &&
	       rubato_latency_bucket((1ULL << 32) - 1) == LAST &&
	       rubato_latency_begin(RUBATO_LATENCY_BUCKETS) == 1ULL << 32;
}

/* Any wait is within its bucket. */
static bool test_values(unsigned int cases)
{
	while (cases--) {
		uint64_t cycles = sim_magnitude(&seed, 0, (1ULL << 32) - 1);
		uint32_t bucket = rubato_latency_bucket(cycles);

		if (bucket > LAST || cycles < rubato_latency_begin(bucket) ||
		    cycles >= rubato_latency_begin(bucket + 1))
			return false;
	}
	return true;
}

static int by_size(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

/* Above the wait at that rank, by an eighth or a unit at most. */
static bool right_quantile(const uint64_t *waits, uint64_t nr,
			   const __u64 *frames, uint32_t permille)
{
	uint64_t exact = waits[(nr * permille + 999) / 1000 - 1];
	uint64_t said = rubato_latency_quantile(frames, permille);

	return said > exact && said <= exact + exact / 8 + UNIT;
}

static bool test_quantiles(unsigned int cases)
{
	static uint64_t waits[5000];

	while (cases--) {
		__u64 frames[RUBATO_LATENCY_BUCKETS] = { 0 };
		uint64_t nr = sim_range(&seed, 1, ARRAY_SIZE(waits));
		uint64_t most = sim_magnitude(&seed, 1, (1ULL << 32) - 1);

		for (uint64_t i = 0; i < nr; i++) {
			waits[i] = sim_range(&seed, 0, most);
			frames[rubato_latency_bucket(waits[i])]++;
		}
		qsort(waits, nr, sizeof(waits[0]), by_size);
		if (rubato_latency_total(frames) != nr)
			return false;
		for (uint32_t permille = 1; permille <= 1000; permille += 111)
			if (!right_quantile(waits, nr, frames, permille))
				return false;
	}
	return true;
}

static bool test_few(void)
{
	__u64 frames[RUBATO_LATENCY_BUCKETS] = { 0 };

	if (rubato_latency_quantile(frames, 990))
		return false;
	frames[20] = 1;
	if (rubato_latency_quantile(frames, 1) != rubato_latency_begin(21))
		return false;
	/* 99 of 100, and the one that is longer than all. */
	frames[20] = 99;
	frames[LAST] = 1;
	return rubato_latency_quantile(frames, 990) ==
	       rubato_latency_begin(21) &&
	       rubato_latency_quantile(frames, 991) == 1ULL << 32;
}

/* Counts as large as the words hold. */
static bool test_many(void)
{
	__u64 frames[RUBATO_LATENCY_BUCKETS] = { 0 };

	frames[3] = 1ULL << 62;
	frames[4] = 1ULL << 62;
	return rubato_latency_quantile(frames, 500) == rubato_latency_begin(4) &&
	       rubato_latency_quantile(frames, 501) == rubato_latency_begin(5);
}

int main(void)
{
	ksft_print_header();
	ksft_set_plan(7);
	ksft_test_result(sizeof(struct rubato_latency) == 25 * 64, "25 lines\n");
	ksft_test_result(test_edges(), "buckets follow each other, an eighth wide\n");
	ksft_test_result(test_ends(), "the last bucket holds the rest\n");
	ksft_test_result(test_values(3000000 * sim_scale()), "any wait is in its bucket\n");
	ksft_test_result(test_quantiles(400 * sim_scale()), "quantiles against a sorted list\n");
	ksft_test_result(test_few(), "quantiles of none, one and a hundred\n");
	ksft_test_result(test_many(), "quantiles of 2^63 frames\n");
	ksft_finished();
}
