// SPDX-License-Identifier: GPL-2.0
/*
 * Replay windows against a model that remembers everything: no number twice, and
 * none refused that is within the window, in whatever order they come.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../core/sim.h"
#include "../kselftest.h"
#include "stage/replay.h"

#define ROUNDS		1000000
#define NUMBERS		(ROUNDS * 4)
#define THREADS		4

static struct replay replay;
static uint8_t *seen;			/* how often, by number */

static void begin(uint64_t numbers)
{
	memset(&replay, 0, sizeof(replay));
	free(seen);
	seen = calloc(numbers, 1);
}

/* Numbers that run ahead, fall back by any magnitude, or come again. */
static bool test_model(void)
{
	uint64_t random = 9, newest = 0, accepted = 0, old = 0;
	bool ok = true;

	begin(NUMBERS + 1);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		uint64_t back = sim_magnitude(&random, 0, 3 * REPLAY_WINDOW);
		uint64_t number = newest + sim_range(&random, 0, 7);
		bool is_old, is_new;

		number = number > back ? number - back : 1;
		is_old = number < newest && newest - number >= REPLAY_WINDOW;
		is_new = !is_old && !seen[number];
		ok &= replay_is_old(&replay, number) == !is_new;
		ok &= replay_accept(&replay, number) == is_new;
		accepted += is_new;
		old += is_old;
		seen[number] |= is_new;
		if (is_new && number > newest)
			newest = number;
	}
	ksft_print_msg("%llu accepted, %llu too old\n",
		       (unsigned long long)accepted, (unsigned long long)old);
	return ok && accepted > ROUNDS / 10 && old > ROUNDS / 100;
}

/* Far ahead, where numbers of real clocks are. */
static bool test_far(void)
{
	uint64_t start = 1795000000000000000ULL;

	begin(1);
	return replay_accept(&replay, 5) && replay_accept(&replay, start) &&
	       !replay_accept(&replay, start) && !replay_accept(&replay, 6) &&
	       replay_accept(&replay, start - REPLAY_WINDOW + 1) &&
	       !replay_accept(&replay, start - REPLAY_WINDOW) &&
	       replay_accept(&replay, UINT64_MAX) &&
	       !replay_accept(&replay, UINT64_MAX) &&
	       !replay_accept(&replay, 0) && !replay_accept(&replay, start + 1);
}

static void *offer(void *count)
{
	for (uint64_t number = 1; number <= ROUNDS; number++)
		if (replay_accept(&replay, number))
			++*(uint64_t *)count;
	return NULL;
}

/* All threads offer all numbers: together they have each once at most. */
static bool test_threads(void)
{
	uint64_t counts[THREADS] = {}, sum = 0;
	pthread_t threads[THREADS];

	begin(1);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, offer, &counts[i]);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		sum += counts[i];
	}
	/* Whoever is first has every number. */
	return sum == ROUNDS && !replay_accept(&replay, ROUNDS);
}

int main(void)
{
	ksft_print_header();
	ksft_set_plan(3);
	ksft_test_result(test_model(), "each once, and all that is new\n");
	ksft_test_result(test_far(), "far ahead, and at the ends\n");
	ksft_test_result(test_threads(), "several cores at once\n");
	ksft_finished();
}
