// SPDX-License-Identifier: GPL-2.0
/* The books of a poller: every cycle in exactly one account, whatever happens. */
#include "core/books.h"
#include "../kselftest.h"
#include "sim.h"

#define SUSPICIOUS	50000

struct bench {
	struct sim sim;
	struct rubato_core core;
	struct books books;
	uint64_t run_delay;
	uint64_t asking;		/* cycles that an answer takes */
};

static uint64_t run_delay_of(void *context, uint64_t *stamp)
{
	struct bench *bench = context;

	bench->sim.now += bench->asking;
	*stamp = bench->sim.now;
	return bench->run_delay;
}

static void bench_open(struct bench *bench, uint64_t seed)
{
	memset(bench, 0, sizeof(*bench));
	sim_open(&bench->sim, seed);
	bench->books = (struct books){
		.core = &bench->core,
		.sched = bench->sim.sched,
		.suspicious_cycles = SUSPICIOUS,
		.run_delay_cycles = run_delay_of,
		.context = bench,
	};
	books_open(&bench->books, bench->sim.now);
}

/* The invariant of struct rubato_core. */
static bool balanced(const struct bench *bench)
{
	uint64_t sum = bench->core.idle_cycles + bench->core.asleep_cycles +
		       bench->core.stolen_cycles;
	uint32_t slot;

	for (slot = 0; slot < RUBATO_SLOTS; slot++)
		sum += sim_billed(&bench->sim.ledger[slot].core[0]);
	return sum == bench->core.elapsed_cycles + bench->core.assist_cycles;
}

static void random_shares(struct bench *bench, struct books_share *shares,
			  uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		shares[i] = (struct books_share){
			.slot = sim_range(&bench->sim.random, 0, 1024),
			.packets = sim_magnitude(&bench->sim.random, 0, UINT32_MAX),
			.bytes = sim_magnitude(&bench->sim.random, 0, UINT32_MAX),
		};
}

static uint64_t random_step(struct bench *bench)
{
	uint64_t *random = &bench->sim.random, now = bench->sim.now;
	struct books_share shares[20];
	uint32_t count;

	switch (sim_range(random, 0, 3)) {
	case 0:
		return books_idle(&bench->books, now);
	case 1:
		return books_asleep(&bench->books, now);
	case 2:
		return books_bill(&bench->books, sim_range(random, 0, 1024),
				  sim_range(random, 0, RUBATO_PHASES - 1),
				  sim_range(random, 0, 64), 64, now);
	default:
		count = sim_range(random, 0, 20);
		random_shares(bench, shares, count);
		return books_split(&bench->books, RUBATO_PHASE_KERNEL, shares,
				   count, sim_magnitude(random, 0, UINT64_MAX - 1),
				   sim_magnitude(random, 0, UINT64_MAX - 1), now);
	}
}

/* Clocks that jump back and forth, a kernel that claims any delay. */
static bool test_balance(unsigned int rounds, unsigned int steps)
{
	bool ok = true;
	unsigned int i;

	while (ok && rounds--) {
		struct bench bench;
		uint64_t forward = 0, backward = 0;

		bench_open(&bench, rounds + 1);
		for (i = 0; i < steps; i++) {
			uint64_t step = sim_magnitude(&bench.sim.random, 0, 1 << 20);

			if (sim_range(&bench.sim.random, 0, 99) == 0) {
				bench.sim.now -= step + 1;
				backward++;
				step = 0;
			} else {
				bench.sim.now += step;
				forward += step;
			}
			bench.run_delay += sim_magnitude(&bench.sim.random, 0,
							 1 << 18);
			ok &= random_step(&bench) <= step;
		}
		ok &= balanced(&bench) && bench.core.elapsed_cycles == forward &&
		      bench.core.negative_intervals == backward;
		sim_close(&bench.sim);
	}
	return ok;
}

static bool test_stolen(void)
{
	struct bench bench;
	struct rubato_account *account;
	bool ok;

	bench_open(&bench, 1);
	account = &bench.sim.ledger[1].core[0];
	bench.run_delay = 30000;
	bench.sim.now += SUSPICIOUS;		/* as long as may be: not asked */
	ok = books_bill(&bench.books, 1, RUBATO_PHASE_RX, 1, 64, bench.sim.now) ==
	     SUSPICIOUS;
	bench.run_delay = 100000;
	bench.sim.now += 1000000;
	ok &= books_bill(&bench.books, 1, RUBATO_PHASE_RX, 1, 64, bench.sim.now) ==
	      900000 && bench.core.stolen_cycles == 100000;
	/* Expensive, but nobody took the CPU: no excuse. */
	bench.sim.now += 5000000;
	ok &= books_bill(&bench.books, 1, RUBATO_PHASE_TX, 1, 64, bench.sim.now) ==
	      5000000 && account->cycles[RUBATO_PHASE_TX] == 5000000;
	/* More than the interval was lost before it: idle time will pay. */
	bench.run_delay += 1ULL << 40;
	bench.sim.now += 60000;
	ok &= books_bill(&bench.books, 1, RUBATO_PHASE_FORWARD, 1, 64,
			 bench.sim.now) == 0 && bench.core.stolen_cycles == 160000;
	/* The wait of a wake-up, even from a short sleep, sticks to the sleep. */
	bench.run_delay += 700;
	bench.sim.now += 1000;
	ok &= books_asleep(&bench.books, bench.sim.now) == 300;
	bench.sim.now += 100000;
	ok &= books_bill(&bench.books, 1, RUBATO_PHASE_TX, 1, 64, bench.sim.now) ==
	      100000;
	ok &= bench.books.owed_cycles == BOOKS_OWED_MAX;
	bench.sim.now += 5000;
	ok &= books_idle(&bench.books, bench.sim.now) == 0 &&
	      bench.books.owed_cycles == BOOKS_OWED_MAX - 5000;
	/* Losses in short intervals are found by a look, and taken from idle. */
	bench.books.owed_cycles = 0;
	bench.run_delay += 800;
	books_look(&bench.books);
	bench.sim.now += 500;
	ok &= books_bill(&bench.books, 1, RUBATO_PHASE_TX, 1, 64, bench.sim.now) ==
	      500;
	bench.sim.now += 1000;
	ok &= books_idle(&bench.books, bench.sim.now) == 200;
	/* A kernel that does not tell: nothing is ever stolen. */
	bench.books.run_delay_cycles = NULL;
	bench.run_delay += 50000;
	bench.sim.now += 100000;
	ok &= books_idle(&bench.books, bench.sim.now) == 100000 &&
	      balanced(&bench);
	sim_close(&bench.sim);
	return ok;
}

/* Who makes the kernel be asked pays for the asking, and nobody after him. */
static bool test_asking(void)
{
	struct bench bench;
	bool ok;

	bench_open(&bench, 1);
	bench.asking = 700;
	bench.run_delay = 2000;
	bench.sim.now += 100000;
	ok = books_bill(&bench.books, 1, RUBATO_PHASE_RX, 1, 64, bench.sim.now) ==
	     100000 + 700 - 2000 && bench.books.last == bench.sim.now;
	bench.sim.now += 300;
	ok &= books_bill(&bench.books, 2, RUBATO_PHASE_RX, 1, 64, bench.sim.now) ==
	      300;
	/* Whoever asks is awake. */
	bench.sim.now += 400;
	ok &= books_asleep(&bench.books, bench.sim.now) == 400;
	bench.sim.now += 300;
	ok &= books_bill(&bench.books, 2, RUBATO_PHASE_RX, 1, 64, bench.sim.now) ==
	      300 + 700 && balanced(&bench);
	sim_close(&bench.sim);
	return ok;
}

/* Bills @cycles for @units; returns whether that made the kernel be asked. */
static bool asked(struct bench *bench, uint64_t cycles, uint32_t units)
{
	bench->sim.now += cycles;
	return books_bill(&bench->books, 1, RUBATO_PHASE_RX, units, 64,
			  bench->sim.now) == cycles + bench->asking;
}

/* Packets that are always dear do not pay for being asked about, too. */
static bool test_usual(void)
{
	struct bench bench;
	bool ok;

	bench_open(&bench, 1);
	bench.asking = 700;
	ok = asked(&bench, SUSPICIOUS + 1, 1);
	for (int i = 0; i < 100; i++)
		ok &= !asked(&bench, SUSPICIOUS + 1, 1);
	ok &= !asked(&bench, 8 * SUSPICIOUS, 8) &&
	      asked(&bench, 5 * SUSPICIOUS, 1) &&
	      asked(&bench, 9 * SUSPICIOUS, 2);
	/* However dear: what is really long might be anything. */
	ok &= !asked(&bench, BOOKS_NEVER_USUAL * SUSPICIOUS, 50) &&
	      asked(&bench, (BOOKS_NEVER_USUAL + 1) * SUSPICIOUS, 50);
	ok &= balanced(&bench);
	sim_close(&bench.sim);
	return ok;
}

/* 3 packets of 100 cycles against 1 of 100 and 1200 bytes of half a cycle. */
static bool test_split(void)
{
	const struct books_share shares[] = {
		{ .slot = 1, .packets = 3 },
		{ .slot = 2, .packets = 1, .bytes = 1200 },
		{ .slot = 3 },
	};
	struct bench bench;
	bool ok;

	bench_open(&bench, 1);
	bench.sim.now += 10001;
	ok = books_split(&bench.books, RUBATO_PHASE_DELIVERY, shares, 3, 100,
			 1 << 15, bench.sim.now) == 10001;
	ok &= sim_billed(&bench.sim.ledger[1].core[0]) == 3000 &&
	      sim_billed(&bench.sim.ledger[2].core[0]) == 7000 + 1 &&
	      sim_billed(&bench.sim.ledger[3].core[0]) == 0;
	/* Nobody's work is the system's. */
	bench.sim.now += 500;
	ok &= books_split(&bench.books, RUBATO_PHASE_KERNEL, NULL, 0, 100, 0,
			  bench.sim.now) == 500 &&
	      bench.sim.ledger[0].core[0].cycles[RUBATO_PHASE_KERNEL] == 500;
	ok &= balanced(&bench);
	sim_close(&bench.sim);
	return ok;
}

/* What another CPU did: billed already, or with the interval that runs. */
static bool test_elsewhere(void)
{
	const struct books_share shares[] = {
		{ .slot = 2, .packets = 3 }, { .slot = 3, .packets = 1 },
	};
	struct bench bench;
	bool ok;

	bench_open(&bench, 1);
	sched_bill(bench.sim.sched, 1, RUBATO_PHASE_KERNEL, 900, 1, 64);
	books_billed_elsewhere(&bench.books, 900);
	ok = balanced(&bench) && bench.core.assist_cycles == 900;
	bench.sim.now += 300;
	books_elsewhere(&bench.books, 5000);
	ok &= books_bill(&bench.books, 1, RUBATO_PHASE_TX, 1, 64,
			 bench.sim.now) == 5300 && balanced(&bench);
	/* Once, and nobody's time is lost by it. */
	bench.sim.now += 300;
	ok &= books_bill(&bench.books, 1, RUBATO_PHASE_TX, 1, 64,
			 bench.sim.now) == 300;
	bench.sim.now += 100;
	books_elsewhere(&bench.books, 300);
	ok &= books_split(&bench.books, RUBATO_PHASE_TX, shares, 2, 100, 0,
			  bench.sim.now) == 400;
	ok &= sim_billed(&bench.sim.ledger[2].core[0]) == 300 &&
	      sim_billed(&bench.sim.ledger[3].core[0]) == 100;
	/* Nor is what was stolen here looked for there. */
	bench.run_delay = SUSPICIOUS;
	bench.sim.now += 2 * SUSPICIOUS;
	books_elsewhere(&bench.books, 700);
	ok &= books_bill(&bench.books, 1, RUBATO_PHASE_RX, 1, 64,
			 bench.sim.now) == SUSPICIOUS + 700;
	ok &= balanced(&bench) && bench.core.assist_cycles == 900 + 6000;
	sim_close(&bench.sim);
	return ok;
}

/* No part of a split is more than a cycle off what its cost says. */
static bool test_split_exact(unsigned int cases)
{
	struct books_share shares[16];
	struct bench bench;
	uint64_t before[16];
	bool ok = true;
	uint32_t i;

	bench_open(&bench, 9);
	while (ok && cases--) {
		unsigned __int128 total = 0;
		uint64_t cycles = sim_range(&bench.sim.random, 1, 1 << 20);

		for (i = 0; i < 16; i++) {
			shares[i] = (struct books_share){
				.slot = i,
				.packets = sim_range(&bench.sim.random, 1, 64),
				.bytes = sim_range(&bench.sim.random, 0, 99999),
			};
			total += shares[i].packets * 200 * 65536ULL +
				 shares[i].bytes * 20000ULL;
			before[i] = sim_billed(&bench.sim.ledger[i].core[0]);
		}
		bench.sim.now += cycles;
		books_split(&bench.books, RUBATO_PHASE_KERNEL, shares, 16, 200,
			    20000, bench.sim.now);
		for (i = 0; i < 16; i++) {
			uint64_t cost = shares[i].packets * 200 * 65536ULL +
					shares[i].bytes * 20000ULL;
			uint64_t due = cost * (unsigned __int128)cycles / total;
			uint64_t part = sim_billed(&bench.sim.ledger[i].core[0]) -
					before[i];

			ok &= part + 1 >= due && part <= due + 1;
		}
	}
	ok &= balanced(&bench);
	sim_close(&bench.sim);
	return ok;
}

/* A bill teaches cost per unit: of its own tenant and phase only. */
static bool test_cost_of_bills(void)
{
	struct bench bench;
	bool ok;
	int i;

	bench_open(&bench, 1);
	for (i = 0; i < 100; i++) {
		bench.sim.now += 32 * 777;
		books_bill(&bench.books, 4, RUBATO_PHASE_RX, 32, 2048,
			   bench.sim.now);
	}
	ok = sched_cost(bench.sim.sched, 4, RUBATO_PHASE_RX) >= 770 &&
	     sched_cost(bench.sim.sched, 4, RUBATO_PHASE_RX) <= 900 &&
	     sched_cost(bench.sim.sched, 4, RUBATO_PHASE_TX) ==
	     RUBATO_COST_UNKNOWN &&
	     sched_cost(bench.sim.sched, 5, RUBATO_PHASE_RX) ==
	     RUBATO_COST_UNKNOWN;
	sim_close(&bench.sim);
	return ok;
}


/* Part of an interval was the module's to bill: the rest is what is left. */
static bool test_billed(void)
{
	struct bench bench;
	uint64_t begin, left;
	bool ok;

	bench_open(&bench, 1);
	begin = bench.books.last;
	sched_bill(bench.sim.sched, 3, RUBATO_PHASE_KERNEL, 300, 2, 128);
	books_billed(&bench.books, 300);
	ok = bench.books.last == begin + 300;
	left = books_bill(&bench.books, 4, RUBATO_PHASE_DELIVERY, 1, 64,
			  begin + 1000);
	ok &= left == 700 && bench.books.core->elapsed_cycles == 1000 &&
	      balanced(&bench);
	sim_close(&bench.sim);
	return ok;
}

int main(void)
{
	unsigned int scale = sim_scale();

	ksft_print_header();
	ksft_set_plan(9);
	ksft_test_result(test_balance(20 * scale, 20000), "books balance to the cycle, clocks and kernel lying\n");
	ksft_test_result(test_stolen(), "stolen is what the kernel says, and no more\n");
	ksft_test_result(test_asking(), "who makes the kernel be asked pays for it\n");
	ksft_test_result(test_usual(),
			 "who is always dear is not asked about each time\n");
	ksft_test_result(test_billed(), "what the module billed\n");
	ksft_test_result(test_elsewhere(), "what another CPU did\n");
	ksft_test_result(test_split(), "split by cost of packets and bytes\n");
	ksft_test_result(test_split_exact(50000 * scale), "splits are right to the cycle\n");
	ksft_test_result(test_cost_of_bills(), "bills teach what work costs\n");
	ksft_finished();
}
