// SPDX-License-Identifier: GPL-2.0
/* What a packet and a byte cost, learned from batches of one tenant. */
#include <rubato/split.h>
#include "../kselftest.h"
#include "sim.h"

#define SMALL	64
#define LARGE	1514

/* What batches truly cost, and how much that varies, in percent. */
struct truth {
	uint64_t packet_cycles;
	uint64_t byte_cycles_fp;
	uint32_t noise;
};

static uint64_t seed = 7;

static uint64_t true_cost(const struct truth *truth, uint32_t packets,
			  uint32_t bytes)
{
	return packets * truth->packet_cycles +
	       ((bytes * truth->byte_cycles_fp) >> RUBATO_SPLIT_SHIFT);
}

static uint64_t noisy_cost(const struct truth *truth, uint32_t packets,
			   uint32_t bytes)
{
	uint64_t cycles = true_cost(truth, packets, bytes);

	cycles = cycles * (100 - truth->noise +
			   sim_range(&seed, 0, 2 * truth->noise)) / 100;
	/* One in fifty is interrupted. */
	if (sim_range(&seed, 0, 49) == 0)
		cycles += sim_range(&seed, 10000, 1000000);
	return cycles;
}

static void observe(struct rubato_split *split, const struct truth *truth,
		    uint32_t each, unsigned int batches)
{
	while (batches--) {
		uint32_t packets = sim_range(&seed, 1, 32);

		rubato_split_observe(split,
				     noisy_cost(truth, packets, packets * each),
				     packets, packets * each);
	}
}

/* The part of a large frame in a bill it shares with a small one, in 1/1000. */
static uint64_t part_of_large(uint64_t packet_cycles, uint64_t byte_cycles_fp)
{
	struct truth truth = { packet_cycles, byte_cycles_fp, 0 };
	uint64_t small = true_cost(&truth, 1, SMALL);
	uint64_t large = true_cost(&truth, 1, LARGE);

	return large * 1000 / (large + small);
}

static bool close_to(const struct rubato_split *split,
		     const struct truth *truth, uint64_t most_off)
{
	uint64_t due = part_of_large(truth->packet_cycles,
				     truth->byte_cycles_fp);
	uint64_t got = part_of_large(split->packet_cycles,
				     split->byte_cycles_fp);
	uint64_t off = got > due ? got - due : due - got;

	if (off > most_off)
		ksft_print_msg("a large frame pays %lu of 1000, due are %lu\n",
			       got, due);
	return off <= most_off;
}

static struct truth random_truth(void)
{
	return (struct truth) {
		.packet_cycles = sim_range(&seed, 200, 20000),
		.byte_cycles_fp = sim_range(&seed, 0, 4 << RUBATO_SPLIT_SHIFT),
		.noise = sim_range(&seed, 0, 20),
	};
}

/* Whatever a machine costs: bills that are shared are split within 8 %. */
static bool test_learns(unsigned int cases)
{
	bool ok = true;

	while (ok && cases--) {
		struct truth truth = random_truth();
		struct rubato_split split;

		rubato_split_begin(&split, sim_range(&seed, 0, 100000),
				   sim_range(&seed, 0, 1 << 20));
		for (int i = 0; i < 40; i++) {
			observe(&split, &truth, SMALL, 32);
			observe(&split, &truth, LARGE, 32);
		}
		ok &= close_to(&split, &truth, 80);
	}
	return ok;
}

/* A machine that changes while running (its frequency, its caches). */
static bool test_follows(void)
{
	struct truth before = { 1000, 1 << RUBATO_SPLIT_SHIFT, 10 };
	struct truth after = { 4000, 1 << (RUBATO_SPLIT_SHIFT - 2), 10 };
	struct rubato_split split;

	rubato_split_begin(&split, 1, 0);
	observe(&split, &before, SMALL, 500);
	observe(&split, &before, LARGE, 500);
	if (!close_to(&split, &before, 40) || close_to(&split, &after, 40))
		return false;
	observe(&split, &after, SMALL, 500);
	observe(&split, &after, LARGE, 500);
	return close_to(&split, &after, 40);
}

/* Frames of one kind tell no ratio: what was measured at start stays. */
static bool test_one_kind(uint32_t each)
{
	struct truth truth = { 5000, 1 << RUBATO_SPLIT_SHIFT, 10 };
	struct rubato_split split;

	rubato_split_begin(&split, 777, 88);
	observe(&split, &truth, each, 10000);
	return split.packet_cycles == 777 && split.byte_cycles_fp == 88;
}

/* Nothing that is observed makes a model that cannot split. */
static bool test_any_input(unsigned int observations)
{
	struct rubato_split split;
	bool ok = true;

	rubato_split_begin(&split, 0, 0);
	while (ok && observations--) {
		rubato_split_observe(&split,
				     sim_magnitude(&seed, 0, UINT64_MAX - 1),
				     sim_magnitude(&seed, 0, UINT32_MAX),
				     sim_magnitude(&seed, 0, UINT32_MAX));
		ok &= split.packet_cycles > 0 && split.until_look > 0 &&
		      split.packet_cycles <= RUBATO_SPLIT_CYCLES_MAX * 2;
	}
	return ok;
}

int main(void)
{
	ksft_print_header();
	ksft_set_plan(5);
	ksft_test_result(test_learns(2000 * sim_scale()),
			 "a shared bill is split within 8 %%\n");
	ksft_test_result(test_follows(), "a change is followed\n");
	ksft_test_result(test_one_kind(SMALL) && test_one_kind(LARGE),
			 "frames of one kind leave the ratio alone\n");
	ksft_test_result(test_one_kind(500),
			 "frames in between tell nothing\n");
	ksft_test_result(test_any_input(1000000 * sim_scale()),
			 "any input leaves a model that can split\n");
	ksft_finished();
}
