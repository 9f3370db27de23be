// SPDX-License-Identifier: GPL-2.0
/* Which home is suggested to a tenant for what it used, period by period. */
#include <rubato/home.h>
#include "../kselftest.h"
#include "sim.h"

#define PERIOD	1000000ULL
#define NODES	4
#define CPUS	8

static uint64_t seed = 5;

/* Four nodes of eight CPUs; times in thousandths of a CPU. */
struct machine {
	struct rubato_home_node nodes[NODES];
	struct rubato_home_view view;
};

static struct machine machine(unsigned int a, unsigned int b, unsigned int c,
			      unsigned int d)
{
	unsigned int used[NODES] = { a, b, c, d };
	struct machine m = {};

	for (int i = 0; i < NODES; i++) {
		m.nodes[i].cpus = CPUS;
		m.nodes[i].time = used[i] * PERIOD / 1000;
	}
	m.view.period = PERIOD;
	m.view.nr_nodes = NODES;
	return m;
}

static int step(struct rubato_home *h, struct machine *m)
{
	m->view.nodes = m->nodes;
	return rubato_home_step(h, &m->view);
}

/* Where it is after many equal periods. */
static bool settles(struct rubato_home *h, struct machine m, int node,
		    enum rubato_home_reason reason)
{
	for (int i = 0; i < 20; i++)
		step(h, &m);
	return rubato_home_node(h) == node && h->reason == reason;
}

static bool settles_anew(struct machine m, int node,
			 enum rubato_home_reason reason)
{
	struct rubato_home h = {};

	return settles(&h, m, node, reason);
}

static bool test_each_case(void)
{
	struct machine half = machine(0, 3000, 0, 0);

	half.nodes[1].cpus = 3;
	return settles_anew(machine(0, 0, 0, 0), -1, RUBATO_HOME_UNKNOWN) &&
	       settles_anew(machine(5, 5, 0, 5), -1, RUBATO_HOME_UNKNOWN) &&
	       settles_anew(machine(0, 0, 1000, 0), 2, RUBATO_HOME_SMALL) &&
	       settles_anew(machine(900, 1000, 0, 0), 1, RUBATO_HOME_SMALL) &&
	       settles_anew(machine(500, 500, 0, 0), 0, RUBATO_HOME_SMALL) &&
	       settles_anew(machine(0, 0, 0, 6000), 3, RUBATO_HOME_SMALL) &&
	       settles_anew(machine(0, 0, 0, 6001), -1, RUBATO_HOME_LARGE) &&
	       settles_anew(machine(2000, 2000, 2000, 2000), -1,
			    RUBATO_HOME_LARGE) &&
	       /* The node that it runs on is too small; others are not. */
	       settles_anew(half, 0, RUBATO_HOME_SMALL);
}

/* One that has become a home may be used more, and stays when all is quiet. */
static bool test_hysteresis(void)
{
	struct machine between = machine(0, 6500, 0, 0);
	struct rubato_home h = {};

	return settles_anew(between, -1, RUBATO_HOME_LARGE) &&
	       settles(&h, machine(0, 4000, 0, 0), 1, RUBATO_HOME_SMALL) &&
	       settles(&h, between, 1, RUBATO_HOME_SMALL) &&
	       settles(&h, machine(0, 0, 0, 0), 1, RUBATO_HOME_SMALL) &&
	       settles(&h, machine(0, 7001, 0, 0), -1, RUBATO_HOME_LARGE) &&
	       settles(&h, between, -1, RUBATO_HOME_LARGE) &&
	       settles(&h, machine(0, 0, 0, 0), -1, RUBATO_HOME_LARGE) &&
	       settles(&h, machine(0, 5999, 0, 0), 1, RUBATO_HOME_SMALL);
}

static bool test_moves_for_twice(void)
{
	struct rubato_home h = {};

	return settles(&h, machine(1000, 0, 0, 0), 0, RUBATO_HOME_SMALL) &&
	       settles(&h, machine(1000, 2000, 0, 0), 0, RUBATO_HOME_SMALL) &&
	       settles(&h, machine(1000, 2002, 0, 0), 1, RUBATO_HOME_SMALL) &&
	       settles(&h, machine(2000, 1000, 0, 0), 1, RUBATO_HOME_SMALL);
}

/* A node that may not be one any more, or has gone: with work, and without. */
static bool test_node_goes(void)
{
	struct machine m = machine(0, 1000, 0, 0), idle = machine(0, 0, 0, 0);
	struct rubato_home h = {};

	if (!settles(&h, m, 1, RUBATO_HOME_SMALL))
		return false;
	m.nodes[1].cpus = 0;
	idle.nodes[0].cpus = 0;
	idle.view.nr_nodes = 3;
	if (!settles(&h, m, 0, RUBATO_HOME_SMALL) ||
	    !settles(&h, idle, -1, RUBATO_HOME_UNKNOWN) ||
	    !settles(&h, machine(0, 0, 0, 1000), 3, RUBATO_HOME_SMALL))
		return false;
	return settles(&h, idle, -1, RUBATO_HOME_UNKNOWN);
}

/* What lasts shorter than it takes to agree changes nothing. */
static bool test_blips(unsigned int cases)
{
	struct machine calm = machine(0, 1000, 0, 0);
	struct rubato_home h = {};

	if (!settles(&h, calm, 1, RUBATO_HOME_SMALL))
		return false;
	while (cases--) {
		struct machine blip = cases & 1 ? machine(0, 8000, 8000, 0) :
						  machine(1000, 0, 0, 0);
		unsigned int times = sim_range(&seed, 0,
					       RUBATO_HOME_AGREE - 1);

		while (times--) {
			if (step(&h, &blip))
				return false;
		}
		if (step(&h, &calm))
			return false;
	}
	return true;
}

/* A thread that the scheduler has wander between two nodes. */
static bool test_wandering(unsigned int cases)
{
	struct rubato_home h = {};
	unsigned int changes = 0;

	while (cases--) {
		unsigned int here = sim_range(&seed, 340, 660);
		struct machine m = machine(here, 1000 - here, 0, 0);

		changes += step(&h, &m);
	}
	return changes == 1;
}

static struct machine random_machine(void)
{
	struct machine m = {
		.view.period = sim_magnitude(&seed, 0, UINT64_MAX - 1),
		.view.nr_nodes = sim_range(&seed, 0, NODES),
	};

	for (int i = 0; i < NODES; i++) {
		m.nodes[i].cpus = sim_magnitude(&seed, 0, UINT32_MAX);
		m.nodes[i].time = sim_magnitude(&seed, 0, UINT64_MAX - 1);
	}
	return m;
}

static bool has_room(const struct machine *m, int node)
{
	unsigned __int128 used = 0, room = m->view.period;

	for (unsigned int i = 0; i < m->view.nr_nodes; i++)
		used += m->nodes[i].time;
	room = room * m->nodes[node].cpus * RUBATO_HOME_COME / 8;
	/* What cannot be counted is taken for as much as can be. */
	return used <= room || (used > UINT64_MAX && room >= UINT64_MAX);
}

/*
 * Whatever it sees: it says when it changes, after so many periods that agree
 * at the earliest, and only to a node that is there and has room.
 */
static bool test_any_input(unsigned int cases)
{
	unsigned int since = RUBATO_HOME_AGREE, same = 0;
	struct rubato_home h = {};
	struct machine m;

	while (cases--) {
		int before = rubato_home_node(&h), changed;

		if (!same--) {
			m = random_machine();
			same = sim_range(&seed, 0, 8);
		}
		changed = step(&h, &m);
		since++;
		if (changed != (before != rubato_home_node(&h)))
			return false;
		if (!changed)
			continue;
		if (since < RUBATO_HOME_AGREE ||
		    rubato_home_node(&h) >= (int)m.view.nr_nodes ||
		    (h.place && !has_room(&m, h.place - 1)) ||
		    (h.place && h.reason != RUBATO_HOME_SMALL))
			return false;
		since = 0;
	}
	return true;
}

/* Nodes have no order: with other numbers the answer has them, too. */
static bool test_renamed(unsigned int cases)
{
	while (cases--) {
		struct machine m = machine(0, 0, 0, 0), other = m;
		struct rubato_home h = {}, renamed = {};

		/* All different: where two are the same, the first one wins. */
		for (int i = 0; i < NODES; i++) {
			m.nodes[i].time = i + 4 * sim_range(&seed, 0,
							    9 * PERIOD);
			m.nodes[i].cpus = sim_range(&seed, 0, 200);
		}
		for (int i = 0; i < NODES; i++)
			other.nodes[NODES - 1 - i] = m.nodes[i];
		for (int i = 0; i < RUBATO_HOME_AGREE; i++) {
			step(&h, &m);
			step(&renamed, &other);
		}
		if (h.reason != renamed.reason || !h.place != !renamed.place ||
		    (h.place && h.place + renamed.place != NODES + 1))
			return false;
	}
	return true;
}

int main(void)
{
	unsigned int million = 1000000 * sim_scale();

	ksft_print_header();
	ksft_set_plan(8);
	ksft_test_result(test_each_case(), "each case has its home, or none\n");
	ksft_test_result(test_hysteresis(), "who is at home may use more\n");
	ksft_test_result(test_moves_for_twice(), "it moves for twice the time\n");
	ksft_test_result(test_node_goes(), "a node goes\n");
	ksft_test_result(test_blips(million),
			 "what does not last changes nothing\n");
	ksft_test_result(test_wandering(million),
			 "who wanders is at home once\n");
	ksft_test_result(test_any_input(million), "any input\n");
	ksft_test_result(test_renamed(million), "nodes have no order\n");
	ksft_finished();
}
