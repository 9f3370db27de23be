// SPDX-License-Identifier: GPL-2.0
/*
 * Policers: what passes over any time is what the rate earns, to the byte,
 * however often and on whichever cores somebody looks.
 */
#include <errno.h>
#include <pthread.h>

#include "../core/sim.h"
#include "../kselftest.h"
#include "stage/policer.h"

#define TSC_KHZ		2100000U
#define TICKS_PER_S	(TSC_KHZ * 1000ULL)
#define UNITS		1024		/* the buckets', in a byte or packet */
#define CORES		4
#define START		1000000000000ULL
#define FRAME_MOST	1514

static uint64_t random_state = 77;

static uint64_t range(uint64_t from, uint64_t to)
{
	return sim_range(&random_state, from, to);
}

static struct policer *make(uint64_t bytes_per_s, uint64_t burst_bytes,
			    uint64_t packets_per_s, uint64_t burst_packets)
{
	const struct policer_limits limits = {
		bytes_per_s, burst_bytes, packets_per_s, burst_packets,
	};
	struct rubato_error error;
	struct policer *policer = NULL;

	if (policer_new(&limits, CORES, TSC_KHZ, &policer, &error))
		ksft_print_msg("%s\n", error.text);
	return policer;
}

/* What @per_s is, as a rate of units per tick in 32.32, rounded down. */
static unsigned __int128 rate_of(uint64_t per_s)
{
	return ((unsigned __int128)per_s * UNITS << 32) / TICKS_PER_S;
}

/* All that may pass until @ticks after the start, in 2^-32 units, at most. */
static unsigned __int128 bound(uint64_t per_s, uint64_t burst, uint64_t ticks)
{
	return rate_of(per_s) * (ticks + 1) +
	       ((unsigned __int128)burst * UNITS << 32);
}

static unsigned __int128 used(uint64_t amount)
{
	return (unsigned __int128)amount * UNITS << 32;
}

/*
 * A load that is always above the rate, looked at at random instants by random
 * cores: never more than was earned, and less by one frame per core at most.
 */
static bool greedy(uint64_t per_s, uint64_t burst)
{
	struct policer *policer = make(per_s, burst, 0, 0);
	uint64_t now = START, passed = 0;
	/* Half of the burst at most, so that nothing earned is ever forgotten. */
	uint64_t step = burst * TICKS_PER_S / per_s / 2 + 1;
	bool ok = policer;

	for (uint32_t i = 0; i < 2000 && ok; i++) {
		uint32_t length = (uint32_t)range(64, FRAME_MOST);
		uint32_t core = (uint32_t)range(0, CORES - 1);

		while (policer_admits(policer, core, length, now))
			passed += length;
		ok = used(passed) <= bound(per_s, burst, now - START) &&
		     used(passed + (CORES + 1) * FRAME_MOST) >=
		     bound(per_s, burst, now - START);
		now += range(0, step);
	}
	ok = ok && policer_counts(policer).passed_bytes == passed;
	policer_free(policer);
	return ok;
}

static bool test_greedy(void)
{
	bool ok = true;

	for (uint32_t i = 0; i < 50 * sim_scale() && ok; i++) {
		uint64_t per_s = sim_magnitude(&random_state, 1000,
					       POLICER_BYTES_PER_S_MAX);

		ok = greedy(per_s, range(8000, 100000));
		if (!ok)
			ksft_print_msg("with %llu bytes/s\n",
				       (unsigned long long)per_s);
	}
	return ok;
}

/* One packet a second, over a day: none too many and none too few. */
static bool test_slow(void)
{
	struct policer *policer = make(0, 0, 1, 2);
	uint64_t passed = 0, seconds = 86400;

	for (uint64_t tenth = 0; tenth < seconds * 10; tenth++)
		passed += policer_admits(policer, 0, 64, START +
					 tenth * TICKS_PER_S / 10);
	policer_free(policer);
	ksft_print_msg("%llu packets in %llu seconds\n",
		       (unsigned long long)passed,
		       (unsigned long long)seconds);
	return passed <= seconds + 2 && passed >= seconds * 999 / 1000;
}

/* Looking in between, and being refused, changes nothing. */
static bool test_looks(void)
{
	struct policer *rare = make(1000000, 10000, 0, 0);
	struct policer *often = make(1000000, 10000, 0, 0);
	uint64_t now = START;
	bool ok = true;

	for (uint32_t i = 0; i < 100000 * sim_scale() && ok; i++) {
		uint32_t length = (uint32_t)range(64, FRAME_MOST);
		uint64_t next = now + range(1, TICKS_PER_S / 500);

		for (uint64_t look = range(0, 5); look; look--)
			ok = ok && !policer_admits(often, 0, 10001,
						   now + range(0, next - now));
		now = next;
		ok = ok && policer_admits(rare, 0, length, now) ==
			   policer_admits(often, 0, length, now);
	}
	policer_free(rare);
	policer_free(often);
	return ok;
}

/* Both buckets: a frame that one refuses takes nothing out of the other. */
static bool test_both(void)
{
	struct policer *policer = make(1000, 4000, 1000000, 2);
	bool ok = policer_admits(policer, 0, 1000, START) &&
		  policer_admits(policer, 0, 1000, START) &&
		  !policer_admits(policer, 0, 1000, START) &&
		  !policer_admits(policer, 0, 1000, START) &&
		  /* Packets again; two thousand bytes were left. */
		  policer_admits(policer, 0, 1000, START + TICKS_PER_S / 1000) &&
		  policer_admits(policer, 0, 1000, START + TICKS_PER_S / 1000) &&
		  !policer_admits(policer, 0, 1000, START + TICKS_PER_S / 500) &&
		  policer_counts(policer).passed == 4 &&
		  policer_counts(policer).dropped == 3 &&
		  policer_counts(policer).dropped_bytes == 3000;

	policer_free(policer);
	return ok;
}

/* The clock of another core may be a little behind. */
static bool test_backwards(void)
{
	struct policer *policer = make(1000000, 2048, 0, 0);
	bool ok = policer_admits(policer, 0, 2048, START) &&
		  !policer_admits(policer, 1, 64, START - 1000) &&
		  !policer_admits(policer, 1, 64, 0) &&
		  policer_admits(policer, 1, 2048, START + TICKS_PER_S);

	policer_free(policer);
	return ok;
}

struct thread {
	pthread_t id;
	struct policer *policer;
	uint32_t core;
	uint64_t passed;
};

static void *look(void *argument)
{
	struct thread *thread = argument;

	for (uint64_t i = 0; i < 200000; i++)
		thread->passed += policer_admits(thread->policer, thread->core,
						 100, START + i * 1000) * 100;
	return NULL;
}

/* Real threads at one bucket: no tick is drawn twice. */
static bool test_threads(void)
{
	struct policer *policer = make(1000000000, 10000, 0, 0);
	struct thread threads[CORES];
	uint64_t passed = 0;

	for (uint32_t i = 0; i < CORES; i++) {
		threads[i] = (struct thread) { .policer = policer, .core = i };
		if (pthread_create(&threads[i].id, NULL, look, &threads[i]))
			return false;
	}
	for (uint32_t i = 0; i < CORES; i++) {
		pthread_join(threads[i].id, NULL);
		passed += threads[i].passed;
	}
	policer_free(policer);
	ksft_print_msg("%llu bytes passed\n", (unsigned long long)passed);
	return used(passed) <= bound(1000000000, 10000, 200000000) &&
	       passed > 10000000;
}

static const struct bad {
	struct policer_limits limits;
	int code;
} bads[] = {
	{ { 0, 0, 0, 0 }, -EINVAL },
	{ { 0, 4096, 1, 0 }, -EINVAL },
	{ { 1, 0, 0, 1 }, -EINVAL },
	{ { POLICER_BYTES_PER_S_MAX + 1, 0, 0, 0 }, -ERANGE },
	{ { UINT64_MAX, 0, 0, 0 }, -ERANGE },
	{ { 1, POLICER_BURST_BYTES_MIN - 1, 0, 0 }, -ERANGE },
	{ { 1, POLICER_BURST_MAX + 1, 0, 0 }, -ERANGE },
	{ { 0, 0, POLICER_PACKETS_PER_S_MAX + 1, 0 }, -ERANGE },
	{ { 0, 0, 1, POLICER_BURST_MAX + 1 }, -ERANGE },
};

static bool test_bad(void)
{
	bool ok = true;

	for (size_t i = 0; i < ARRAY_SIZE(bads); i++) {
		struct rubato_error error = {};
		struct policer *policer = NULL;

		ok &= policer_new(&bads[i].limits, 1, TSC_KHZ, &policer,
				  &error) == bads[i].code && !policer &&
		      error.text[0];
	}
	return ok;
}

/* However short ago the clock began to count. */
static bool test_fresh(void)
{
	struct policer *policer = make(1, 4096, 0, 0);
	bool ok = policer_admits(policer, 0, 4096, 1) &&
		  !policer_admits(policer, 0, 64, 2);

	policer_free(policer);
	return ok;
}

/* Limits at the ends of their ranges work, and burst by default. */
static bool test_ends(void)
{
	struct policer *most = make(POLICER_BYTES_PER_S_MAX, POLICER_BURST_MAX,
				    POLICER_PACKETS_PER_S_MAX, POLICER_BURST_MAX);
	struct policer *least = make(1, 0, 1, 0);
	struct policer *usual = make(1000000, 0, 1000, 0);
	bool ok = policer_admits(most, 0, FRAME_MOST, START) &&
		  policer_admits(least, 0, 2048, START) &&
		  !policer_admits(least, 0, 64, START + TICKS_PER_S * 60) &&
		  policer_limits(usual)->burst_bytes == 100000 &&
		  policer_limits(usual)->burst_packets == 100;

	policer_free(most);
	policer_free(least);
	policer_free(usual);
	return ok;
}

int main(void)
{
	ksft_print_header();
	ksft_set_plan(9);
	ksft_test_result(test_greedy(), "what is earned passes, no more, no less\n");
	ksft_test_result(test_slow(), "one packet a second\n");
	ksft_test_result(test_looks(), "looking changes nothing\n");
	ksft_test_result(test_both(), "two buckets\n");
	ksft_test_result(test_backwards(), "clocks that differ\n");
	ksft_test_result(test_threads(), "several cores at once\n");
	ksft_test_result(test_bad(), "limits that are refused\n");
	ksft_test_result(test_fresh(), "full from the first moment\n");
	ksft_test_result(test_ends(), "limits at the ends, and bursts by default\n");
	ksft_finished();
}
