// SPDX-License-Identifier: GPL-2.0
/*
 * Budgets in force: caps over every window, borrowing, notes, several cores on
 * one pool, and parameters that change while tenants are served.
 */
#include "../kselftest.h"
#include "sim.h"

#define BORROW_BATCH	(SIM_QUANTUM / 8)
#define LULL		(16 * SIM_QUANTUM)

#define LOG		1500

/* What was used when, without what was borrowed; by the batches' beginnings. */
struct log {
	uint64_t stamp[LOG];
	uint64_t cycles[LOG];
	unsigned int count;
};

static void log_add(struct log *log, uint64_t stamp, uint64_t cycles)
{
	if (log->count == LOG)
		return;
	log->stamp[log->count] = stamp;
	log->cycles[log->count++] = cycles;
}

/* Over every window: at most earnings + burst + @extra. */
static bool log_within(const struct log *log, const struct rubato_params *p,
		       uint64_t extra)
{
	unsigned int i, j;

	for (i = 0; i < log->count; i++) {
		/* A batch ends at its stamp: it began so much earlier. */
		uint64_t begin = log->stamp[i] - log->cycles[i], end = begin;
		uint64_t sum = 0, allowed;
		__u32 fraction;

		for (j = i; j < log->count; j++) {
			sum += log->cycles[j];
			if (log->stamp[j] > end)
				end = log->stamp[j];
			allowed = rubato_budget_earn(p, end - begin, &fraction) +
				  rubato_budget_burst(p) + extra;
			if (sum > allowed)
				return false;
		}
	}
	return true;
}

static const struct rubato_params *params_of(const struct sim *sim, uint32_t slot)
{
	return &sim->ledger[slot].params;
}

static void set_budget(struct sim *sim, uint32_t slot, uint64_t budget,
		       uint64_t burst, bool borrow)
{
	sim_set_tenant(sim->ledger, slot, 100, budget, 1000, burst, borrow);
	sched_refresh(sim->sched, slot, sim->now);
}

/*
 * One core: capped tenants without borrowing, always with work, among uncapped
 * ones that come and go. Caps hold over every window, and who always has work
 * gets his whole budget as long as his share allows it.
 */
static bool cap_holds(uint64_t seed)
{
	static struct log log;
	uint64_t start, earned, used;
	unsigned int steps;
	__u32 fraction;
	struct sim sim;
	bool ok;

	log.count = 0;
	sim_open(&sim, seed);
	set_budget(&sim, 1, sim_range(&sim.random, 20000, 600000),
		   sim_magnitude(&sim.random, 0, 3000000), false);
	sim_tenant(&sim, 2, 100);
	sched_wake(sim.sched, 1, sim.now);
	start = sim.now;
	for (steps = 0; steps < 4000; steps++) {
		struct sched_grant grant;
		uint64_t cycles;

		if (sim_range(&sim.random, 0, 9) == 0)
			sched_wake(sim.sched, 2, sim.now);
		if (!sched_pick(sim.sched, sim.now, &grant)) {
			sim.now = sched_next_funded(sim.sched, sim.now);
			continue;
		}
		cycles = sim_range(&sim.random, 1, grant.cycles);
		sim_serve(&sim, &grant, cycles, grant.slot == 1);
		if (grant.slot == 1)
			log_add(&log, sim.now, cycles);
	}
	used = sim_billed(&sim.ledger[1].core[0]);
	earned = rubato_budget_earn(params_of(&sim, 1), sim.now - start, &fraction);
	ok = log_within(&log, params_of(&sim, 1), SIM_SLICE + SIM_QUANTUM) &&
	     used + 2 * SIM_QUANTUM >= earned &&
	     !sim.ledger[1].core[0].borrowed_cycles;
	sim_close(&sim);
	return ok;
}

static bool test_cap(unsigned int rounds)
{
	unsigned int i;

	for (i = 0; i < rounds; i++)
		if (!cap_holds(i + 1))
			return false;
	return true;
}

/*
 * Several cores share a pool; each has a clock of its own that runs ahead of
 * the others by chance, and batches of its own.
 */
static bool cores_hold(uint64_t seed, uint32_t nr_cores)
{
	static struct log log;
	struct rubato_ledger *ledger = sim_new_ledger();
	struct sched *core[8];
	uint64_t now = 1ULL << 40, busy_until[8] = { 0 };
	uint64_t random = seed * 77777 + 5;
	uint32_t c, steps;
	bool ok;

	log.count = 0;
	sim_set_tenant(ledger, 1, 100, sim_range(&random, 100000, 3000000), 1000,
		       sim_magnitude(&random, 0, 3000000), false);
	for (c = 0; c < nr_cores; c++) {
		core[c] = sim_new_sched(ledger, c, nr_cores, &sched_policy_time);
		sched_wake(core[c], 1, now);
	}
	for (steps = 0; steps < 30000; steps++) {
		struct sched_grant grant;
		uint64_t cycles;

		now += sim_range(&random, 1, SIM_QUANTUM / 4);
		c = sim_range(&random, 0, nr_cores - 1);
		if (busy_until[c] > now || !sched_pick(core[c], now, &grant))
			continue;
		cycles = sim_range(&random, 1, grant.cycles);
		busy_until[c] = now + cycles;
		sched_bill(core[c], 1, RUBATO_PHASE_RX, cycles, 1, 1);
		sched_put(core[c], &grant, true, now + cycles);
		log_add(&log, now + cycles, cycles);
	}
	ok = log_within(&log, &ledger[1].params,
			nr_cores * (SIM_SLICE + 2 * SIM_QUANTUM));
	for (c = 0; c < nr_cores; c++)
		sched_free(core[c]);
	free(ledger);
	if (!ok || log.count <= 500)
		ksft_print_msg("%u cores, %u batches, within: %d\n", nr_cores, log.count, ok);
	return ok && log.count > 500;
}

static bool test_cores(unsigned int rounds)
{
	unsigned int i;

	for (i = 0; i < rounds; i++)
		if (!cores_hold(i + 1, 1 + i % 8))
			return false;
	return true;
}

/*
 * A broke tenant that may borrow runs only when nobody funded has work, in
 * small batches, and a funded one that wakes up waits for one of them; or for a
 * quantum, if it is long since a funded one had work. Its own credit, that it
 * gets a little of now and then, makes no difference.
 */
static bool test_borrowing(unsigned int steps)
{
	uint64_t borrowed = 0, lull_from = 0, small = 0, large = 0;
	bool funded_runs = false, ok = true;
	struct sim sim;

	sim_open(&sim, 6);
	set_budget(&sim, 1, 20000, 20000, true);	/* 1 % */
	sim_tenant(&sim, 2, 1);
	sched_wake(sim.sched, 1, sim.now);
	while (ok && steps--) {
		struct sched_grant grant;
		uint64_t cycles;

		if (sim_range(&sim.random, 0, 99) == 0) {
			sched_wake(sim.sched, 2, sim.now);
			funded_runs = true;
		}
		ok &= sched_pick(sim.sched, sim.now, &grant);
		if (grant.borrowed)
			ok &= grant.slot == 1 && !funded_runs &&
			      grant.cycles == (sim.now < lull_from ?
					       BORROW_BATCH : SIM_QUANTUM);
		small += grant.borrowed && grant.cycles == BORROW_BATCH;
		large += grant.borrowed && grant.cycles == SIM_QUANTUM;
		if (grant.slot == 2 || !borrowed)
			lull_from = sim.now + LULL;
		cycles = sim_range(&sim.random, 1, grant.cycles);
		borrowed += grant.borrowed ? cycles : 0;
		if (grant.slot == 2)
			funded_runs = sim_random(&sim.random) & 1;
		sim_serve(&sim, &grant, cycles,
			  grant.slot == 1 || funded_runs);
	}
	ksft_print_msg("%lu small batches, %lu in lulls\n", small, large);
	ok &= small && large && borrowed == sim.ledger[1].core[0].borrowed_cycles &&
	      !sim.ledger[2].core[0].borrowed_cycles &&
	      sim.ledger[1].core[0].credit_cycles > -(int64_t)(2 * SIM_QUANTUM);
	sim_close(&sim);
	return ok;
}

/* Borrowers share what nobody needs by weight, to a 500th. */
static bool test_borrowers_share(void)
{
	uint64_t used[3] = { 0 };
	struct sim sim;
	int i;

	sim_open(&sim, 6);
	sim_set_tenant(sim.ledger, 1, 100, 2000, 1000, 2000, true);
	sim_set_tenant(sim.ledger, 2, 300, 2000, 1000, 2000, true);
	sched_refresh(sim.sched, 1, sim.now);
	sched_refresh(sim.sched, 2, sim.now);
	sched_wake(sim.sched, 1, sim.now);
	sched_wake(sim.sched, 2, sim.now);
	for (i = 0; i < 100000; i++) {
		struct sched_grant grant;

		if (!sched_pick(sim.sched, sim.now, &grant))
			break;
		used[grant.slot] += grant.borrowed ? grant.cycles : 0;
		sim_serve(&sim, &grant, grant.cycles, true);
	}
	sim_close(&sim);
	ksft_print_msg("%lu and %lu\n", used[1], used[2]);
	return i == 100000 && used[2] >= used[1] * 3 / 500 * 499 &&
	       used[2] <= used[1] * 3 / 500 * 501;
}

/* sched_next_funded() is neither early nor late, also with several waiting. */
static bool test_next_funded(unsigned int rounds)
{
	bool ok = true;

	while (ok && rounds--) {
		struct sched_grant grant;
		uint64_t when;
		uint32_t slot;
		struct sim sim;

		sim_open(&sim, rounds + 1);
		ok &= sched_next_funded(sim.sched, sim.now) == UINT64_MAX;
		for (slot = 1; slot <= 5; slot++) {
			set_budget(&sim, slot,
				   sim_range(&sim.random, 10000, 200000),
				   sim_range(&sim.random, 30000, 500000), false);
			sched_wake(sim.sched, slot, sim.now);
		}
		while (sched_pick(sim.sched, sim.now, &grant))
			sim_serve(&sim, &grant, grant.cycles, true);
		when = sched_next_funded(sim.sched, sim.now);
		ok &= when > sim.now && when < UINT64_MAX &&
		      !sched_pick(sim.sched, when - 1, &grant) &&
		      sched_pick(sim.sched, when, &grant) && !grant.borrowed &&
		      grant.cycles <= BORROW_BATCH + 1;	/* all it has */
		sched_put(sim.sched, &grant, true, when);
		sim_close(&sim);
	}
	return ok;
}

struct notes {
	unsigned int broke, funded;
	bool is_broke, wrong;
};

static void note(void *context, uint32_t slot, enum rubato_note kind,
		 int64_t credit_cycles)
{
	struct notes *notes = context;
	bool broke = kind == RUBATO_NOTE_BROKE;

	notes->broke += broke;
	notes->funded += !broke;
	notes->wrong |= slot != 1 || notes->is_broke == broke ||
			(credit_cycles <= 0) != broke;
	notes->is_broke = broke;
}

/* Broke and funded take turns; times broke and time spent broke are counted. */
static bool test_notes(void)
{
	struct notes notes = { 0 };
	struct rubato_ledger *ledger = sim_new_ledger();
	struct sched_config config = { .ledger = ledger, .nr_cores = 1,
		.quantum_cycles = SIM_QUANTUM, .slice_cycles = SIM_SLICE,
		.note = note, .context = &notes };
	struct sched *sched = sched_new(&config, &sched_policy_time);
	uint64_t now = 1ULL << 40, start = now, idle = 0;
	struct rubato_account *account = &ledger[1].core[0];
	bool ok;
	int i;

	sim_set_tenant(ledger, 1, 100, 100000, 1000, 0, false);
	sched_refresh(sched, 1, now);
	sched_wake(sched, 1, now);
	for (i = 0; i < 10000; i++) {
		struct sched_grant grant;

		if (!sched_pick(sched, now, &grant)) {
			idle += sched_next_funded(sched, now) - now;
			now = sched_next_funded(sched, now);
			continue;
		}
		now += grant.cycles;
		sched_bill(sched, 1, RUBATO_PHASE_RX, grant.cycles, 1, 1);
		sched_put(sched, &grant, true, now);
	}
	ok = !notes.wrong && notes.broke > 1000 &&
	     notes.broke == account->broke_count &&
	     notes.broke - notes.funded <= 1 && account->broke_cycles <= idle &&
	     account->broke_cycles + 20 * (now - start) / 1000 >= idle;
	sched_free(sched);
	free(ledger);
	return ok;
}

static void hear_until(void *context, uint32_t slot, uint64_t until)
{
	(void)slot;
	*(uint64_t *)context = until;
}

/* A scheduler that says so into @until, and in it tenant 1, broke at once. */
static struct sched *new_telling(struct rubato_ledger *ledger, bool borrow,
				 uint64_t now, uint64_t *until)
{
	struct sched_config config = { .ledger = ledger, .nr_cores = 1,
		.quantum_cycles = SIM_QUANTUM, .slice_cycles = SIM_SLICE,
		.broke_until = hear_until, .context = until };
	struct sched *sched = sched_new(&config, &sched_policy_time);

	sim_set_tenant(ledger, 1, 100, 100000, 1000, 0, borrow);
	sched_refresh(sched, 1, now);
	sched_bill(sched, 1, RUBATO_PHASE_RX, 10 * SIM_QUANTUM, 1, 1);
	sched_wake(sched, 1, now);
	return sched;
}

/*
 * It is always told until when a tenant is broke, also when a debt that is more
 * than can be saved up puts that off.
 */
static bool until_is_known(void)
{
	struct rubato_ledger *ledger = sim_new_ledger();
	uint64_t now = 1ULL << 40, until = 0, before = 0;
	struct sched *sched = new_telling(ledger, false, now, &until);
	unsigned int broke = 0, put_off = 0;
	struct sched_grant grant;
	bool ok = true;
	int i;

	for (i = 0; i < 10000; i++) {
		if (!sched_pick(sched, now, &grant)) {
			ok &= until == sched_next_funded(sched, now);
			broke++;
			put_off += before == now;
			before = now = until;
			until = UINT64_MAX;	/* as another core has it */
			continue;
		}
		ok &= until <= now;
		grant.cycles *= i % 64 ? 1 : 50;
		now += grant.cycles;
		sched_bill(sched, 1, RUBATO_PHASE_RX, grant.cycles, 1, 1);
		sched_put(sched, &grant, true, now);
	}
	ok &= put_off > 100 && broke - put_off > 100;
	sched_free(sched);
	free(ledger);
	return ok;
}

/*
 * Who is broke with nothing left to do stays so, and is not any more as soon as
 * other parameters or another policy might have it otherwise.
 */
static bool until_ends(bool by_policy)
{
	struct rubato_ledger *ledger = sim_new_ledger();
	uint64_t now = 1ULL << 40, until = 0;
	struct sched *sched = new_telling(ledger, true, now, &until);
	struct sched_grant grant;
	bool ok;

	ok = sched_pick(sched, now, &grant) && grant.borrowed && until > now;
	sched_put(sched, &grant, false, now);
	ok &= !sched_runnable(sched) && until > now;
	if (by_policy) {
		ok &= !sched_set_policy(sched, &sched_policy_packets, now);
	} else {
		sim_set_tenant(ledger, 1, 100, 200000, 1000, 0, true);
		sched_refresh(sched, 1, now);
	}
	ok &= until <= now;
	sched_free(sched);
	free(ledger);
	return ok;
}

/* Such work takes a tenant to the floor; it is back when that is earned. */
static bool back_from_floor(enum rubato_phase phase)
{
	struct sched_grant grant;
	struct rubato_account *account;
	uint64_t when, floor, back;
	struct sim sim;
	bool ok;
	int i;

	sim_open(&sim, 6);
	set_budget(&sim, 1, 200000, 300000, false);	/* 10 % */
	account = &sim.ledger[1].core[0];
	floor = params_of(&sim, 1)->floor_cycles;
	for (i = 0; i < 1000; i++)
		sched_bill(sim.sched, 1, phase, SIM_QUANTUM, 9, 9);
	ok = account->credit_cycles == -(int64_t)floor &&
	     account->cycles[phase] == 1000 * SIM_QUANTUM;
	/* The full pool pays one burst at once; the rest has to be earned. */
	sched_wake(sim.sched, 1, sim.now);
	ok &= !sched_pick(sim.sched, sim.now, &grant);
	when = sched_next_funded(sim.sched, sim.now);
	back = floor - 300000 + BORROW_BATCH;
	ok &= when - sim.now <= back * 10 + 20;
	ok &= sched_pick(sim.sched, when, &grant);
	sched_put(sim.sched, &grant, false, when);
	sim_close(&sim);
	return ok;
}

/* Foreign drops, and what the kernel does with foreign packets. */
static bool test_drop_floor(void)
{
	return back_from_floor(RUBATO_PHASE_DROP) &&
	       back_from_floor(RUBATO_PHASE_KERNEL);
}

/* A budget comes, shrinks, grows and goes while its tenant is being served. */
static bool test_changes(void)
{
	struct sched_grant grant;
	struct sim sim;
	bool ok;
	int i;

	sim_open(&sim, 6);
	sim_tenant(&sim, 1, 100);
	sched_wake(sim.sched, 1, sim.now);
	ok = sched_pick(sim.sched, sim.now, &grant);
	set_budget(&sim, 1, 20000, 20000, false);
	sim_serve(&sim, &grant, grant.cycles, true);
	for (i = 0; i < 10 && sched_pick(sim.sched, sim.now, &grant); i++)
		sim_serve(&sim, &grant, grant.cycles, true);
	ok &= i < 10 && sched_next_funded(sim.sched, sim.now) < UINT64_MAX;

	set_budget(&sim, 1, 20000, 20000, true);	/* it may borrow now */
	ok &= sched_next_funded(sim.sched, sim.now) == UINT64_MAX &&
	      sched_pick(sim.sched, sim.now, &grant) && grant.borrowed;
	set_budget(&sim, 1, 20000, 20000, false);	/* ... and no more */
	sim_serve(&sim, &grant, grant.cycles, true);
	ok &= !sched_pick(sim.sched, sim.now, &grant);

	set_budget(&sim, 1, 20000, 20000, true);
	ok &= sched_pick(sim.sched, sim.now, &grant) && grant.borrowed;
	sim_tenant(&sim, 1, 100);			/* no budget any more */
	sim_serve(&sim, &grant, grant.cycles, true);
	ok &= sched_pick(sim.sched, sim.now, &grant) && !grant.borrowed;
	sim_serve(&sim, &grant, grant.cycles, true);

	/* Broke again, then lifted while it waits. */
	set_budget(&sim, 1, 1000, 1000, false);
	for (i = 0; i < 10 && sched_pick(sim.sched, sim.now, &grant); i++)
		sim_serve(&sim, &grant, grant.cycles, true);
	ok &= i < 10;
	sim_tenant(&sim, 1, 100);
	ok &= sched_pick(sim.sched, sim.now, &grant) && !grant.borrowed;
	sim_serve(&sim, &grant, 1, false);
	ok &= !sched_runnable(sim.sched) &&
	      sched_next_funded(sim.sched, sim.now) == UINT64_MAX;
	sim_close(&sim);
	return ok;
}

/* What a tenant has and could draw, in cycles. */
static int64_t reach_of(const struct sim *sim, uint32_t slot)
{
	return sim->ledger[slot].core[0].credit_cycles +
	       rubato_pool_credit(params_of(sim, slot),
				  sim->ledger[slot].pool.spent_until, sim->now);
}

/* Credit with which a slot is not broke any more. */
static int64_t threshold(const struct sim *sim, uint32_t slot, bool borrow)
{
	uint64_t cycles = rubato_budget_burst(params_of(sim, slot)) / 2;

	if (!borrow || cycles < BORROW_BATCH)
		return BORROW_BATCH;
	return cycles < SIM_QUANTUM ? cycles : SIM_QUANTUM;
}

/*
 * Many capped tenants at random, with and without borrowing, budgets changing:
 * everybody runnable who has credit is served before anybody borrows, nobody
 * borrows who may not, and every one's cap holds.
 */
static bool test_many(unsigned int steps)
{
	enum { SLOTS = 40 };
	bool borrow[SLOTS + 1], runnable[SLOTS + 1] = { 0 };
	bool ok = true;
	uint32_t slot;
	struct sim sim;

	sim_open(&sim, 21);
	for (slot = 1; slot <= SLOTS; slot++) {
		borrow[slot] = slot & 1;
		set_budget(&sim, slot, 2000 * slot, 0, borrow[slot]);
	}
	while (ok && steps--) {
		struct sched_grant grant;

		slot = sim_range(&sim.random, 1, SLOTS);
		if (sim_range(&sim.random, 0, 3)) {
			runnable[slot] = true;
			sched_wake(sim.sched, slot, sim.now);
		}
		if (!sched_pick(sim.sched, sim.now, &grant)) {
			/* Nobody left but hard-capped ones without credit. */
			for (slot = 1; slot <= SLOTS; slot++)
				ok &= !runnable[slot] || (!borrow[slot] &&
				      reach_of(&sim, slot) <
				      (int64_t)BORROW_BATCH);
			sim.now += sim_range(&sim.random, 1, 50000);
			continue;
		}
		ok &= runnable[grant.slot];
		if (grant.borrowed)
			for (slot = 1; slot <= SLOTS; slot++)
				ok &= !runnable[slot] || reach_of(&sim, slot) <
				      threshold(&sim, slot, borrow[slot]);
		ok &= !grant.borrowed || borrow[grant.slot];
		runnable[grant.slot] = sim_random(&sim.random) & 3;
		sim_serve(&sim, &grant, sim_range(&sim.random, 1, grant.cycles),
			  runnable[grant.slot]);
	}
	sim_close(&sim);
	return ok;
}

/* The largest and the smallest budget there is. */
static bool test_extremes(void)
{
	struct sched_grant grant;
	struct sim sim;
	bool ok = true;
	int i;

	sim_open(&sim, 6);
	sim.now = (1ULL << 63) - (1ULL << 45);
	sim_set_tenant(sim.ledger, 1, 10000, RUBATO_BUDGET_CYCLES_MAX,
		       RUBATO_PERIOD_US_MIN, RUBATO_BURST_CYCLES_MAX, false);
	sim_set_tenant(sim.ledger, 2, 1, RUBATO_BUDGET_CYCLES_MIN,
		       RUBATO_PERIOD_US_MAX, 0, false);
	sched_refresh(sim.sched, 1, sim.now);
	sched_refresh(sim.sched, 2, sim.now);
	sched_wake(sim.sched, 1, sim.now);
	for (i = 0; i < 10000; i++) {
		if (!sched_pick(sim.sched, sim.now, &grant))
			break;
		sim_serve(&sim, &grant, grant.cycles, true);
	}
	ok = i == 10000 && !sim.ledger[1].core[0].broke_count;
	ok &= sched_pick(sim.sched, sim.now, &grant);
	sim_serve(&sim, &grant, grant.cycles, false);
	sched_wake(sim.sched, 2, sim.now);
	for (i = 0; i < 10 && sched_pick(sim.sched, sim.now, &grant); i++)
		sim_serve(&sim, &grant, grant.cycles, true);
	ok &= i < 10 && sched_next_funded(sim.sched, sim.now) > sim.now;
	sched_bill(sim.sched, 2, RUBATO_PHASE_HANDLER, ~0ULL, 1, 1);
	sched_bill(sim.sched, 2, RUBATO_PHASE_HANDLER, ~0ULL, 1, 1);
	ok &= sim.ledger[2].core[0].credit_cycles == INT64_MIN &&
	      !sched_pick(sim.sched, 1ULL << 63, &grant);
	sim_close(&sim);
	return ok;
}

int main(void)
{
	unsigned int scale = sim_scale();

	ksft_print_header();
	ksft_set_plan(11);
	ksft_test_result(test_cap(40 * scale), "caps hold over every window, and are reached\n");
	ksft_test_result(test_cores(16 * scale), "caps hold over several cores on one pool\n");
	ksft_test_result(test_borrowing(500000 * scale),
			 "borrowing waits for all funded work, in small batches\n");
	ksft_test_result(test_borrowers_share(), "borrowers share by weight\n");
	ksft_test_result(test_next_funded(200 * scale), "the stamp of the next credit is exact\n");
	ksft_test_result(test_notes(), "broke and funded are noted and counted in turn\n");
	ksft_test_result(until_is_known() && until_ends(true) && until_ends(false),
			 "it is told until when a tenant is broke\n");
	ksft_test_result(test_drop_floor(), "drops stop at the debt floor\n");
	ksft_test_result(test_changes(), "budgets change on the fly\n");
	ksft_test_result(test_many(300000 * scale), "many capped tenants at random\n");
	ksft_test_result(test_extremes(), "largest and smallest budget\n");
	ksft_finished();
}
