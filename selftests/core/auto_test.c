// SPDX-License-Identifier: GPL-2.0
/* What policy `auto` decides from what it sees, period after period. */
#include <rubato/auto.h>
#include "../kselftest.h"
#include "sim.h"

static uint64_t seed = 3;

static const struct rubato_auto_view small = {
	.threads = 8, .threads_most = 4, .tables = RUBATO_AUTO_TABLES - 1,
	.thread_cycles = 1000000,
};
static const struct rubato_auto_view spread = {
	.threads = 8, .threads_most = 4, .tables = 1000, .tables_there = 600,
	.thread_cycles = 1000000,
};
static const struct rubato_auto_view at_home = {
	.threads = 8, .threads_most = 7, .tables = 1000, .tables_there = 600,
	.thread_cycles = 1000000,
};
static const struct rubato_auto_view moved = {
	.threads = 8, .threads_most = 8, .tables = 1000, .tables_there = 400,
	.thread_cycles = 1000000,
};

static struct rubato_auto_view costly(struct rubato_auto_view view)
{
	view.copy_cycles = view.thread_cycles / RUBATO_AUTO_COST + 1;
	return view;
}

/* Periods until it says @place, at most @periods; 0: it never did. */
static unsigned int until(struct rubato_auto *a,
			  const struct rubato_auto_view *view,
			  enum rubato_auto_place place, unsigned int periods)
{
	for (unsigned int i = 1; i <= periods; i++) {
		rubato_auto_step(a, view);
		if (a->place == place)
			return i;
	}
	return 0;
}

static bool settles(const struct rubato_auto_view *view,
		    enum rubato_auto_place place,
		    enum rubato_auto_reason reason)
{
	struct rubato_auto a = {};

	for (int i = 0; i < 100; i++)
		rubato_auto_step(&a, view);
	return a.place == place && a.reason == reason;
}

static bool test_each_case(void)
{
	return settles(&small, RUBATO_AUTO_NOTHING, RUBATO_AUTO_FEW) &&
	       settles(&spread, RUBATO_AUTO_REPLICATE, RUBATO_AUTO_SPREAD) &&
	       settles(&at_home, RUBATO_AUTO_NOTHING, RUBATO_AUTO_AT_HOME) &&
	       settles(&moved, RUBATO_AUTO_MIGRATE, RUBATO_AUTO_MOVED);
}

/* What lasts shorter than it takes to agree changes nothing. */
static bool test_blips(unsigned int cases)
{
	struct rubato_auto a = {};

	if (until(&a, &spread, RUBATO_AUTO_REPLICATE, 10) != RUBATO_AUTO_AGREE)
		return false;
	while (cases--) {
		unsigned int blip = sim_range(&seed, 0, RUBATO_AUTO_AGREE - 1);

		while (blip--) {
			if (rubato_auto_step(&a, &moved))
				return false;
		}
		if (rubato_auto_step(&a, &spread))
			return false;
	}
	return a.place == RUBATO_AUTO_REPLICATE;
}

/* Two opinions that take turns never win. */
static bool test_flapping(void)
{
	struct rubato_auto a = {};

	for (int i = 0; i < 1000; i++) {
		if (rubato_auto_step(&a, i & 1 ? &spread : &moved))
			return false;
	}
	return a.place == RUBATO_AUTO_NOTHING;
}

static bool test_cost_ends_it_at_once(void)
{
	struct rubato_auto_view dear = costly(spread);
	struct rubato_auto a = {};

	until(&a, &spread, RUBATO_AUTO_REPLICATE, 10);
	return rubato_auto_step(&a, &dear) && a.place == RUBATO_AUTO_NOTHING &&
	       a.reason == RUBATO_AUTO_COSTLY;
}

/* Each attempt that was too dear makes the next one wait twice as long. */
static bool test_back_off(void)
{
	struct rubato_auto_view dear = costly(spread);
	unsigned int expected = RUBATO_AUTO_WAIT, took;
	struct rubato_auto a = {};

	until(&a, &spread, RUBATO_AUTO_REPLICATE, 10);
	for (int i = 0; i < 12; i++) {
		rubato_auto_step(&a, &dear);
		took = until(&a, &dear, RUBATO_AUTO_REPLICATE, 100000);
		if (took != expected + RUBATO_AUTO_AGREE)
			return false;
		expected *= 2;
		if (expected > RUBATO_AUTO_WAIT_MAX)
			expected = RUBATO_AUTO_WAIT_MAX;
	}
	return true;
}

/* If copies are always too dear, all of them together hardly cost. */
static bool test_total_cost(void)
{
	struct rubato_auto_view dear = costly(spread);
	struct rubato_auto a = {};
	unsigned int with = 0, periods = 100000;

	for (unsigned int i = 0; i < periods; i++) {
		rubato_auto_step(&a, &dear);
		with += a.place != RUBATO_AUTO_NOTHING;
	}
	return with * 1000 < periods;
}

static struct rubato_auto_view random_view(void)
{
	struct rubato_auto_view view = {
		.threads = sim_range(&seed, 1, 4096),
		.tables = sim_magnitude(&seed, 0, UINT32_MAX),
		.copy_cycles = sim_magnitude(&seed, 0, UINT64_MAX - 1),
		.thread_cycles = sim_magnitude(&seed, 0, UINT64_MAX - 1),
	};

	view.threads_most = sim_range(&seed, 1, view.threads);
	view.tables_there = sim_range(&seed, 0, view.tables);
	return view;
}

/* Whatever it sees: it says when it changes, and nothing dear goes on. */
static bool test_any_input(unsigned int cases)
{
	struct rubato_auto a = {};

	while (cases--) {
		struct rubato_auto_view view = random_view();
		enum rubato_auto_place before = a.place;
		int changed = rubato_auto_step(&a, &view);

		if (changed != (a.place != before) ||
		    a.wait > RUBATO_AUTO_WAIT_MAX ||
		    (before == a.place && a.place != RUBATO_AUTO_NOTHING &&
		     rubato_auto_is_costly(&view)))
			return false;
	}
	return true;
}

int main(void)
{
	ksft_print_header();
	ksft_set_plan(7);
	ksft_test_result(test_each_case(), "each case has its place\n");
	ksft_test_result(test_blips(100000 * sim_scale()),
			 "what does not last changes nothing\n");
	ksft_test_result(test_flapping(), "opinions that take turns\n");
	ksft_test_result(test_cost_ends_it_at_once(),
			 "what costs too much ends at once\n");
	ksft_test_result(test_back_off(), "attempts get rarer\n");
	ksft_test_result(test_total_cost(),
			 "always too dear: in one period of 1000, at most\n");
	ksft_test_result(test_any_input(1000000 * sim_scale()), "any input\n");
	ksft_finished();
}
