/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Budgets: how a tenant earns credit as time passes, and how it spends it.
 *
 * One word says it all. A tenant with a budget earns `rate` cycles with every
 * TSC tick, at most `burst_ticks` of them being remembered. The pool word
 * `spent_until` is the stamp up to which the earnings have been handed out;
 * what can be drawn at `now` is what was earned in
 *
 *	( max(spent_until, now - burst_ticks), now ]
 *
 * and drawing moves the word forward by as many ticks as were taken. So:
 *
 *  - refill is lazy and exact: no timer, and how often somebody looks changes
 *    nothing, since the word counts ticks, not products that were rounded;
 *  - two drawers never get the same tick: the word moves by compare-and-
 *    exchange, and the intervals that they took are disjoint. Over any window
 *    all cores together draw at most rate * (window + burst_ticks);
 *  - a fresh word (0, or anything old) is worth one burst;
 *  - when the rate changes the word stays: ticks that nobody took are worth
 *    the new rate, and never more than the new burst.
 *
 * What was drawn is kept as cycles and a 32-bit fraction of a cycle, so that
 * ticks * rate (32.32) is kept to the last bit.
 *
 * Pure integers; compiles in the kernel, in BPF and in user space.
 */
#ifndef RUBATO_BUDGET_H
#define RUBATO_BUDGET_H

#include <linux/rubato.h>
#include <linux/errno.h>
#include <rubato/math.h>

/*
 * Largest rate: 2^16 cycles per tick, a thousand times what RUBATO_CORES_MAX
 * cores could spend. Budgets beyond it are held here: they bind nobody.
 */
#define RUBATO_RATE_MAX		RUBATO_DIVISOR_MAX
#define RUBATO_BURST_TICKS_MAX	(1ULL << 62)
#define RUBATO_TSC_KHZ_MAX	(1U << 24)
/*
 * A burst is at least this much of one core: with less, what is earned between
 * two looks at the pool would be lost, and the budget never reached.
 */
#define RUBATO_BURST_US_MIN	100

/* What one poller holds of a tenant's credit. Owner: that poller. */
struct rubato_slice {
	__s64 credit_cycles;	/* negative is debt */
	__u32 fraction;		/* of a cycle, in 2^-32 */
	__u32 reserved;
};

/*
 * Most credit that can be saved up, in cycles, as it is in effect: the deepest
 * debt is as much, so the floor tells. Without a budget: as it was set.
 */
static inline __u64 rubato_budget_burst(const struct rubato_params *params)
{
	return params->rate ? params->floor_cycles : params->burst_cycles;
}

/*
 * Computes rate, burst_ticks and floor_cycles from flags, budget_cycles,
 * period_us and burst_cycles. Rounds the rate down, so that a cap is never
 * exceeded, but never to zero, so that nobody waits for ever. The burst in
 * effect is burst_cycles (0: one budget), at least RUBATO_BURST_US_MIN; so is
 * the deepest debt. Without a budget all three become 0.
 *
 * Returns 0; -EINVAL for a period, budget or burst out of range, -EOVERFLOW
 * for a TSC that cannot be; then *params is unchanged. Any context.
 */
static inline int rubato_budget_derive(struct rubato_params *params, __u32 tsc_khz)
{
	__u64 rate, burst, ticks;

	if (!(params->flags & RUBATO_TENANT_CAPPED)) {
		params->rate = 0;
		params->burst_ticks = 0;
		params->floor_cycles = 0;
		return 0;
	}
	if (!tsc_khz || tsc_khz > RUBATO_TSC_KHZ_MAX)
		return -EOVERFLOW;
	if (params->period_us < RUBATO_PERIOD_US_MIN ||
	    params->period_us > RUBATO_PERIOD_US_MAX ||
	    params->budget_cycles < RUBATO_BUDGET_CYCLES_MIN ||
	    params->budget_cycles > RUBATO_BUDGET_CYCLES_MAX ||
	    params->burst_cycles > RUBATO_BURST_CYCLES_MAX)
		return -EINVAL;

	/* budget / (period_us * tsc_khz / 1000), both sides below 2^55. */
	rate = rubato_shift32_div(params->budget_cycles * 1000,
				  params->period_us * tsc_khz);
	if (rate > RUBATO_RATE_MAX)
		rate = RUBATO_RATE_MAX;
	if (!rate)
		rate = 1;

	burst = params->burst_cycles ? params->burst_cycles :
				       params->budget_cycles;
	if (burst < (__u64)tsc_khz * RUBATO_BURST_US_MIN / 1000)
		burst = (__u64)tsc_khz * RUBATO_BURST_US_MIN / 1000;
	ticks = rubato_shift32_div_up(burst, rate);
	if (ticks > RUBATO_BURST_TICKS_MAX)
		ticks = RUBATO_BURST_TICKS_MAX;

	params->rate = rate;
	params->burst_ticks = ticks;
	params->floor_cycles = burst;
	return 0;
}

/* Where the earnings begin that can still be drawn at @now. */
static inline __u64 rubato_pool_begin(const struct rubato_params *params,
				      __u64 spent_until, __u64 now)
{
	__u64 oldest = now > params->burst_ticks ? now - params->burst_ticks : 0;

	return spent_until > oldest ? spent_until : oldest;
}

/* Ticks after which at least @cycles have been earned; params->rate > 0. */
static inline __u64 rubato_budget_ticks(const struct rubato_params *params,
					__u64 cycles)
{
	__u64 rate = params->rate;

	if (rate > RUBATO_RATE_MAX)	/* not from rubato_budget_derive() */
		rate = RUBATO_RATE_MAX;
	return rubato_shift32_div_up(cycles, rate);
}

/*
 * Cycles that @ticks earn, and in *fraction what is left over in 2^-32 cycle;
 * exact for ticks <= burst_ticks. Without a 128-bit product, for BPF.
 */
static inline __u64 rubato_budget_earn(const struct rubato_params *params,
				       __u64 ticks, __u32 *fraction)
{
	__u64 whole = params->rate >> 32, part = params->rate & 0xffffffff;
	__u64 low = (ticks & 0xffffffff) * part;

	*fraction = (__u32)low;
	return ticks * whole + (ticks >> 32) * part + (low >> 32);
}

/*
 * Plans a draw of @want cycles (rounded up to a tick) from a pool whose word
 * reads @spent_until. Returns the ticks that it takes, 0 if there is nothing
 * to draw, and in *next the word to exchange for @spent_until. If the exchange
 * succeeds, give the ticks to rubato_slice_earn(); if not, plan again.
 */
static inline __u64 rubato_pool_draw(const struct rubato_params *params,
				     __u64 spent_until, __u64 now, __u64 want,
				     __u64 *next)
{
	__u64 begin = rubato_pool_begin(params, spent_until, now);
	__u64 ticks;

	*next = spent_until;
	if (!params->rate || begin >= now || !want)
		return 0;
	ticks = rubato_budget_ticks(params, want);
	if (ticks > now - begin)
		ticks = now - begin;
	*next = begin + ticks;
	return ticks;
}

/* Cycles that could be drawn at @now; never negative, 0 without a budget. */
static inline __s64 rubato_pool_credit(const struct rubato_params *params,
				       __u64 spent_until, __u64 now)
{
	__u64 begin = rubato_pool_begin(params, spent_until, now);
	__u32 fraction;

	if (!params->rate || begin >= now)
		return 0;
	return rubato_signed(rubato_budget_earn(params, now - begin, &fraction));
}

/*
 * Plans to take @cycles off a pool for work that has been done outside of any
 * slice: also what is not there yet, but no deeper than one burst. Returns the
 * word to exchange for @spent_until.
 */
static inline __u64 rubato_pool_spend(const struct rubato_params *params,
				      __u64 spent_until, __u64 now,
				      __u64 cycles)
{
	__u64 begin = rubato_pool_begin(params, spent_until, now);
	__u64 deepest = rubato_add_u64_saturated(now, params->burst_ticks);
	__u64 next;

	if (!params->rate || !cycles || begin >= deepest)
		return spent_until;
	next = rubato_add_u64_saturated(begin,
					rubato_budget_ticks(params, cycles));
	return next < deepest ? next : deepest;
}

/*
 * TSC stamp at which @want cycles can be drawn, if nobody draws before; more
 * than a burst never can: then the stamp at which the pool is full. 0 without
 * a budget. It may lie in the past.
 */
static inline __u64 rubato_pool_when(const struct rubato_params *params,
				     __u64 spent_until, __u64 want)
{
	__u64 ticks;

	if (!params->rate)
		return 0;
	ticks = rubato_budget_ticks(params, want);
	if (ticks > params->burst_ticks)
		ticks = params->burst_ticks;
	return rubato_add_u64_saturated(spent_until, ticks);
}

/* Adds what @ticks drawn from the pool are worth. */
static inline void rubato_slice_earn(struct rubato_slice *slice,
				     const struct rubato_params *params,
				     __u64 ticks)
{
	__u32 fraction;
	__u64 cycles = rubato_budget_earn(params, ticks, &fraction);

	slice->fraction += fraction;
	if (slice->fraction < fraction)
		cycles++;
	slice->credit_cycles = rubato_add_saturated(slice->credit_cycles,
						    rubato_signed(cycles));
}

/* Takes @cycles of work off the credit, into debt if need be. */
static inline void rubato_slice_charge(struct rubato_slice *slice, __u64 cycles)
{
	slice->credit_cycles = rubato_sub_saturated(slice->credit_cycles,
						    rubato_signed(cycles));
}

/*
 * The same for dropping frames, which others can force upon a tenant: it never
 * takes the debt below the floor (nor lifts a debt that is deeper already).
 */
static inline void rubato_slice_charge_drop(struct rubato_slice *slice,
					    __u64 cycles, __u64 floor_cycles)
{
	__s64 floor = -rubato_signed(floor_cycles);
	__s64 left = rubato_sub_saturated(slice->credit_cycles,
					  rubato_signed(cycles));

	if (slice->credit_cycles > floor)
		slice->credit_cycles = left > floor ? left : floor;
}

/* No credit left, after whatever could be drawn was drawn. */
static inline int rubato_slice_broke(const struct rubato_slice *slice)
{
	return slice->credit_cycles <= 0;
}

#endif /* RUBATO_BUDGET_H */
