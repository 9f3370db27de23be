// SPDX-License-Identifier: GPL-2.0
/*
 * What tenants want of page tables. Each tenant has a placement from its first
 * day, which is its directory pgtable/; spaces hold it for longer than the
 * tenant lives. Those with a policy are in a list, so that the worker knows
 * whether there is anything to do.
 */
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include "placement.h"
#include "work.h"

#define ORDER_DEFAULT	9	/* a whole table at once */
/* Replicas may have a 64th of all memory: tables take a 512th of what they map. */
#define LIMIT_SHIFT	6

static DEFINE_SPINLOCK(placements_lock);
static LIST_HEAD(wanting);

/**
 * rubato_placement_alloc() - what a tenant begins with: nothing wanted
 * @slot: the tenant's
 * @generation: likewise
 *
 * Context: process. Return: a reference, or NULL without memory.
 */
struct rubato_placement *rubato_placement_alloc(u32 slot, u32 generation)
{
	struct rubato_placement *placement;

	placement = kzalloc(sizeof(*placement), GFP_KERNEL);
	if (!placement)
		return NULL;
	placement->counts = alloc_percpu(struct rubato_placement_counts);
	if (!placement->counts) {
		kfree(placement);
		return NULL;
	}
	placement->slot = slot;
	placement->generation = generation;
	refcount_set(&placement->users, 1);
	INIT_LIST_HEAD(&placement->link);
	placement->order = ORDER_DEFAULT;
	placement->max_kib = (totalram_pages() >> LIMIT_SHIFT) *
			     (PAGE_SIZE / 1024);
	placement->nodes = NODE_MASK_ALL;
	return placement;
}

/**
 * rubato_placement_get() - another reference
 * @placement: the caller has one
 *
 * Context: any.
 */
void rubato_placement_get(struct rubato_placement *placement)
{
	refcount_inc(&placement->users);
}

/**
 * rubato_placement_put() - let go of a reference
 * @placement: or NULL
 *
 * Context: any but hard interrupts.
 */
void rubato_placement_put(struct rubato_placement *placement)
{
	if (!placement || !refcount_dec_and_test(&placement->users))
		return;
	free_percpu(placement->counts);
	kfree(placement);
}

/**
 * rubato_placement_policy() - what is wanted now
 * @placement: any
 *
 * Context: any.
 */
enum rubato_policy
rubato_placement_policy(const struct rubato_placement *placement)
{
	return READ_ONCE(placement->policy);
}

/**
 * rubato_placement_set_policy() - want something else
 * @placement: of a tenant
 * @policy: what
 *
 * The worker does it soon. Once retired, a placement stays off.
 *
 * Context: process. Return: 0, or -ENODEV (its tenant has been removed).
 */
int rubato_placement_set_policy(struct rubato_placement *placement,
				enum rubato_policy policy)
{
	int err = 0;

	spin_lock(&placements_lock);
	if (placement->retired) {
		err = -ENODEV;
	} else {
		WRITE_ONCE(placement->policy, policy);
		list_del_init(&placement->link);
		if (policy != RUBATO_POLICY_OFF)
			list_add(&placement->link, &wanting);
	}
	spin_unlock(&placements_lock);
	if (!err)
		rubato_work_look();
	return err;
}

/**
 * rubato_placement_retire() - the tenant is being removed
 * @placement: its own
 *
 * Context: process.
 */
void rubato_placement_retire(struct rubato_placement *placement)
{
	bool wanted;

	spin_lock(&placements_lock);
	wanted = placement->policy != RUBATO_POLICY_OFF;
	WRITE_ONCE(placement->policy, RUBATO_POLICY_OFF);
	placement->retired = true;
	list_del_init(&placement->link);
	spin_unlock(&placements_lock);
	if (wanted)
		rubato_work_look();
}

/**
 * rubato_placements_any() - does any tenant want something?
 *
 * Context: any.
 */
bool rubato_placements_any(void)
{
	return !list_empty_careful(&wanting);
}

/**
 * rubato_placement_nodes() - where replicas may be
 * @placement: any
 *
 * Context: process. Return: of those with memory, the ones that were set.
 */
nodemask_t rubato_placement_nodes(struct rubato_placement *placement)
{
	nodemask_t nodes;

	spin_lock(&placements_lock);
	nodes_and(nodes, placement->nodes, node_states[N_MEMORY]);
	spin_unlock(&placements_lock);
	return nodes;
}

/**
 * rubato_placement_set_nodes() - say where replicas may be
 * @placement: any
 * @nodes: which
 *
 * Context: process. Return: 0, or -EINVAL (none of them has memory).
 */
int rubato_placement_set_nodes(struct rubato_placement *placement,
			       const nodemask_t *nodes)
{
	if (!nodes_subset(*nodes, node_states[N_MEMORY]) || nodes_empty(*nodes))
		return -EINVAL;
	spin_lock(&placements_lock);
	placement->nodes = *nodes;
	spin_unlock(&placements_lock);
	rubato_work_look();
	return 0;
}

/**
 * rubato_placement_count() - over all CPUs
 * @placement: any
 * @count: which
 *
 * Context: process.
 */
u64 rubato_placement_count(const struct rubato_placement *placement,
			   enum rubato_placement_count count)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(placement->counts,
					     cpu)->count[count]);
	return sum;
}
