// SPDX-License-Identifier: GPL-2.0
/*
 * On which node a tenant could be at home: brings what its threads used, and
 * where, to include/rubato/home.h, which decides, and tells of it. Nothing is
 * done about it here: whoever wants it says so (rubato pgtable home --apply).
 *
 * How much a process used is exact. Where is a sample: what it used since the
 * last look is divided among nodes as its threads were found there, those with
 * work to do if any had.
 */
#include <linux/cpumask.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/nodemask.h>
#include <linux/topology.h>
#include "../trace.h"
#include "home.h"
#include "placement.h"
#include "space.h"

#define PERIOD_MS	1000

/* What a process used since the last look; without it, how much it had then. */
static u64 used_since(struct rubato_space *space)
{
	u64 before = space->noted_ns;

	space->noted_ns = space->runtime_ns;
	/* Threads that have ended took their time with them. */
	return before && space->runtime_ns > before ?
	       space->runtime_ns - before : 0;
}

static unsigned int sum_running(const struct rubato_space *space)
{
	unsigned int running = 0;
	int node;

	for (node = 0; node < nr_node_ids; node++)
		running += space->nodes[node].running;
	return running;
}

static unsigned int sum_votes(const struct rubato_space *space)
{
	unsigned int votes = 0;
	int node;

	for (node = 0; node < nr_node_ids; node++)
		votes += space->nodes[node].votes;
	return votes;
}

/**
 * rubato_home_note() - count what a process used for its tenant
 * @space: its threads have just been counted
 *
 * Context: the worker, under rubato_spaces_mutex.
 */
void rubato_home_note(struct rubato_space *space)
{
	struct rubato_home_node *nodes = space->placement->home.nodes;
	unsigned int running = sum_running(space), votes = sum_votes(space);
	u64 used = used_since(space);
	int node;

	for (node = 0; node < nr_node_ids && votes; node++) {
		const struct rubato_space_node *at = &space->nodes[node];

		nodes[node].time += running ?
			mul_u64_u64_div_u64(used, at->running, running) :
			mul_u64_u64_div_u64(used, at->votes, votes);
	}
}

/* Those of nodes where replicas may be: others are none of the tenant's. */
static void count_cpus(struct rubato_placement *placement)
{
	nodemask_t nodes = rubato_placement_nodes(placement);
	int node, cpu;

	for (node = 0; node < nr_node_ids; node++)
		placement->home.nodes[node].cpus = 0;
	for_each_online_cpu(cpu) {
		node = cpu_to_node(cpu);
		if (node_isset(node, nodes))
			placement->home.nodes[node].cpus++;
	}
}

static void begin_period(struct rubato_placement_home *home, ktime_t now)
{
	int node;

	for (node = 0; node < nr_node_ids; node++)
		home->nodes[node].time = 0;
	home->since = now;
}

static void step(struct rubato_placement *placement, u64 period_ns)
{
	struct rubato_placement_home *home = &placement->home;
	struct rubato_home_view view = {
		.period = period_ns,
		.nr_nodes = nr_node_ids,
		.nodes = home->nodes,
	};
	int before = rubato_home_node(&home->home);

	count_cpus(placement);
	WRITE_ONCE(home->cpu_percent,
		   mul_u64_u64_div_u64(rubato_home_used(&view), 100,
				       period_ns));
	if (!rubato_home_step(&home->home, &view))
		return;
	WRITE_ONCE(home->node, rubato_home_node(&home->home));
	trace_rubato_home(placement->slot, before, home->node,
			  home->cpu_percent);
}

/**
 * rubato_home_suggest() - look at a tenant's period, if it is over
 * @placement: the tenant's; its processes have been noted
 *
 * Context: the worker, under rubato_spaces_mutex.
 */
void rubato_home_suggest(struct rubato_placement *placement)
{
	struct rubato_placement_home *home = &placement->home;
	ktime_t now = ktime_get();

	if (home->since && ktime_ms_delta(now, home->since) < PERIOD_MS)
		return;
	if (home->since)
		step(placement, ktime_to_ns(ktime_sub(now, home->since)));
	begin_period(home, now);
}

/**
 * rubato_home_forget() - nothing is known of a tenant any more
 * @placement: nobody follows its threads, or it has none
 *
 * Context: the worker, under rubato_spaces_mutex.
 */
void rubato_home_forget(struct rubato_placement *placement)
{
	struct rubato_placement_home *home = &placement->home;

	if (!home->since)
		return;
	if (home->home.place)
		trace_rubato_home(placement->slot,
				  rubato_home_node(&home->home), NUMA_NO_NODE,
				  0);
	home->home = (struct rubato_home){};
	WRITE_ONCE(home->node, NUMA_NO_NODE);
	WRITE_ONCE(home->cpu_percent, 0);
	home->since = 0;
}
