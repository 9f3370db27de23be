// SPDX-License-Identifier: GPL-2.0
/* The estimate of cost: which quantile it finds, and how fast. */
#include <rubato/cost.h>
#include "../kselftest.h"
#include "sim.h"

static uint64_t seed = 42;

static uint64_t sample_uniform(void)
{
	return sim_range(&seed, 500, 1500);
}

/* Geometric with mean 1000: by halving intervals of 693 cycles. */
static uint64_t sample_long_tail(void)
{
	uint64_t cycles = sim_range(&seed, 0, 692);

	while (sim_random(&seed) >> 63)
		cycles += 693;
	return cycles + 1;
}

static uint64_t sample_two_kinds(void)
{
	return sim_range(&seed, 1, 4) == 1 ? 4000 : 800;
}

static uint64_t sample_constant(void)
{
	return 1234;
}

/* How many of a thousand cost more than estimated, after settling. */
static unsigned int exceeding(uint64_t (*sample)(void), unsigned int count)
{
	struct rubato_cost cost = { 0 };
	uint64_t above = 0;
	unsigned int i;

	for (i = 0; i < 1000; i++)
		rubato_cost_observe(&cost, sample() * 32, 32);
	for (i = 0; i < count; i++) {
		uint64_t cycles = sample();

		above += cycles > rubato_cost_estimate(&cost);
		rubato_cost_observe(&cost, cycles * 32, 32);
	}
	return above * 1000 / count;
}

static bool test_quantile(uint64_t (*sample)(void))
{
	unsigned int above = exceeding(sample, 200000 * sim_scale());

	ksft_print_msg("above the estimate: %u of 1000\n", above);
	return above >= 60 && above <= 130;
}

static bool settled(struct rubato_cost *cost, uint64_t cycles, int observations)
{
	while (observations--)
		rubato_cost_observe(cost, cycles * 8, 8);
	return rubato_cost_estimate(cost) >= cycles * 95 / 100 &&
	       rubato_cost_estimate(cost) <= cycles * 115 / 100;
}

static bool test_rise(void)
{
	struct rubato_cost cost = { 0 };

	return settled(&cost, 1000, 200) && settled(&cost, 10000, 20);
}

static bool test_fall(void)
{
	struct rubato_cost cost = { 0 };
	int i;

	if (!settled(&cost, 10000, 200))
		return false;
	for (i = 0; i < 50; i++)
		rubato_cost_observe(&cost, 8000, 8);
	return rubato_cost_estimate(&cost) <= 2000 && settled(&cost, 1000, 100);
}

static bool test_outlier(void)
{
	struct rubato_cost cost = { 0 };
	uint64_t before;

	settled(&cost, 1000, 200);
	before = rubato_cost_estimate(&cost);
	rubato_cost_observe(&cost, 4000000000ULL, 1);
	if (rubato_cost_estimate(&cost) > before * 9 / 8 + 2)
		return false;
	return settled(&cost, 1000, 20);
}

/* The very first observation is a cold cache's. */
static bool test_cold(void)
{
	struct rubato_cost cost = { 0 };
	int i;

	rubato_cost_observe(&cost, 100000, 1);
	for (i = 0; i < 10; i++)
		rubato_cost_observe(&cost, 1000, 1);
	return rubato_cost_estimate(&cost) <= 2000;
}

static bool test_extremes(void)
{
	struct rubato_cost cost = { 0 };
	int i;

	if (rubato_cost_estimate(&cost) != RUBATO_COST_UNKNOWN)
		return false;
	rubato_cost_observe(&cost, 5, 0);
	if (cost.observations)
		return false;
	for (i = 0; i < 1000; i++)
		rubato_cost_observe(&cost, 0, UINT32_MAX);
	if (rubato_cost_estimate(&cost) != 1)
		return false;
	for (i = 0; i < 1000; i++)
		rubato_cost_observe(&cost, UINT64_MAX, 1);
	if (rubato_cost_estimate(&cost) < RUBATO_COST_MAX / 2 ||
	    rubato_cost_estimate(&cost) > RUBATO_COST_MAX)
		return false;
	for (i = 0; i < 1000; i++)
		rubato_cost_observe(&cost, UINT64_MAX, UINT32_MAX);
	return rubato_cost_estimate(&cost) < 2000;
}

static bool test_units(void)
{
	return cost_units(1000, 999) == 1 && cost_units(1000, 1000) == 1 &&
	       cost_units(1000, 32999) == 32 && cost_units(1, 0) == 1 &&
	       cost_units(0, 5) == 5 && cost_units(1, UINT64_MAX) == UINT32_MAX;
}

int main(void)
{
	ksft_print_header();
	ksft_set_plan(11);
	ksft_test_result(sizeof(struct rubato_cost) == 16, "16 bytes\n");
	ksft_test_result(test_quantile(sample_uniform), "90th percentile of uniform costs\n");
	ksft_test_result(test_quantile(sample_long_tail), "90th percentile of a long tail\n");
	ksft_test_result(exceeding(sample_two_kinds, 100000) < 200, "covers the dearer of two kinds\n");
	ksft_test_result(exceeding(sample_constant, 100000) < 150, "stays at a constant cost\n");
	ksft_test_result(test_rise(), "follows a tenfold rise within 20\n");
	ksft_test_result(test_fall(), "follows a tenfold fall within 50\n");
	ksft_test_result(test_outlier(), "one outlier moves it by an eighth\n");
	ksft_test_result(test_cold(), "forgets a cold start within 10\n");
	ksft_test_result(test_extremes(), "no cost or number of units breaks it\n");
	ksft_test_result(test_units(), "units that fit, at least one\n");
	ksft_finished();
}
