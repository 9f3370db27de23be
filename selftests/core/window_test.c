// SPDX-License-Identifier: GPL-2.0
/*
 * What holds over every window of time, on a simulated clock: shares by weight,
 * caps over one to eight cores that share a pool and look at it when they like,
 * and that no cycle of credit is made or lost. Windows are not sampled: all of
 * them are covered, by the least of what could begin one.
 */
#include "../kselftest.h"
#include "loop.h"

typedef __int128 s128;

#define CORES_MAX	8
/* Roundings of virtual times and of ticks: cycles. */
#define ROUNDING	32

/* Least and greatest so far of some sum that a window begins at. */
struct range {
	s128 least, greatest;
};

static void range_add(struct range *range, s128 value)
{
	if (value < range->least)
		range->least = value;
	if (value > range->greatest)
		range->greatest = value;
}

/*
 * All backlogged. Over any window a tenant's cycles are its share of the
 * window's but for one quantum at each end: it may begin as far ahead as it may
 * be, and end as far behind.
 */
static bool shares_hold(uint64_t number, uint32_t count, unsigned int batches)
{
	struct range lead[LOOP_SLOTS] = { 0 };
	uint64_t served[LOOP_SLOTS] = { 0 }, total = 0, weights = 0;
	uint32_t weight[LOOP_SLOTS], slot;
	struct sched_grant grant;
	bool ok = true;
	struct sim sim;

	sim_open(&sim, loop_seed() * 104729 + number);
	for (slot = 1; slot <= count; slot++) {
		weight[slot] = sim_magnitude(&sim.random, 1, RUBATO_WEIGHT_MAX);
		weights += weight[slot];
		sim_tenant(&sim, slot, weight[slot]);
		sched_wake(sim.sched, slot, sim.now);
	}
	while (ok && batches-- && sched_pick(sim.sched, sim.now, &grant)) {
		uint64_t cycles = sim_range(&sim.random, 1, grant.cycles);

		sim_serve(&sim, &grant, cycles, true);
		served[grant.slot] += cycles;
		total += cycles;
		for (slot = 1; slot <= count; slot++) {
			s128 bound = (s128)2 * weights * (SIM_QUANTUM + ROUNDING);

			range_add(&lead[slot], (s128)served[slot] * weights -
					       (s128)total * weight[slot]);
			ok &= lead[slot].greatest - lead[slot].least <= bound;
		}
	}
	sim_close(&sim);
	return ok;
}

static bool test_shares(unsigned int rounds, unsigned int batches)
{
	unsigned int i;

	for (i = 0; i < rounds; i++)
		if (!shares_hold(i, 2 + i * 7 % 63, batches))
			return false;
	return true;
}

/* Several cores, each with its scheduler, one pool, one greedy tenant. */
struct cores {
	struct rubato_ledger *ledger;
	struct sched *sched[CORES_MAX];
	uint64_t busy_until[CORES_MAX];
	bool runnable[CORES_MAX];
	uint32_t count;
	uint64_t now, random;
	bool surprises;		/* batches may overrun what was granted */
	uint64_t longest;	/* batch, at least a quantum */
	/* rate * time - used, in 2^-32 cycle, where windows may begin */
	s128 most_behind;
	s128 used;		/* 2^-32 cycle */
};

static void cores_open(struct cores *cores, uint64_t number, uint32_t count,
		       const struct sched_policy *policy)
{
	uint32_t c;

	*cores = (struct cores){ .count = count, .now = 1ULL << 40,
				 .surprises = number & 16, .longest = SIM_QUANTUM,
				 .random = loop_seed() * 15485863 + number + 1 };
	cores->ledger = sim_new_ledger();
	sim_set_tenant(cores->ledger, 1, 100,
		       sim_magnitude(&cores->random, 50000, 8000000),
		       sim_range(&cores->random, 50, 3000),
		       sim_magnitude(&cores->random, 0, 3000000), false);
	for (c = 0; c < count; c++)
		cores->sched[c] = sim_new_sched(cores->ledger, c, count, policy);
}

static void cores_close(struct cores *cores)
{
	uint32_t c;

	for (c = 0; c < cores->count; c++)
		sched_free(cores->sched[c]);
	free(cores->ledger);
}

/* One core looks: at work or not, at any time, for any of its batch's size. */
static uint64_t cores_poll(struct cores *cores, uint32_t c)
{
	uint64_t cycles, *random = &cores->random;
	struct sched_grant grant;

	if (cores->busy_until[c] > cores->now)
		return 0;
	if (!cores->runnable[c] && sim_random(random) & 1) {
		cores->runnable[c] = true;
		sched_wake(cores->sched[c], 1, cores->now);
	}
	if (!sched_pick(cores->sched[c], cores->now, &grant))
		return 0;
	cycles = sim_range(random, 1, grant.cycles);
	if (cores->surprises && sim_random(random) % 64 == 0)
		cycles *= sim_range(random, 1, 8);	/* a bad prediction */
	cores->busy_until[c] = cores->now + cycles;
	cores->runnable[c] = sim_random(random) % 8;
	sched_bill(cores->sched[c], 1, RUBATO_PHASE_RX, cycles, 1, 1);
	sched_put(cores->sched[c], &grant, cores->runnable[c],
		  cores->busy_until[c]);
	return cycles;
}

/*
 * Of all windows that end here, is the worst within rate, burst, one batch and
 * one unspent slice per core?
 */
static bool cores_within(struct cores *cores, uint64_t begin, uint64_t cycles)
{
	const struct rubato_params *p = &cores->ledger[1].params;
	s128 earned = (s128)p->rate * begin, bound;
	s128 behind = earned - cores->used;

	if (behind > cores->most_behind || !cores->used)
		cores->most_behind = behind;
	cores->used += (s128)cycles << 32;
	if (cycles > cores->longest)
		cores->longest = cycles;
	bound = (s128)(rubato_budget_burst(p) + cores->count *
		       (SIM_SLICE + cores->longest + ROUNDING)) << 32;
	/* used in it - rate * (its length) */
	return cores->most_behind - (earned - cores->used) <= bound;
}

/* Patterns of polling: all at random, one only, in turn, long pauses. */
static uint32_t next_core(struct cores *cores, uint64_t number, unsigned int step)
{
	uint64_t *random = &cores->random;

	cores->now += sim_range(random, 1, SIM_QUANTUM / (1 + number % 8));
	if (number % 5 == 0 && sim_random(random) % 100 == 0)
		cores->now += sim_magnitude(random, 1, 1ULL << 32);
	switch (number % 3) {
	case 0:
		return step % cores->count;
	case 1:
		return step / 1000 % cores->count;
	default:
		return sim_range(random, 0, cores->count - 1);
	}
}

static bool caps_hold(uint64_t number, const struct sched_policy *policy,
		      unsigned int steps)
{
	struct cores cores;
	unsigned int step;
	bool ok = true;

	cores_open(&cores, number, 1 + number % CORES_MAX, policy);
	for (step = 0; ok && step < steps; step++) {
		uint32_t c = next_core(&cores, number, step);
		uint64_t begin = cores.now, cycles = cores_poll(&cores, c);

		ok = !cycles || cores_within(&cores, begin, cycles);
	}
	ok &= cores.used > 0;
	cores_close(&cores);
	return ok;
}

static bool test_caps(const struct sched_policy *policy, unsigned int rounds)
{
	unsigned int i;

	for (i = 0; i < rounds; i++) {
		if (caps_hold(i, policy, 20000))
			continue;
		ksft_print_msg("case %u: above the bound\n", i);
		return false;
	}
	return true;
}

/* What the cores hold, with what they used: drawn out of the pool, all of it. */
static s128 cores_drawn(const struct cores *cores)
{
	s128 sum = cores->used;
	uint32_t c;

	for (c = 0; c < cores->count; c++)
		sum += (s128)cores->ledger[1].core[c].credit_cycles << 32;
	return sum;
}

/*
 * Whenever somebody looks at a pool that never flows over, and whatever he uses:
 * all that was drawn is rate times the ticks that the word moved, to a cycle per
 * core.
 */
static bool credit_is_conserved(uint64_t number, unsigned int steps)
{
	struct cores cores;
	uint64_t first, ticks;
	unsigned int step;
	uint32_t c;
	s128 lost;

	cores_open(&cores, number, 1 + number % CORES_MAX, &sched_policy_time);
	/* A pool that holds many batches, so that none of them lets it flow over. */
	sim_set_tenant(cores.ledger, 1, 100,
		       sim_range(&cores.random, 20000, 1800000), 1000,
		       100 * SIM_QUANTUM, false);
	for (c = 0; c < cores.count; c++)
		sched_refresh(cores.sched[c], 1, cores.now);
	/* The burst that a fresh word is worth is not drawn: it begins now. */
	first = cores.ledger[1].pool.spent_until = cores.now;
	for (step = 0; step < steps; step++) {
		c = sim_range(&cores.random, 0, cores.count - 1);
		cores.now = cores.ledger[1].pool.spent_until +
			    sim_range(&cores.random, 0,
				      cores.ledger[1].params.burst_ticks / 2);
		cores.busy_until[c] = 0;
		cores.used += (s128)cores_poll(&cores, c) << 32;
	}
	ticks = cores.ledger[1].pool.spent_until - first;
	lost = (s128)cores.ledger[1].params.rate * ticks - cores_drawn(&cores);
	cores_close(&cores);
	return ticks && lost >= 0 && lost <= (s128)CORES_MAX << 32;
}

static bool test_conserved(unsigned int rounds)
{
	unsigned int i;

	for (i = 0; i < rounds; i++)
		if (!credit_is_conserved(i, 5000))
			return false;
	return true;
}

int main(void)
{
	unsigned int scale = sim_scale();

	ksft_print_header();
	loop_print_seed();
	ksft_set_plan(4);
	ksft_test_result(test_shares(60 * scale, 10000), "shares by weight over every window\n");
	ksft_test_result(test_caps(&sched_policy_time, 80 * scale), "time: caps over every window, 1 to 8 cores\n");
	ksft_test_result(test_caps(&sched_policy_tokens, 80 * scale), "tokens: caps over every window, 1 to 8 cores\n");
	ksft_test_result(test_conserved(200 * scale), "credit is conserved to the tick, 1 to 8 cores\n");
	ksft_finished();
}
