// SPDX-License-Identifier: GPL-2.0
/*
 * All policies in the same simulated loop with the same packets: what `tokens`,
 * `packets`, `bytes` and `fifo` do, and what they do not give and `time` does.
 * Only counts and simulated cycles: nothing depends on the machine.
 */
#include "../kselftest.h"
#include "loop.h"

enum { AGGRESSOR = 1, VICTIM = 2 };

/* The packets of one tenant: @cycles each, and this part of the core in all. */
static void traffic(struct loop *loop, uint32_t slot, uint64_t cycles,
		    uint32_t bytes, uint32_t percent)
{
	struct loop_tenant *t = &loop->tenant[slot];

	t->cycles = cycles;
	t->bytes = bytes;
	t->at_once = 1;
	t->every = cycles * 100 / percent;
	t->next = loop->sim.now + sim_range(&loop->sim.random, 0, t->every);
}

/* @tenants of the default weight; most of them do nothing. */
static struct loop *open_policy(const struct sched_policy *policy,
				uint32_t tenants)
{
	struct loop *loop = loop_open(tenants, tenants, policy);
	uint32_t slot;

	for (slot = 1; slot <= tenants; slot++)
		sim_tenant(&loop->sim, slot, 100);
	loop->watched = VICTIM;
	return loop;
}

static void run(struct loop *loop, unsigned int rounds)
{
	while (rounds--)
		loop_round(loop);
	if (!loop_balanced(loop)) {
		printf("Bail out! the books do not balance\n");
		exit(1);
	}
}

/* p99 of a victim that needs 30 % of the core, in cycles. */
static uint64_t victim_p99(const struct sched_policy *policy, uint32_t tenants,
			   uint64_t aggressor_cycles, uint32_t aggressor_bytes,
			   uint32_t aggressor_percent)
{
	struct loop *loop = open_policy(policy, tenants);
	uint64_t p99;

	traffic(loop, VICTIM, 2000, 1000, 30);
	traffic(loop, AGGRESSOR, aggressor_cycles, aggressor_bytes,
		aggressor_percent);
	run(loop, 30000 * sim_scale());
	p99 = loop_p99(loop);
	loop_close(loop);
	return p99;
}

/* The same two tenants, the aggressor's packets @factor times as expensive. */
static uint64_t p99_at_factor(const struct sched_policy *policy, uint64_t factor)
{
	return victim_p99(policy, 2, 2000 * factor, 1000, 30 * factor);
}

/* The victim's delay does not grow with the cost of somebody else's packet. */
static bool test_cost_time(void)
{
	uint64_t cheap = p99_at_factor(&sched_policy_time, 4);
	uint64_t dear = p99_at_factor(&sched_policy_time, 64);

	ksft_print_msg("time: %llu cycles at x4, %llu at x64\n",
		       (unsigned long long)cheap, (unsigned long long)dear);
	/* A packet of x64 is 1.28 quanta: no batch can be smaller. */
	return cheap <= SIM_QUANTUM * 5 / 4 && dear <= SIM_QUANTUM * 3 / 2;
}

/* Under these it does, in proportion, and is many times that under `time`. */
static bool test_cost_grows(const struct sched_policy *policy)
{
	uint64_t cheap = p99_at_factor(policy, 4);
	uint64_t dear = p99_at_factor(policy, 64);

	ksft_print_msg("%s: %llu cycles at x4, %llu at x64\n", policy->name,
		       (unsigned long long)cheap, (unsigned long long)dear);
	return dear >= 8 * cheap &&
	       dear >= 20 * p99_at_factor(&sched_policy_time, 64);
}

/* Small packets cost as much as large ones: counting bytes misses that. */
static bool test_small_packets(void)
{
	uint64_t bytes = victim_p99(&sched_policy_bytes, 2, 2000, 64, 500);
	uint64_t packets = victim_p99(&sched_policy_packets, 2, 2000, 64, 500);
	uint64_t time = victim_p99(&sched_policy_time, 2, 2000, 64, 500);

	ksft_print_msg("64-byte flood: bytes %llu, packets %llu, time %llu\n",
		       (unsigned long long)bytes, (unsigned long long)packets,
		       (unsigned long long)time);
	return bytes >= 20 * time && packets <= 2 * SIM_QUANTUM &&
	       time <= SIM_QUANTUM * 5 / 4;
}

/*
 * Buckets are filled for idle tenants too. With eight of them the victim, at
 * 30 % of a core that only two use, is over its tenth, and waits in turn.
 */
static bool test_idle_tenants(void)
{
	uint64_t two = victim_p99(&sched_policy_tokens, 2, 8000, 1000, 120);
	uint64_t ten = victim_p99(&sched_policy_tokens, 10, 8000, 1000, 120);
	uint64_t time = victim_p99(&sched_policy_time, 10, 8000, 1000, 120);

	ksft_print_msg("tokens: %llu cycles, with 8 idle tenants %llu; time: %llu\n",
		       (unsigned long long)two, (unsigned long long)ten,
		       (unsigned long long)time);
	return 2 * ten >= 3 * two && 2 * ten >= 3 * time &&
	       time <= SIM_QUANTUM * 5 / 4;
}

/* Not fifo: there slots have no work of their own. */
static const struct sched_policy *any_policy(uint64_t *random)
{
	return sched_policies[sim_range(random, 0, 3)];
}

/* Everybody with work is served once and sleeps; returns who was. */
static uint32_t serve_all(struct sim *sim, uint32_t work)
{
	struct sched_grant grant;
	uint32_t seen = 0;

	while (seen != work && sim->now < UINT64_MAX / 2) {
		if (!sched_pick(sim->sched, sim->now, &grant)) {
			sim->now = sched_next_funded(sim->sched, sim->now);
			continue;
		}
		seen |= 1U << grant.slot;
		sim_serve(sim, &grant, 1000, false);
	}
	return seen;
}

/* Another weight, another budget or none; now and then another tenant. */
static void change_slot(struct sim *sim, uint32_t slot)
{
	sim_set_tenant(sim->ledger, slot, sim_magnitude(&sim->random, 1, 10000),
		       sim_random(&sim->random) & 1 ? 0 : 200000, 1000, 0,
		       sim_random(&sim->random) & 1);
	if (sim_random(&sim->random) & 1)
		sim->ledger[slot].params.generation = sim_random(&sim->random);
	sched_refresh(sim->sched, slot, sim->now);
	sched_bill(sim->sched, slot,
		   sim_range(&sim->random, 0, RUBATO_PHASES - 1),
		   sim_magnitude(&sim->random, 0, SIM_QUANTUM), 3, 200);
}

/*
 * Slots wake, sleep, change parameters, die and get new tenants while policies
 * change: whoever has work is served in the end, and nobody else is.
 */
static bool changes_hold(uint64_t number, unsigned int steps)
{
	enum { SLOTS = 31 };
	struct sched_grant grant;
	uint32_t work = 0, slot;
	bool ok = true;
	struct sim sim;

	sim_open(&sim, loop_seed() * 7919 + number);
	while (ok && steps--) {
		change_slot(&sim, sim_range(&sim.random, 1, SLOTS));
		for (slot = 1; slot <= SLOTS; slot++)
			if (!(sim_random(&sim.random) & 3)) {
				work |= 1U << slot;
				sched_wake(sim.sched, slot, sim.now);
			}
		if (sched_pick(sim.sched, sim.now, &grant)) {
			ok &= work >> grant.slot & 1;
			sim_serve(&sim, &grant, grant.cycles, true);
		}
		ok &= sched_runnable(sim.sched) == !!work &&
		      !sched_set_policy(sim.sched, any_policy(&sim.random),
					sim.now);
		if (steps % 8)
			continue;
		ok &= serve_all(&sim, work) == work &&
		      !sched_runnable(sim.sched);
		work = 0;
	}
	sim_close(&sim);
	return ok;
}

/* Packets, or bytes, by weight, whatever they cost; within two turns. */
static bool test_turns(const struct sched_policy *policy, uint64_t turn)
{
	static const uint32_t weight[] = { 0, 100, 200, 400, 1 };
	static const uint32_t bytes[] = { 0, 1500, 64, 700, 1500 };
	struct loop *loop = open_policy(policy, 4);
	bool count_bytes = policy == &sched_policy_bytes, ok = true;
	uint64_t moved, first = 0;
	uint32_t slot;

	for (slot = 1; slot <= 4; slot++) {
		sim_tenant(&loop->sim, slot, weight[slot]);
		loop->tenant[slot].endless = true;
		loop->tenant[slot].cycles = 100 << 2 * slot;
		loop->tenant[slot].bytes = bytes[slot];
		sched_wake(loop->sim.sched, slot, loop->sim.now);
	}
	run(loop, 200000);
	for (slot = 1; slot <= 4; slot++) {
		moved = loop->tenant[slot].served * (count_bytes ? bytes[slot] : 1);
		if (slot == 1)
			first = moved;
		ok &= moved && moved + 2 * turn * (1 + weight[slot] / 100) >=
			       first * weight[slot] / 100 &&
		      moved <= first * weight[slot] / 100 +
			       2 * turn * (1 + weight[slot] / 100);
	}
	loop_close(loop);
	return ok;
}

/* Work that moves no packet cannot keep the turn. */
static bool test_empty_batches(const struct sched_policy *policy)
{
	unsigned int i, others = 0;
	struct sched_grant grant;
	struct sim sim;

	sim_open(&sim, 3);
	sim_tenant(&sim, 1, 10000);
	sim_tenant(&sim, 2, 1);
	sched_set_policy(sim.sched, policy, sim.now);
	sched_wake(sim.sched, 1, sim.now);
	sched_wake(sim.sched, 2, sim.now);
	for (i = 0; i < 100 && sched_pick(sim.sched, sim.now, &grant); i++) {
		sched_bill(sim.sched, grant.slot, RUBATO_PHASE_TX, 500, 0, 0);
		sched_put(sim.sched, &grant, true, sim.now += 500);
		others += grant.slot == 2;
	}
	sim_close(&sim);
	return others == 50;
}

/* Used in a second by a greedy tenant with a hard cap of 10 %. */
static uint64_t used_of_a_tenth(const struct sched_policy *policy)
{
	struct loop *loop = open_policy(policy, 2);
	uint64_t used, second = 1000ULL * SIM_TSC_KHZ;

	sim_set_tenant(loop->sim.ledger, AGGRESSOR, 100, 200000, 1000, 0, false);
	sched_refresh(loop->sim.sched, AGGRESSOR, loop->sim.now);
	traffic(loop, AGGRESSOR, 1000, 64, 200);
	traffic(loop, VICTIM, 2000, 1000, 30);
	while (loop->sim.now < loop->begin + second)
		loop_round(loop);
	used = sim_billed(&loop->sim.ledger[AGGRESSOR].core[0]);
	loop_close(loop);
	return used;
}

/* Who keeps budgets, as ->enforces says. */
static bool test_caps(void)
{
	uint64_t tenth = 100ULL * SIM_TSC_KHZ, used;
	bool ok = true;
	int i;

	for (i = 0; sched_policies[i]; i++) {
		used = used_of_a_tenth(sched_policies[i]);
		if (sched_policies[i]->enforces)
			ok &= used <= tenth + 200000 + SIM_SLICE + SIM_QUANTUM &&
			      used >= tenth - SIM_QUANTUM;
		else
			ok &= used > 3 * tenth;
	}
	return ok;
}

/* A slot's next tenant does not pay for what the last one used. */
static bool next_tenant_is_free(const struct sched_policy *policy)
{
	struct sched_grant grant;
	unsigned int batches = 0;
	struct sim sim;

	sim_open(&sim, 3);
	sim_tenant(&sim, 1, 100);
	sim_tenant(&sim, 2, 100);
	sched_set_policy(sim.sched, policy, sim.now);
	sched_wake(sim.sched, 1, sim.now);
	sched_wake(sim.sched, 2, sim.now);
	sched_bill(sim.sched, 2, RUBATO_PHASE_RX, 10000 * SIM_QUANTUM,
		   1U << 20, 1U << 30);
	sim.ledger[2].params.generation++;
	sim.ledger[2].params.seq += 2;
	sched_refresh(sim.sched, 2, sim.now);
	do {
		if (!sched_pick(sim.sched, sim.now, &grant))
			break;
		sim.now += grant.cycles;
		sched_bill(sim.sched, grant.slot, RUBATO_PHASE_RX, grant.cycles,
			   32, 48000);
		sched_put(sim.sched, &grant, true, sim.now);
	} while (grant.slot != 2 && ++batches < 100);
	sim_close(&sim);
	return batches <= 2;
}

static bool test_next_tenant(void)
{
	return next_tenant_is_free(&sched_policy_time) &&
	       next_tenant_is_free(&sched_policy_tokens) &&
	       next_tenant_is_free(&sched_policy_packets) &&
	       next_tenant_is_free(&sched_policy_bytes);
}

static void note(void *context, uint32_t slot, enum rubato_note kind,
		 int64_t credit_cycles)
{
	(void)slot;
	(void)credit_cycles;
	*(int *)context += kind == RUBATO_NOTE_BROKE ? 1 : -1;
}

/* A policy that keeps no budgets leaves nobody noted as broke. */
static bool test_notes(void)
{
	struct rubato_ledger *ledger = sim_new_ledger();
	int broke = 0;
	struct sched_config config = { .ledger = ledger, .nr_cores = 1,
		.quantum_cycles = SIM_QUANTUM, .slice_cycles = SIM_SLICE,
		.note = note, .context = &broke };
	struct sched *sched = sched_new(&config, &sched_policy_tokens);
	uint64_t now = 1ULL << 40;
	struct sched_grant grant;
	bool ok;

	sim_set_tenant(ledger, 1, 100, 20000, 1000, 0, false);
	sched_refresh(sched, 1, now);
	sched_wake(sched, 1, now);
	while (sched_pick(sched, now, &grant)) {
		sched_bill(sched, 1, RUBATO_PHASE_RX, grant.cycles, 1, 64);
		sched_put(sched, &grant, true, now);
	}
	ok = broke == 1 && !sched_set_policy(sched, &sched_policy_packets, now) &&
	     broke == 0 && sched_pick(sched, now, &grant) && !grant.borrowed;
	sched_free(sched);
	free(ledger);
	return ok;
}

static bool test_changes(unsigned int rounds)
{
	unsigned int i;

	for (i = 0; i < rounds; i++)
		if (!changes_hold(i, 2000))
			return false;
	return true;
}

int main(void)
{
	ksft_print_header();
	loop_print_seed();
	ksft_set_plan(14);
	ksft_test_result(test_cost_time(), "time: delay does not grow with others' cost\n");
	ksft_test_result(test_cost_grows(&sched_policy_packets), "packets: it does\n");
	ksft_test_result(test_cost_grows(&sched_policy_bytes), "bytes: it does\n");
	ksft_test_result(test_cost_grows(&sched_policy_fifo), "fifo: it does\n");
	ksft_test_result(test_small_packets(), "bytes: a flood of small packets wins\n");
	ksft_test_result(test_idle_tenants(), "tokens: idle tenants cost the others\n");
	ksft_test_result(test_turns(&sched_policy_packets, 32), "packets: shares by weight, none starved\n");
	ksft_test_result(test_turns(&sched_policy_bytes, 32 * 1514), "bytes: shares by weight, none starved\n");
	ksft_test_result(test_empty_batches(&sched_policy_packets), "packets: an empty batch ends the turn\n");
	ksft_test_result(test_empty_batches(&sched_policy_bytes), "bytes: an empty batch ends the turn\n");
	ksft_test_result(test_caps(), "budgets: kept by time and tokens, by no other\n");
	ksft_test_result(test_next_tenant(), "a slot's next tenant owes nothing\n");
	ksft_test_result(test_notes(), "a change of policy ends being broke\n");
	ksft_test_result(test_changes(20 * sim_scale()), "policies and tenants change with work waiting\n");
	ksft_finished();
}
