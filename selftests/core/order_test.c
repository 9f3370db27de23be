// SPDX-License-Identifier: GPL-2.0
/*
 * Policy `time` on a simulated clock: shares, delays, starvation, and what
 * becomes of both when tenants misbehave or parameters change.
 */
#include "../kselftest.h"
#include "sim.h"

typedef __int128 s128;

/* Roundings of virtual times: cycles, far below any batch. */
#define ROUNDING	16

static struct sched_grant pick(struct sim *sim)
{
	struct sched_grant grant;

	if (!sched_pick(sim->sched, sim->now, &grant)) {
		printf("Bail out! nothing to pick with work there\n");
		exit(1);
	}
	return grant;
}

static void wake(struct sim *sim, uint32_t slot)
{
	sched_wake(sim->sched, slot, sim->now);
}

static bool test_protocol(void)
{
	struct sim sim;
	struct sched_grant grant, other;
	bool ok;

	sim_open(&sim, 1);
	sim_tenant(&sim, 1, 100);
	ok = !sched_pick(sim.sched, sim.now, &grant) && !sched_runnable(sim.sched);
	wake(&sim, 1);
	wake(&sim, 1);			/* again: nothing */
	wake(&sim, 0);			/* system is an ordinary slot */
	ok &= sched_runnable(sim.sched);
	grant = pick(&sim);
	sim_serve(&sim, &grant, 1000, false);
	other = pick(&sim);
	ok &= grant.slot + other.slot == 1 && !other.borrowed &&
	      other.cycles <= SIM_QUANTUM;
	wake(&sim, other.slot);		/* work came while it was served */
	sim_serve(&sim, &other, 1000, false);
	ok &= sched_runnable(sim.sched);
	grant = pick(&sim);
	ok &= grant.slot == other.slot;
	sim_serve(&sim, &grant, 1000, false);
	ok &= !sched_runnable(sim.sched) &&
	      !sched_pick(sim.sched, sim.now, &grant) &&
	      sim.ledger[0].core[0].served_batches +
	      sim.ledger[1].core[0].served_batches == 3;
	sim_close(&sim);
	return ok;
}

/*
 * All backlogged: at any moment everybody has had his share of the total, more
 * or less one quantum. Weights and sizes of batches are random.
 */
static bool shares_hold(uint64_t seed, uint32_t count, unsigned int batches,
			uint32_t weight_max)
{
	uint64_t served[RUBATO_SLOTS] = { 0 }, total = 0, weights = 0;
	uint32_t weight[RUBATO_SLOTS], slot;
	bool ok = true;
	struct sim sim;

	sim_open(&sim, seed);
	for (slot = 1; slot <= count; slot++) {
		weight[slot] = sim_magnitude(&sim.random, 1, weight_max);
		weights += weight[slot];
		sim_tenant(&sim, slot, weight[slot]);
		wake(&sim, slot);
	}
	while (ok && batches--) {
		struct sched_grant grant = pick(&sim);
		uint64_t cycles = sim_range(&sim.random, 1, grant.cycles);

		sim_serve(&sim, &grant, cycles, true);
		served[grant.slot] += cycles;
		total += cycles;
		for (slot = 1; slot <= count; slot++) {
			s128 ahead = (s128)served[slot] * weights -
				     (s128)total * weight[slot];
			s128 bound = (s128)(SIM_QUANTUM + ROUNDING) * weights;

			ok &= ahead <= bound && ahead >= -bound;
		}
	}
	sim_close(&sim);
	return ok;
}

static bool test_shares(void)
{
	unsigned int i, scale = sim_scale();

	for (i = 0; i < 200 * scale; i++)
		if (!shares_hold(i + 1, 2 + i % 63, 3000, i % 2 ? 10000 : 300))
			return false;
	return shares_hold(7, RUBATO_TENANTS_MAX, 20000 * scale, 10000);
}

/*
 * The bound of policy_time.c: @count others backlogged, a victim that wakes up
 * now and then with less than its share behind it. Until it is picked at most
 * one quantum of others' work is done, including the batch that runs when it
 * wakes up, which it does in the midst of it.
 */
static uint64_t work_until_victim(struct sim *sim, uint32_t victim)
{
	struct sched_grant grant = pick(sim);
	uint64_t cycles = sim_range(&sim->random, 1, grant.cycles);
	uint64_t before = sim_range(&sim->random, 0, cycles), work;

	sim->now += before;
	sched_bill(sim->sched, grant.slot, RUBATO_PHASE_RX, before, 1, 64);
	wake(sim, victim);
	work = cycles - before;
	sim_serve(sim, &grant, cycles - before, true);
	for (;;) {
		grant = pick(sim);
		if (grant.slot == victim)
			break;
		cycles = sim_range(&sim->random, 1, grant.cycles);
		work += cycles;
		sim_serve(sim, &grant, cycles, true);
	}
	sim_serve(sim, &grant, sim_range(&sim->random, 1, grant.cycles), false);
	return work;
}

/* Rests until the victim has had a quantum less than its share. */
static void rest(struct sim *sim, uint64_t weight, uint64_t weights)
{
	uint64_t share = 0, total = 0;

	while (share <= 3 * SIM_QUANTUM) {
		struct sched_grant grant = pick(sim);
		uint64_t cycles = sim_range(&sim->random, 1, grant.cycles);

		sim_serve(sim, &grant, cycles, true);
		total += cycles;
		share = total * weight / weights;
	}
}

static bool delay_holds(uint64_t seed, uint32_t others, unsigned int wakes,
			uint32_t victim_weight, uint32_t weight_max)
{
	uint32_t victim = others + 1, slot;
	uint64_t weights = victim_weight, worst = 0, work;
	struct sim sim;

	sim_open(&sim, seed);
	for (slot = 1; slot <= others; slot++) {
		uint32_t weight = sim_magnitude(&sim.random, 1, weight_max);

		weights += weight;
		sim_tenant(&sim, slot, weight);
		wake(&sim, slot);
	}
	sim_tenant(&sim, victim, victim_weight);
	rest(&sim, victim_weight, weights);
	while (wakes--) {
		rest(&sim, victim_weight, weights);
		work = work_until_victim(&sim, victim);
		if (work > worst)
			worst = work;
	}
	sim_close(&sim);
	if (worst > SIM_QUANTUM + ROUNDING)
		ksft_print_msg("%u others: waited for %llu cycles\n", others,
			       (unsigned long long)worst);
	return worst <= SIM_QUANTUM + ROUNDING;
}

static bool test_delay(uint32_t others, unsigned int rounds, unsigned int wakes)
{
	unsigned int i;

	for (i = 0; i < rounds * sim_scale(); i++)
		if (!delay_holds(i + 1, others, wakes, i % 3 ? 100 : 1000,
				 i % 2 ? 100 : 2000))
			return false;
	return true;
}

/*
 * Others that wake up too may be owed a quantum each, and cost the victim no
 * more than that: @sleepers of them wake up together with it, every time.
 */
static bool test_delay_among_wakers(uint32_t sleepers, unsigned int rounds)
{
	uint32_t slot, victim = sleepers + 1;
	uint64_t bound = (sleepers + 1) * (SIM_QUANTUM + ROUNDING);
	bool ok = true;
	struct sim sim;

	sim_open(&sim, sleepers);
	for (slot = 0; slot <= victim; slot++)
		sim_tenant(&sim, slot, 100);
	wake(&sim, 0);
	while (ok && rounds--) {
		uint64_t work = 0;
		struct sched_grant grant;

		rest(&sim, 100, 100 * (sleepers + 2));
		for (slot = 1; slot <= victim; slot++)
			wake(&sim, slot);
		do {
			uint64_t cycles;

			grant = pick(&sim);
			cycles = sim_range(&sim.random, 1, grant.cycles);
			sim_serve(&sim, &grant, cycles, grant.slot != victim);
			work += grant.slot == victim ? 0 : cycles;
		} while (grant.slot != victim);
		ok = work <= bound;
		/* The sleepers go back to sleep. */
		for (slot = 1; slot < victim;) {
			grant = pick(&sim);
			slot += grant.slot != 0;
			sim_serve(&sim, &grant, 100, grant.slot == 0);
		}
	}
	sim_close(&sim);
	return ok;
}

/*
 * Sleepers that come and go as they like get at most their share and a
 * quantum; who stays backlogged gets at least what they leave of his.
 */
static bool test_gaming(unsigned int steps)
{
	enum { SLEEPERS = 16, STEADY = SLEEPERS + 1 };
	uint64_t served[STEADY + 1] = { 0 }, total = 0;
	uint32_t slot;
	struct sim sim;

	sim_open(&sim, 99);
	for (slot = 1; slot <= STEADY; slot++)
		sim_tenant(&sim, slot, 100);
	wake(&sim, STEADY);
	while (steps--) {
		struct sched_grant grant;
		uint64_t cycles;

		/* All that sleep wake up at once: the most that they can press. */
		for (slot = 1; slot <= SLEEPERS; slot++)
			wake(&sim, slot);
		grant = pick(&sim);
		cycles = sim_range(&sim.random, 1, grant.cycles);
		sim_serve(&sim, &grant, cycles, grant.slot == STEADY);
		served[grant.slot] += cycles;
		total += cycles;
		if (served[STEADY] + 2 * SIM_QUANTUM < total / STEADY)
			break;
	}
	for (slot = 1; slot <= STEADY; slot++)
		if (served[slot] > total / STEADY + 3 * SIM_QUANTUM)
			break;
	sim_close(&sim);
	return slot > STEADY && steps == UINT32_MAX;
}

/* Weight 1 among a thousand of weight 10000 is served once per its share. */
static bool test_no_starvation(void)
{
	uint32_t slot, last = RUBATO_TENANTS_MAX;
	uint64_t waited = 0, longest = 0, bound;
	unsigned int batches = 400000 * sim_scale();
	struct sim sim;

	sim_open(&sim, 5);
	for (slot = 2; slot <= 11; slot++) {
		sim_tenant(&sim, slot, RUBATO_WEIGHT_MAX);
		wake(&sim, slot);
	}
	sim_tenant(&sim, last, 1);
	wake(&sim, last);
	while (batches--) {
		struct sched_grant grant = pick(&sim);

		waited += grant.cycles;
		if (waited > longest)
			longest = waited;
		if (grant.slot == last)
			waited = 0;
		sim_serve(&sim, &grant, grant.cycles, true);
	}
	sim_close(&sim);
	bound = (10 * RUBATO_WEIGHT_MAX + 1 + 2) * (SIM_QUANTUM + ROUNDING);
	return longest <= bound && longest > bound / 2;
}

/*
 * One batch of a tenant takes 100 quanta. It pays for that with its share, and
 * the others' bound holds again at once.
 */
static bool test_overrun(void)
{
	uint64_t served[4] = { 0 }, total;
	struct sched_grant grant;
	uint32_t slot;
	bool ok = true;
	struct sim sim;
	int i;

	sim_open(&sim, 3);
	for (slot = 1; slot <= 3; slot++)
		sim_tenant(&sim, slot, 100);
	wake(&sim, 1);
	wake(&sim, 2);
	do {
		grant = pick(&sim);
		total = grant.slot == 1 ? 100 * SIM_QUANTUM : SIM_QUANTUM;
		served[grant.slot] += total;
		sim_serve(&sim, &grant, total, true);
	} while (grant.slot != 1);
	for (i = 0; i < 300; i++) {
		if (i % 10 == 0)
			ok &= work_until_victim(&sim, 3) <=
			      SIM_QUANTUM + ROUNDING;
		grant = pick(&sim);
		served[grant.slot] += grant.cycles;
		sim_serve(&sim, &grant, grant.cycles, true);
	}
	sim_close(&sim);
	/* By then 1 and 2 are level again, but for what the victim's picks hid. */
	return ok && served[2] > 100 * SIM_QUANTUM;
}

/*
 * Who wakes up in the midst of such a batch, after it was billed, is not placed
 * ahead of the others by it.
 */
static bool test_wake_in_overrun(void)
{
	struct sched_grant grant;
	uint64_t work = 0;
	uint32_t slot;
	struct sim sim;

	sim_open(&sim, 3);
	for (slot = 1; slot <= 3; slot++)
		sim_tenant(&sim, slot, 100);
	wake(&sim, 1);
	wake(&sim, 2);
	while ((grant = pick(&sim)).slot != 1)
		sim_serve(&sim, &grant, grant.cycles, true);
	sched_bill(sim.sched, 1, RUBATO_PHASE_RX, 64 * SIM_QUANTUM, 1, 64);
	wake(&sim, 3);
	sim_serve(&sim, &grant, 1000, true);
	while ((grant = pick(&sim)).slot != 3) {
		work += grant.cycles;
		sim_serve(&sim, &grant, grant.cycles, true);
	}
	sim_close(&sim);
	return work <= SIM_QUANTUM + ROUNDING;
}

/*
 * Tenant 2 is billed in 1's batches as much as 1: of two others of the same
 * weight, neither 1 nor 3 may suffer for it, and 2 pays.
 */
static bool test_bills_for_others(void)
{
	uint64_t served[4] = { 0 };
	uint32_t slot;
	struct sim sim;
	int i;

	sim_open(&sim, 3);
	for (slot = 1; slot <= 3; slot++) {
		sim_tenant(&sim, slot, 100);
		wake(&sim, slot);
	}
	for (i = 0; i < 30000; i++) {
		struct sched_grant grant = pick(&sim);
		uint64_t cycles = grant.cycles / 2;

		served[grant.slot] += cycles;
		if (grant.slot == 1) {
			sim.now += cycles;
			sched_bill(sim.sched, 2, RUBATO_PHASE_DELIVERY, cycles,
				   4, 256);
			served[2] += cycles;
		}
		sim_serve(&sim, &grant, cycles, true);
	}
	sim_close(&sim);
	for (slot = 2; slot <= 3; slot++)
		if (served[slot] + 4 * SIM_QUANTUM < served[1] ||
		    served[slot] > served[1] + 4 * SIM_QUANTUM)
			return false;
	return true;
}

/* A flood of drops on a sleeping tenant puts it back by a quantum at most. */
static bool test_drops_do_not_bury(void)
{
	uint64_t work = 0;
	struct sched_grant grant;
	struct sim sim;

	sim_open(&sim, 3);
	sim_tenant(&sim, 1, 100);
	sim_tenant(&sim, 2, 100);
	wake(&sim, 1);
	grant = pick(&sim);
	sim.now += 1000 * SIM_QUANTUM;
	sched_bill(sim.sched, 2, RUBATO_PHASE_DROP, 1000 * SIM_QUANTUM, 9, 0);
	sim_serve(&sim, &grant, grant.cycles, true);
	wake(&sim, 2);
	while ((grant = pick(&sim)).slot != 2) {
		work += grant.cycles;
		sim_serve(&sim, &grant, grant.cycles, true);
	}
	sim_close(&sim);
	return work <= 3 * SIM_QUANTUM;
}

/* Weights change all the time, also of who is being served. */
static bool test_weights_change(void)
{
	static const uint32_t weights[] = { 1, 10000, 100, 300 };
	uint64_t served[3] = { 0 }, from[3];
	bool ok = true;
	struct sim sim;
	int i, j;

	sim_open(&sim, 8);
	sim_tenant(&sim, 1, 100);
	sim_tenant(&sim, 2, 100);
	wake(&sim, 1);
	wake(&sim, 2);
	for (i = 0; i < 400; i++) {
		uint32_t weight = weights[i % 4];
		uint64_t total = 0;
		s128 ahead;

		memcpy(from, served, sizeof(from));
		for (j = 0; j < 1000; j++) {
			struct sched_grant grant = pick(&sim);

			if (j == 0)	/* in the midst of somebody's batch */
				sim_tenant(&sim, 1, weight);
			sim_serve(&sim, &grant, grant.cycles, true);
			served[grant.slot] += grant.cycles;
			total += grant.cycles;
		}
		ahead = (s128)(served[1] - from[1]) * (weight + 100) -
			(s128)total * weight;
		if (ahead < 0)
			ahead = -ahead;
		/* What it was owed before comes on top. */
		ok &= ahead <= (s128)4 * SIM_QUANTUM * (weight + 100);
	}
	sim_close(&sim);
	return ok;
}

/* Random waking, serving, dying, renaming: nobody runnable is ever forgotten. */
static bool test_nobody_is_forgotten(unsigned int steps)
{
	enum { SLOTS = 24 };
	bool runnable[SLOTS + 1] = { 0 };
	uint64_t last[SLOTS + 1] = { 0 };
	struct rubato_params dead = { 0 };
	uint32_t slot;
	bool ok = true;
	struct sim sim;

	sim_open(&sim, 77);
	for (slot = 1; slot <= SLOTS; slot++)
		sim_tenant(&sim, slot, 100);
	while (ok && steps--) {
		struct sched_grant grant;
		bool any = false;

		slot = sim_range(&sim.random, 1, SLOTS);
		switch (sim_range(&sim.random, 0, 15)) {
		case 0:
			sim_tenant(&sim, slot, sim_range(&sim.random, 90, 110));
			break;
		case 1:
			params_write(&sim.ledger[slot], &dead, "");
			sched_refresh(sim.sched, slot, sim.now);
			break;
		case 2:
			sched_bill(sim.sched, slot, RUBATO_PHASE_DROP,
				   sim_range(&sim.random, 0, SIM_QUANTUM), 1, 0);
			break;
		case 3 ... 8:
			last[slot] = runnable[slot] ? last[slot] : sim.now;
			runnable[slot] = true;
			wake(&sim, slot);
			break;
		default:
			for (slot = 1; slot <= SLOTS; slot++)
				any |= runnable[slot];
			ok = sched_pick(sim.sched, sim.now, &grant) == any;
			if (!ok || !any)
				break;
			ok = runnable[grant.slot];
			runnable[grant.slot] = sim_random(&sim.random) & 1;
			sim_serve(&sim, &grant, grant.cycles,
				  runnable[grant.slot]);
			last[grant.slot] = sim.now;
		}
		/* The least weight is 1 of 110: nobody waits longer than that. */
		for (slot = 1; slot <= SLOTS; slot++)
			ok &= !runnable[slot] || sim.now - last[slot] <=
			      (uint64_t)SLOTS * 110 * 3 * SIM_QUANTUM;
	}
	sim_close(&sim);
	return ok;
}

static bool test_policy_switch(unsigned int rounds)
{
	bool ok = true;
	struct sim sim;

	sim_open(&sim, 4);
	while (ok && rounds--) {
		uint32_t slot, runnable = 0, seen = 0;
		struct sched_grant grant;

		for (slot = 1; slot <= 31; slot++) {
			sim_tenant(&sim, slot, 100);
			if (sim_random(&sim.random) & 1) {
				runnable |= 1U << slot;
				wake(&sim, slot);
			}
		}
		ok &= !sched_set_policy(sim.sched, &sched_policy_time, sim.now) &&
		      sched_runnable(sim.sched) == !!runnable;
		if (sim_random(&sim.random) & 1) {
			/* There and back: whoever lives may have work. */
			sched_set_policy(sim.sched, &sched_policy_fifo, sim.now);
			ok &= sched_runnable(sim.sched) == !!runnable &&
			      sched_queue(sim.sched, 9) == 0;
			sched_set_policy(sim.sched, &sched_policy_time, sim.now);
		}
		while (sched_pick(sim.sched, sim.now, &grant)) {
			seen |= 1U << grant.slot;
			sim_serve(&sim, &grant, 1000, false);
		}
		ok &= (seen & runnable) == runnable;
	}
	sim_close(&sim);
	return ok;
}

static bool test_fifo(void)
{
	struct sched_grant grant;
	struct sim sim;
	bool ok;

	sim_open(&sim, 4);
	sim_set_tenant(sim.ledger, 3, 100, 1000, 1000, 0, false);
	sched_refresh(sim.sched, 3, sim.now);
	sched_set_policy(sim.sched, &sched_policy_fifo, sim.now);
	ok = sched_queue(sim.sched, 3) == RUBATO_SLOT_SYSTEM &&
	     !sched_pick(sim.sched, sim.now, &grant);
	wake(&sim, 0);
	grant = pick(&sim);
	ok &= grant.slot == 0 && grant.cycles == SIM_QUANTUM && !grant.borrowed;
	sched_bill(sim.sched, 3, RUBATO_PHASE_RX, 5000, 5, 320);
	sched_put(sim.sched, &grant, false, sim.now);
	ok &= sim.ledger[3].core[0].cycles[RUBATO_PHASE_RX] == 5000 &&
	      !sim_billed(&sim.ledger[0].core[0]) &&
	      sim.ledger[3].core[0].credit_cycles == 0 &&
	      !sched_runnable(sim.sched);
	sim_close(&sim);
	return ok && sched_policy_find("fifo") == &sched_policy_fifo &&
	       sched_policies[0] == &sched_policy_time && !sched_policy_find("x");
}

/* The slot's next tenant starts from zero; the last one's bill is system's. */
static bool test_next_tenant(void)
{
	struct rubato_account *account;
	struct rubato_params params;
	struct sim sim;
	bool ok;

	sim_open(&sim, 4);
	sim_tenant(&sim, 3, 100);
	account = &sim.ledger[3].core[0];
	sched_bill(sim.sched, 3, RUBATO_PHASE_TX, 700, 1, 0);
	account->dropped[RUBATO_DROP_RING_FULL] = 9;
	account->dropped[RUBATO_DROP_NO_CHUNK] = 8;
	account->dropped[RUBATO_DROP_HOARD] = 7;
	params_read(&sim.ledger[3], &params);
	params.generation++;
	params_write(&sim.ledger[3], &params, "next");
	sched_refresh(sim.sched, 3, sim.now);
	ok = !sim_billed(account) && account->dropped[RUBATO_DROP_RING_FULL] == 9 &&
	     account->dropped[RUBATO_DROP_NO_CHUNK] == 8 &&
	     !account->dropped[RUBATO_DROP_HOARD] &&
	     sched_cost(sim.sched, 3, RUBATO_PHASE_TX) == RUBATO_COST_UNKNOWN &&
	     sim.ledger[0].core[0].cycles[RUBATO_PHASE_TX] == 700;
	sim_close(&sim);
	return ok;
}

/* A tenant that used 2^62 cycles at weight 1 and 2^62 at 10000; others go on. */
static bool test_extremes(void)
{
	struct sched_grant grant;
	uint32_t slot;
	struct sim sim;
	bool ok = true;
	int i;

	sim_open(&sim, 4);
	sim.now = (1ULL << 63) - (1ULL << 40);
	sim_tenant(&sim, 1, RUBATO_WEIGHT_MIN);
	sim_tenant(&sim, 2, RUBATO_WEIGHT_MAX);
	sim_tenant(&sim, 3, 100);
	for (slot = 1; slot <= 3; slot++)
		wake(&sim, slot);
	for (slot = 1; slot <= 2; slot++)
		sched_bill(sim.sched, slot, RUBATO_PHASE_RX, 1ULL << 62, 1, 1);
	for (i = 0; i < 1000; i++) {
		grant = pick(&sim);
		ok &= grant.slot == 3;
		sim_serve(&sim, &grant, grant.cycles, i < 999);
	}
	grant = pick(&sim);		/* now the others: 2 owes less by weight */
	ok &= grant.slot == 2;
	sim_serve(&sim, &grant, grant.cycles, false);
	grant = pick(&sim);
	ok &= grant.slot == 1;
	sim_serve(&sim, &grant, 0, false);
	sim_close(&sim);
	return ok;
}

int main(void)
{
	unsigned int scale = sim_scale();

	ksft_print_header();
	ksft_set_plan(21);
	ksft_test_result(test_protocol(), "wake, pick, put\n");
	ksft_test_result(test_shares(), "shares by weight within one quantum, always\n");
	ksft_test_result(test_delay(1, 40, 200), "delay with 1 other: one quantum\n");
	ksft_test_result(test_delay(2, 40, 200), "delay with 2 others: one quantum\n");
	ksft_test_result(test_delay(16, 40, 100), "delay with 16 others: one quantum\n");
	ksft_test_result(test_delay(64, 40, 50), "delay with 64 others: one quantum\n");
	ksft_test_result(test_delay(1023, 4, 20), "delay with 1,023 others: one quantum\n");
	ksft_test_result(test_delay_among_wakers(4, 1000 * scale), "4 others that wake up add a quantum each\n");
	ksft_test_result(test_delay_among_wakers(63, 100 * scale), "63 others that wake up add a quantum each\n");
	ksft_test_result(test_gaming(500000 * scale), "sleeping and waking gains nothing\n");
	ksft_test_result(test_no_starvation(), "the least weight is served in its turn\n");
	ksft_test_result(test_overrun(), "a batch of 100 quanta hurts its tenant only\n");
	ksft_test_result(test_wake_in_overrun(), "... and not who wakes up meanwhile\n");
	ksft_test_result(test_bills_for_others(), "work in others' batches counts\n");
	ksft_test_result(test_drops_do_not_bury(), "drops put a tenant back by a quantum at most\n");
	ksft_test_result(test_weights_change(), "weights change on the fly\n");
	ksft_test_result(test_nobody_is_forgotten(300000 * scale), "random life: nobody is forgotten\n");
	ksft_test_result(test_policy_switch(300 * scale), "policies change with work waiting\n");
	ksft_test_result(test_fifo(), "fifo: one queue, bills go to their tenants\n");
	ksft_test_result(test_next_tenant(), "the slot's next tenant starts from zero\n");
	ksft_test_result(test_extremes(), "2^62 cycles, least and greatest weight\n");
	ksft_finished();
}
