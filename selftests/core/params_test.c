// SPDX-License-Identifier: GPL-2.0
/* Parameters: what is refused, and that readers never see half a write. */
#include <pthread.h>
#include "../kselftest.h"
#include "sim.h"

#define ROUNDS	3000000

static bool accepts(const struct rubato_params *params)
{
	const char *reason = NULL;

	return !params_check(params, &reason) && !reason;
}

static bool refuses(const struct rubato_params *params)
{
	const char *reason = NULL;

	return params_check(params, &reason) == -22 && reason && *reason;
}

static bool test_check(void)
{
	struct rubato_params good, p;
	bool ok;

	params_default(&good);
	ok = accepts(&good) && good.weight == RUBATO_WEIGHT_DEFAULT &&
	     good.period_us == RUBATO_PERIOD_US_DEFAULT && !good.budget_cycles;
	p = good; p.weight = 0; ok &= refuses(&p);
	p = good; p.weight = 1; ok &= accepts(&p);
	p = good; p.weight = 10000; ok &= accepts(&p);
	p = good; p.weight = 10001; ok &= refuses(&p);
	p = good; p.period_us = 9; ok &= refuses(&p);
	p = good; p.period_us = 10; ok &= accepts(&p);
	p = good; p.period_us = 10000001; ok &= refuses(&p);
	p = good; p.flags |= RUBATO_TENANT_DROP; ok &= accepts(&p);
	p = good; p.flags |= 16; ok &= refuses(&p);
	p = good; p.burst_cycles = (1ULL << 44) + 1; ok &= refuses(&p);
	p = good; p.budget_cycles = 5000; ok &= refuses(&p);	/* not capped */
	good.flags |= RUBATO_TENANT_CAPPED;
	p = good; p.budget_cycles = 0; ok &= refuses(&p);
	p = good; p.budget_cycles = 999; ok &= refuses(&p);
	p = good; p.budget_cycles = 1000; ok &= accepts(&p);
	p = good; p.budget_cycles = 1ULL << 44; ok &= accepts(&p);
	p = good; p.budget_cycles = (1ULL << 44) + 1; ok &= refuses(&p);
	p = good; p.budget_cycles = (uint64_t)-1; ok &= refuses(&p);
	return ok;
}

static bool name_is(const char *name, int error)
{
	const char *reason = NULL;

	return params_check_name(name, &reason) == error && !!reason == !!error;
}

static bool test_names(void)
{
	char longest[RUBATO_NAME_SIZE + 1];

	memset(longest, 'a', sizeof(longest));
	longest[RUBATO_NAME_SIZE] = 0;
	if (!name_is(longest, -22))
		return false;
	longest[RUBATO_NAME_SIZE - 1] = 0;
	return name_is(longest, 0) && name_is("a", 0) && name_is("0a_.-z", 0) &&
	       name_is("", -22) && name_is("-a", -22) && name_is(".", -22) &&
	       name_is("..", -22) && name_is("A", -22) && name_is("a/b", -22) &&
	       name_is("a b", -22) && name_is("a\n", -22) && name_is("\xc3\xa4", -22);
}

/* Every field follows from ->generation: a mixture shows. */
static struct rubato_params pattern(uint32_t number)
{
	return (struct rubato_params){
		.flags = number * 3, .generation = number, .weight = number * 5,
		.budget_cycles = number * 7ULL, .period_us = number * 11ULL,
		.burst_cycles = number * 13ULL, .floor_cycles = number * 17ULL,
		.rate = number * 19ULL, .burst_ticks = number * 23ULL,
	};
}

static bool is_pattern(const struct rubato_params *params)
{
	struct rubato_params expected = pattern(params->generation);

	expected.seq = params->seq;
	return !memcmp(&expected, params, sizeof(expected));
}

struct race {
	struct rubato_ledger entry;
	bool stop;
	uint64_t reads, failed, mixed, went_back;
};

static void *read_much(void *argument)
{
	struct race *race = argument;
	uint32_t last = 0;

	while (!__atomic_load_n(&race->stop, __ATOMIC_ACQUIRE)) {
		struct rubato_params params = { 0 };

		if (!params_read(&race->entry, &params)) {
			race->failed++;
			continue;
		}
		race->reads++;
		race->mixed += !is_pattern(&params) || params.seq & 1;
		race->went_back += params.generation < last;
		last = params.generation;
	}
	return NULL;
}

static bool test_race(uint32_t rounds)
{
	static struct race race;
	struct rubato_params params;
	pthread_t reader;
	uint32_t i;

	if (pthread_create(&reader, NULL, read_much, &race))
		return false;
	for (i = 1; i <= rounds || !__atomic_load_n(&race.reads, __ATOMIC_RELAXED);
	     i++) {
		params = pattern(i);
		params_write(&race.entry, &params, i & 1 ? "odd" : "even");
	}
	__atomic_store_n(&race.stop, true, __ATOMIC_RELEASE);
	pthread_join(reader, NULL);
	return race.reads && !race.mixed && !race.went_back &&
	       params_read(&race.entry, &params) && params.generation == i - 1 &&
	       params.seq == 2 * (i - 1);
}

/* A writer that died half-way: readers give up, the next writer repairs it. */
static bool test_dead_writer(void)
{
	struct rubato_ledger *ledger = sim_new_ledger();
	struct rubato_params params = pattern(4), copy = pattern(9);
	bool ok;

	params_write(&ledger[1], &params, "a");
	ledger[1].params.seq++;
	ok = !params_read(&ledger[1], &copy) && is_pattern(&copy) &&
	     copy.generation == 9;
	params_write(&ledger[1], &params, NULL);
	ok &= params_read(&ledger[1], &copy) && copy.generation == 4 &&
	      copy.seq == 4 && !strcmp(ledger[1].name, "a");
	free(ledger);
	return ok;
}

static bool test_name_is_cut(void)
{
	struct rubato_ledger *ledger = sim_new_ledger();
	struct rubato_params params = pattern(1);
	char name[200];
	bool ok;

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	params_write(&ledger[1], &params, name);
	ok = strlen(ledger[1].name) == RUBATO_NAME_SIZE - 1 &&
	     !ledger[1].pool.spent_until;
	params_write(&ledger[1], &params, "b");
	ok &= !strcmp(ledger[1].name, "b") && !ledger[1].name[2] &&
	      !ledger[1].name[RUBATO_NAME_SIZE - 1];
	free(ledger);
	return ok;
}

int main(void)
{
	ksft_print_header();
	ksft_set_plan(5);
	ksft_test_result(test_check(), "values out of range are refused with a reason\n");
	ksft_test_result(test_names(), "names\n");
	ksft_test_result(test_race(ROUNDS * sim_scale()), "readers never see half a write\n");
	ksft_test_result(test_dead_writer(), "a writer that died is survived\n");
	ksft_test_result(test_name_is_cut(), "a long name stays in its place\n");
	ksft_finished();
}
