// SPDX-License-Identifier: GPL-2.0
/*
 * How long a tenant inside its share waits under policy `time`, in a simulated
 * poller's loop: the bound in policy_time.c, with costs that nobody could
 * predict, among sleepers that wake in storms, and behind borrowed time; and
 * nobody starves.
 */
#include "../kselftest.h"
#include "loop.h"

/* Roundings of virtual times, and a packet that was predicted to fit. */
#define ROUNDING	64
#define FACTOR_MAX	64

/* What the loop adds for one test. */
static struct delay_case {
	enum { COSTS_RANDOM, COSTS_SPITEFUL, COSTS_SWITCHING } costs;
	uint32_t victim;
	uint64_t waits;			/* of the victim, so far */
	uint64_t worst;			/* cycles beyond what is excused */
	uint64_t left;			/* packets until costs switch */
	uint64_t factor;
	uint64_t last[LOOP_SLOTS];	/* virtual times when it was served */
} delay;

/* Costs are known to nobody before the packet is done. */
static uint64_t cost(struct loop *loop, uint32_t slot)
{
	uint64_t cycles = loop->tenant[slot].cycles;
	uint64_t *random = &loop->sim.random;

	if (slot == delay.victim)
		return cycles;
	switch (delay.costs) {
	case COSTS_RANDOM:
		return sim_random(random) % 8 ? cycles :
		       cycles * sim_range(random, 1, FACTOR_MAX);
	case COSTS_SPITEFUL:
		return loop->tenant[delay.victim].waits ? cycles * FACTOR_MAX :
							  cycles;
	case COSTS_SWITCHING:
		if (!delay.left--) {
			delay.left = sim_range(random, 1, 2000);
			delay.factor = sim_range(random, 1, FACTOR_MAX);
		}
		return cycles * delay.factor;
	}
	return cycles;
}

static uint64_t virtual_time(const struct loop *loop, uint32_t slot)
{
	return loop->sim.ledger[slot].core[0].virtual_time;
}

/*
 * Has every other one had, by weight, a quantum more than the victim's share
 * since the victim was served last?
 */
static bool inside_share(const struct loop *loop)
{
	uint32_t slot, weight = loop->sim.ledger[delay.victim].params.weight;
	uint64_t owed = SIM_QUANTUM * 5 / 4 / weight;

	for (slot = 1; slot < delay.victim; slot++)
		if (virtual_time(loop, slot) < delay.last[slot] + owed)
			return false;
	return true;
}

static void remember(const struct loop *loop)
{
	uint32_t slot;

	for (slot = 1; slot < delay.victim; slot++)
		delay.last[slot] = virtual_time(loop, slot);
}

/*
 * What the victim has waited beyond the rest of the batch that ran when it
 * came, and beyond what batches since then took more than they were granted.
 */
static void picked(struct loop *loop, const struct sched_grant *grant)
{
	struct loop_tenant *t = &loop->tenant[delay.victim];
	uint64_t waited = loop->work - t->mark;
	uint64_t excused = t->rest + loop->overrun - t->overrun_mark;

	if (grant->slot != delay.victim || !t->waits)
		return;
	if (inside_share(loop)) {
		delay.waits++;
		if (waited - excused > delay.worst)
			delay.worst = waited - excused;
	}
	remember(loop);
}

static uint64_t weigh(struct loop *loop, uint32_t others, uint32_t weight_max)
{
	uint64_t weights = sim_range(&loop->sim.random, 10, weight_max);
	uint32_t slot;

	sim_tenant(&loop->sim, delay.victim, weights);
	for (slot = 1; slot <= others; slot++) {
		uint32_t weight = sim_range(&loop->sim.random, 1, weight_max);

		sim_tenant(&loop->sim, slot, weight);
		weights += weight;
		loop->tenant[slot].cycles =
			sim_magnitude(&loop->sim.random, 20, 4000);
		loop->tenant[slot].bytes = 64;
	}
	return weights;
}

/* @others are backlogged all the time; the victim asks for little. */
static struct loop *open_delay(uint64_t number, uint32_t others, int costs)
{
	struct loop *loop = loop_open(number, others + 1, &sched_policy_time);
	uint32_t victim = others + 1, slot, weight;
	uint64_t weights;

	delay = (struct delay_case){ .costs = costs, .victim = victim,
				     .factor = 1 };
	loop->cost = cost;
	loop->picked = picked;
	weights = weigh(loop, others, number % 3 ? 300 : RUBATO_WEIGHT_MAX);
	weight = loop->sim.ledger[victim].params.weight;
	loop->tenant[victim].cycles = 2000;
	loop->tenant[victim].at_once = 1;
	/* Time for its share to grow by some quanta, costs being what they are. */
	loop->tenant[victim].every = 8 * SIM_QUANTUM * weights / weight;
	loop->tenant[victim].next = loop->sim.now + loop->tenant[victim].every;
	for (slot = 1; slot <= others; slot++) {
		loop->tenant[slot].endless = true;
		sched_wake(loop->sim.sched, slot, loop->sim.now);
	}
	return loop;
}

static bool delay_holds(uint64_t number, uint32_t others, int costs,
			unsigned int batches, uint64_t *waits)
{
	struct loop *loop = open_delay(number, others, costs);
	bool ok;

	while (batches--)
		loop_round(loop);
	*waits += delay.waits;
	/* One quantum, and one for a batch before that was not predicted. */
	ok = loop_balanced(loop) && delay.worst <= 2 * SIM_QUANTUM + ROUNDING;
	if (!ok)
		ksft_print_msg("case %llu, %u others: waited %llu cycles more\n",
			       (unsigned long long)number, others,
			       (unsigned long long)delay.worst);
	loop_close(loop);
	return ok;
}

static bool test_delay(int costs, unsigned int rounds, unsigned int batches)
{
	uint64_t waits = 0;
	unsigned int i;
	bool ok = true;

	for (i = 0; i < rounds * sim_scale(); i++)
		ok &= delay_holds(i, 2 + i * 7 % 63, costs, batches, &waits);
	ksft_print_msg("%llu waits in %u batches\n", (unsigned long long)waits,
		       rounds * sim_scale() * batches);
	return ok && waits > 10 * rounds;
}

/*
 * Nobody is backlogged, but all sleep and wake together as often as they can,
 * and ask for the most that one wake-up is worth: each may be owed a quantum,
 * and adds no more.
 */
static bool storm_holds(uint64_t number, uint32_t others, unsigned int batches,
			uint64_t *waits)
{
	struct loop *loop = open_delay(number, others, COSTS_RANDOM);
	uint64_t every = (others + 2) * SIM_QUANTUM;
	uint32_t slot;
	bool ok;

	for (slot = 1; slot <= others; slot++) {
		struct loop_tenant *t = &loop->tenant[slot];

		t->endless = false;
		t->at_once = LOOP_RING_TENANT;
		t->every = every;
		t->next = loop->sim.now;
	}
	while (batches--)
		loop_round(loop);
	*waits += delay.waits;
	ok = loop_balanced(loop) &&
	     delay.worst <= (others + 1) * SIM_QUANTUM + ROUNDING;
	if (!ok)
		ksft_print_msg("%u others: %llu waits, worst %llu\n", others,
			       (unsigned long long)delay.waits,
			       (unsigned long long)delay.worst);
	loop_close(loop);
	return ok;
}

static bool test_storms(unsigned int rounds, unsigned int batches)
{
	uint64_t waits = 0;
	unsigned int i;

	for (i = 0; i < rounds * sim_scale(); i++)
		if (!storm_holds(i, 2 + i * 11 % 63, batches, &waits))
			return false;
	ksft_print_msg("%llu waits\n", (unsigned long long)waits);
	return waits > 10 * rounds;
}

/* What a funded tenant that wakes up waits for borrowed time, at most. */
static struct {
	uint64_t waits, worst;
	bool wrong;
} borrow;

static void picked_beside_borrowers(struct loop *loop,
				    const struct sched_grant *grant)
{
	struct loop_tenant *t = &loop->tenant[loop->watched];

	borrow.wrong |= t->waits && grant->borrowed;
	if (grant->slot != loop->watched || !t->waits || !t->behind_borrowed)
		return;
	borrow.waits++;
	if (t->rest > borrow.worst)
		borrow.worst = t->rest;
}

/*
 * Borrowers use all the time that a funded tenant leaves, which comes at any
 * moment and is served next. Packets cost the same, so that a batch fits.
 */
static bool borrowers_wait(uint64_t number, uint32_t borrowers,
			   unsigned int batches)
{
	struct loop *loop = loop_open(number, borrowers + 1, &sched_policy_time);
	uint64_t idle, least = UINT64_MAX;
	uint32_t slot;
	bool ok;

	loop->watched = borrowers + 1;
	loop->picked = picked_beside_borrowers;
	for (slot = 1; slot <= borrowers; slot++) {
		sim_set_tenant(loop->sim.ledger, slot, 100, 1000, 1000, 0, true);
		sched_refresh(loop->sim.sched, slot, loop->sim.now);
		loop->tenant[slot].endless = true;
		loop->tenant[slot].cycles = 700;
		sched_wake(loop->sim.sched, slot, loop->sim.now);
	}
	sim_tenant(&loop->sim, loop->watched, 1);
	loop->tenant[loop->watched] = (struct loop_tenant){ .cycles = 700,
		.at_once = 40, .every = 80021, .next = loop->sim.now };
	memset(&borrow, 0, sizeof(borrow));
	while (batches--)
		loop_round(loop);
	for (slot = 1; slot <= borrowers; slot++)
		if (loop->sim.ledger[slot].core[0].borrowed_cycles < least)
			least = loop->sim.ledger[slot].core[0].borrowed_cycles;
	idle = loop->work - sim_billed(&loop->sim.ledger[loop->watched].core[0]);
	ok = !borrow.wrong && borrow.waits > 100 && loop_balanced(loop) &&
	     borrow.worst <= SIM_QUANTUM / 8 + 700 && !loop->line.idle_cycles &&
	     least * borrowers >= idle / 2;
	if (!ok)
		ksft_print_msg("%u borrowers: %llu waits, worst %llu\n", borrowers,
			       (unsigned long long)borrow.waits,
			       (unsigned long long)borrow.worst);
	loop_close(loop);
	return ok;
}

static bool test_borrowers(unsigned int batches)
{
	uint32_t count;

	for (count = 1; count <= 64; count *= 2)
		if (!borrowers_wait(count, count, batches))
			return false;
	return true;
}

int main(void)
{
	unsigned int scale = sim_scale();

	ksft_print_header();
	loop_print_seed();
	ksft_set_plan(5);
	ksft_test_result(test_delay(COSTS_RANDOM, 40, 15000), "delay: the running batch and two quanta, costs at random up to x64\n");
	ksft_test_result(test_delay(COSTS_SPITEFUL, 40, 15000), "delay: the same, packets cost x64 whenever the victim waits\n");
	ksft_test_result(test_delay(COSTS_SWITCHING, 40, 15000), "delay: the same, costs change for everybody at once\n");
	ksft_test_result(test_storms(30, 20000), "storms of wakers add a quantum each\n");
	ksft_test_result(test_borrowers(30000 * scale), "borrowed time: all of what is left, and a small batch to wait for\n");
	ksft_finished();
}
