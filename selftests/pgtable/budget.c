// SPDX-License-Identifier: GPL-2.0
/*
 * What replicas cost is the tenant's to pay: with a daemon's ledger attached,
 * page faults that fill them are taken off its pool, and without credit there
 * are none.
 */
#include <fcntl.h>
#include "../kmod/common.h"
#include "area.h"
#include "world.h"

#define MIB	8

static struct world daemon_world;

static uint64_t slot(void)
{
	return get_number(TENANT "slot");
}

static uint64_t spent_until(void)
{
	return __atomic_load_n(&daemon_world.ledger[slot()].pool.spent_until,
			       __ATOMIC_RELAXED);
}

/* Every page anew, and seen from every place: each place has to fill. */
static bool use_memory(void)
{
	struct area area;
	bool ok;

	if (!area_map(&area, MIB << 20))
		return false;
	ok = area_same(&area);
	area_unmap(&area);
	return ok;
}

/* Cycles that the tenant has a minute for, and saves up at most. */
static bool budget(const char *cycles, const char *burst)
{
	return expect(!put(TENANT "period_us", "10000000")) &&
	       expect(!put(TENANT "burst_cycles", burst)) &&
	       expect(!put(TENANT "budget_cycles", cycles));
}

static bool no_budget_no_limit(void)
{
	uint64_t fills = stat_of("fills"), held = stat_of("held_back");

	return use_memory() && expect(stat_of("fills") > fills) &&
	       expect(stat_of("held_back") == held) &&
	       expect(stat_of("cycles") > 0) && expect(!spent_until());
}

/* With more than enough, all is taken off the pool that was counted. */
static bool pool_pays(void)
{
	uint64_t cycles, before, after, earned;

	if (!budget("17592186044416", "17592186044416"))
		return false;
	use_memory();
	before = spent_until();
	cycles = stat_of("cycles");
	if (!use_memory())
		return false;
	after = spent_until();
	cycles = stat_of("cycles") - cycles;
	/* A tick earns rate / 2^32 cycles. */
	earned = (after - before) *
		 (daemon_world.ledger[slot()].params.rate / 4294967296.0);
	ksft_print_msg("%lu cycles counted, %lu spent\n", cycles, earned);
	return expect(before) && expect(earned >= cycles);
}

static bool broke_gets_none(void)
{
	uint64_t fills, held;

	if (!budget("1000", "1"))
		return false;
	use_memory();			/* whatever was saved up */
	fills = stat_of("fills");
	held = stat_of("held_back");
	return use_memory() && expect(stat_of("held_back") > held) &&
	       expect(stat_of("fills") - fills < 100);
}

static bool funded_again(void)
{
	uint64_t fills = stat_of("fills");

	return expect(!put(TENANT "budget_cycles", "max")) && use_memory() &&
	       expect(within(patience(), use_memory() &&
			     stat_of("fills") > fills + 4)) && verified();
}

/* Its maps are given back while faults look at them. */
static bool daemon_goes(void)
{
	unsigned int i;
	bool ok = true;

	for (i = 0; ok && i < rounds(5); i++) {
		close(daemon_world.device);
		daemon_world.device = -1;
		ok = use_memory();
		daemon_world.device = open("/dev/rubato", O_RDWR | O_CLOEXEC);
		ok &= expect(!world_attach(&daemon_world)) && use_memory();
	}
	return ok;
}

int main(void)
{
	world_begin();
	ksft_print_header();
	ksft_set_plan(5);
	world_make(&daemon_world);
	if (world_attach(&daemon_world) || !enter(CGROUP))
		ksft_exit_fail_msg("no ledger, or not enrolled\n");
	ksft_test_result(no_budget_no_limit(), "no budget, no limit\n");
	ksft_test_result(pool_pays(), "the pool pays what was counted\n");
	ksft_test_result(broke_gets_none(), "without credit, no copies\n");
	ksft_test_result(funded_again(), "with credit, again\n");
	ksft_test_result(daemon_goes(), "the daemon comes and goes\n");
	world_free(&daemon_world);
	enter("");
	world_end();
	ksft_finished();
}
