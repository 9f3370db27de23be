// SPDX-License-Identifier: GPL-2.0
/*
 * Budgets against a reference in 128 bits: what is derived, what is earned,
 * what is drawn, under any polling pattern and by several cores at a time.
 */
#include <errno.h>
#include <pthread.h>
#include "../kselftest.h"
#include "sim.h"

typedef unsigned __int128 u128;

static uint64_t seed = 88172645463325252ULL;

static void random_params(struct rubato_params *p)
{
	*p = (struct rubato_params){
		.flags = RUBATO_TENANT_CAPPED,
		.period_us = sim_magnitude(&seed, RUBATO_PERIOD_US_MIN,
					   RUBATO_PERIOD_US_MAX),
		.budget_cycles = sim_magnitude(&seed, RUBATO_BUDGET_CYCLES_MIN,
					       RUBATO_BUDGET_CYCLES_MAX),
		.burst_cycles = sim_magnitude(&seed, 0, RUBATO_BURST_CYCLES_MAX),
	};
}

static bool derived_as_reference(const struct rubato_params *p, uint32_t khz)
{
	u128 period_ticks_1000 = (u128)p->period_us * khz;
	u128 rate = ((u128)p->budget_cycles * 1000 << 32) / period_ticks_1000;
	u128 burst = p->burst_cycles ? p->burst_cycles : p->budget_cycles;
	u128 ticks;

	if (burst < khz / 10)
		burst = khz / 10;
	if (rate > RUBATO_RATE_MAX)
		rate = RUBATO_RATE_MAX;
	if (!rate)
		rate = 1;
	ticks = ((burst << 32) + rate - 1) / rate;
	if (ticks > RUBATO_BURST_TICKS_MAX)
		ticks = RUBATO_BURST_TICKS_MAX;
	return p->rate == rate && p->burst_ticks == ticks &&
	       p->floor_cycles == burst && rubato_budget_burst(p) == burst;
}

static bool test_derive(unsigned int cases)
{
	struct rubato_params p;
	uint32_t khz;

	while (cases--) {
		random_params(&p);
		khz = sim_magnitude(&seed, 1, RUBATO_TSC_KHZ_MAX);
		if (rubato_budget_derive(&p, khz) || !derived_as_reference(&p, khz))
			return false;
	}
	return true;
}

static bool refuses(struct rubato_params p, uint32_t khz, int error)
{
	struct rubato_params before = p;

	return rubato_budget_derive(&p, khz) == error &&
	       !memcmp(&p, &before, sizeof(p));
}

static bool test_derive_refuses(void)
{
	struct rubato_params good = {
		.flags = RUBATO_TENANT_CAPPED, .period_us = 1000,
		.budget_cycles = 1000000, .rate = 7, .burst_ticks = 8,
	}, p;
	bool ok = refuses(good, 0, -EOVERFLOW) &&
		  refuses(good, RUBATO_TSC_KHZ_MAX + 1, -EOVERFLOW);

	p = good; p.period_us = 0; ok &= refuses(p, 1000000, -EINVAL);
	p = good; p.period_us = RUBATO_PERIOD_US_MIN - 1; ok &= refuses(p, 1000000, -EINVAL);
	p = good; p.period_us = ~0ULL; ok &= refuses(p, 1000000, -EINVAL);
	p = good; p.budget_cycles = 0; ok &= refuses(p, 1000000, -EINVAL);
	p = good; p.budget_cycles = 999; ok &= refuses(p, 1000000, -EINVAL);
	p = good; p.budget_cycles = ~0ULL; ok &= refuses(p, 1000000, -EINVAL);
	p = good; p.burst_cycles = RUBATO_BURST_CYCLES_MAX + 1; ok &= refuses(p, 1000000, -EINVAL);
	return ok;
}

static bool test_uncapped(void)
{
	struct rubato_params p = { .rate = 1, .burst_ticks = 2, .floor_cycles = 3 };
	__u64 next;

	return !rubato_budget_derive(&p, 0) && !p.rate && !p.burst_ticks &&
	       !p.floor_cycles && !rubato_pool_credit(&p, 0, 1000) &&
	       !rubato_pool_draw(&p, 5, 1000, 10, &next) && next == 5 &&
	       !rubato_pool_when(&p, 5, 10);
}

static bool test_earn(unsigned int cases)
{
	struct rubato_params p;

	while (cases--) {
		uint64_t ticks, cycles;
		__u32 fraction;

		random_params(&p);
		rubato_budget_derive(&p, sim_magnitude(&seed, 1, 10000000));
		ticks = sim_magnitude(&seed, 0, p.burst_ticks);
		cycles = rubato_budget_earn(&p, ticks, &fraction);
		if (((u128)cycles << 32 | fraction) != (u128)p.rate * ticks)
			return false;
	}
	return true;
}

static bool test_division(unsigned int cases)
{
	while (cases--) {
		uint64_t value = sim_magnitude(&seed, 0, ~0ULL - 1);
		uint64_t divisor = sim_magnitude(&seed, 1, RUBATO_DIVISOR_MAX);
		u128 down = ((u128)value << 32) / divisor;
		u128 up = (((u128)value << 32) + divisor - 1) / divisor;

		if (down >> 64)
			down = up = RUBATO_U64_MAX;
		else if (up >> 64)
			up = RUBATO_U64_MAX;
		if (rubato_shift32_div(value, divisor) != (uint64_t)down ||
		    rubato_shift32_div_up(value, divisor) != (uint64_t)up)
			return false;
	}
	return true;
}

static bool test_saturation(unsigned int cases)
{
	while (cases--) {
		int64_t a = (int64_t)sim_magnitude(&seed, 0, ~0ULL - 1);
		int64_t b = (int64_t)sim_magnitude(&seed, 0, ~0ULL - 1);
		uint64_t c = sim_random(&seed), d = sim_random(&seed);
		unsigned int shift = sim_range(&seed, 0, 127);
		__int128 sum = (__int128)a + b, difference = (__int128)a - b;
		u128 product = (u128)c * d >> shift;

		if (sum > INT64_MAX)
			sum = INT64_MAX;
		if (sum < INT64_MIN)
			sum = INT64_MIN;
		if (difference > INT64_MAX)
			difference = INT64_MAX;
		if (difference < INT64_MIN)
			difference = INT64_MIN;
		if (product > UINT64_MAX)
			product = UINT64_MAX;
		if (rubato_add_saturated(a, b) != sum ||
		    rubato_sub_saturated(a, b) != difference ||
		    rubato_mul_shift(c, d, shift) != product)
			return false;
	}
	return true;
}

/* The slice in 2^-32 cycles. */
static __int128 slice_fp(const struct rubato_slice *slice)
{
	return ((__int128)slice->credit_cycles << 32) + slice->fraction;
}

/*
 * Somebody polls whenever he likes, never leaving the pool full: what he got
 * and what is still there must be what elapsed time earned, to the last bit.
 */
static bool test_polling(unsigned int rounds)
{
	while (rounds--) {
		struct rubato_slice slice = { 0 };
		struct rubato_params p;
		uint64_t start, now, word, next, ticks;
		int i;

		random_params(&p);
		rubato_budget_derive(&p, SIM_TSC_KHZ);
		if (p.burst_ticks < 100 || p.burst_ticks > 1ULL << 50)
			continue;
		start = word = now = sim_magnitude(&seed, 1, (1ULL << 62)) +
				     p.burst_ticks;
		for (i = 0; i < 200; i++) {
			uint64_t limit = word + p.burst_ticks;

			now = sim_range(&seed, now, limit < now ? now : limit);
			ticks = rubato_pool_draw(&p, word, now,
						 sim_magnitude(&seed, 0, 1ULL << 44),
						 (__u64 *)&next);
			rubato_slice_earn(&slice, &p, ticks);
			word = next;
		}
		if (slice_fp(&slice) != (__int128)p.rate * (word - start) ||
		    rubato_pool_credit(&p, word, now) !=
		    (int64_t)((u128)p.rate * (now - word) >> 32))
			return false;
	}
	return true;
}

/* An idle pool holds one burst, however long; a fresh one as well. */
static bool test_burst(unsigned int cases)
{
	while (cases--) {
		struct rubato_params p;
		uint64_t now;
		int64_t burst, slack;

		random_params(&p);
		rubato_budget_derive(&p, SIM_TSC_KHZ);
		burst = rubato_signed(rubato_budget_burst(&p));
		slack = (p.rate >> 32) + 1;
		now = sim_range(&seed, p.burst_ticks, 1ULL << 63);
		if (p.burst_ticks < RUBATO_BURST_TICKS_MAX &&
		    (rubato_pool_credit(&p, 0, now) < burst ||
		     rubato_pool_credit(&p, 0, now) > burst + slack))
			return false;
		if (rubato_pool_credit(&p, now, now) ||
		    rubato_pool_credit(&p, now + 1, now))
			return false;
	}
	return true;
}

static bool test_when(unsigned int cases)
{
	while (cases--) {
		struct rubato_params p;
		uint64_t word, want, when;

		random_params(&p);
		rubato_budget_derive(&p, SIM_TSC_KHZ);
		word = sim_range(&seed, 1, 1ULL << 61);
		want = sim_magnitude(&seed, 1, rubato_budget_burst(&p));
		when = rubato_pool_when(&p, word, want);
		if (p.burst_ticks == RUBATO_BURST_TICKS_MAX)
			continue;
		if (rubato_pool_credit(&p, word, when) < (int64_t)want ||
		    rubato_pool_credit(&p, word, when - 1) >= (int64_t)want)
			return false;
		/* More than a burst: when it is full. */
		if (rubato_pool_when(&p, word, ~0ULL) != word + p.burst_ticks)
			return false;
	}
	return true;
}

/*
 * What is spent is gone, to a tick for each time; no deeper than one burst, and
 * a word that somebody else wrote is no reason to lift it.
 */
static bool test_spend(unsigned int cases)
{
	while (cases--) {
		struct rubato_params p;
		uint64_t word, now, next, deepest, cost;
		u128 ticks;

		random_params(&p);
		rubato_budget_derive(&p, SIM_TSC_KHZ);
		now = sim_range(&seed, p.burst_ticks, 1ULL << 62);
		word = sim_magnitude(&seed, 0, 1ULL << 63);
		cost = sim_magnitude(&seed, 0, RUBATO_BURST_CYCLES_MAX);
		next = rubato_pool_spend(&p, word, now, cost);
		deepest = now + p.burst_ticks;
		if (next < word || (next > deepest && next != word))
			return false;
		ticks = ((u128)cost * ((u128)1 << 32) + p.rate - 1) / p.rate;
		if (!cost || word >= deepest) {
			if (next != word)
				return false;
			continue;
		}
		if (word < now - p.burst_ticks)
			word = now - p.burst_ticks;
		if (next != (ticks < deepest - word ? word + ticks : deepest))
			return false;
	}
	return true;
}

static bool test_rate_change(void)
{
	struct rubato_params slow = { .flags = RUBATO_TENANT_CAPPED,
		.budget_cycles = 200000, .period_us = 1000 };
	struct rubato_params fast = slow;
	uint64_t now = 1ULL << 50, word = now - 500000;

	fast.budget_cycles = 2000000;
	fast.burst_cycles = 300000;
	rubato_budget_derive(&slow, SIM_TSC_KHZ);	/* 0.1 cycle per tick */
	rubato_budget_derive(&fast, SIM_TSC_KHZ);	/* 1, at most 300000 */
	return rubato_pool_credit(&slow, word, now) == 49999 &&
	       rubato_pool_credit(&fast, word, now) == 300000 &&
	       rubato_pool_credit(&fast, now - 100000, now) == 100000;
}

static bool test_charge(void)
{
	struct rubato_slice s = { .credit_cycles = 100 };
	bool ok;

	rubato_slice_charge(&s, 250);
	ok = s.credit_cycles == -150 && rubato_slice_broke(&s);
	rubato_slice_charge_drop(&s, 1000000, 500);
	ok &= s.credit_cycles == -500;
	rubato_slice_charge(&s, 100);
	rubato_slice_charge_drop(&s, 5, 500);
	ok &= s.credit_cycles == -600;	/* deeper already: neither lifted nor sunk */
	rubato_slice_charge(&s, ~0ULL);
	rubato_slice_charge(&s, ~0ULL);
	ok &= s.credit_cycles == INT64_MIN;
	rubato_slice_charge_drop(&s, ~0ULL, ~0ULL);
	ok &= s.credit_cycles == INT64_MIN;
	s.credit_cycles = INT64_MAX;
	rubato_slice_charge_drop(&s, ~0ULL, ~0ULL);
	return ok && s.credit_cycles == 0;
}

#define LOG	300

/*
 * Several cores with unequal clocks draw in any order: over every window they
 * got at most rate * (window + burst), and no tick twice.
 */
static bool windows_hold(const struct rubato_params *p, const uint64_t *stamp,
			 const uint64_t *ticks, int count)
{
	int i, j;

	for (i = 0; i < count; i++) {
		u128 sum = 0;

		for (j = i; j < count; j++) {
			sum += ticks[j];
			if (sum > (u128)(stamp[j] - stamp[i]) + p->burst_ticks)
				return false;
		}
	}
	return true;
}

static bool test_windows(unsigned int rounds)
{
	uint64_t stamp[LOG], ticks[LOG];

	while (rounds--) {
		struct rubato_params p;
		uint64_t word = 0, next, now = 1ULL << 62;
		int i;

		random_params(&p);
		rubato_budget_derive(&p, SIM_TSC_KHZ);
		if (p.burst_ticks > 1ULL << 50)
			continue;
		for (i = 0; i < LOG; i++) {
			now += sim_magnitude(&seed, 0, p.burst_ticks / 4 + 1);
			stamp[i] = now;
			ticks[i] = rubato_pool_draw(&p, word, now,
						    sim_magnitude(&seed, 0, 1ULL << 44),
						    (__u64 *)&next);
			if (next < word || next > now)
				return false;
			word = next;
		}
		if (!windows_hold(&p, stamp, ticks, LOG))
			return false;
	}
	return true;
}

#define THREADS	4

struct drawer {
	pthread_t thread;
	const struct rubato_params *params;
	struct rubato_pool *pool;
	uint64_t *clock;
	uint64_t seed;
	uint64_t ticks;
	unsigned int draws;
};

static void *draw_much(void *argument)
{
	struct drawer *d = argument;
	unsigned int i;

	for (i = 0; i < d->draws; i++) {
		uint64_t now = __atomic_add_fetch(d->clock,
						  sim_range(&d->seed, 0, 2000),
						  __ATOMIC_RELAXED);
		__u64 word = __atomic_load_n(&d->pool->spent_until,
					     __ATOMIC_RELAXED), next;
		uint64_t ticks, want = sim_range(&d->seed, 0, 1000);

		do {
			ticks = rubato_pool_draw(d->params, word, now, want,
						 &next);
		} while (ticks && !__atomic_compare_exchange_n(
				 &d->pool->spent_until, &word, next, true,
				 __ATOMIC_RELAXED, __ATOMIC_RELAXED));
		d->ticks += ticks;
	}
	return NULL;
}

/* With a burst that is never full, what all took is what the word moved. */
static bool test_threads(unsigned int draws)
{
	struct rubato_params p = { .flags = RUBATO_TENANT_CAPPED,
		.budget_cycles = 500000, .period_us = 1000,
		.burst_cycles = RUBATO_BURST_CYCLES_MAX };
	struct drawer drawer[THREADS] = { 0 };
	struct rubato_pool pool = { 0 };
	uint64_t clock = 1ULL << 62, start, sum = 0;
	int i;

	rubato_budget_derive(&p, SIM_TSC_KHZ);
	pool.spent_until = start = clock;
	for (i = 0; i < THREADS; i++) {
		drawer[i] = (struct drawer){ .params = &p, .pool = &pool,
			.clock = &clock, .seed = i + 1, .draws = draws };
		if (pthread_create(&drawer[i].thread, NULL, draw_much, &drawer[i]))
			return false;
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(drawer[i].thread, NULL);
		sum += drawer[i].ticks;
	}
	return sum == pool.spent_until - start && sum && pool.spent_until <= clock;
}

int main(void)
{
	unsigned int scale = sim_scale();

	ksft_print_header();
	ksft_set_plan(14);
	ksft_test_result(test_division(1000000 * scale), "division by parts equals 128 bits\n");
	ksft_test_result(test_saturation(1000000 * scale), "sums and products saturate\n");
	ksft_test_result(test_derive(1000000 * scale), "derived parameters equal the reference\n");
	ksft_test_result(test_derive_refuses(), "out of range is refused, unchanged\n");
	ksft_test_result(test_uncapped(), "no budget: no rate, nothing to draw\n");
	ksft_test_result(test_earn(1000000 * scale), "earnings are exact to 2^-32 cycle\n");
	ksft_test_result(test_polling(10000 * scale), "refill is exact under any polling pattern\n");
	ksft_test_result(test_burst(500000 * scale), "a full pool holds one burst\n");
	ksft_test_result(test_when(500000 * scale), "the stamp of credit is exact\n");
	ksft_test_result(test_spend(1000000 * scale), "what is spent is gone, to a tick\n");
	ksft_test_result(test_rate_change(), "a new rate keeps the word\n");
	ksft_test_result(test_charge(), "charges saturate, drops stop at the floor\n");
	ksft_test_result(test_windows(500 * scale), "no window exceeds rate and burst\n");
	ksft_test_result(test_threads(500000 * scale), "threads draw no tick twice and lose none\n");
	ksft_finished();
}
