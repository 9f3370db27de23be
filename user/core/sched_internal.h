/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What sched.c, credit.c and the policies share. Not for their callers.
 *
 * Everything here belongs to the one thread that owns the struct sched. The
 * only words that others touch are the ledger's: pools (compare-and-exchange),
 * parameters (sequence count), and accounts, which others only read.
 */
#ifndef RUBATO_CORE_SCHED_INTERNAL_H
#define RUBATO_CORE_SCHED_INTERNAL_H

#include <rubato/budget.h>
#include "core/heap.h"
#include "core/sched.h"

/* Borrowed time comes in batches of a quantum divided by this. */
#define SCHED_BORROW_DIVISOR	8

#define SCHED_NOBODY		UINT32_MAX

struct sched_slot {
	struct rubato_account *account;	/* this core's, in the ledger */
	struct rubato_params params;	/* copy; see sched_refresh() */
	uint32_t weight;		/* in effect: 1 if the slot is dead */
	bool capped;			/* in effect: live and has a budget */
	bool may_borrow;
	bool runnable;			/* between sched_wake() and the last put */
	bool woken;			/* sched_wake() while it was picked */
	bool broke;			/* runnable, and out of credit */
	uint64_t broke_since;
	struct rubato_slice slice;
	int64_t slice_target;		/* cycles that a draw fills it up to */
	struct rubato_cost cost[RUBATO_PHASES];
};

struct sched {
	struct sched_config config;
	const struct sched_policy *policy;
	void *state;			/* policy->state_size bytes, zeroed */
	uint32_t nr_runnable;

	/* Between sched_pick() and sched_put(); else SCHED_NOBODY. */
	uint32_t picked;
	bool picked_borrowed;
	uint64_t picked_cycles;		/* billed to ->picked so far */
	/* While policy->charge() runs: what the cycles were spent on. */
	enum rubato_phase phase;

	/* Broke slots by the stamp at which they have credit again. */
	struct heap broke_borrowing;
	struct heap broke_waiting;

	struct sched_slot slot[RUBATO_SLOTS];
};

/* Accounts are read by other processes while this thread writes them. */
static inline void account_set(__u64 *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
}

/* One writer per line: a plain read of one's own word is enough. */
static inline void account_add(__u64 *word, uint64_t value)
{
	account_set(word, *word + value);
}

/*
 * Virtual time: cycles / weight, in units of 2^-VTIME_SHIFT; 128 bits, so that
 * 2^63 cycles at weight 1 neither wrap nor saturate.
 */
typedef heap_key vtime;

#define VTIME_SHIFT	20
#define VTIME_INVERSE_SHIFT	52

/* @weight may be a sum of weights, but not 0. */
static inline uint64_t vtime_inverse(uint64_t weight)
{
	return (1ULL << VTIME_INVERSE_SHIFT) / weight;
}

/* @cycles / the weight of which this is the inverse */
static inline vtime vtime_of(uint64_t inverse, uint64_t cycles)
{
	return (vtime)((unsigned __int128)cycles * inverse >>
		       (VTIME_INVERSE_SHIFT - VTIME_SHIFT));
}

static inline uint64_t sched_borrow_cycles(const struct sched *sched)
{
	uint64_t cycles = sched->config.quantum_cycles / SCHED_BORROW_DIVISOR;

	return cycles ? cycles : 1;
}

/* credit.c: for policies that enforce budgets. */

/*
 * Parameters changed: sets what a slice is filled up to. No core hoards more
 * than its part of half a burst, but a small batch must fit.
 */
void credit_refresh(struct sched *sched, uint32_t slot);
/*
 * Has this slot credit for a batch of @cycles? Draws from the pool if its own
 * slice is less than that. True for a slot without a budget.
 */
bool credit_funded(struct sched *sched, uint32_t slot, uint64_t cycles,
		   uint64_t now);
/* Cuts a batch to the credit left, but not below a small batch. */
uint64_t credit_cut(const struct sched *sched, uint32_t slot, uint64_t cycles);
/* Tells the stamp at which there will be credit; now: there may be some. */
void credit_broke_until(struct sched *sched, uint32_t slot, uint64_t until);
/* The slot ran out of credit with work left; it must be runnable. */
void credit_set_broke(struct sched *sched, uint32_t slot, uint64_t now);
/* The slot is no longer broke, or no longer runnable: no note is sent. */
void credit_clear_broke(struct sched *sched, uint32_t slot, uint64_t now);
/* The same, and it is noted that the slot is served again. */
void credit_end_broke(struct sched *sched, uint32_t slot, uint64_t now);
/*
 * After credit_clear_broke() and a change of parameters: broke again if there
 * is still no credit (that is not counted as running out), else noted.
 */
void credit_review_broke(struct sched *sched, uint32_t slot, uint64_t now);
/*
 * One broke slot that has credit again at @now, taken out of the broke set and
 * noted; SCHED_NOBODY if there is none (left).
 */
uint32_t credit_next_refunded(struct sched *sched, uint64_t now);
/* Brings broke_cycles up to date; the slot must be broke. */
void credit_broke_clock(struct sched *sched, uint32_t slot, uint64_t now);
/* Takes a bill off the slice, by the rules of its phase. */
void credit_charge(struct sched *sched, uint32_t slot, enum rubato_phase phase,
		   uint64_t cycles);
/* Shows this core's slice in the ledger. */
void credit_publish(struct sched *sched, uint32_t slot);

#endif /* RUBATO_CORE_SCHED_INTERNAL_H */
