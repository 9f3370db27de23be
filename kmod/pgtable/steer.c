// SPDX-License-Identifier: GPL-2.0
/*
 * Which tree the CPUs of each node walk.
 *
 *   replicate: the one of their own node;
 *   migrate: all of them the one of the node where most threads are. Where the
 *	master itself lies there, that is the master, and there is no replica;
 *   auto: one of these, or the master: decide.c.
 *
 * A tree that no node walks any more is given back.
 */
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/rculist.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/topology.h>
#include "../trace.h"
#include "cpu.h"
#include "decide.h"
#include "home.h"
#include "inspect.h"
#include "placement.h"
#include "space.h"
#include "steer.h"

/*
 * The tree at @node. NULL, the master: without memory to plant it, or as long as
 * nobody would walk it.
 */
static struct rubato_tree *tree_at(struct rubato_space *space, int node,
				   bool *changed)
{
	struct rubato_tree *tree = &space->nodes[node].tree;

	if (READ_ONCE(tree->root_address))
		return tree;
	if (!node_isset(node, space->seen) ||
	    time_before(jiffies, space->nodes[node].plant_again))
		return NULL;
	if (rubato_tree_plant(tree)) {
		space->nodes[node].plant_again = jiffies + HZ;
		return NULL;
	}
	*changed = true;
	return tree;
}

static bool set_walk(struct rubato_space *space, int node,
		     struct rubato_tree *tree)
{
	if (space->nodes[node].walk == tree)
		return false;
	WRITE_ONCE(space->nodes[node].walk, tree);
	return true;
}

static bool is_walked(const struct rubato_space *space,
		      const struct rubato_tree *tree)
{
	int node;

	for (node = 0; node < nr_node_ids; node++) {
		if (space->nodes[node].walk == tree)
			return true;
	}
	return false;
}

/* Trees that CPUs may still be on, but shall not be any more. */
static bool has_unused(const struct rubato_space *space)
{
	int node;

	for (node = 0; node < nr_node_ids; node++) {
		const struct rubato_tree *tree = &space->nodes[node].tree;

		if (READ_ONCE(tree->root_address) && !is_walked(space, tree))
			return true;
	}
	return false;
}

static void give_back_unused(struct rubato_space *space)
{
	int node;

	if (!has_unused(space))
		return;
	WRITE_ONCE(space->paused, true);
	rubato_cpus_forget(space);
	for (node = 0; node < nr_node_ids; node++) {
		if (!is_walked(space, &space->nodes[node].tree))
			rubato_tree_strip(&space->nodes[node].tree);
	}
	smp_store_release(&space->paused, false);	/* (D) of cpu.c */
}

/* --- replicate ----------------------------------------------------------- */

static bool replicate(struct rubato_space *space)
{
	nodemask_t nodes = rubato_placement_nodes(space->placement);
	struct rubato_tree *tree;
	bool changed = false;
	int node;

	space->home = NUMA_NO_NODE;
	for (node = 0; node < nr_node_ids; node++) {
		tree = node_isset(node, nodes) ?
		       tree_at(space, node, &changed) : NULL;
		changed |= set_walk(space, node, tree);
	}
	return changed;
}

/* --- migrate ------------------------------------------------------------- */

static void clear_votes(struct rubato_space *space)
{
	int node;

	for (node = 0; node < nr_node_ids; node++) {
		space->nodes[node].votes = 0;
		space->nodes[node].running = 0;
	}
	space->runtime_ns = 0;
}

/* More than half of the threads, or NUMA_NO_NODE. */
static int majority(const struct rubato_space *space)
{
	unsigned int all = 0;
	int node;

	for (node = 0; node < nr_node_ids; node++)
		all += space->nodes[node].votes;
	for (node = 0; node < nr_node_ids; node++) {
		if (2 * space->nodes[node].votes > all)
			return node;
	}
	return NUMA_NO_NODE;
}

static bool walk_all(struct rubato_space *space, struct rubato_tree *tree)
{
	bool changed = false;
	int node;

	for (node = 0; node < nr_node_ids; node++)
		changed |= set_walk(space, node, tree);
	return changed;
}

/* Have the master's tables become more or fewer, by a quarter? */
static bool has_changed(const struct rubato_space *space)
{
	unsigned long now = mm_pgtables_bytes(space->mm);
	unsigned long then = space->inspected_bytes;

	return 4 * (now > then ? now - then : then - now) > then;
}

/* Counts where the master's tables lie, if that may be news. */
static void count_tables(struct rubato_space *space)
{
	unsigned long *tables;
	int node;

	if (!has_changed(space))
		return;
	tables = kcalloc(nr_node_ids, sizeof(*tables), GFP_KERNEL);
	if (!tables)
		return;
	space->inspected_bytes = mm_pgtables_bytes(space->mm);
	if (!rubato_inspect_tables(space->mm, tables)) {
		for (node = 0; node < nr_node_ids; node++)
			space->nodes[node].tables = tables[node];
	}
	kfree(tables);
}

static bool has_most_tables(const struct rubato_space *space, int at)
{
	unsigned long all = 0;
	int node;

	for (node = 0; node < nr_node_ids; node++)
		all += space->nodes[node].tables;
	return 2 * space->nodes[at].tables > all;
}

static void move_to(struct rubato_space *space, int node)
{
	bool at_home = has_most_tables(space, node);

	if (space->home != node || space->at_home != at_home)
		trace_rubato_space_move(space->placement->slot, space->pid,
					space->home, node, at_home);
	space->home = node;
	space->at_home = at_home;
}

/* A tie leaves things as they are. */
static bool migrate(struct rubato_space *space)
{
	nodemask_t nodes = rubato_placement_nodes(space->placement);
	struct rubato_tree *tree = NULL;
	int node = majority(space);
	bool changed = false;

	if (node == NUMA_NO_NODE)
		node = space->home;
	if (node == NUMA_NO_NODE || !node_isset(node, nodes))
		return walk_all(space, NULL);
	move_to(space, node);
	if (!space->at_home)
		tree = tree_at(space, node, &changed);
	return walk_all(space, tree) || changed;
}

/* --- what is seen of threads --------------------------------------------- */

static bool follows_threads(const struct rubato_space *space)
{
	return rubato_placement_follows_threads(space->placement);
}

static void vote(struct task_struct *thread)
{
	struct rubato_space *space;
	int node;

	task_lock(thread);
	space = thread->mm ? rubato_space_of_mm(thread->mm) : NULL;
	if (space) {
		node = cpu_to_node(task_cpu(thread));
		space->nodes[node].votes++;
		space->nodes[node].running += task_is_running(thread);
		space->runtime_ns += READ_ONCE(thread->se.sum_exec_runtime);
	}
	task_unlock(thread);
}

/* The first thread says no for all, unless it has ended before the others. */
static bool may_be_ours(struct task_struct *process)
{
	bool ours;

	if (process->flags & PF_KTHREAD)
		return false;
	task_lock(process);
	ours = !process->mm || rubato_space_of_mm(process->mm);
	task_unlock(process);
	return ours;
}

static void vote_all(void)
{
	struct task_struct *process, *thread;

	rcu_read_lock();
	for_each_process(process) {
		if (!may_be_ours(process))
			continue;
		for_each_thread(process, thread)
			vote(thread);
	}
	rcu_read_unlock();
}

static bool count_votes(struct list_head *spaces)
{
	struct rubato_space *space;
	bool any = false;

	list_for_each_entry(space, spaces, link) {
		clear_votes(space);
		any |= follows_threads(space);
	}
	if (any)
		vote_all();
	return any;
}

/* Those without threads to follow have no home. */
static void suggest_homes(struct list_head *spaces)
{
	struct rubato_space *space;

	list_for_each_entry(space, spaces, link) {
		if (follows_threads(space)) {
			rubato_home_note(space);
		} else {
			space->noted_ns = 0;
			rubato_home_forget(space->placement);
		}
	}
	list_for_each_entry(space, spaces, link) {
		if (follows_threads(space))
			rubato_home_suggest(space->placement);
	}
}

/* --- all of it ----------------------------------------------------------- */

static bool steer_one(struct rubato_space *space)
{
	enum rubato_pgtable_policy policy = rubato_placement_policy(space->placement);

	if (follows_threads(space))
		count_tables(space);
	if (policy == RUBATO_PGTABLE_POLICY_AUTO)
		policy = rubato_decide(space);
	switch (policy) {
	case RUBATO_PGTABLE_POLICY_REPLICATE:
		return replicate(space);
	case RUBATO_PGTABLE_POLICY_MIGRATE:
		return migrate(space);
	default:
		space->home = NUMA_NO_NODE;
		return walk_all(space, NULL);
	}
}

/**
 * rubato_steer() - bring all spaces to where they should be
 * @spaces: all there are
 *
 * Context: the worker, under rubato_spaces_mutex; not while CPUs are held.
 * Return: is there any that follows its threads, so that this is due again?
 */
bool rubato_steer(struct list_head *spaces)
{
	bool moving = count_votes(spaces), changed;
	struct rubato_space *space;

	suggest_homes(spaces);
	list_for_each_entry(space, spaces, link) {
		if (READ_ONCE(space->closed))
			continue;
		changed = steer_one(space);
		if (has_unused(space)) {
			give_back_unused(space);
			changed = true;
		}
		if (changed)
			rubato_cpus_choose(space);
	}
	return moving;
}
