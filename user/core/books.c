// SPDX-License-Identifier: GPL-2.0
#include "core/books.h"
#include "core/sched_internal.h"

static uint64_t books_run_delay(struct books *books, uint64_t *stamp)
{
	return books->run_delay_cycles ?
	       books->run_delay_cycles(books->context, stamp) : 0;
}

void books_open(struct books *books, uint64_t now)
{
	uint64_t stamp;

	books->last = now;
	books->run_delay_last = books_run_delay(books, &stamp);
	account_set(&books->core->start_tsc, now);
}

/* Ends the running interval; returns its length. */
static uint64_t books_cut(struct books *books, uint64_t now)
{
	uint64_t interval = 0;

	if (now >= books->last)
		interval = now - books->last;
	else
		account_add(&books->core->negative_intervals, 1);
	/* Also backwards: what follows is measured on the new clock. */
	books->last = now;
	account_add(&books->core->elapsed_cycles, interval);
	return interval;
}

/* What was lost from when the kernel was last asked until @stamp. */
static uint64_t books_ask(struct books *books, uint64_t *stamp)
{
	uint64_t delay = books_run_delay(books, stamp);
	uint64_t lost = 0;

	if (delay > books->run_delay_last)
		lost = delay - books->run_delay_last;
	books->run_delay_last = delay;
	return lost;
}

static void books_owe(struct books *books, uint64_t lost)
{
	uint64_t room = BOOKS_OWED_MAX - books->owed_cycles;

	books->owed_cycles += lost < room ? lost : room;
}

void books_look(struct books *books)
{
	uint64_t stamp;

	books_owe(books, books_ask(books, &stamp));
}

/* Bills at most @most of an interval as stolen; returns the rest of it. */
static uint64_t books_steal(struct books *books, uint64_t interval,
			    uint64_t most)
{
	uint64_t stolen = most < interval ? most : interval;

	account_add(&books->core->stolen_cycles, stolen);
	return interval - stolen;
}

/*
 * Takes out of an interval what the kernel said the thread waited for a CPU
 * since it was last asked, but no more than it is long: the rest was lost
 * earlier, and is taken out of idle time.
 */
static uint64_t books_less_lost(struct books *books, uint64_t interval,
				uint64_t lost)
{
	if (lost > interval)
		books_owe(books, lost - interval);
	return books_steal(books, interval, lost);
}

static uint64_t books_less_owed(struct books *books, uint64_t interval)
{
	uint64_t rest = books_steal(books, interval, books->owed_cycles);

	books->owed_cycles -= interval - rest;
	return rest;
}

/*
 * Work that is as dear as it always is hides nothing worth asking for, and
 * would be billed for the question each time; but nothing that is really long
 * goes unasked.
 */
static bool books_suspect(const struct books *books, uint64_t interval,
			  uint64_t expected)
{
	if (interval <= books->suspicious_cycles)
		return false;
	return interval / 2 > expected ||
	       interval / BOOKS_NEVER_USUAL > books->suspicious_cycles;
}

static uint64_t books_with_elsewhere(struct books *books, uint64_t cycles)
{
	cycles += books->elsewhere_cycles;
	books->elsewhere_cycles = 0;
	return cycles;
}

/* @expected: cycles that such an interval is likely to have, or 0. */
static uint64_t books_end_interval(struct books *books, uint64_t expected,
				   uint64_t now)
{
	uint64_t interval = books_cut(books, now);
	uint64_t lost, stamp = books->last;

	if (!books_suspect(books, interval, expected))
		return books_with_elsewhere(books, interval);
	lost = books_ask(books, &stamp);
	interval += books_cut(books, stamp);
	return books_with_elsewhere(books,
				    books_less_lost(books, interval, lost));
}

uint64_t books_bill(struct books *books, uint32_t slot, enum rubato_phase phase,
		    uint32_t units, uint32_t bytes, uint64_t now)
{
	uint64_t expected = units * sched_cost(books->sched, slot, phase);
	uint64_t cycles = books_end_interval(books, expected, now);

	sched_bill(books->sched, slot, phase, cycles, units, bytes);
	return cycles;
}

uint64_t books_idle(struct books *books, uint64_t now)
{
	uint64_t cycles = books_end_interval(books, 0, now);

	cycles = books_less_owed(books, cycles);
	account_add(&books->core->idle_cycles, cycles);
	return cycles;
}

uint64_t books_asleep(struct books *books, uint64_t now)
{
	uint64_t interval = books_cut(books, now);
	uint64_t cycles, stamp;

	/*
	 * Always asked, so that the wake-up's wait sticks to no later bill. The
	 * thread is awake while it asks: that is no sleep.
	 */
	cycles = books_less_lost(books, interval, books_ask(books, &stamp));
	account_add(&books->core->asleep_cycles, cycles);
	return cycles;
}

void books_billed(struct books *books, uint64_t cycles)
{
	books_cut(books, books->last + cycles);
}

void books_billed_elsewhere(struct books *books, uint64_t cycles)
{
	account_add(&books->core->assist_cycles, cycles);
}

void books_elsewhere(struct books *books, uint64_t cycles)
{
	account_add(&books->core->assist_cycles, cycles);
	books->elsewhere_cycles += cycles;
}

/* Calibrated cost of one share, in 2^-16 cycles; packets and bytes < 2^32. */
static unsigned __int128 share_cost(const struct books_share *share,
				    uint64_t packet_cycles,
				    uint64_t byte_cycles_fp16)
{
	return ((unsigned __int128)share->packets * packet_cycles << 16) +
	       (unsigned __int128)share->bytes * byte_cycles_fp16;
}

/*
 * Each share ends where the running sum of costs says, rounded down; the last
 * one ends at the interval's end, so nothing is lost to rounding.
 */
static void books_split_cycles(struct books *books, enum rubato_phase phase,
			       const struct books_share *shares,
			       uint32_t nr_shares, uint64_t packet_cycles,
			       uint64_t byte_cycles_fp16, uint64_t cycles)
{
	unsigned __int128 total = 0, sum = 0;
	uint64_t begin = 0, end;
	uint32_t i, shift = 0;

	for (i = 0; i < nr_shares; i++)
		total += share_cost(&shares[i], packet_cycles, byte_cycles_fp16);
	/* Below 2^64, so that the products with cycles fit. */
	while (total >> shift >> 64)
		shift++;

	for (i = 0; i < nr_shares; i++) {
		sum += share_cost(&shares[i], packet_cycles, byte_cycles_fp16);
		end = i + 1 == nr_shares || !(total >> shift) ? cycles :
		      (uint64_t)(cycles * (sum >> shift) / (total >> shift));
		sched_bill(books->sched, shares[i].slot, phase, end - begin,
			   shares[i].packets, shares[i].bytes);
		begin = end;
	}
}

uint64_t books_split(struct books *books, enum rubato_phase phase,
		     const struct books_share *shares, uint32_t nr_shares,
		     uint64_t packet_cycles, uint64_t byte_cycles_fp16,
		     uint64_t now)
{
	uint64_t cycles = books_end_interval(books, 0, now);

	if (!nr_shares)
		/* Work for nobody is the system's. */
		sched_bill(books->sched, RUBATO_SLOT_SYSTEM, phase, cycles, 0, 0);
	else
		books_split_cycles(books, phase, shares, nr_shares,
				   packet_cycles, byte_cycles_fp16, cycles);
	return cycles;
}
