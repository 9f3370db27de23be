// SPDX-License-Identifier: GPL-2.0
/*
 * Policy `auto`: brings what was seen of a space to include/rubato/auto.h, which
 * decides, and tells of decisions.
 */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/nodemask.h>
#include "../main.h"
#include "../trace.h"
#include "decide.h"
#include "space.h"

#define PERIOD_MS	250

static const enum rubato_pgtable_policy policy_of[] = {
	[RUBATO_AUTO_NOTHING]	= RUBATO_PGTABLE_POLICY_OFF,
	[RUBATO_AUTO_MIGRATE]	= RUBATO_PGTABLE_POLICY_MIGRATE,
	[RUBATO_AUTO_REPLICATE]	= RUBATO_PGTABLE_POLICY_REPLICATE,
};

static u64 cycles_of(u64 ns)
{
	return mul_u64_u64_div_u64(ns, rubato_tsc_khz, NSEC_PER_MSEC);
}

/* Threads, and the tables of the node where most of them are. */
static void view_nodes(const struct rubato_space *space,
		       struct rubato_auto_view *view)
{
	int node;

	for (node = 0; node < nr_node_ids; node++) {
		const struct rubato_space_node *at = &space->nodes[node];

		view->threads += at->votes;
		view->tables += at->tables;
		if (at->votes <= view->threads_most)
			continue;
		view->threads_most = at->votes;
		view->tables_there = at->tables;
	}
}

/* Threads that have ended since take their time with them: then it is none. */
static void view_time(struct rubato_space *space,
		      struct rubato_auto_view *view)
{
	struct rubato_decision *decision = &space->decision;
	u64 copies = atomic64_read(&space->copy_cycles);

	view->copy_cycles = copies - decision->copy_cycles;
	if (space->runtime_ns > decision->runtime_ns)
		view->thread_cycles = cycles_of(space->runtime_ns -
						decision->runtime_ns);
	decision->copy_cycles = copies;
	decision->runtime_ns = space->runtime_ns;
}

static void step(struct rubato_space *space)
{
	struct rubato_auto *automatic = &space->decision.automatic;
	struct rubato_auto_view view = {};

	view_nodes(space, &view);
	view_time(space, &view);
	if (rubato_auto_step(automatic, &view))
		trace_rubato_space_decide(space->placement->slot, space->pid,
					  automatic, &view);
}

/**
 * rubato_decide() - what to do for a space now
 * @space: its threads and tables have just been counted
 *
 * Context: the worker, under rubato_spaces_mutex.
 */
enum rubato_pgtable_policy rubato_decide(struct rubato_space *space)
{
	struct rubato_decision *decision = &space->decision;
	ktime_t now = ktime_get();

	if (ktime_ms_delta(now, decision->taken) >= PERIOD_MS) {
		decision->taken = now;
		step(space);
	}
	return policy_of[decision->automatic.place];
}
