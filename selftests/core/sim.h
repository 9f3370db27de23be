/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of user/core share: a ledger in memory, tenants in it, a
 * random generator that gives the same sequence everywhere, and a clock that
 * only the test moves.
 */
#ifndef SELFTESTS_CORE_SIM_H
#define SELFTESTS_CORE_SIM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/rubato.h>
#include <rubato/budget.h>
#include "core/params.h"
#include "core/sched.h"

#define SIM_TSC_KHZ	2000000U
#define SIM_QUANTUM	100000ULL	/* cycles: 50 us */
#define SIM_SLICE	50000ULL

struct sim {
	struct rubato_ledger *ledger;
	struct sched *sched;
	uint64_t now;
	uint64_t random;
};

/* 1, or 10 if RUBATO_LONG is set: how many times the usual number of cases. */
static inline unsigned int sim_scale(void)
{
	return getenv("RUBATO_LONG") ? 10 : 1;
}

/* Of an xorshift64* generator: any 64 bits. */
static inline uint64_t sim_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL;
}

/* from..to, both included */
static inline uint64_t sim_range(uint64_t *state, uint64_t from, uint64_t to)
{
	return from + sim_random(state) % (to - from + 1);
}

/* The same, but every magnitude equally often. */
static inline uint64_t sim_magnitude(uint64_t *state, uint64_t from, uint64_t to)
{
	uint64_t value = sim_random(state) >> sim_range(state, 0, 63);

	return from + value % (to - from + 1);
}

static inline struct rubato_ledger *sim_new_ledger(void)
{
	struct rubato_ledger *ledger = calloc(RUBATO_SLOTS, sizeof(*ledger));

	if (!ledger) {
		printf("Bail out! no memory for a ledger\n");
		exit(1);
	}
	return ledger;
}

static inline struct sched *sim_new_sched(struct rubato_ledger *ledger,
					  uint32_t core, uint32_t nr_cores,
					  const struct sched_policy *policy)
{
	struct sched_config config = {
		.ledger = ledger,
		.core = core,
		.quantum_cycles = SIM_QUANTUM,
		.slice_cycles = SIM_SLICE,
		.nr_cores = nr_cores,
	};
	struct sched *sched = sched_new(&config, policy);

	if (!sched) {
		printf("Bail out! no memory for a scheduler\n");
		exit(1);
	}
	return sched;
}

/* One core, policy `time`, a ledger of its own, far from TSC 0. */
static inline void sim_open(struct sim *sim, uint64_t seed)
{
	sim->ledger = sim_new_ledger();
	sim->sched = sim_new_sched(sim->ledger, 0, 1, &sched_policy_time);
	sim->now = 1ULL << 40;
	sim->random = seed * 0x9e3779b97f4a7c15ULL + 1;
}

static inline void sim_close(struct sim *sim)
{
	sched_free(sim->sched);
	free(sim->ledger);
}

/* Writes a tenant's parameters as the authority does; budget 0 is no budget. */
static inline void sim_set_tenant(struct rubato_ledger *ledger, uint32_t slot,
				  uint32_t weight, uint64_t budget_cycles,
				  uint64_t period_us, uint64_t burst_cycles,
				  bool borrow)
{
	struct rubato_params params;
	const char *reason;

	params_default(&params);
	params.weight = weight;
	params.generation = 1;
	params.period_us = period_us;
	params.burst_cycles = burst_cycles;
	params.budget_cycles = budget_cycles;
	if (budget_cycles)
		params.flags |= RUBATO_TENANT_CAPPED;
	if (!borrow)
		params.flags &= ~RUBATO_TENANT_BORROW;
	if (params_check(&params, &reason) ||
	    rubato_budget_derive(&params, SIM_TSC_KHZ)) {
		printf("Bail out! parameters of the test itself are wrong\n");
		exit(1);
	}
	params_write(&ledger[slot], &params, "tenant");
}

static inline void sim_tenant(struct sim *sim, uint32_t slot, uint32_t weight)
{
	sim_set_tenant(sim->ledger, slot, weight, 0, 1000, 0, true);
	sched_refresh(sim->sched, slot, sim->now);
}

/* Serves the picked slot for @cycles and puts it back. */
static inline void sim_serve(struct sim *sim, const struct sched_grant *grant,
			     uint64_t cycles, bool more)
{
	sim->now += cycles;
	sched_bill(sim->sched, grant->slot, RUBATO_PHASE_FORWARD, cycles, 1, 64);
	sched_put(sim->sched, grant, more, sim->now);
}

static inline uint64_t sim_billed(const struct rubato_account *account)
{
	uint64_t sum = 0;
	int phase;

	for (phase = 0; phase < RUBATO_PHASES; phase++)
		sum += account->cycles[phase];
	return sum;
}

#endif /* SELFTESTS_CORE_SIM_H */
